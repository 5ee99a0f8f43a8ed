//! Answers with `?bytes=` bytes of a fixed pattern, written while the client reads, by `wasi:http`
//! 0.2.

use kumiki_guests::incoming::{begin, write_all};
use kumiki_guests::query::Query;
use kumiki_guests::wasip2::http::types::{IncomingRequest, OutgoingBody, ResponseOutparam};

kumiki_guests::raw_guest!(stream);

fn stream(request: IncomingRequest, out: ResponseOutparam) {
    let query = Query::of(&request.path_with_query().unwrap_or_default());
    let mut left = usize::try_from(query.number("bytes", 0)).unwrap();
    let body = begin(200, &[], out);
    let sink = body.write().unwrap();
    let block = [b'k'; 64 * 1024];
    while left > 0 {
        let length = left.min(block.len());
        if !write_all(&sink, &block[..length]) {
            return;
        }
        left -= length;
    }
    drop(sink);
    OutgoingBody::finish(body, None).unwrap();
}
