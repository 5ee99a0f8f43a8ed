//! An app on spin-sdk 7, which exports `wasi:http/handler@0.3.0`: greets, and counts visits in its
//! key-value store.

use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_service;
use spin_sdk::key_value::Store;

#[http_service]
async fn greet(request: Request) -> anyhow::Result<impl IntoResponse> {
    if request.uri().path() != "/visits" {
        return Ok(Response::new("hello from spin-sdk 7".to_owned()));
    }
    let store = Store::open_default().await?;
    let visits = store.get("visits").await?.unwrap_or_default().len() + 1;
    store.set("visits", vec![b'x'; visits]).await?;
    Ok(Response::new(visits.to_string()))
}
