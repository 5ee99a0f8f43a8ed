//! Answers with the request as the guest sees it, in JSON: method, authority, path with query, and
//! every header.

use kumiki_guests::incoming::Request;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> String {
    let headers: Vec<(String, String)> = request
        .headers
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    serde_json::json!({
        "method": request.method,
        "authority": request.authority,
        "path_with_query": request.path_with_query,
        "headers": headers,
    })
    .to_string()
}
