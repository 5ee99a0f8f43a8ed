//! The glue: the exported HTTP handler, the variable, and requests to subscribers, in generated
//! types. Every rule is left to the other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/deps/fermyon-spin", "wit"],
        world: "kumiki:events-service/service",
        generate_all,
    });

    wasip2::http::proxy::export!(Service with_types_in wasip2);

    use super::Service;
}

use wasip2::exports::http::incoming_handler;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse,
    ResponseOutparam, Scheme,
};
use wasip2::io::streams::StreamError;

use self::bindings::fermyon::spin::variables;
use crate::event::Event;
use crate::publishing::{BODY_BYTES_MAX, Forward, Request, answer};

/// How much one call of a stream may be given (`wasi:io/streams`, `blocking-write-and-flush`).
const WRITE_BYTES_MAX: usize = 4096;

struct Service;

impl incoming_handler::Guest for Service {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        // A variable that nobody gave is an empty list.
        let subscriptions = variables::get("subscriptions").unwrap_or_default();
        let request = read(&request);
        let answer = answer(request, &subscriptions, &Outbound, &mut |line| {
            eprintln!("{line}")
        });
        let headers = answer.headers.iter();
        let headers: Vec<(String, Vec<u8>)> = headers
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        // The headers are the service's own, so they are never refused.
        let headers = Fields::from_list(&headers).unwrap_or_else(|_| Fields::new());
        let outgoing = OutgoingResponse::new(headers);
        let _ = outgoing.set_status_code(answer.status);
        let body = outgoing.body();
        ResponseOutparam::set(response_out, Ok(outgoing));
        if let Ok(body) = body {
            write_body(body, answer.body.as_bytes());
        }
    }
}

fn read(request: &IncomingRequest) -> Request {
    let target = request.path_with_query().unwrap_or_default();
    let headers = request.headers().entries().into_iter();
    let headers = headers.map(|(name, value)| {
        let value = String::from_utf8_lossy(&value).into_owned();
        (name.to_ascii_lowercase(), value)
    });
    Request {
        method: match request.method() {
            Method::Post => "POST".to_owned(),
            // Only publishing has a method here.
            _ => String::new(),
        },
        path: target.split('?').next().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: request.consume().ok().and_then(|body| read_body(&body)),
    }
}

/// The whole body, unless it is too large or breaks off.
fn read_body(body: &IncomingBody) -> Option<Vec<u8>> {
    let stream = body.stream().ok()?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(part) => bytes.extend_from_slice(&part),
            Err(StreamError::Closed) => return Some(bytes),
            Err(StreamError::LastOperationFailed(_)) => return None,
        }
        if bytes.len() > BODY_BYTES_MAX {
            return None;
        }
    }
}

/// Writes as much as the other side takes; when it leaves there is no one left to tell.
fn write_body(body: OutgoingBody, bytes: &[u8]) {
    if let Ok(stream) = body.write() {
        for part in bytes.chunks(WRITE_BYTES_MAX) {
            if stream.blocking_write_and_flush(part).is_err() {
                break;
            }
        }
    }
    let _ = OutgoingBody::finish(body, None);
}

/// Requests by `wasi:http`.
struct Outbound;

impl Forward for Outbound {
    fn forward(&self, url: &str, event: &Event) -> Result<(), String> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let headers: Vec<(String, Vec<u8>)> = event
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
            .collect();
        let headers = Fields::from_list(&headers).map_err(|error| format!("headers: {error:?}"))?;
        let request = OutgoingRequest::new(headers);
        let scheme = match scheme {
            "https" => Scheme::Https,
            _ => Scheme::Http,
        };
        let is_set = request.set_method(&Method::Post).is_ok()
            && request.set_scheme(Some(&scheme)).is_ok()
            && request.set_authority(Some(authority)).is_ok()
            && request.set_path_with_query(Some(path)).is_ok();
        if !is_set {
            return Err("the url makes no request".to_owned());
        }
        let body = request.body().map_err(|()| "there is no body".to_owned())?;
        let response = outgoing_handler::handle(request, None);
        let response = response.map_err(|error| format!("{error:?}"))?;
        write_body(body, &event.data);
        response.subscribe().block();
        match response.get() {
            Some(Ok(Ok(response))) if (200..300).contains(&response.status()) => Ok(()),
            Some(Ok(Ok(response))) => Err(format!("status {}", response.status())),
            Some(Ok(Err(error))) => Err(format!("{error:?}")),
            Some(Err(())) | None => Err("no answer".to_owned()),
        }
    }
}
