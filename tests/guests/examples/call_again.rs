//! Hostile: calls itself through service chaining, as the service `again`, and answers with what
//! came back.

use kumiki_guests::incoming::{Answer, Request, for_each_chunk};
use kumiki_guests::wasip2::http::outgoing_handler;
use kumiki_guests::wasip2::http::types::{Fields, OutgoingBody, OutgoingRequest, Scheme};

kumiki_guests::guest!(handle);

fn handle(_request: Request) -> Answer {
    match call() {
        Ok(text) => Answer::new(200, text),
        Err(text) => Answer::new(200, format!("stopped: {text}")),
    }
}

fn call() -> Result<String, String> {
    let outgoing = OutgoingRequest::new(Fields::new());
    outgoing.set_scheme(Some(&Scheme::Http)).unwrap();
    outgoing.set_authority(Some("again.spin.internal")).unwrap();
    outgoing.set_path_with_query(Some("/")).unwrap();
    let body = outgoing.body().unwrap();
    let answer = outgoing_handler::handle(outgoing, None).map_err(|error| format!("{error:?}"))?;
    OutgoingBody::finish(body, None).map_err(|error| format!("{error:?}"))?;
    answer.subscribe().block();
    let answer = answer
        .get()
        .unwrap()
        .unwrap()
        .map_err(|error| format!("{error:?}"))?;
    let mut text = format!("level {}\n", answer.status()).into_bytes();
    let incoming = answer.consume().unwrap();
    for_each_chunk(&incoming.stream().unwrap(), |chunk| {
        text.extend_from_slice(chunk)
    });
    Ok(String::from_utf8(text).unwrap())
}
