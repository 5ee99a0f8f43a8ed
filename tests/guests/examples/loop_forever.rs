//! Hostile: computes without end and never answers.

use kumiki_guests::wasip2::http::types::{IncomingRequest, ResponseOutparam};

kumiki_guests::raw_guest!(handle);

fn handle(_request: IncomingRequest, _out: ResponseOutparam) {
    let mut number = 0u64;
    loop {
        number = std::hint::black_box(number.wrapping_add(1));
    }
}
