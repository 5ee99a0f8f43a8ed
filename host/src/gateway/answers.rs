//! The one place where a failure becomes an HTTP answer: `application/problem+json` (RFC 9457) with
//! a public text and the request id, and a log line with the internal text. Answers to bytes that
//! are not HTTP, and to heads that are too large, are hyper's own.

use http::header::{CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use serde_json::json;
use wasmtime_wasi_http::WasiBody;

use super::body;
use crate::runtime::failure::InvocationError;

/// Names the request in an answer that is an error, as in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// When a caller may try a busy service again, in seconds: queues drain in far less.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Why a request gets an answer of the host's own.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The head is not one that every server reads the same way; the connection ends with the
    /// answer.
    #[error("the request's framing is ambiguous: {0}")]
    AmbiguousFraming(&'static str),
    /// The head breaks a rule of HTTP; the text is for the client.
    #[error("bad request: {0}")]
    BadRequest(&'static str),
    /// The method or a coding is one that the host does not carry out.
    #[error("not implemented: {0}")]
    NotImplemented(&'static str),
    #[error("no route matches")]
    NoRoute,
    #[error("the request's body has more than {0} bytes")]
    BodyTooLarge(u64),
    /// The route's service is not in the table: the host is starting, or its operator took the
    /// service out.
    #[error("service `{0}` is not loaded")]
    NotLoaded(String),
    #[error("service `{service}`: {error}")]
    Invocation {
        service: String,
        error: InvocationError,
    },
}

impl Refusal {
    /// The status of the answer.
    ///
    /// Running out of time is 504 whether the clock or the CPU limit says so: a caller can do the
    /// same about both. What the service did wrong in its answer is 502, what broke inside is 500.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::AmbiguousFraming(_) | Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotLoaded(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Invocation { error, .. } => match error {
                InvocationError::Trap(_) | InvocationError::Instantiation(_) => {
                    StatusCode::INTERNAL_SERVER_ERROR
                }
                InvocationError::NoResponse | InvocationError::GuestError(_) => {
                    StatusCode::BAD_GATEWAY
                }
                InvocationError::Saturated(_)
                | InvocationError::Cycle(_)
                | InvocationError::Conflicts(_)
                | InvocationError::NotCommitted(_) => StatusCode::SERVICE_UNAVAILABLE,
                InvocationError::TooDeep(_) => StatusCode::LOOP_DETECTED,
                InvocationError::TooLarge { .. } | InvocationError::RequestTooLarge(_) => {
                    StatusCode::PAYLOAD_TOO_LARGE
                }
                InvocationError::RequestIncomplete(_) => StatusCode::BAD_REQUEST,
                InvocationError::DeadlineExceeded(_) | InvocationError::CpuExceeded(_) => {
                    StatusCode::GATEWAY_TIMEOUT
                }
            },
        }
    }

    /// What the client is told; nothing of the host's or the guest's insides.
    fn detail(&self) -> &'static str {
        match self {
            Self::AmbiguousFraming(text) | Self::BadRequest(text) | Self::NotImplemented(text) => {
                text
            }
            Self::NoRoute => "No route of this application matches the path.",
            Self::BodyTooLarge(_) => "The request's body is larger than this application accepts.",
            Self::NotLoaded(_) => "The service is not available at the moment.",
            Self::Invocation { error, .. } => match error {
                InvocationError::Trap(_) => "The service failed while handling the request.",
                InvocationError::Instantiation(_) => "The service could not be started.",
                InvocationError::NoResponse => "The service ended without an answer.",
                InvocationError::GuestError(_) => "The service gave no valid answer.",
                InvocationError::Saturated(_) | InvocationError::Cycle(_) => {
                    "The service is busy. Try again later."
                }
                InvocationError::TooDeep(_) => "Too many services call each other in a row.",
                InvocationError::TooLarge { .. } => "The message is too large.",
                InvocationError::RequestTooLarge(_) => {
                    "The request's body is larger than this service accepts."
                }
                InvocationError::RequestIncomplete(_) => "The request's body did not come.",
                InvocationError::Conflicts(_) => {
                    "Other requests were in the way of this one. Try again later."
                }
                InvocationError::NotCommitted(_) => {
                    "The service cannot keep what it did. Nothing of it has happened."
                }
                InvocationError::DeadlineExceeded(_) => "The service took too long to answer.",
                InvocationError::CpuExceeded(_) => "The service used too much computing time.",
            },
        }
    }

    /// Writes what operators need to know. What a client did wrong is theirs to know, not an error
    /// of ours.
    pub fn log(&self, request_id: &str) {
        match self {
            Self::Invocation {
                service,
                error: InvocationError::Saturated(instances),
            } => {
                tracing::warn!(service, request_id, instances, "all instances are busy");
            }
            Self::Invocation {
                service,
                error: error @ InvocationError::Conflicts(_),
            } => tracing::warn!(service, request_id, %error, "an atomic handler gave up"),
            Self::Invocation {
                service,
                error:
                    error
                    @ (InvocationError::RequestTooLarge(_) | InvocationError::RequestIncomplete(_)),
            } => tracing::debug!(service, request_id, %error, "refused"),
            Self::Invocation { service, error } => {
                tracing::error!(service, request_id, %error, "the invocation failed");
            }
            Self::NotLoaded(service) => {
                tracing::error!(service, request_id, "the route's service is not loaded");
            }
            Self::AmbiguousFraming(_)
            | Self::BadRequest(_)
            | Self::NotImplemented(_)
            | Self::NoRoute
            | Self::BodyTooLarge(_) => tracing::debug!(request_id, refusal = %self, "refused"),
        }
    }

    /// The answer to a client that speaks `version`.
    pub fn answer(&self, request_id: &str, version: Version) -> Response<WasiBody> {
        let status = self.status();
        let problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": self.detail(),
            "request_id": request_id,
        });
        let mut response = Response::new(body::full(problem.to_string()));
        *response.status_mut() = status;
        self.add_headers(response.headers_mut(), request_id, version);
        response
    }

    fn add_headers(&self, headers: &mut HeaderMap, request_id: &str, version: Version) {
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Ok(value) = HeaderValue::from_str(request_id) {
            headers.insert(REQUEST_ID, value);
        }
        if matches!(self, Self::AmbiguousFraming(_)) && version <= Version::HTTP_11 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{StatusCode, Version};
    use http_body_util::BodyExt;

    use super::Refusal;
    use crate::runtime::failure::InvocationError;
    use crate::storage::key_value::KeyValueError;

    fn of(error: InvocationError) -> Refusal {
        Refusal::Invocation {
            service: "cart".to_owned(),
            error,
        }
    }

    #[test]
    fn every_failure_of_an_invocation_has_its_status() {
        let status = |error| of(error).status().as_u16();
        assert_eq!(status(InvocationError::Trap("x".to_owned())), 500);
        assert_eq!(status(InvocationError::Instantiation("x".to_owned())), 500);
        assert_eq!(status(InvocationError::NoResponse), 502);
        assert_eq!(status(InvocationError::GuestError("x".to_owned())), 502);
        assert_eq!(status(InvocationError::Saturated(4)), 503);
        assert_eq!(status(InvocationError::DeadlineExceeded(9)), 504);
        assert_eq!(status(InvocationError::CpuExceeded(9)), 504);
        assert_eq!(status(InvocationError::RequestTooLarge(9)), 413);
        assert_eq!(
            status(InvocationError::RequestIncomplete("x".to_owned())),
            400
        );
        assert_eq!(status(InvocationError::Conflicts(8)), 503);
        assert_eq!(
            status(InvocationError::NotCommitted(KeyValueError::QuotaExceeded)),
            503
        );
    }

    #[tokio::test]
    async fn clients_get_a_problem_with_the_request_id_and_no_internals() {
        let refusal = of(InvocationError::Trap("wasm backtrace: secret".to_owned()));
        let response = refusal.answer("0123", Version::HTTP_11);
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        assert_eq!(response.headers()["x-request-id"], "0123");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["status"], 500);
        assert_eq!(problem["title"], "Internal Server Error");
        assert_eq!(problem["request_id"], "0123");
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
    }

    #[test]
    fn a_busy_service_says_when_to_come_back() {
        let response = of(InvocationError::Saturated(4)).answer("1", Version::HTTP_2);
        assert_eq!(response.headers()["retry-after"], "1");
    }
}
