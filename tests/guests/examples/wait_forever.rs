//! Hostile: waits for thirty years and never answers. It uses no CPU, so only a clock outside the
//! guest ends it.

use kumiki_guests::wasip2::clocks::monotonic_clock::subscribe_duration;
use kumiki_guests::wasip2::http::types::{IncomingRequest, ResponseOutparam};

kumiki_guests::raw_guest!(handle);

fn handle(_request: IncomingRequest, _out: ResponseOutparam) {
    subscribe_duration(1_000_000_000_000_000_000).block();
}
