//! The handler of `wasi:http` 0.3 as one async function from a request to an answer.

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream};

use crate::query::Query;

/// What a 0.3 handler returns.
pub type HandlerResult = Result<Response, ErrorCode>;

/// The query of a request.
pub fn query(request: &Request) -> Query {
    Query::of(&request.get_path_with_query().unwrap_or_default())
}

/// Reads the body of a request to its end.
pub async fn body(request: Request) -> Vec<u8> {
    let (done, done_reader) = wit_future::new(|| Ok(()));
    let (body, _trailers) = Request::consume_body(request, done_reader);
    let bytes = body.collect().await;
    drop(done);
    bytes
}

/// A whole answer; its body is written while the host reads it.
pub fn answer(status: u16, bytes: Vec<u8>) -> Response {
    let (mut writer, reader) = wit_stream::new();
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(reader), trailers_reader);
    response.set_status_code(status).unwrap();
    wasip3::spawn(async move {
        let _left = writer.write_all(bytes).await;
        drop(writer);
        let _gone = trailers.write(Ok(None)).await;
    });
    response
}

/// 200 with what the host returned, or 422 with the name of its error.
pub fn outcome<T: Into<Vec<u8>>, E: std::fmt::Debug>(result: Result<T, E>) -> HandlerResult {
    Ok(match result {
        Ok(bytes) => answer(200, bytes.into()),
        Err(error) => answer(422, format!("{error:?}").into_bytes()),
    })
}

/// Exports `wasi:http/handler@0.3.0` by an async function from a request to a [`HandlerResult`].
#[macro_export]
macro_rules! service {
    ($handler:path) => {
        struct Guest;
        impl $crate::wasip3::exports::http::handler::Guest for Guest {
            async fn handle(
                request: $crate::wasip3::http::types::Request,
            ) -> $crate::service::HandlerResult {
                $handler(request).await
            }
        }
        $crate::wasip3::http::service::export!(Guest with_types_in $crate::wasip3);
    };
}
