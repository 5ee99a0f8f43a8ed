//! Calls a linked service again and again and answers with the times of it: first `?count=` calls
//! in a row of which the time of all is taken, then as many of which each is timed with the
//! monotonic clock. `?call=` is `quote`, `total` (1,000 records) or `bytes` (64 KiB). The lines of
//! the answer are described by the bench's `times`, which this guest shares with it.

use bindings::kumiki::bench::prices::{self, Error, Position};
use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::wasip2::clocks::monotonic_clock;

mod bindings {
    wit_bindgen::generate!({
        path: "wit/bench",
        world: "caller",
    });
}

#[path = "../../bench/src/arguments.rs"]
mod arguments;
#[path = "../../bench/src/times.rs"]
mod times;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    let count = request.query.number("count", 1);
    let times = match request.query.text("call") {
        "quote" => times(count, || prices::quote("cup-blue", 3)),
        "total" => {
            let positions: Vec<Position> = (0..arguments::RECORDS).map(position).collect();
            times(count, || prices::total(&positions))
        }
        "bytes" => {
            let bytes = vec![7; arguments::BYTES];
            times(count, || prices::bytes(&bytes))
        }
        other => return Answer::new(400, format!("there is no call `{other}`")),
    };
    match times {
        Ok(text) => Answer::new(200, text),
        Err(error) => Answer::new(422, format!("{error:?}")),
    }
}

fn position(number: u32) -> Position {
    Position {
        sku: arguments::sku(number),
        count: 3,
        cents: number,
    }
}

fn times<T>(count: u64, call: impl Fn() -> Result<T, Error>) -> Result<String, Error> {
    let started = monotonic_clock::now();
    for _ in 0..count {
        call()?;
    }
    let mut times = times::Times::new(count, monotonic_clock::now() - started);
    for _ in 0..count {
        let before = monotonic_clock::now();
        call()?;
        times.add(monotonic_clock::now() - before);
    }
    Ok(times.to_text())
}
