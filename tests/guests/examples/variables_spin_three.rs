//! `spin:variables@3.0.0`: answers with the value of `?name=`.

use kumiki_guests::bindings::concurrent::spin::variables::variables;
use kumiki_guests::service::{HandlerResult, outcome, query};
use kumiki_guests::wasip3::http::types::Request;

kumiki_guests::service!(handle);

async fn handle(request: Request) -> HandlerResult {
    outcome(variables::get(query(&request).text("name").into()).await)
}
