//! Requests by `wasi:http`, and an event as one of them.

use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingResponse, Method, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::poll::poll;
use wasip2::io::streams::StreamError;

use crate::event::Event;
use crate::host::{Incoming, Outgoing, SendError};
use crate::http::BODY_BYTES_MAX;
use crate::time::rfc_3339;

/// Where the bus is (docs/EVENTS.md).
const BUS: &str = "http://events.spin.internal";
const NANOSECONDS_PER_MS: u64 = 1_000_000;

/// The request that publishes an event.
pub fn publication(event: &Event, timeout_ms: u64) -> Outgoing {
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("ce-specversion", "1.0".to_owned()),
        ("ce-type", event.topic.to_owned()),
        ("ce-id", event.id.clone()),
        // Required by the specification; kumiki's bus puts the service's id here.
        ("ce-source", "store".to_owned()),
    ];
    if let Some(key) = &event.key {
        headers.push(("ce-partitionkey", key.clone()));
    }
    if let Some(time_ms) = event.not_before_ms {
        headers.push(("ce-kumikidelayuntil", rfc_3339(time_ms)));
    }
    Outgoing {
        method: "POST",
        url: format!("{BUS}/{}", event.topic),
        headers,
        body: event.data.to_string().into_bytes(),
        timeout_ms,
    }
}

/// Sends a request and waits for its answer.
///
/// # Errors
/// When there is none in time.
pub fn send(outgoing: &Outgoing) -> Result<Incoming, SendError> {
    let failed = |what: &str| SendError(format!("{} {}: {what}", outgoing.method, outgoing.url));
    let request = request(outgoing).ok_or_else(|| failed("is no valid request"))?;
    let body = request.body().map_err(|()| failed("has no body"))?;
    let options = RequestOptions::new();
    let timeout = outgoing.timeout_ms.saturating_mul(NANOSECONDS_PER_MS);
    let _ = options.set_connect_timeout(Some(timeout));
    let _ = options.set_first_byte_timeout(Some(timeout));
    let _ = options.set_between_bytes_timeout(Some(timeout));
    let future = outgoing_handler::handle(request, Some(options))
        .map_err(|error| failed(&format!("{error:?}")))?;
    super::write_body(body, &outgoing.body);
    let answered = future.subscribe();
    // Hosts need not keep the options, so the time is watched here as well.
    let late = monotonic_clock::subscribe_duration(timeout);
    poll(&[&answered, &late]);
    drop(answered);
    match future.get() {
        Some(Ok(Ok(response))) => read(&response).map_err(|error| failed(&error)),
        Some(Ok(Err(error))) => Err(failed(&format!("{error:?}"))),
        Some(Err(())) | None => Err(failed(&format!("no answer in {} ms", outgoing.timeout_ms))),
    }
}

fn request(outgoing: &Outgoing) -> Option<OutgoingRequest> {
    let headers = outgoing.headers.iter();
    let headers: Vec<(String, Vec<u8>)> = headers
        .map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes()))
        .collect();
    let request = OutgoingRequest::new(Fields::from_list(&headers).ok()?);
    let (scheme, rest) = outgoing.url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let scheme = match scheme {
        "https" => Scheme::Https,
        _ => Scheme::Http,
    };
    let method = match outgoing.method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        other => Method::Other(other.to_owned()),
    };
    request.set_method(&method).ok()?;
    request.set_scheme(Some(&scheme)).ok()?;
    request.set_authority(Some(authority)).ok()?;
    let path = if path.is_empty() { "/" } else { path };
    request.set_path_with_query(Some(path)).ok()?;
    Some(request)
}

fn read(response: &IncomingResponse) -> Result<Incoming, String> {
    let status = response.status();
    let body = response.consume().map_err(|()| "no body".to_owned())?;
    let stream = body.stream().map_err(|()| "no body".to_owned())?;
    let mut bytes = Vec::new();
    while bytes.len() < BODY_BYTES_MAX {
        match stream.blocking_read((BODY_BYTES_MAX - bytes.len()) as u64) {
            Ok(part) => bytes.extend_from_slice(&part),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(error.to_debug_string());
            }
        }
    }
    Ok(Incoming {
        status,
        body: bytes,
    })
}
