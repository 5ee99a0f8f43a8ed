//! CloudEvents 1.0.2 over HTTP: from a request to what the log keeps, and from what the log keeps
//! to the request of a delivery and to one JSON object. The rules of the specification are checked
//! on the way in, so nothing that is stored is refused later.
//!
//! Headers are names and bytes here, so that the types of HTTP stay with the gateway. Topics, the
//! limits of a body, statuses and the answer are left to the endpoint.

mod attributes;
pub mod binary;
pub mod json;
mod rules;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

pub use self::attributes::push_quoted;

/// What the host knows of every event of one request.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'o> {
    pub topic: &'o str,
    /// The id of the publishing service, the `source` of its events.
    pub source: &'o str,
    /// The `time` of events that have none.
    pub now: DateTime<Utc>,
    /// One event with its attributes, in bytes.
    pub event_bytes_max: usize,
}

/// How a request carries its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Attributes in headers, the data as the body.
    Binary,
    /// One JSON object.
    Structured,
    /// A JSON array of such objects.
    Batch,
}

/// Why a request carries no events that can be stored. The texts are for the publisher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("The attribute `{0}` is missing.")]
    Missing(&'static str),
    #[error("The attribute `{name}` {reason}.")]
    Attribute { name: String, reason: &'static str },
    #[error("The member `{member}` {reason}.")]
    Data {
        member: &'static str,
        reason: &'static str,
    },
    #[error("The body is no CloudEvent in JSON: {0}.")]
    Json(String),
    #[error(
        "The `content-type` is `application/cloudevents` in a format other than JSON in UTF-8."
    )]
    Format,
    #[error("The event has {bytes} bytes with its attributes, of at most {bytes_max}.")]
    TooLarge { bytes: usize, bytes_max: usize },
    #[error("The batch has {0} events, of at most {BATCH_EVENTS_MAX}.")]
    TooMany(usize),
    #[error("Event {index} of the batch, counted from 0: {error}")]
    InBatch { index: usize, error: Box<Self> },
}

/// Bytes of a batch's body, and of one event's in JSON, which may be encoded at length.
pub const JSON_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Events of one batch.
pub const BATCH_EVENTS_MAX: usize = 1000;

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
/// What the type of every mode but binary begins with.
const FAMILY: &[u8] = b"application/cloudevents";

/// The mode of a request with this `content-type`.
///
/// # Errors
/// [`EventError::Format`]
pub fn mode(content_type: Option<&[u8]>) -> Result<Mode, EventError> {
    let Some(content_type) = content_type else {
        return Ok(Mode::Binary);
    };
    let family = content_type.get(..FAMILY.len());
    if !family.is_some_and(|family| family.eq_ignore_ascii_case(FAMILY)) {
        return Ok(Mode::Binary);
    }
    let text = std::str::from_utf8(content_type).map_err(|_| EventError::Format)?;
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let charset = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case("charset").then_some(value)
    });
    let is_utf8 = |charset: &str| charset.trim_matches('"').eq_ignore_ascii_case("utf-8");
    if !charset.is_none_or(is_utf8) {
        Err(EventError::Format)
    } else if media_type.eq_ignore_ascii_case(STRUCTURED) {
        Ok(Mode::Structured)
    } else if media_type.eq_ignore_ascii_case(BATCH) {
        Ok(Mode::Batch)
    } else {
        Err(EventError::Format)
    }
}

impl EventError {
    /// Whether it is the size that is wrong.
    pub fn is_size(&self) -> bool {
        match self {
            Self::TooLarge { .. } | Self::TooMany(_) => true,
            Self::InBatch { error, .. } => error.is_size(),
            Self::Missing(_)
            | Self::Attribute { .. }
            | Self::Data { .. }
            | Self::Json(_)
            | Self::Format => false,
        }
    }
}
