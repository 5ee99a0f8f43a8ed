//! The component: requests and calls as spin-sdk hands them over.

use std::pin::pin;

use futures::StreamExt;
use kit::http::{Answer, BODY_BYTES_MAX, BodyError, Request};
use spin_sdk::http::{
    Fields, IncomingRequest, Method, OutgoingResponse, ResponseOutparam, Scheme, send,
};
use spin_sdk::http_component;

use crate::services::{Call, Reply, Sending, Services};
use crate::shop;
use crate::visit::Surroundings;

/// The services of the same app, by the addresses that Spin gives them.
struct Neighbours;

impl Services for Neighbours {
    fn send(&self, call: Call) -> Sending<'_> {
        Box::pin(forward(call))
    }
}

async fn forward(call: Call) -> Result<Reply, String> {
    let Call {
        service,
        method,
        path_with_query,
        headers,
        body,
    } = call;
    let method = match method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        other => Method::Other(other.to_owned()),
    };
    let uri = format!("http://{service}.spin.internal{path_with_query}");
    let mut request = spin_sdk::http::Request::builder();
    request.method(method).uri(uri);
    for (name, value) in headers {
        request.header(name, value);
    }
    request.body(body.unwrap_or_default());
    let response: spin_sdk::http::Response = send(request.build())
        .await
        .map_err(|error| error.to_string())?;
    let headers = response.headers().filter_map(|(name, value)| {
        let value = value.as_str()?;
        Some((name.to_owned(), value.to_owned()))
    });
    Ok(Reply {
        status: *response.status(),
        headers: headers.collect(),
        body: response.into_body(),
    })
}

/// 128 bits from the host, in hexadecimal.
fn secret() -> String {
    let bytes = wasi::random::random::get_random_bytes(16);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[http_component]
async fn handle(request: IncomingRequest, out: ResponseOutparam) {
    let is_tls = matches!(request.scheme(), Some(Scheme::Https));
    let request = read(request).await;
    // Before a proxy, the proxy says it; who lies here only loses cookies.
    let is_secure = is_tls || request.header("x-forwarded-proto") == Some("https");
    let surroundings = Surroundings {
        services: &Neighbours,
        secret: &secret,
        is_secure,
    };
    let answer = shop::answer(&request, &surroundings).await;
    respond(answer, out).await;
}

/// Reads a request to its end.
async fn read(incoming: IncomingRequest) -> Request {
    let target = incoming.path_with_query().unwrap_or_default();
    let mut request = Request::new(&incoming.method().to_string(), &target);
    let headers = incoming.headers();
    for (name, value) in headers.entries() {
        let value = String::from_utf8_lossy(&value).into_owned();
        request.headers.push((name.to_ascii_lowercase(), value));
    }
    drop(headers);
    if request.header("host").is_none()
        && let Some(authority) = incoming.authority()
    {
        request.headers.push(("host".to_owned(), authority));
    }
    // A GET has no body that would matter.
    if request.method == "POST" {
        request.body = read_body(incoming).await;
    }
    request
}

async fn read_body(incoming: IncomingRequest) -> Result<Vec<u8>, BodyError> {
    let mut chunks = pin!(incoming.into_body_stream());
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await {
        body.extend(chunk.map_err(|_| BodyError::Broken)?);
        if body.len() > BODY_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
    }
    Ok(body)
}

async fn respond(answer: Answer, out: ResponseOutparam) {
    if let Some(log) = &answer.log {
        eprintln!("{}: {log}", answer.status);
    }
    let headers: Vec<(String, Vec<u8>)> = answer
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
    let headers = match Fields::from_list(&headers) {
        Ok(headers) => headers,
        Err(error) => {
            eprintln!("the headers cannot be sent: {error:?}");
            Fields::new()
        }
    };
    let response = OutgoingResponse::new(headers);
    if response.set_status_code(answer.status).is_err() {
        eprintln!("{} is no status", answer.status);
    }
    if let Err(error) = out.set_with_body(response, answer.body).await {
        eprintln!("the answer is cut off: {error:?}");
    }
}
