//! Answers with the number of its build, by `wasi:http` 0.2 and to linked callers of
//! `test:chain/work`, whose `chain` is the number (`steps=1`: once the gate `build` is open). With
//! `?stream=GATE` the answer begins, waits at that gate, and ends with the number once more.
//!
//! A test makes other builds of it by writing other digits into its bytes: the number, how many
//! calls of an instance come to one that fails, and for how many milliseconds each call waits.

use std::sync::atomic::{AtomicU32, Ordering};

use kumiki_guests::incoming::{Answer, begin, read, send, write_all};
use kumiki_guests::linked;
use kumiki_guests::wasip2::clocks::monotonic_clock::subscribe_duration;
use kumiki_guests::wasip2::http::types::{IncomingRequest, OutgoingBody, ResponseOutparam};

mod bindings {
    wit_bindgen::generate!({
        path: "wit/chain",
        world: "provider",
    });
}

/// Once in the artifact, because it is only ever read through [`line`].
static LINE: [u8; 36] = *b"build 00000000\nfails 0\nstalls 00000\n";

static CALLS: AtomicU32 = AtomicU32::new(0);

struct Linked;

kumiki_guests::work!(Linked, bindings::exports::test::chain::work, number, {});
bindings::export!(Linked with_types_in bindings);
kumiki_guests::raw_guest!(handle);

fn handle(request: IncomingRequest, out: ResponseOutparam) {
    let request = read(request);
    stall();
    let line = format!("{}\n", line(0));
    if is_failing() {
        return send(Answer::new(500, line), out);
    }
    let Some(gate) = request.query.get("stream") else {
        return send(Answer::new(200, line), out);
    };
    let body = begin(200, &[], out);
    let stream = body.write().unwrap();
    write_all(&stream, line.as_bytes());
    linked::hold(gate).unwrap();
    write_all(&stream, line.as_bytes());
    drop(stream);
    OutgoingBody::finish(body, None).unwrap();
}

/// The build, to a linked caller.
fn number(steps: u32) -> Result<String, linked::Error> {
    stall();
    if steps > 0 {
        linked::hold("build")?;
    }
    if is_failing() {
        return Err(linked::Error::Own(line(0)));
    }
    Ok(line(0))
}

/// A line of [`LINE`]. The compiler may not know what it says.
fn line(number: usize) -> String {
    let text = String::from_utf8_lossy(std::hint::black_box(&LINE));
    text.lines().nth(number).unwrap_or_default().to_owned()
}

fn digits(number: usize) -> u32 {
    let line = line(number);
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn is_failing() -> bool {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    let every = digits(1);
    every > 0 && calls.is_multiple_of(every)
}

fn stall() {
    let ms = digits(2);
    if ms > 0 {
        subscribe_duration(u64::from(ms) * 1_000_000).block();
    }
}
