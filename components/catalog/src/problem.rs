//! Error answers as problem details (RFC 9457). Which error gets which answer is left to `rest`.

use serde::Serialize;

use crate::draft::FieldError;
use crate::rest::Response;

/// The media type of the answers made here.
pub const MEDIA_TYPE: &str = "application/problem+json";

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Field<'a>>,
}

#[derive(Serialize)]
struct Field<'a> {
    field: &'a str,
    detail: &'a str,
}

/// An error answer; `detail` is for the client and says what it can do.
pub fn problem(status: u16, detail: &str) -> Response {
    with_fields(status, detail, &[])
}

/// An error answer that names the fields that are wrong.
pub fn invalid(errors: &[FieldError]) -> Response {
    let all: Vec<_> = errors
        .iter()
        .map(|error| format!("{} {}", error.field, error.detail))
        .collect();
    with_fields(422, all.join("; ").trim(), errors)
}

fn with_fields(status: u16, detail: &str, errors: &[FieldError]) -> Response {
    let errors = errors.iter();
    let errors = errors.map(|error| Field {
        field: &error.field,
        detail: &error.detail,
    });
    let title = title(status);
    let errors = errors.collect();
    let problem = Problem {
        r#type: "about:blank",
        title,
        status,
        detail,
        errors,
    };
    // Texts and integers always have a JSON form; there is no error to report.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    Response {
        status,
        headers: vec![("content-type", MEDIA_TYPE.to_owned())],
        body,
    }
}

/// The title for problems of type `about:blank` is the status's own phrase (RFC 9457, 4.2.1).
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
