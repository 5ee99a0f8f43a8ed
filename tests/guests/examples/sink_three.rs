//! Reads the request's body chunk by chunk and answers with the number of its bytes, by `wasi:http`
//! 0.3.

use kumiki_guests::service::{HandlerResult, answer};
use kumiki_guests::wasip3::http::types::Request;
use kumiki_guests::wasip3::wit_bindgen::StreamResult;
use kumiki_guests::wasip3::wit_future;

kumiki_guests::service!(handle);

async fn handle(request: Request) -> HandlerResult {
    let (_done, done_reader) = wit_future::new(|| Ok(()));
    let (mut body, trailers) = Request::consume_body(request, done_reader);
    let mut bytes = 0;
    let mut buffer = Vec::with_capacity(64 * 1024);
    loop {
        let (result, mut chunk) = body.read(buffer).await;
        bytes += chunk.len();
        if result == StreamResult::Dropped {
            // A body that broke off ends its stream too; only this tells the two apart.
            trailers.await?;
            return Ok(answer(200, bytes.to_string().into_bytes()));
        }
        chunk.clear();
        buffer = chunk;
    }
}
