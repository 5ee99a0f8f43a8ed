//! Hostile: returns without an answer.

use kumiki_guests::wasip2::http::types::{IncomingRequest, ResponseOutparam};

kumiki_guests::raw_guest!(handle);

fn handle(_request: IncomingRequest, _out: ResponseOutparam) {}
