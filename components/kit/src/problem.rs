//! Error answers: `application/problem+json` (RFC 9457). A client never sees more than what stands
//! here; the rest is for the log.

use serde_json::{Value, json};

use crate::http::Answer;

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON Pointer without its first slash, such as `lines/0/quantity`; empty for the whole
    /// body.
    pub field: String,
    /// To be read after the field's name.
    pub detail: String,
}

/// An error with everything that its answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub status: u16,
    /// For programs: a word of lower case and underscores, such as `out_of_stock`.
    pub code: &'static str,
    /// For people: what happened, and what to do.
    pub detail: String,
    rest: Box<Rest>,
}

/// What few problems have; apart, so that a result with a problem in it stays small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rest {
    errors: Vec<FieldError>,
    retry_after_seconds: Option<u32>,
    members: Vec<(&'static str, Value)>,
    allow: Option<String>,
    log: Option<String>,
}

impl Problem {
    pub fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            code,
            detail: detail.into(),
            rest: Box::default(),
        }
    }

    /// 400: the request cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Problem {
        Problem::new(400, "malformed", detail)
    }

    /// 401.
    pub fn unauthenticated(detail: impl Into<String>) -> Problem {
        Problem::new(401, "unauthenticated", detail)
    }

    /// 403: known, and not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(403, "forbidden", detail)
    }

    /// 404. What belongs to someone else is not found either.
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(404, "not_found", detail)
    }

    /// 422 for one field.
    pub fn field(field: &str, detail: impl Into<String>) -> Problem {
        Problem::fields(vec![FieldError {
            field: field.to_owned(),
            detail: detail.into(),
        }])
    }

    /// 422 for several fields.
    pub fn fields(errors: Vec<FieldError>) -> Problem {
        let names = errors.iter().map(|error| match error.field.as_str() {
            "" => format!("the body {}", error.detail),
            field => format!("`{field}` {}", error.detail),
        });
        let detail = names.collect::<Vec<_>>().join("; ");
        let mut problem = Problem::new(422, "invalid", detail);
        problem.rest.errors = errors;
        problem
    }

    /// 503: nothing is wrong with the request; it may be sent again a little later.
    pub fn unavailable(detail: impl Into<String>) -> Problem {
        Problem::new(503, "unavailable", detail).retry_after(1)
    }

    /// 405: the path is right, and takes these methods.
    pub fn method_not_allowed(method: &str, allow: String) -> Problem {
        let detail = format!("{method} is not for this path; it takes {allow}.");
        let mut problem = Problem::new(405, "method_not_allowed", detail);
        problem.rest.allow = Some(allow);
        problem
    }

    /// 500: the text is for the log alone.
    pub fn internal(log: &str) -> Problem {
        Problem::new(500, "internal", "The service failed. Its log says more.").with_log(log)
    }

    /// The same with one more member in its answer.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Problem {
        self.rest.members.push((name, value.into()));
        self
    }

    /// The same with the pause before the next try.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Problem {
        self.rest.retry_after_seconds = Some(seconds);
        self
    }

    /// The same with a line for the log.
    #[must_use]
    pub fn with_log(mut self, log: impl Into<String>) -> Problem {
        self.rest.log = Some(log.into());
        self
    }

    /// The fields that are wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.rest.errors
    }

    /// The answer that says it.
    pub fn answer(&self) -> Answer {
        let rest = &self.rest;
        let mut body = json!({
            "type": "about:blank",
            "title": title(self.status),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        });
        if let Some(object) = body.as_object_mut() {
            if !rest.errors.is_empty() {
                let errors = rest.errors.iter();
                let errors = errors
                    .map(|error| json!({ "field": error.field, "detail": error.detail }))
                    .collect();
                object.insert("errors".to_owned(), Value::Array(errors));
            }
            for (name, value) in &rest.members {
                object.insert((*name).to_owned(), value.clone());
            }
        }
        let mut answer = Answer::text(
            self.status,
            "application/problem+json",
            body.to_string().into_bytes(),
        );
        if let Some(seconds) = rest.retry_after_seconds {
            answer = answer.with("retry-after", seconds.to_string());
        }
        if let Some(allow) = &rest.allow {
            answer = answer.with("allow", allow.clone());
        }
        if self.status == 401 {
            answer = answer.with("www-authenticate", "Bearer");
        }
        answer.log = rest.log.clone();
        answer
    }
}

/// The reason phrase of a status (RFC 9110, 15).
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}
