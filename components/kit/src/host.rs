//! Everything that a service takes from its surroundings. `component` takes it from a WebAssembly
//! host, `testing` holds it in memory, the benchmark takes it from its own process.

use crate::event::{Event, PublishError};
use crate::store::KeyValue;

/// A request to another server or service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub method: &'static str,
    /// `http://…` or `https://…`
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// How long to wait for the head of the answer, and between parts of its body.
    pub timeout_ms: u64,
}

/// The answer to it; at most [`crate::http::BODY_BYTES_MAX`] of its body are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Why there is no answer. Whether the request was carried out is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError(pub String);

/// The surroundings of a service.
pub trait Host {
    /// The store that belongs to the service.
    fn store(&self) -> &dyn KeyValue;

    /// Publishes an event: it is on disk when this returns, or, inside an atomic handler, will be
    /// with the handler's writes.
    ///
    /// # Errors
    /// When the bus did not take it.
    fn publish(&self, event: &Event) -> Result<(), PublishError>;

    /// Milliseconds since 1970.
    fn now_ms(&self) -> u64;

    /// Unpredictable bytes.
    fn random(&self, bytes: &mut [u8]);

    /// A variable of the manifest.
    fn variable(&self, name: &str) -> Option<String>;

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When there is none in time.
    fn send(&self, request: &Outgoing) -> Result<Incoming, SendError>;

    /// A line for the log.
    fn log(&self, line: &str);

    /// A new id that nobody guesses: the prefix, a dash and 26 letters and digits (130 bits).
    fn new_id(&self, prefix: &str) -> String {
        const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut bytes = [0; 26];
        self.random(&mut bytes);
        let letters = bytes
            .iter()
            .filter_map(|byte| LETTERS.get(usize::from(byte & 31)))
            .map(|letter| char::from(*letter));
        format!("{prefix}-{}", letters.collect::<String>())
    }
}

/// So that a test keeps its hand on the surroundings that it gives away.
impl<H: Host + ?Sized> Host for &H {
    fn store(&self) -> &dyn KeyValue {
        (**self).store()
    }

    fn publish(&self, event: &Event) -> Result<(), PublishError> {
        (**self).publish(event)
    }

    fn now_ms(&self) -> u64 {
        (**self).now_ms()
    }

    fn random(&self, bytes: &mut [u8]) {
        (**self).random(bytes);
    }

    fn variable(&self, name: &str) -> Option<String> {
        (**self).variable(name)
    }

    fn send(&self, request: &Outgoing) -> Result<Incoming, SendError> {
        (**self).send(request)
    }

    fn log(&self, line: &str) {
        (**self).log(line);
    }
}
