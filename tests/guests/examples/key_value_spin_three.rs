//! `spin:key-value@3.0.0`: the same questions as the guest of 2.0.0, by async functions.

use kumiki_guests::bindings::concurrent::spin::key_value::key_value::{Error, Store};
use kumiki_guests::service::{HandlerResult, body, outcome, query};
use kumiki_guests::wasip3::http::types::Request;

kumiki_guests::service!(handle);

async fn handle(request: Request) -> HandlerResult {
    let query = query(&request);
    let value = body(request).await;
    let (operation, store, key) = (query.text("op"), query.text("store"), query.text("key"));
    outcome(operate(operation, store.into(), key.into(), value).await)
}

async fn operate(
    operation: &str,
    store: String,
    key: String,
    value: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let store = Store::open(store).await?;
    Ok(match operation {
        "set" => store.set(key, value).await.map(|()| Vec::new())?,
        "delete" => store.delete(key).await.map(|()| Vec::new())?,
        "exists" => store.exists(key).await?.to_string().into(),
        "keys" => {
            let (keys, end) = store.get_keys().await;
            let keys = keys.collect().await;
            end.await?;
            keys.join("\n").into()
        }
        _ => store.get(key).await?.unwrap_or_else(|| b"(none)".to_vec()),
    })
}
