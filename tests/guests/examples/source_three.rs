//! Answers with `?bytes=` bytes of a fixed pattern, written while the client reads, by `wasi:http`
//! 0.3.

use kumiki_guests::service::{HandlerResult, query};
use kumiki_guests::wasip3::http::types::{Fields, Request, Response};
use kumiki_guests::wasip3::{spawn, wit_future, wit_stream};

kumiki_guests::service!(handle);

async fn handle(request: Request) -> HandlerResult {
    let mut left = usize::try_from(query(&request).number("bytes", 0)).unwrap();
    let (mut writer, reader) = wit_stream::new();
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    spawn(async move {
        while left > 0 {
            let length = left.min(64 * 1024);
            if !writer.write_all(vec![b'k'; length]).await.is_empty() {
                return;
            }
            left -= length;
        }
        drop(writer);
        let _gone = trailers.write(Ok(None)).await;
    });
    Ok(Response::new(Fields::new(), Some(reader), trailers_reader).0)
}
