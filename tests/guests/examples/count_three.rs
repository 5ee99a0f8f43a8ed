//! Counts its own calls in memory, by `wasi:http` 0.3: shows whether an instance is used again.

use std::sync::atomic::{AtomicU64, Ordering};

use kumiki_guests::service::{HandlerResult, answer};
use kumiki_guests::wasip3::http::types::Request;

static CALLS: AtomicU64 = AtomicU64::new(0);

kumiki_guests::service!(handle);

async fn handle(_request: Request) -> HandlerResult {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    Ok(answer(200, calls.to_string().into_bytes()))
}
