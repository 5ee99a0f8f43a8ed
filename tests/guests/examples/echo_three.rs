//! Passes the request's body and trailers through to the answer, by `wasi:http` 0.3. With `?copy`
//! the guest reads and writes each chunk itself; else it hands the host's own stream back.

use kumiki_guests::service::{HandlerResult, query};
use kumiki_guests::wasip3::http::types::{Fields, Request, Response};
use kumiki_guests::wasip3::wit_bindgen::StreamResult;
use kumiki_guests::wasip3::{spawn, wit_future, wit_stream};

kumiki_guests::service!(handle);

async fn handle(request: Request) -> HandlerResult {
    let copy = query(&request).get("copy").is_some();
    let headers = Fields::new();
    let announced = request.get_headers().get("trailer");
    if !announced.is_empty() {
        headers.set("trailer", &announced).unwrap();
    }
    let (_done, done_reader) = wit_future::new(|| Ok(()));
    let (mut body, trailers) = Request::consume_body(request, done_reader);
    if !copy {
        return Ok(Response::new(headers, Some(body), trailers).0);
    }
    let (mut writer, reader) = wit_stream::new();
    spawn(async move {
        let mut buffer = Vec::with_capacity(64 * 1024);
        loop {
            let (result, chunk) = body.read(buffer).await;
            let left = writer.write_all(chunk).await;
            if !left.is_empty() || result == StreamResult::Dropped {
                return;
            }
            buffer = Vec::with_capacity(64 * 1024);
        }
    });
    Ok(Response::new(headers, Some(reader), trailers).0)
}
