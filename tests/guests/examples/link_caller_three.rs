//! Calls `test:chain/work` of whoever it is linked to, as the query says, by `wasi:http` 0.3.

use kumiki_guests::service::{HandlerResult, answer, query};
use kumiki_guests::wasip3::http::types::Request;

mod bindings {
    kumiki_guests::wasip3::wit_bindgen::generate!({
        path: "wit/chain",
        world: "caller",
        runtime_path: "kumiki_guests::wasip3::wit_bindgen::rt",
    });
}

kumiki_guests::service!(handle);

async fn handle(request: Request) -> HandlerResult {
    let query = query(&request);
    let text = kumiki_guests::asked!(bindings::test::chain::work, &query);
    Ok(answer(200, text.into_bytes()))
}
