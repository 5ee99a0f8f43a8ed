//! Of the crash suite: an atomic handler that takes an order. `?key=` and `?number=` name it; it
//! counts the order under its name, counts all orders under one key, for which handlers at one time
//! conflict, and publishes `order.placed` with the name as data. `/plain` publishes `plain.made`
//! with the same data and writes nothing. The answer is that of the bus.

use kumiki_guests::bindings::plain::wasi::keyvalue::atomics::increment;
use kumiki_guests::bindings::plain::wasi::keyvalue::store::{Error, open};
use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::outgoing::publish;
use kumiki_guests::stored::dump;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    if let Some(dumped) = dump(&request) {
        return dumped;
    }
    let key = request.query.text("key");
    let name = format!("{key}-{}", request.query.text("number"));
    let attributes = [("ce-partitionkey", key)];
    let url = "http://events.spin.internal";
    let answer = match request.path() {
        "/plain" => publish(
            &format!("{url}/plain.made"),
            &name,
            &attributes,
            name.as_bytes(),
        ),
        _ => match count(&name) {
            Ok(()) => publish(
                &format!("{url}/order.placed"),
                &name,
                &attributes,
                name.as_bytes(),
            ),
            Err(error) => Err(format!("{error:?}")),
        },
    };
    answer.unwrap_or_else(|text| Answer::new(500, text))
}

fn count(name: &str) -> Result<(), Error> {
    let bucket = open("orders")?;
    increment(&bucket, "total", 1)?;
    increment(&bucket, &format!("order-{name}"), 1).map(drop)
}
