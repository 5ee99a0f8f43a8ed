//! The answers of the admin API: JSON, text for Prometheus, and problems (RFC 9457). No answer says
//! anything to a page of a browser: there are no CORS headers, and nothing is to be kept.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use serde_json::json;

use super::events::EventsRefusal;
use super::query::QueryError;
use super::tokens::{METRICS_TOKEN, Unauthorized};
use crate::storage::backup::BackupError;

/// An answer that is whole.
pub type Answer = Response<Full<Bytes>>;

/// Why a request gets no page.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("Host names no loopback address; write localhost, 127.0.0.1 or [::1]")]
    ForeignHost,
    #[error("requests of browsers, which carry Origin, are refused")]
    Origin,
    #[error(transparent)]
    Unauthorized(#[from] Unauthorized),
    #[error("the token in `{METRICS_TOKEN}` opens /metrics alone")]
    RoleTooSmall,
    #[error(
        "there are /registry, /registry/SERVICE, /services/SERVICE, /logs, /metrics, /backup and \
         /events/…"
    )]
    NoSuchPath,
    #[error("the app has no service `{0}`")]
    NoSuchService(String),
    #[error("this path takes {}", listed(.0))]
    WrongMethod(&'static [Method]),
    #[error("this request takes no body")]
    Body,
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(usize),
    #[error("the body cannot be read: {0}")]
    Malformed(String),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Events(#[from] EventsRefusal),
    /// A value that JSON cannot say; the host's own mistake.
    #[error("the answer could not be written: {0}")]
    Unwritten(serde_json::Error),
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::ForeignHost | Self::Origin | Self::RoleTooSmall => StatusCode::FORBIDDEN,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::NoSuchPath | Self::NoSuchService(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Body | Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed(_) | Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::Backup(error) => backup_status(error),
            Self::Events(refusal) => refusal.status(),
            Self::Unwritten(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer. Its text may be frank: who can ask at all is on this machine.
    pub fn answer(&self) -> Answer {
        let status = self.status();
        let problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": self.to_string(),
        });
        let mut answer = answer("application/problem+json", problem.to_string());
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        match self {
            Self::Unauthorized(Unauthorized::NoToken) => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static(r#"Bearer realm="kumiki admin""#),
                );
            }
            Self::Unauthorized(Unauthorized::WrongToken) => {
                let challenge = r#"Bearer realm="kumiki admin", error="invalid_token""#;
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            Self::WrongMethod(methods) => {
                if let Ok(value) = HeaderValue::from_str(&listed(methods)) {
                    headers.insert(ALLOW, value);
                }
            }
            Self::ForeignHost
            | Self::Origin
            | Self::RoleTooSmall
            | Self::NoSuchPath
            | Self::NoSuchService(_)
            | Self::Body
            | Self::BodyTooLarge(_)
            | Self::Malformed(_)
            | Self::Query(_)
            | Self::Backup(_)
            | Self::Events(_)
            | Self::Unwritten(_) => {}
        }
        answer
    }
}

fn listed(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    names.join(", ")
}

fn backup_status(error: &BackupError) -> StatusCode {
    match error {
        BackupError::NotAbsolute(_)
        | BackupError::NotEmpty(_)
        | BackupError::InState(_)
        | BackupError::NoParent(_) => StatusCode::UNPROCESSABLE_ENTITY,
        BackupError::AnotherRuns => StatusCode::CONFLICT,
        BackupError::NoRest | BackupError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        BackupError::NoRoom { .. } => StatusCode::INSUFFICIENT_STORAGE,
        BackupError::Damaged { .. }
        | BackupError::CopyDamaged { .. }
        | BackupError::Io { .. }
        | BackupError::Sqlite { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A time as all answers have it.
pub fn rfc3339(time_ms: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_millis(time_ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A value as JSON.
pub fn json(value: &impl Serialize) -> Result<Answer, Refusal> {
    let text = serde_json::to_string(value).map_err(Refusal::Unwritten)?;
    Ok(answer("application/json", text))
}

/// A text for Prometheus, under the content type that it asked for.
pub fn metrics(text: String, content_type: &'static str) -> Answer {
    answer(content_type, text)
}

fn answer(content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
