//! `fermyon:spin/key-value@2.0.0`: the query says the operation (`op`), the `store` and the `key`;
//! the body is the value.

use kumiki_guests::bindings::plain::fermyon::spin::key_value::{Error, Store};
use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    operate(&request).into()
}

fn operate(request: &Request) -> Result<Vec<u8>, Error> {
    let store = Store::open(request.query.text("store"))?;
    let key = request.query.text("key");
    Ok(match request.query.text("op") {
        "set" => store.set(key, &request.body).map(|()| Vec::new())?,
        "delete" => store.delete(key).map(|()| Vec::new())?,
        "exists" => store.exists(key)?.to_string().into(),
        "keys" => store.get_keys()?.join("\n").into(),
        _ => store.get(key)?.unwrap_or_else(|| b"(none)".to_vec()),
    })
}
