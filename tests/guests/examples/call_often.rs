//! Sends a request to `?url=` by `wasi:http/outgoing-handler@0.2`, `?count=` times, one after
//! another, and answers with the nanoseconds of each on a line: from the making of the request to
//! the end of the answer's body. The first answer that is not a 200 ends it.

use kumiki_guests::incoming::{Answer, Request, for_each_chunk};
use kumiki_guests::wasip2::clocks::monotonic_clock;
use kumiki_guests::wasip2::http::outgoing_handler;
use kumiki_guests::wasip2::http::types::{Fields, OutgoingBody, OutgoingRequest, Scheme};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    let url = request.query.text("url");
    let (authority, path) = url
        .strip_prefix("http://")
        .and_then(|rest| Some(rest.split_at(rest.find('/')?)))
        .unwrap_or_default();
    let mut text = String::new();
    for _ in 0..request.query.number("count", 1) {
        let before = monotonic_clock::now();
        if let Err(error) = call(authority, path) {
            return Answer::new(422, error);
        }
        text.push_str(&format!("{}\n", monotonic_clock::now() - before));
    }
    Answer::new(200, text)
}

fn call(authority: &str, path: &str) -> Result<(), String> {
    let outgoing = OutgoingRequest::new(Fields::new());
    outgoing.set_scheme(Some(&Scheme::Http)).unwrap();
    outgoing.set_authority(Some(authority)).unwrap();
    outgoing.set_path_with_query(Some(path)).unwrap();
    let body = outgoing.body().unwrap();
    let answer =
        outgoing_handler::handle(outgoing, None).map_err(|error| format!("handle: {error:?}"))?;
    let _gone = OutgoingBody::finish(body, None);
    answer.subscribe().block();
    let answer = answer
        .get()
        .unwrap()
        .unwrap()
        .map_err(|error| format!("future: {error:?}"))?;
    if answer.status() != 200 {
        return Err(format!("status {}", answer.status()));
    }
    let incoming = answer.consume().unwrap();
    for_each_chunk(&incoming.stream().unwrap(), |_chunk| {});
    Ok(())
}
