//! Watches the canaries of a fleet, and takes the calls from one that does worse than what ran
//! before. What worse means is judged by [`crate::runtime::canary`].

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::fleet::Fleet;
use super::switch::Reason;
use crate::manifest::model::canary::Canary;
use crate::runtime::canary::{Counts, Verdict, Window, judge};
use crate::runtime::revision::Revision;
use crate::runtime::service::Service;

/// Who takes calls away by the rule of the manifest.
const BY: &str = "canary rule";

/// A window is looked at so many times before it ends, so that what fails at once is seen at once.
const LOOKS: u32 = 20;
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// A canary beside what ran before.
struct Pair {
    new: Arc<Revision>,
    old: Arc<Revision>,
    rule: Canary,
}

impl Fleet {
    /// Begins to watch the canary of a service, if it has one and a rule for it.
    pub(super) fn watch_canary(self: &Arc<Self>, service: &Arc<Service>) {
        let Some(pair) = pair(service) else {
            return;
        };
        let watching = watch(Arc::downgrade(self), service.clone(), pair);
        self.tasks.spawn(watching);
    }
}

fn pair(service: &Service) -> Option<Pair> {
    let live = service.live();
    let mut weighted: Vec<_> = live
        .weighted()
        .map(|share| share.revision.clone())
        .collect();
    let (new, old) = (weighted.pop()?, weighted.pop()?);
    let rule = new.settings().canary.clone()?;
    Some(Pair { new, old, rule })
}

async fn watch(fleet: Weak<Fleet>, service: Arc<Service>, pair: Pair) {
    let window = Duration::from_millis(pair.rule.window_ms);
    let pause = (window / LOOKS).max(PAUSE_MIN);
    let (mut new_window, mut old_window) = (
        Window::begin(counts(&pair.new)),
        Window::begin(counts(&pair.old)),
    );
    let mut began = Instant::now();
    loop {
        sleep(pause).await;
        if !is_live(&service, &pair) {
            return;
        }
        let (new_counts, old_counts) = (counts(&pair.new), counts(&pair.old));
        let (new, old) = (new_window.stats(&new_counts), old_window.stats(&old_counts));
        if let Verdict::Worse(reason) = judge(&pair.rule, &new, &old) {
            let Some(fleet) = fleet.upgrade() else {
                return;
            };
            let id = service.id().clone();
            let (new, old) = (pair.new.number, pair.old.number);
            tracing::warn!(
                service = &*id,
                revision = new,
                reason,
                "a canary is taken back"
            );
            let taken = tokio::task::spawn_blocking(move || {
                let reason = Reason {
                    by: BY,
                    action: "rollback",
                    detail: json!({ "reason": reason, "canary": new }),
                };
                fleet.roll_back(&id, Some(old), &reason)
            });
            match taken.await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) => tracing::error!(%error, "the canary cannot be taken back"),
                Err(error) => tracing::error!(%error, "the canary cannot be taken back"),
            }
        }
        if began.elapsed() >= window {
            new_window = Window::begin(new_counts);
            old_window = Window::begin(old_counts);
            began = Instant::now();
        }
    }
}

fn is_live(service: &Service, pair: &Pair) -> bool {
    let live = service.live();
    let has_weight = |revision: &Arc<Revision>| {
        let share = live.find(revision.number);
        share.is_some_and(|share| share.weight > 0)
    };
    has_weight(&pair.new) && has_weight(&pair.old)
}

fn counts(revision: &Revision) -> Counts {
    let times = revision.calls.latency.snapshot();
    Counts {
        calls: times.count(),
        failed: revision.calls.failed.get(),
        times,
    }
}
