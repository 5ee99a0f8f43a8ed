//! Whole requests to other services by `wasi:http/outgoing-handler` 0.2, and events for the bus.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, Method, OutgoingBody, OutgoingRequest, Scheme};

use crate::incoming::{Answer, for_each_chunk, write_all};

/// Sends a POST to an `http://` address and reads the whole answer.
pub fn post(url: &str, headers: &[(String, Vec<u8>)], data: &[u8]) -> Result<Answer, String> {
    let (authority, path) = url
        .strip_prefix("http://")
        .and_then(|rest| Some(rest.split_at(rest.find('/')?)))
        .ok_or_else(|| format!("`{url}` is no address"))?;
    let headers = Fields::from_list(headers).map_err(|error| format!("headers: {error:?}"))?;
    let request = OutgoingRequest::new(headers);
    request.set_method(&Method::Post).map_err(|()| "method")?;
    request
        .set_scheme(Some(&Scheme::Http))
        .map_err(|()| "scheme")?;
    request
        .set_authority(Some(authority))
        .map_err(|()| "authority")?;
    request
        .set_path_with_query(Some(path))
        .map_err(|()| "path")?;
    let body = request.body().map_err(|()| "body")?;
    let answer =
        outgoing_handler::handle(request, None).map_err(|error| format!("handle: {error:?}"))?;
    let stream = body.write().map_err(|()| "stream")?;
    let _answered_early = write_all(&stream, data);
    drop(stream);
    let _answered_early = OutgoingBody::finish(body, None);
    answer.subscribe().block();
    let answer = answer
        .get()
        .ok_or("no answer")?
        .map_err(|()| "answer taken")?
        .map_err(|error| format!("answer: {error:?}"))?;
    let (status, headers) = (answer.status(), answer.headers().entries());
    let incoming = answer.consume().map_err(|()| "no body")?;
    let mut body = Vec::new();
    for_each_chunk(&incoming.stream().map_err(|()| "no stream")?, |chunk| {
        body.extend_from_slice(chunk)
    });
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// Publishes an event in binary mode at the address of its topic; `attributes` are further headers,
/// such as `ce-partitionkey`.
pub fn publish(
    url: &str,
    id: &str,
    attributes: &[(&str, &str)],
    data: &[u8],
) -> Result<Answer, String> {
    let always = [
        ("ce-specversion", "1.0"),
        ("ce-type", "kumiki.test"),
        ("ce-id", id),
        ("content-type", "text/plain"),
    ];
    let headers: Vec<(String, Vec<u8>)> = always
        .iter()
        .chain(attributes)
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    post(url, &headers, data)
}
