//! Passes its request on to `?url=` by `wasi:http/client@0.3.0`: the method, the headers that begin
//! with `ce-` or `kumiki-`, `content-type` and the body. Answers with the other's answer, or 422
//! with the error's name.

use kumiki_guests::service::{HandlerResult, body, outcome, query};
use kumiki_guests::wasip3::http::client::send;
use kumiki_guests::wasip3::http::types::{Fields, Request, Response, Scheme};
use kumiki_guests::wasip3::{spawn, wit_future, wit_stream};

kumiki_guests::service!(handle);

async fn handle(request: Request) -> HandlerResult {
    let query = query(&request);
    let url = query.text("url");
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let headers = request.get_headers().copy_all();
    let passed = headers.into_iter().filter(|(name, _)| {
        name.starts_with("ce-") || name.starts_with("kumiki-") || name == "content-type"
    });
    let headers: Vec<(String, Vec<u8>)> = passed.collect();
    let headers = Fields::from_list(&headers).unwrap();
    let (mut writer, reader) = wit_stream::new();
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    let (outgoing, _sent) = Request::new(headers, Some(reader), trailers_reader, None);
    outgoing.set_method(&request.get_method()).unwrap();
    outgoing.set_scheme(Some(&Scheme::Http)).unwrap();
    outgoing.set_authority(Some(authority)).unwrap();
    outgoing.set_path_with_query(Some(path)).unwrap();
    let bytes = body(request).await;
    spawn(async move {
        let _left = writer.write_all(bytes).await;
        drop(writer);
        let _gone = trailers.write(Ok(None)).await;
    });
    let response = match send(outgoing).await {
        Ok(response) => response,
        Err(error) => return outcome::<Vec<u8>, _>(Err(error)),
    };
    pass_back(response)
}

/// The same answer once more; its body is read as it is written.
fn pass_back(response: Response) -> HandlerResult {
    let status = response.get_status_code();
    let headers = Fields::from_list(&response.get_headers().copy_all()).unwrap();
    let (_done, done_reader) = wit_future::new(|| Ok(()));
    let (incoming, _trailers) = Response::consume_body(response, done_reader);
    let (_none, no_trailers) = wit_future::new(|| Ok(None));
    let (answer, _sent) = Response::new(headers, Some(incoming), no_trailers);
    answer.set_status_code(status).unwrap();
    Ok(answer)
}
