//! Does the work of `test:chain/work` for linked callers, and answers `wasi:http` 0.3 with how
//! often this instance was asked: a service of 0.3 whose contract is one of plain functions.

use kumiki_guests::linked;
use kumiki_guests::service::{HandlerResult, answer};
use kumiki_guests::wasip3::http::types::Request;

mod bindings {
    kumiki_guests::wasip3::wit_bindgen::generate!({
        path: "wit/chain",
        world: "provider",
        runtime_path: "kumiki_guests::wasip3::wit_bindgen::rt",
    });
}

struct Linked;

kumiki_guests::work!(
    Linked,
    bindings::exports::test::chain::work,
    linked::chain,
    {}
);
bindings::export!(Linked with_types_in bindings);
kumiki_guests::service!(handle);

async fn handle(_request: Request) -> HandlerResult {
    let count = linked::count().unwrap();
    Ok(answer(200, count.to_string().into_bytes()))
}
