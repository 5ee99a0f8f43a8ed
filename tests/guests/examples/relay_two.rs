//! Passes its request on to `?url=` by `wasi:http/outgoing-handler@0.2`: the method, the headers
//! that begin with `ce-` or `kumiki-`, `content-type` and the body. Answers with the other's
//! answer, or 422 with the error's name.

use kumiki_guests::incoming::{Answer, Request, for_each_chunk, write_all};
use kumiki_guests::wasip2::http::outgoing_handler;
use kumiki_guests::wasip2::http::types::{Fields, Method, OutgoingBody, OutgoingRequest, Scheme};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    pass_on(&request).unwrap_or_else(|error| Answer::new(422, error))
}

fn pass_on(request: &Request) -> Result<Answer, String> {
    let url = request.query.text("url");
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let passed = request.headers.iter().filter(|(name, _)| {
        name.starts_with("ce-") || name.starts_with("kumiki-") || name == "content-type"
    });
    let headers: Vec<(String, Vec<u8>)> = passed.cloned().collect();
    let outgoing = OutgoingRequest::new(Fields::from_list(&headers).unwrap());
    outgoing
        .set_method(&Method::Other(request.method.clone()))
        .unwrap();
    outgoing.set_scheme(Some(&Scheme::Http)).unwrap();
    outgoing.set_authority(Some(authority)).unwrap();
    outgoing.set_path_with_query(Some(path)).unwrap();
    let body = outgoing.body().unwrap();
    let answer = outgoing_handler::handle(outgoing, None).map_err(|error| format!("{error:?}"))?;
    if !request.body.is_empty() {
        let _gone = write_all(&body.write().unwrap(), &request.body);
    }
    let _gone = OutgoingBody::finish(body, None);
    answer.subscribe().block();
    let answer = answer.get().unwrap().unwrap();
    let answer = answer.map_err(|error| format!("{error:?}"))?;
    let mut passed = Answer::new(answer.status(), Vec::new());
    passed.headers = answer.headers().entries();
    let incoming = answer.consume().unwrap();
    for_each_chunk(&incoming.stream().unwrap(), |chunk| {
        passed.body.extend_from_slice(chunk)
    });
    Ok(passed)
}
