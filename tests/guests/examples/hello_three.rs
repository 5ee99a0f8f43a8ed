//! Answers every request with one line, by `wasi:http` 0.3.

use kumiki_guests::service::{HandlerResult, answer};
use kumiki_guests::wasip3::http::types::Request;

kumiki_guests::service!(handle);

async fn handle(_request: Request) -> HandlerResult {
    Ok(answer(200, b"hello from 0.3\n".to_vec()))
}
