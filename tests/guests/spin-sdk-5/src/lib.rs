//! An app on spin-sdk 5.2, the last with `wasi:http` 0.2: greets, and counts visits in its
//! key-value store.

use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;
use spin_sdk::key_value::Store;

#[http_component]
fn greet(request: Request) -> anyhow::Result<impl IntoResponse> {
    if request.path() != "/visits" {
        return Ok(Response::new(200, "hello from spin-sdk 5"));
    }
    let store = Store::open_default()?;
    let visits = store.get("visits")?.unwrap_or_default().len() + 1;
    store.set("visits", &vec![b'x'; visits])?;
    Ok(Response::new(200, visits.to_string()))
}
