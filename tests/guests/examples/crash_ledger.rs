//! Of the crash suite: an atomic handler of events `KEY-NUMBER`. It counts each event under its
//! name, and keeps what order they came in: the last number of each key, and how often one was left
//! out or came late. `/ledger` also publishes `follow.up` for its events, each run with an id of
//! its own, so that the bus cannot hide that a handler's effects happened twice. At their first
//! attempt, after their writes, some of its events fail and some trap.

use kumiki_guests::bindings::plain::wasi::keyvalue::atomics::increment;
use kumiki_guests::bindings::plain::wasi::keyvalue::store::{Error, open};
use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::outgoing::publish;
use kumiki_guests::stored::dump;
use kumiki_guests::wasip2::random::random::get_random_u64;

/// Of these the first attempt fails, or traps.
const FAILS_EVERY: u64 = 13;
const TRAPS_EVERY: u64 = 29;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    if let Some(dumped) = dump(&request) {
        return dumped;
    }
    let name = request.text();
    let parts = name.rsplit_once('-');
    let Some((key, number)) = parts.and_then(|(key, number)| Some((key, number.parse().ok()?)))
    else {
        return Answer::new(400, format!("`{name}` is no name"));
    };
    match request.path() {
        "/ledger" => ledger(&request, &name, key, number),
        "/audit" => count("audit", &name, key, number).into(),
        _ => Answer::new(404, ""),
    }
}

fn ledger(request: &Request, name: &str, key: &str, number: u64) -> Answer {
    if let Err(error) = count("ledger", name, key, number) {
        return Answer::new(422, format!("{error:?}"));
    }
    let id = format!("{:016x}", get_random_u64());
    let url = "http://events.spin.internal/follow.up";
    match publish(url, &id, &[("ce-partitionkey", key)], name.as_bytes()) {
        Ok(answer) if answer.status == 202 => {}
        Ok(answer) => return Answer::new(500, answer.body),
        Err(text) => return Answer::new(500, text),
    }
    let is_first = request
        .headers
        .iter()
        .any(|(name, value)| name == "kumiki-attempt" && value == b"1");
    if is_first && number.is_multiple_of(FAILS_EVERY) {
        return Answer::new(500, "as planned");
    }
    assert!(
        !is_first || !number.is_multiple_of(TRAPS_EVERY),
        "as planned"
    );
    Answer::new(200, "")
}

fn count(store: &str, name: &str, key: &str, number: u64) -> Result<String, Error> {
    let bucket = open(store)?;
    increment(&bucket, &format!("count-{name}"), 1)?;
    let last = increment(&bucket, &format!("last-{key}"), 0)?.cast_unsigned();
    let step = i64::try_from(number).unwrap() - i64::try_from(last).unwrap();
    increment(&bucket, &format!("last-{key}"), step)?;
    if step > 1 {
        increment(&bucket, &format!("left-out-{key}"), step - 1)?;
    }
    if step < 1 {
        increment(&bucket, &format!("late-{key}"), 1)?;
    }
    Ok(String::new())
}
