//! What every capability may know about the invocation that it serves, and the way to another
//! service of the app. The call itself is left to the gateway.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use wasmtime_wasi_http::WasiBody;

use crate::manifest::model::canary::Sticky;
use crate::storage::bus::DeliveryId;
use crate::storage::key_value::unit::Unit;
use crate::telemetry::trace_context::TraceContext;

/// One run of a handler: an HTTP request, a chained or a linked call. Enters the store at
/// hand-over.
#[derive(Debug)]
pub struct Invocation {
    /// The id that names the whole request tree in logs and in error answers.
    pub request_id: Arc<str>,
    /// What the whole request tree has in common.
    pub tree: Arc<Tree>,
    /// The span of this invocation, continued by every call that it makes.
    pub trace: TraceContext,
    /// The service that runs.
    pub service: Arc<str>,
    /// How many calls lie between the listener and this invocation; 0 for the root.
    pub depth: u32,
    /// When the invocation's answer must have begun.
    pub deadline: Deadline,
    /// The invocation that waits for this one; none for the root.
    pub caller: Option<Arc<Invocation>>,
    /// The event that it handles, which an atomic handler acknowledges with its commit.
    pub delivery: Option<DeliveryId>,
    /// What commits together when it succeeds; none outside an atomic handler.
    pub unit: Option<Arc<Unit>>,
}

impl Invocation {
    /// The root of a request tree.
    pub fn root(
        request_id: Arc<str>,
        trace: TraceContext,
        service: Arc<str>,
        deadline: Instant,
    ) -> Arc<Self> {
        Arc::new(Self {
            request_id,
            tree: Arc::default(),
            trace,
            service,
            depth: 0,
            deadline: Deadline::new(deadline),
            caller: None,
            delivery: None,
            unit: None,
        })
    }

    /// The root of a request tree that begins with an event.
    pub fn root_of_delivery(
        request_id: Arc<str>,
        trace: TraceContext,
        service: Arc<str>,
        deadline: Instant,
        delivery: DeliveryId,
    ) -> Arc<Self> {
        let mut root = Self::root(request_id, trace, service, deadline);
        if let Some(invocation) = Arc::get_mut(&mut root) {
            invocation.delivery = Some(delivery);
        }
        root
    }

    /// A call that this invocation makes: same tree, next span, and no more time than this one has
    /// left. `own_deadline` is the callee's own.
    pub fn calls(self: &Arc<Self>, service: Arc<str>, own_deadline: Instant) -> Arc<Self> {
        // A caller whose answer has begun has no deadline any more.
        let deadline = self
            .deadline
            .at()
            .map_or(own_deadline, |left| own_deadline.min(left));
        Arc::new(Self {
            request_id: self.request_id.clone(),
            tree: self.tree.clone(),
            trace: self.trace.child(),
            service,
            depth: self.depth + 1,
            deadline: Deadline::new(deadline),
            caller: Some(self.clone()),
            delivery: None,
            unit: None,
        })
    }

    /// One run of this invocation, as an atomic handler, in a unit of its own.
    pub fn run_in(&self, unit: Arc<Unit>) -> Arc<Self> {
        let Self {
            request_id,
            tree,
            trace,
            service,
            depth,
            deadline,
            caller,
            delivery,
            unit: _,
        } = self;
        Arc::new(Self {
            request_id: request_id.clone(),
            tree: tree.clone(),
            trace: *trace,
            service: service.clone(),
            depth: *depth,
            deadline: deadline.clone(),
            caller: caller.clone(),
            delivery: *delivery,
            unit: Some(unit),
        })
    }

    /// Those who wait for this invocation, the nearest first.
    pub fn callers(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(self.caller.as_deref(), |invocation| {
            invocation.caller.as_deref()
        })
    }

    /// The services of the chain from the root to this invocation, such as `a → b → c`.
    pub fn path(&self) -> String {
        let mut services: Vec<&str> = self.callers().map(|caller| &*caller.service).collect();
        services.reverse();
        services.push(&self.service);
        services.join(" → ")
    }
}

