//! The bodies that requests may have: small but for a component's, and whole before anything is
//! done with them.

use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use serde::de::DeserializeOwned;

use super::answers::Refusal;

/// The largest body of most pages. A batch of events has more on the app's own listener.
pub(super) const BYTES_MAX: usize = 1024 * 1024;

/// The body of a request that was let in.
pub(super) async fn read(
    method: &Method,
    body: Incoming,
    bytes_max: usize,
) -> Result<Bytes, Refusal> {
    if *method != Method::POST {
        let is_empty = body.is_end_stream();
        return is_empty.then(Bytes::new).ok_or(Refusal::Body);
    }
    let too_large = body.size_hint().lower() > bytes_max as u64;
    if too_large {
        return Err(Refusal::BodyTooLarge(bytes_max));
    }
    match Limited::new(body, bytes_max).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Refusal::BodyTooLarge(bytes_max))
        }
        Err(error) => Err(Refusal::Malformed(error.to_string())),
    }
}

/// A body of JSON.
pub(super) fn json<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Malformed(error.to_string()))
}
