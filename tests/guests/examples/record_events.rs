//! Writes each request down in the key-value store `recorded`, with its path, its headers and its
//! body, and answers a GET with all of them, one JSON object in a line.

use kumiki_guests::bindings::plain::wasi::keyvalue::atomics::increment;
use kumiki_guests::bindings::plain::wasi::keyvalue::store::{Error, open};
use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    match request.method.as_str() {
        "GET" => recorded(),
        _ => record(&request),
    }
    .into()
}

fn record(request: &Request) -> Result<String, Error> {
    let bucket = open("recorded")?;
    let number = increment(&bucket, "count", 1)?;
    let headers = request.headers.iter();
    let headers: serde_json::Map<_, _> = headers
        .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into()))
        .collect();
    let line = serde_json::json!({
        "path": request.path(),
        "headers": headers,
        "body": request.text(),
    });
    bucket.set(&format!("event-{number}"), line.to_string().as_bytes())?;
    Ok(String::new())
}

fn recorded() -> Result<String, Error> {
    let bucket = open("recorded")?;
    let count = increment(&bucket, "count", 0)?;
    let mut lines = Vec::new();
    for number in 1..=count {
        let line = bucket.get(&format!("event-{number}"))?.unwrap_or_default();
        lines.push(String::from_utf8_lossy(&line).into_owned());
    }
    Ok(lines.join("\n"))
}
