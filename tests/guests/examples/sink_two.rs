//! Reads the request's body chunk by chunk and answers with the number of its bytes, by `wasi:http`
//! 0.2.

use kumiki_guests::incoming::{Answer, for_each_chunk, send};
use kumiki_guests::wasip2::http::types::{IncomingRequest, ResponseOutparam};

kumiki_guests::raw_guest!(count);

fn count(request: IncomingRequest, out: ResponseOutparam) {
    let body = request.consume().unwrap();
    let mut bytes = 0u64;
    for_each_chunk(&body.stream().unwrap(), |chunk| bytes += chunk.len() as u64);
    send(Answer::new(200, bytes.to_string()), out);
}
