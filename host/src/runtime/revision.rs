//! One revision of a service: its code and instances with the settings that belong to them, the
//! request trees that use it, and what is counted of it. Which revision a tree takes is decided in
//! [`super::live`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::atomic::AtomicHandlers;
use super::contracts::Contract;
use super::instances::Instances;
use crate::manifest::model::ServiceSettings;
use crate::telemetry::metrics::{Counter, Histogram};

/// One immutable build of a service.
pub struct Revision {
    /// Counted from 1 for each service.
    pub number: u64,
    pub instances: Arc<Instances>,
    /// None for most services.
    pub atomic: Option<Arc<AtomicHandlers>>,
    /// What is counted of its calls, whoever makes them.
    pub calls: RevisionCalls,
    /// Request trees that have taken it and run.
    trees: AtomicUsize,
    /// The last of them has ended.
    unused: Notify,
    /// What still runs shall end.
    cut: CancellationToken,
}

/// What a canary is judged by.
#[derive(Debug, Default)]
pub struct RevisionCalls {
    pub latency: Histogram,
    /// Calls in which the revision failed, answers of 500 and above included.
    pub failed: Counter,
}

/// A revision in the hands of a request tree.
pub struct Taken(Arc<Revision>);

impl Revision {
    pub fn new(number: u64, instances: Instances, atomic: Option<AtomicHandlers>) -> Self {
        Self {
            number,
            instances: Arc::new(instances),
            atomic: atomic.map(Arc::new),
            calls: RevisionCalls::default(),
            trees: AtomicUsize::new(0),
            unused: Notify::new(),
            cut: CancellationToken::new(),
        }
    }

    /// The same build for request trees to come. Those that have taken it before stay with this
    /// one, which is waited for and cut off for them alone.
    pub fn again(&self) -> Self {
        Self {
            number: self.number,
            instances: self.instances.clone(),
            atomic: self.atomic.clone(),
            calls: RevisionCalls::default(),
            trees: AtomicUsize::new(0),
            unused: Notify::new(),
            cut: CancellationToken::new(),
        }
    }

    /// The limits of the service in this revision.
    pub fn settings(&self) -> &ServiceSettings {
        self.instances.settings()
    }

    /// The digest of its WebAssembly.
    pub fn digest(&self) -> &str {
        self.instances.loader().artifact.digest()
    }

    /// What it imports and exports.
    pub fn contract(&self) -> &Contract {
        self.instances.loader().artifact.contract()
    }

    /// Hands the revision to a request tree.
    pub fn take(self: &Arc<Self>) -> Taken {
        self.trees.fetch_add(1, Ordering::AcqRel);
        Taken(self.clone())
    }

    /// Request trees that have taken it and run.
    pub fn trees(&self) -> usize {
        self.trees.load(Ordering::Acquire)
    }

    /// Ready when no request tree uses it; who calls it takes care that no other one begins to.
    pub async fn until_unused(&self) {
        loop {
            let unused = self.unused.notified();
            if self.trees() == 0 {
                return;
            }
            unused.await;
        }
    }

    /// Ends the answers that stream when it is cancelled. What has not answered yet has a deadline
    /// of its own.
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }
}

impl Taken {
    /// The revision.
    pub fn revision(&self) -> &Arc<Revision> {
        &self.0
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.0.trees.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.unused.notify_waiters();
        }
    }
}
