//! What a publisher is told: the ids of its events, or as `application/problem+json` (RFC 9457) why
//! they were not taken, with the request id like every error of the host.

use http::header::{ALLOW, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;
use wasmtime_wasi_http::WasiBody;

use crate::capabilities::invocation::Invocation;
use crate::events::cloud_event::{EventError, push_quoted};
use crate::gateway::body;
use crate::manifest::topics::TopicError;
use crate::storage::bus::{NewEvent, PublishError};
use crate::storage::key_value::KeyValueError;

/// Says that the events are stored when the handler's writes are.
const PENDING: HeaderName = HeaderName::from_static("kumiki-pending");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// When a publisher may try again, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Why nothing was published. The texts are for the publisher.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejection {
    #[error("Events are published to `/TOPIC`, by services of this application.")]
    NoPath,
    #[error("Events are published with POST.")]
    Method,
    #[error("The path is no topic: {0}.")]
    Topic(TopicError),
    #[error("{0}")]
    Event(#[from] EventError),
    #[error("The body has more than {0} bytes.")]
    BodyTooLarge(usize),
    #[error("The body broke off, or did not end in time.")]
    Broken,
    #[error("The events are not stored: {0}.")]
    Publish(#[from] PublishError),
    #[error("The events do not join the atomic handler's commit: {0}.")]
    Unit(#[from] KeyValueError),
}

impl Rejection {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoPath => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Event(error) if error.is_size() => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooLarge(_) | Self::Unit(KeyValueError::TooManyEvents) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Unit(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Topic(_) | Self::Event(_) | Self::Broken => StatusCode::BAD_REQUEST,
            Self::Publish(error) => match error {
                PublishError::Backlog { .. } => StatusCode::TOO_MANY_REQUESTS,
                PublishError::DiskNearlyFull | PublishError::Failed => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
            },
        }
    }

    /// Writes what operators need to know; what a publisher did wrong is theirs to know.
    pub(super) fn log(&self, invocation: &Invocation) {
        let publisher = invocation.caller.as_ref().map(|caller| &*caller.service);
        let request_id = &*invocation.request_id;
        match self {
            Self::Publish(error) => {
                tracing::warn!(publisher, request_id, %error, "events were not stored");
            }
            Self::NoPath
            | Self::Method
            | Self::Topic(_)
            | Self::Event(_)
            | Self::BodyTooLarge(_)
            | Self::Unit(_)
            | Self::Broken => {
                tracing::debug!(publisher, request_id, rejection = %self, "not published");
            }
        }
    }

    pub(super) fn answer(&self, request_id: &str) -> Response<WasiBody> {
        let status = self.status();
        let problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": self.to_string(),
            "request_id": request_id,
        });
        let mut response = Response::new(body::full(problem.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, json);
        if let Ok(value) = HeaderValue::from_str(request_id) {
            headers.insert(REQUEST_ID, value);
        }
        match self {
            Self::Method => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
            Self::Publish(_) => drop(headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS)),
            Self::NoPath
            | Self::Topic(_)
            | Self::Event(_)
            | Self::BodyTooLarge(_)
            | Self::Unit(_)
            | Self::Broken => {}
        }
        response
    }
}

/// The answer that names the events.
pub(super) fn accepted(events: &[NewEvent]) -> Response<WasiBody> {
    let mut text = String::with_capacity(64);
    text.push_str("{\"ids\":[");
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_quoted(&mut text, &event.id);
    }
    text.push_str("]}");
    let mut response = Response::new(body::full(text));
    *response.status_mut() = StatusCode::ACCEPTED;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// The same of events that wait for a commit.
pub(super) fn pending(mut accepted: Response<WasiBody>) -> Response<WasiBody> {
    let headers = accepted.headers_mut();
    headers.insert(PENDING, HeaderValue::from_static("true"));
    accepted
}
