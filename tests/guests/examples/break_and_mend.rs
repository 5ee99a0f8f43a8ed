//! Takes events: remembers each in its store `default`, unless a key `broken` stands there. `?op=`
//! is `break`, `mend`, or `taken` for the events so far, a line each.

use kumiki_guests::bindings::plain::wasi::keyvalue::atomics::increment;
use kumiki_guests::bindings::plain::wasi::keyvalue::store::{Bucket, Error, open};
use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    let store = open("default").unwrap();
    let operation = match request.query.text("op") {
        "break" => store.set("broken", b"yes").map(|()| String::new()),
        "mend" => store.delete("broken").map(|()| String::new()),
        "taken" => taken(&store),
        _ => return take(&store, &request),
    };
    operation.into()
}

fn take(store: &Bucket, request: &Request) -> Answer {
    if store.exists("broken").unwrap() {
        return Answer::new(500, "it is broken");
    }
    let id = request.headers.iter().find(|(name, _)| name == "ce-id");
    let id = id.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    let number = increment(store, "count", 1).unwrap();
    let line = format!("{} {}", id.unwrap_or_default(), request.text());
    let key = format!("event-{number:06}");
    store.set(&key, line.as_bytes()).map(|()| Vec::new()).into()
}

fn taken(store: &Bucket) -> Result<String, Error> {
    let mut keys = store.list_keys(None)?.keys;
    keys.retain(|key| key.starts_with("event-"));
    keys.sort();
    let mut text = String::new();
    for key in keys {
        let line = store.get(&key)?.unwrap_or_default();
        text.push_str(&String::from_utf8_lossy(&line));
        text.push('\n');
    }
    Ok(text)
}
