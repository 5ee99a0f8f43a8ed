//! Notes its start in the store, sleeps `?ms=`, and notes its end: shows that a client that leaves
//! does not end a handler that has begun. Both notes are values of the key-value store `default`.

use kumiki_guests::bindings::plain::fermyon::spin::key_value::Store;
use kumiki_guests::incoming::Request;
use kumiki_guests::wasip2::clocks::monotonic_clock::subscribe_duration;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> String {
    let store = Store::open("default").unwrap();
    store.set("begun", b"yes").unwrap();
    subscribe_duration(request.query.number("ms", 0) * 1_000_000).block();
    store.set("ended", b"yes").unwrap();
    "slept".into()
}
