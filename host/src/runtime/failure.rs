//! Why an invocation has no answer, and what of it others are told.

use crate::storage::key_value::KeyValueError;
use crate::telemetry::metrics::Outcome;

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
    /// To wait for an instance could be to wait for ever.
    #[error("{0}")]
    Cycle(String),
    /// The chain of calls is longer than the host allows.
    #[error("the chain of calls is deeper than {0}")]
    TooDeep(u32),
    /// The arguments or the result of a linked call.
    #[error("{what} take {bytes} bytes, more than the link's message_bytes_max of {bytes_max}")]
    TooLarge {
        what: &'static str,
        bytes: usize,
        bytes_max: usize,
    },
    /// The request of an atomic handler has more bytes than the host holds.
    #[error("the request of an atomic handler has more than {0} bytes")]
    RequestTooLarge(usize),
    /// The request's body ended with an error before an atomic handler had begun.
    #[error("the request's body did not come: {0}")]
    RequestIncomplete(String),
    /// What an atomic handler had read was changed by others each time.
    #[error("{0} runs of the atomic handler met a conflict each; nothing was committed")]
    Conflicts(u32),
    /// The store did not take what an atomic handler did.
    #[error("nothing of the atomic handler was committed: {0}")]
    NotCommitted(KeyValueError),
    /// The instance could not be made, which is the host's or the operator's fault.
    #[error("the instance could not be made: {0}")]
    Instantiation(String),
}

impl InvocationError {
    /// How metrics count it.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Trap(_) => Outcome::Trapped,
            Self::NoResponse => Outcome::NoResponse,
            Self::GuestError(_) => Outcome::GuestError,
            Self::DeadlineExceeded(_) => Outcome::DeadlineExceeded,
            Self::CpuExceeded(_) => Outcome::CpuExceeded,
            Self::Saturated(_) => Outcome::Saturated,
            Self::Cycle(_) => Outcome::Cycle,
            Self::TooDeep(_) => Outcome::TooDeep,
            Self::TooLarge { .. } | Self::RequestTooLarge(_) => Outcome::TooLarge,
            Self::RequestIncomplete(_) => Outcome::RequestIncomplete,
            Self::Conflicts(_) => Outcome::Conflict,
            Self::NotCommitted(_) => Outcome::NotCommitted,
            Self::Instantiation(_) => Outcome::Unstartable,
        }
    }

    /// What the service that called may know: nothing of the callee's inside.
    pub fn for_caller(&self, callee: &str) -> String {
        match self {
            Self::Trap(_) => format!("{callee} failed"),
            Self::NoResponse | Self::GuestError(_) => format!("{callee} gave no valid answer"),
            Self::Instantiation(_) => format!("{callee} could not be started"),
            Self::DeadlineExceeded(_) => format!("{callee} took too long"),
            Self::CpuExceeded(_) => format!("{callee} used too much computing time"),
            Self::Saturated(_) => format!("{callee} is busy"),
            Self::Conflicts(_) | Self::NotCommitted(_) => format!("{callee} committed nothing"),
            Self::Cycle(_)
            | Self::TooDeep(_)
            | Self::TooLarge { .. }
            | Self::RequestTooLarge(_)
            | Self::RequestIncomplete(_) => self.to_string(),
        }
    }

    /// Whether the callee's code is at fault, which its author wants to know of.
    pub fn is_fault(&self) -> bool {
        self.outcome().verdict() == Some(false)
    }
}
