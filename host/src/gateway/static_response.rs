//! Answers that stand in the manifest, checked and put together once at start.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use wasmtime_wasi_http::WasiBody;

use super::body;
use crate::manifest::model;

/// A trigger's static response, ready to be sent.
#[derive(Clone, Debug)]
pub struct StaticResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// Why a static response of the manifest cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StaticResponseError {
    #[error("static_response: status_code {0} is not between 200 and 599")]
    Status(u16),
    #[error("static_response: `{0}` is not the name of a header")]
    HeaderName(String),
    #[error("static_response: the value of header `{0}` has characters that a header may not have")]
    HeaderValue(String),
    #[error("static_response: header `{0}` is set by the host; remove it")]
    Reserved(Reserved),
}

/// Headers that say how the answer is framed, which only the host knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    Connection,
    ContentLength,
    TransferEncoding,
}

impl fmt::Display for Reserved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Connection => "connection",
            Self::ContentLength => "content-length",
            Self::TransferEncoding => "transfer-encoding",
        })
    }
}

impl StaticResponse {
    /// Checks what the manifest says.
    pub fn new(model: &model::StaticResponse) -> Result<Self, StaticResponseError> {
        let status = StatusCode::from_u16(model.status_code)
            .ok()
            .filter(|status| (200..600).contains(&status.as_u16()))
            .ok_or(StaticResponseError::Status(model.status_code))?;
        let mut headers = HeaderMap::with_capacity(model.headers.len());
        for (name, value) in &model.headers {
            let header = HeaderName::try_from(name)
                .map_err(|_| StaticResponseError::HeaderName(name.clone()))?;
            if let Some(reserved) = reserved(&header) {
                return Err(StaticResponseError::Reserved(reserved));
            }
            let value = HeaderValue::from_str(value)
                .map_err(|_| StaticResponseError::HeaderValue(name.clone()))?;
            headers.append(header, value);
        }
        Ok(Self {
            status,
            headers,
            body: Bytes::from(model.body.clone()),
        })
    }

    /// The answer; to a HEAD request hyper sends its head alone.
    pub fn answer(&self) -> Response<WasiBody> {
        let mut response = Response::new(body::full(self.body.clone()));
        *response.status_mut() = self.status;
        response.headers_mut().clone_from(&self.headers);
        response
    }
}

fn reserved(name: &HeaderName) -> Option<Reserved> {
    match name.as_str() {
        "connection" => Some(Reserved::Connection),
        "content-length" => Some(Reserved::ContentLength),
        "transfer-encoding" => Some(Reserved::TransferEncoding),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Reserved, StaticResponse, StaticResponseError};
    use crate::manifest::model;

    fn made(status_code: u16, header: (&str, &str)) -> Result<StaticResponse, StaticResponseError> {
        let headers = BTreeMap::from([(header.0.to_owned(), header.1.to_owned())]);
        StaticResponse::new(&model::StaticResponse {
            status_code,
            headers,
            body: b"hi".to_vec(),
        })
    }

    #[test]
    fn what_the_manifest_says_is_sent() {
        let response = made(302, ("Location", "/new")).unwrap().answer();
        assert_eq!(response.status(), 302);
        assert_eq!(response.headers()["location"], "/new");
        assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(2));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let error = |status, header| made(status, header).unwrap_err();
        assert_eq!(error(101, ("a", "b")), StaticResponseError::Status(101));
        assert_eq!(error(999, ("a", "b")), StaticResponseError::Status(999));
        assert_eq!(
            error(200, ("a b", "c")),
            StaticResponseError::HeaderName("a b".to_owned())
        );
        assert_eq!(
            error(200, ("a", "b\nc")),
            StaticResponseError::HeaderValue("a".to_owned())
        );
        let length = StaticResponseError::Reserved(Reserved::ContentLength);
        assert_eq!(error(200, ("Content-Length", "9")), length);
    }
}
