//! What every capability may know about the invocation that it serves, and the way to another
//! service of the app. The call itself is left to the gateway.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use wasmtime_wasi_http::WasiBody;

/// One run of a handler: an HTTP request or a chained call. Enters the store at hand-over.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The id that names the whole request tree in logs and in error answers.
    pub request_id: String,
    /// W3C trace context of the invocation, carried on by chained calls.
    pub traceparent: String,
    /// How many chained calls lie between the listener and this invocation; 0 for the root.
    pub depth: u32,
    /// When the invocation's answer must have begun.
    pub deadline: Deadline,
}

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
        caller: &Invocation,
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
