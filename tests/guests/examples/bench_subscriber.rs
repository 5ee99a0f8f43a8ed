//! Takes events whose data begin with the time at which they were made, as `bench_publish` stamps
//! them, and remembers how long each was under way. `/times` answers with that, as the bench's
//! `times` describes it, and forgets it. All of it lies in one instance, so there must be one.

use std::sync::Mutex;

use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::wasip2::clocks::wall_clock;

#[path = "../../bench/src/times.rs"]
mod times;

static TIMES: Mutex<Option<times::Times>> = Mutex::new(None);

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    let mut times = TIMES.lock().unwrap();
    if request.path() == "/times" {
        let text = times.take().map(|times| times.to_text());
        return Answer::new(200, text.unwrap_or_default());
    }
    let now = wall_clock::now();
    let now = now.seconds * 1_000_000_000 + u64::from(now.nanoseconds);
    let stamp = request.body.get(..20).map(String::from_utf8_lossy);
    match stamp.and_then(|stamp| stamp.parse::<u64>().ok()) {
        Some(stamp) => {
            let times = times.get_or_insert_with(|| times::Times::new(0, 0));
            times.add(now.saturating_sub(stamp));
            Answer::new(200, "")
        }
        None => Answer::new(400, "the data do not begin with a stamp"),
    }
}
