//! One service of the app: its current revision, its limits, and the call of its handler.

use std::sync::Arc;

use wasmtime_wasi_http::WasiBody;

use crate::capabilities::invocation::Invocation;

/// A service that is ready to be called.
pub struct Service {
    id: String,
}

impl Service {
    /// The component's id in the manifest.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Runs the service's HTTP handler once and returns the head of its answer; the body streams on. When the returned
    /// future is dropped before it is ready (the client left), a handler that has begun still runs to its end.
    pub async fn handle(
        self: Arc<Self>,
        request: http::Request<WasiBody>,
        invocation: Invocation,
    ) -> Result<http::Response<WasiBody>, InvocationError> {
        let _ = (request, invocation);
        Err(InvocationError::NoResponse)
    }
}

/// Why an invocation has no answer. The texts are for the log, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// The guest trapped; the text has the wasm backtrace.
    #[error("the guest trapped: {0}")]
    Trap(String),
    /// The handler returned, or ended, without an answer.
    #[error("the guest ended without a response")]
    NoResponse,
    /// The guest answered with an error of `wasi:http` in the place of a response.
    #[error("the guest answered with an error: {0}")]
    GuestError(String),
    /// The head of the answer did not come before the deadline.
    #[error("no answer within {0} ms")]
    DeadlineExceeded(u64),
    /// The invocation used more CPU time than its service may.
    #[error("more than {0} ms of CPU time used")]
    CpuExceeded(u64),
    /// All instances are busy and none became free before the deadline.
    #[error("all {0} instances are busy")]
    Saturated(usize),
    /// The instance could not be made, which is the host's or the operator's fault.
    #[error("the instance could not be made: {0}")]
    Instantiation(String),
}
