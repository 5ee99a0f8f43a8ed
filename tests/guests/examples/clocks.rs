//! Sleeps one millisecond and answers with the wall clock in seconds and with the nanoseconds that
//! the monotonic clock went on.

use kumiki_guests::incoming::Request;
use kumiki_guests::wasip2::clocks::{monotonic_clock, wall_clock};

kumiki_guests::guest!(handle);

fn handle(_request: Request) -> String {
    let before = monotonic_clock::now();
    monotonic_clock::subscribe_duration(1_000_000).block();
    format!(
        "{}\n{}",
        wall_clock::now().seconds,
        monotonic_clock::now() - before
    )
}
