//! The paths below `/.well-known/spin/`, which the host answers itself as Spin does; no route
//! reaches them.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use serde_json::json;
use wasmtime_wasi_http::WasiBody;

use super::answers::Refusal;
use super::body;

const PREFIX: &str = "/.well-known/spin/";

/// Whether the host answers all paths of a route itself.
pub fn is_reserved(pattern: &str) -> bool {
    pattern.starts_with(PREFIX)
}

/// The host's own answers.
#[derive(Debug)]
pub struct WellKnown {
    info: Bytes,
}

impl WellKnown {
    /// The answers for an app; a version that is empty is left out, as in Spin.
    pub fn new(name: &str, version: &str) -> Self {
        let mut info = serde_json::Map::from_iter([("name".to_owned(), json!(name))]);
        if !version.is_empty() {
            info.insert("version".to_owned(), json!(version));
        }
        Self {
            info: Bytes::from(format!("{:#}", serde_json::Value::Object(info))),
        }
    }

    /// The answer, to any method, when the path is one of the host's.
    pub fn answer(&self, path: &str) -> Result<Option<Response<WasiBody>>, Refusal> {
        match path.strip_prefix(PREFIX) {
            None => Ok(None),
            Some("health") => Ok(Some(Response::new(body::full("OK")))),
            Some("info") => {
                let mut response = Response::new(body::full(self.info.clone()));
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(CONTENT_TYPE, json);
                Ok(Some(response))
            }
            Some(_) => Err(Refusal::NoRoute),
        }
    }
}
