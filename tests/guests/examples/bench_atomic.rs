//! An atomic handler for the bench: three writes to the store `?store=` and one event to the bus at
//! `?url=`. `?n=` names its keys; with `?shared=` it adds to one of so many keys as the third
//! write, which is a read as well, so that handlers at one time conflict.

use kumiki_guests::bindings::plain::wasi::keyvalue::atomics::increment;
use kumiki_guests::bindings::plain::wasi::keyvalue::store::{Error, open};
use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::outgoing::publish;

/// Keys that the numbers stand for.
const KEYS: u64 = 10_000;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    if let Err(error) = write(&request) {
        return Answer::new(422, format!("{error:?}"));
    }
    let number = request.query.text("n");
    let id = format!("{}-{number}", request.query.text("run"));
    match publish(request.query.text("url"), &id, &[], &[b'd'; 100]) {
        Ok(answer) if answer.status == 202 => Answer::new(200, ""),
        Ok(answer) => Answer::new(422, answer.body),
        Err(text) => Answer::new(422, text),
    }
}

fn write(request: &Request) -> Result<(), Error> {
    let bucket = open(request.query.text("store"))?;
    let number = request.query.number("n", 0);
    bucket.set(&format!("order-{}", number % KEYS), &[b'v'; 100])?;
    bucket.set(&format!("item-{}", number % KEYS), &[b'v'; 100])?;
    match request.query.number("shared", 0) {
        0 => bucket.set(&format!("state-{}", number % KEYS), &[b'v'; 100]),
        keys => increment(&bucket, &format!("shared-{}", number % keys), 1).map(drop),
    }
}
