//! Sends a request to `?url=` by `wasi:http/client@0.3.0` and answers with the status, a line end
//! and the body, or with the error's name. The method and the body are those of the guest's own
//! request. With `follow=1` redirects are followed, without the body.

use kumiki_guests::service::{HandlerResult, body, outcome, query};
use kumiki_guests::wasip3::http::client::send;
use kumiki_guests::wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use kumiki_guests::wasip3::{spawn, wit_future, wit_stream};

kumiki_guests::service!(handle);

async fn handle(request: Request) -> HandlerResult {
    outcome(fetch(request).await)
}

async fn fetch(request: Request) -> Result<Vec<u8>, ErrorCode> {
    let query = query(&request);
    let method = request.get_method();
    let mut bytes = body(request).await;
    let mut url = query.text("url").to_owned();
    loop {
        let response = exchange(&url, &method, bytes).await?;
        let location = response.get_headers().get("location").pop();
        match location.filter(|_| query.get("follow").is_some()) {
            Some(location) => url = String::from_utf8_lossy(&location).into_owned(),
            None => return Ok(shown(response).await),
        }
        bytes = Vec::new();
    }
}

async fn exchange(url: &str, method: &Method, bytes: Vec<u8>) -> Result<Response, ErrorCode> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", ""));
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    let (mut writer, reader) = wit_stream::new();
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    let (outgoing, _sent) = Request::new(Fields::new(), Some(reader), trailers_reader, None);
    outgoing.set_method(method).unwrap();
    let scheme = if scheme == "https" {
        Scheme::Https
    } else {
        Scheme::Http
    };
    outgoing.set_scheme(Some(&scheme)).unwrap();
    outgoing.set_authority(Some(authority)).unwrap();
    outgoing.set_path_with_query(Some(path)).unwrap();
    spawn(async move {
        let _left = writer.write_all(bytes).await;
        drop(writer);
        let _gone = trailers.write(Ok(None)).await;
    });
    send(outgoing).await
}

async fn shown(response: Response) -> Vec<u8> {
    let mut text = format!("{}\n", response.get_status_code()).into_bytes();
    let (_done, done_reader) = wit_future::new(|| Ok(()));
    let (incoming, _trailers) = Response::consume_body(response, done_reader);
    text.extend(incoming.collect().await);
    text
}
