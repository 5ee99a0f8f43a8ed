//! Reads or writes one key-value store by `wasi:keyvalue` for `?ms=` milliseconds and answers with
//! the times of it, as the bench's `times` describes them. `?call=` is `fill` (sets every key
//! once), `get`, `set`, which overwrites `?keys=` keys in turn, or `set-new`, whose keys were never
//! there; values have `?bytes=` bytes. An instance has keys of its own, so none is written by two
//! at once.

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use kumiki_guests::bindings::plain::wasi::keyvalue::store::{Bucket, Error, open};
use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::wasip2::clocks::monotonic_clock;
use kumiki_guests::wasip2::random::random::get_random_u64;

#[path = "../../bench/src/times.rs"]
mod times;

/// Calls in a row between two readings of the clock.
const ROW_CALLS: u64 = 500;

/// What sets the keys of this instance apart.
static INSTANCE: OnceLock<u64> = OnceLock::new();

/// Keys of `set-new` so far.
static NEW_KEYS: AtomicU64 = AtomicU64::new(0);

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    run(&request).into()
}

fn run(request: &Request) -> Result<String, Error> {
    let query = &request.query;
    let bucket = open(query.text("store"))?;
    let nanoseconds = query.number("ms", 100) * 1_000_000;
    let value = vec![b'v'; usize::try_from(query.number("bytes", 100)).unwrap()];
    let instance = *INSTANCE.get_or_init(get_random_u64);
    let keys: Vec<String> = (0..query.number("keys", 1))
        .map(|number| format!("{instance:016x}-{number:06}"))
        .collect();
    let mut turn = keys.iter().cycle();
    let mut next = || turn.next().map_or("", String::as_str);
    match query.text("call") {
        "fill" => keys
            .iter()
            .try_for_each(|key| bucket.set(key, &value))
            .map(|()| String::new()),
        "get" => {
            bucket.set(next(), &value)?;
            let mut get = || bucket.get(next()).map(drop);
            let (count, row) = row(nanoseconds / 2, &mut get)?;
            timed(times::Times::new(count, row), nanoseconds / 2, get)
        }
        "set" => timed(times::Times::new(0, 0), nanoseconds, || {
            bucket.set(next(), &value)
        }),
        _ => {
            let mut key = String::new();
            timed(times::Times::new(0, 0), nanoseconds, || {
                set_new(&bucket, &mut key, instance, &value)
            })
        }
    }
}

fn set_new(bucket: &Bucket, key: &mut String, instance: u64, value: &[u8]) -> Result<(), Error> {
    let number = NEW_KEYS.fetch_add(1, Ordering::Relaxed);
    key.clear();
    let _written = write!(key, "new-{instance:016x}-{number:09}");
    bucket.set(key, value)
}

/// Calls in a row until the time is over: how many, and what they took.
fn row(
    nanoseconds: u64,
    call: &mut impl FnMut() -> Result<(), Error>,
) -> Result<(u64, u64), Error> {
    let begun = monotonic_clock::now();
    let mut count = 0;
    loop {
        for _ in 0..ROW_CALLS {
            call()?;
        }
        count += ROW_CALLS;
        let passed = monotonic_clock::now() - begun;
        if passed >= nanoseconds {
            return Ok((count, passed));
        }
    }
}

/// Calls until the time is over and takes the time of each: one reading of the clock per call.
fn timed(
    mut times: times::Times,
    nanoseconds: u64,
    mut call: impl FnMut() -> Result<(), Error>,
) -> Result<String, Error> {
    let begun = monotonic_clock::now();
    let mut before = begun;
    while before - begun < nanoseconds {
        call()?;
        let after = monotonic_clock::now();
        times.add(after - before);
        before = after;
    }
    Ok(times.to_text())
}
