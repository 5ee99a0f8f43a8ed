//! Sends a request to `?url=` by `wasi:http/outgoing-handler@0.2` and answers with the status, a
//! line end and the body, or with where it failed and the error's name. The method and the body are
//! those of the guest's own request. With `follow=1` redirects are followed.

use kumiki_guests::incoming::{Answer, Request, for_each_chunk, write_all};
use kumiki_guests::wasip2::http::outgoing_handler;
use kumiki_guests::wasip2::http::types::{
    Fields, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    match fetch(&request, request.query.text("url")) {
        Ok(body) => Answer::new(200, body),
        Err(text) => Answer::new(422, text),
    }
}

fn fetch(request: &Request, url: &str) -> Result<Vec<u8>, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    let headers: Vec<(String, Vec<u8>)> = request
        .query
        .all("header")
        .filter_map(|header| header.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().as_bytes().to_vec()))
        .collect();
    let headers = Fields::from_list(&headers).map_err(|error| format!("headers: {error:?}"))?;
    let outgoing = OutgoingRequest::new(headers);
    let scheme = if scheme == "https" {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let _checked = outgoing.set_method(&Method::Other(request.method.clone()));
    outgoing.set_scheme(Some(&scheme)).map_err(|()| "scheme")?;
    outgoing
        .set_authority(Some(authority))
        .map_err(|()| "authority")?;
    outgoing
        .set_path_with_query(Some(path))
        .map_err(|()| "path")?;
    let body = outgoing.body().unwrap();
    let options = RequestOptions::new();
    if let Some(milliseconds) = request.query.get("first_byte_timeout_ms") {
        let nanoseconds = milliseconds.parse::<u64>().unwrap() * 1_000_000;
        options.set_first_byte_timeout(Some(nanoseconds)).unwrap();
    }
    let answer = outgoing_handler::handle(outgoing, Some(options))
        .map_err(|error| format!("handle: {error:?}"))?;
    if !request.body.is_empty() {
        let _gone = write_all(&body.write().unwrap(), &request.body);
    }
    let _gone = OutgoingBody::finish(body, None);
    answer.subscribe().block();
    let answer = answer
        .get()
        .unwrap()
        .unwrap()
        .map_err(|error| format!("future: {error:?}"))?;
    let location = answer.headers().get("location").pop();
    if let Some(location) = location.filter(|_| request.query.get("follow").is_some()) {
        let location = String::from_utf8_lossy(&location).into_owned();
        return fetch(request, &location);
    }
    let mut text = format!("{}\n", answer.status()).into_bytes();
    let incoming = answer.consume().unwrap();
    for_each_chunk(&incoming.stream().unwrap(), |chunk| {
        text.extend_from_slice(chunk)
    });
    Ok(text)
}
