//! Answers with the headers of the request, one `name: value` per line.

use kumiki_guests_core::wasi::http::types::IncomingRequest;

kumiki_guests_core::core_guest!(handle);

fn handle(request: &IncomingRequest) -> Result<String, String> {
    println!("a line by preview1");
    let lines = request
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(&value).into_owned();
            format!("{name}: {value}")
        });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}
