//! Passes the request's body and trailers through to the answer, chunk by chunk, by `wasi:http`
//! 0.2.

use kumiki_guests::incoming::{begin, for_each_chunk, write_all};
use kumiki_guests::wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, ResponseOutparam,
};

kumiki_guests::raw_guest!(echo);

fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let announced: Vec<_> = request
        .headers()
        .get("trailer")
        .into_iter()
        .map(|names| ("trailer".to_owned(), names))
        .collect();
    let incoming = request.consume().unwrap();
    let outgoing = begin(200, &announced, out);
    let sink = outgoing.write().unwrap();
    let source = incoming.stream().unwrap();
    for_each_chunk(&source, |chunk| assert!(write_all(&sink, chunk)));
    drop((source, sink));
    let trailers = IncomingBody::finish(incoming);
    trailers.subscribe().block();
    let trailers = trailers.get().unwrap().unwrap().unwrap();
    let trailers = trailers.map(|fields| Fields::from_list(&fields.entries()).unwrap());
    OutgoingBody::finish(outgoing, trailers).unwrap();
}
