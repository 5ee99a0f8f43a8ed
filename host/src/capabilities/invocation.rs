//! What every capability may know about the invocation that it serves: who calls, and until when.

use std::time::Instant;

/// One run of a handler: an HTTP request or a chained call. Enters the store at hand-over.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The id that names the whole request tree in logs and in error answers.
    pub request_id: String,
    /// W3C trace context of the invocation, carried on by chained calls.
    pub traceparent: String,
    /// How many chained calls lie between the listener and this invocation; 0 for the root.
    pub depth: u32,
    /// The moment at which the invocation's answer must have begun.
    pub deadline: Instant,
}