/// What the invocations of one request tree have in common: of each service that the tree has
/// called, what its first call took, which all further ones take as well.
#[derive(Default)]
pub struct Tree {
    /// Few, so a search from the front is quicker than any table.
    taken: Mutex<Vec<(u64, Arc<dyn Any + Send + Sync>)>>,
    /// Of the root's request the parts that some service's callers are told apart by, hashed.
    keys: OnceLock<Vec<(Sticky, u64)>>,
}

impl Tree {
    /// What the tree has taken under a service's number; at the first call, what `choose` says.
    pub fn take<T: Any + Send + Sync>(
        &self,
        number: u64,
        choose: impl FnOnce() -> Option<Arc<T>>,
    ) -> Option<Arc<T>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = taken.iter().find(|(of, _)| *of == number) {
            return found.clone().downcast().ok();
        }
        let chosen = choose()?;
        taken.push((number, chosen.clone()));
        Some(chosen)
    }

    /// Notes what tells the root's client from others; the first time counts.
    pub fn set_keys(&self, keys: Vec<(Sticky, u64)>) {
        // The root is made once.
        let _ = self.keys.set(keys);
    }

    /// The hash of a part of the root's request, if it has it.
    pub fn key(&self, sticky: &Sticky) -> Option<u64> {
        let mut keys = self.keys.get()?.iter();
        keys.find(|(of, _)| of == sticky).map(|(_, hash)| *hash)
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tree").finish_non_exhaustive()
    }
}

/// What a guest is told that writes elsewhere from an atomic handler.
pub const WRITE_REFUSED: &str = "an atomic handler can write only the key-value store of its own \
                                 service; publish an event for what shall happen elsewhere, or \
                                 leave the atomic path and use kumiki-invocation-id as an \
                                 idempotency key";

/// Calls that may lie between the listener and an invocation. Every call in a chain holds an
/// instance while it waits, so a service that calls itself would take them all; no sound app is
/// this deep.
pub const DEPTH_MAX: u32 = 16;

/// The moment at which an answer must have begun. Once it has, the deadline is met and bounds
/// nothing any more; every copy sees that, so a handler that streams for long may still call
/// others.
#[derive(Clone, Debug)]
pub struct Deadline {
    instant: Instant,
    is_met: Arc<AtomicBool>,
}

impl Deadline {
    pub fn new(instant: Instant) -> Self {
        Self {
            instant,
            is_met: Arc::default(),
        }
    }

    /// The moment itself, whether or not it still counts.
    pub fn instant(&self) -> Instant {
        self.instant
    }

    /// The moment up to which the invocation may wait; `None` once its answer has begun.
    pub fn at(&self) -> Option<Instant> {
        (!self.is_met.load(Ordering::Relaxed)).then_some(self.instant)
    }

    /// The answer has begun.
    pub fn meet(&self) {
        self.is_met.store(true, Ordering::Relaxed);
    }

    /// Whether the moment has passed and the answer has not begun.
    pub fn has_passed(&self) -> bool {
        self.at().is_some_and(|at| Instant::now() >= at)
    }
}

/// The answer to a chained call, or why there is none.
pub type ChainResult = Result<http::Response<WasiBody>, ChainError>;

/// Service chaining: an HTTP request to `http://ID.spin.internal/…`, answered in process without a
/// socket.
pub trait Chain: Send + Sync {
    /// Calls the service `id`. The request's URI is the guest's own; `caller` is the invocation
    /// that makes the call.
    fn call(
        &self,
        id: &str,
        request: http::Request<WasiBody>,
        caller: &Arc<Invocation>,
    ) -> Pin<Box<dyn Future<Output = ChainResult> + Send>>;
}

/// Why a chained call has no answer. A callee that fails answers 500/502/503/504 instead, as over a
/// socket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No service of this id has an HTTP trigger.
    #[error("no service `{0}` with an HTTP trigger is part of this application")]
    NoSuchService(String),
    /// The chain of calls is longer than the host allows.
    #[error("the chain of calls is deeper than {0}")]
    TooDeep(u32),
}
