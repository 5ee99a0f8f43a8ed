//! Hostile: answers with a head and a first part, then waits without end before the rest of the
//! body.

use kumiki_guests::incoming::{begin, write_all};
use kumiki_guests::wasip2::clocks::monotonic_clock::subscribe_duration;
use kumiki_guests::wasip2::http::types::{IncomingRequest, OutgoingBody, ResponseOutparam};

kumiki_guests::raw_guest!(handle);

fn handle(_request: IncomingRequest, out: ResponseOutparam) {
    let body = begin(200, &[], out);
    write_all(&body.write().unwrap(), b"the first part");
    subscribe_duration(1_000_000_000_000_000_000).block();
    OutgoingBody::finish(body, None).unwrap();
}
