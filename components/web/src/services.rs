//! Calls to the services as data, and what comes of them. What carries them is left to `component`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One call of a service's HTTP interface.
#[derive(Clone, Debug)]
pub struct Call {
    pub service: &'static str,
    pub method: &'static str,
    pub path_with_query: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Vec<u8>>,
}

impl Call {
    /// `path` begins after `/api/SERVICE`.
    pub fn new(method: &'static str, service: &'static str, path: &str) -> Call {
        Call {
            service,
            method,
            path_with_query: format!("/api/{service}{path}"),
            headers: Vec::new(),
            body: None,
        }
    }

    pub fn get(service: &'static str, path: &str) -> Call {
        Call::new("GET", service, path)
    }

    /// The same with a body of JSON.
    #[must_use]
    pub fn with_json(mut self, body: &impl Serialize) -> Call {
        self.body = Some(serde_json::to_vec(body).unwrap_or_default());
        self.with_header("content-type", "application/json")
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Call {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// What a service answered.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// A call under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Reply, String>> + 'a>>;

/// The services, however they are reached.
pub trait Services {
    /// Sends a call. The error says for the log why nothing came back.
    fn send(&self, call: Call) -> Sending<'_>;
}

/// Why a call was of no use.
#[derive(Clone, Debug)]
pub enum ApiError {
    /// The service says no.
    Refused(Box<Refusal>),
    /// Nothing came back, or nothing that can be read; the text is for the log.
    Unavailable(String),
}

impl fmt::Display for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiError::Refused(refusal) => {
                write!(out, "{} {}", refusal.status, refusal.detail)
            }
            ApiError::Unavailable(log) => out.write_str(log),
        }
    }
}

impl ApiError {
    /// The same with the name of the service in what the log says.
    #[must_use]
    pub fn of(self, service: &str) -> ApiError {
        match self {
            ApiError::Unavailable(log) => ApiError::Unavailable(format!("{service}: {log}")),
            ApiError::Refused(refusal) => ApiError::Refused(refusal),
        }
    }

    /// What the service says, if it says anything.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            ApiError::Refused(refusal) => Some(refusal),
            ApiError::Unavailable(_) => None,
        }
    }

    /// Whether the service refused with this code.
    pub fn is(&self, code: &str) -> bool {
        self.refusal().is_some_and(|refusal| refusal.code == code)
    }

    /// Whether the service refused with this status.
    pub fn has_status(&self, status: u16) -> bool {
        self.refusal()
            .is_some_and(|refusal| refusal.status == status)
    }
}

/// A problem (RFC 9457) that a service answered with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Refusal {
    #[serde(skip)]
    pub status: u16,
    /// For programs.
    pub code: String,
    /// For people.
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// Seconds to wait, of `retry-after`.
    #[serde(skip)]
    pub retry_after_seconds: Option<u64>,
    /// The other members, such as `skus`.
    #[serde(flatten)]
    pub members: Map<String, Value>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct FieldError {
    /// A JSON Pointer without its first slash.
    pub field: String,
    /// To be read after the field's name.
    pub detail: String,
}

/// The reply itself where the service said yes.
///
/// # Errors
/// When it said no, or failed.
pub fn accepted(reply: Reply) -> Result<Reply, ApiError> {
    match reply.status {
        200..=299 => Ok(reply),
        400..=499 => {
            let mut refusal: Refusal = serde_json::from_slice(&reply.body).unwrap_or_default();
            refusal.status = reply.status;
            refusal.retry_after_seconds = reply
                .header("retry-after")
                .and_then(|seconds| seconds.parse().ok());
            Err(ApiError::Refused(Box::new(refusal)))
        }
        status => Err(ApiError::Unavailable(format!(
            "the answer's status is {status}"
        ))),
    }
}

/// The reply's body.
///
/// # Errors
/// When it is not the JSON that was expected.
pub fn json<T: DeserializeOwned>(reply: &Reply) -> Result<T, ApiError> {
    serde_json::from_slice(&reply.body)
        .map_err(|error| ApiError::Unavailable(format!("the answer cannot be read: {error}")))
}

/// What stays as it is in a path or a query (RFC 3986, 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as one step of a path, or one value of a query.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
