//! Hostile: writes values of `?kib=` KiB into its key-value store until an error, and answers with
//! how many fitted and the error's name.

use kumiki_guests::bindings::plain::fermyon::spin::key_value::Store;
use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    let store = Store::open(request.query.text("store")).unwrap();
    let length = usize::try_from(request.query.number("kib", 256)).unwrap() * 1024;
    let value = vec![b'x'; length];
    let mut written = 0u64;
    loop {
        match store.set(&format!("filler-{written}"), &value) {
            Ok(()) => written += 1,
            Err(error) => return Answer::new(422, format!("{written} then {error:?}")),
        }
    }
}
