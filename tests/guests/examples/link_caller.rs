//! Calls `test:chain/work` of whoever it is linked to, as the query says, by `wasi:http` 0.2.

use kumiki_guests::incoming::Request;

mod bindings {
    wit_bindgen::generate!({
        path: "wit/chain",
        world: "caller",
    });
}

kumiki_guests::guest!(handle);

fn handle(request: Request) -> String {
    kumiki_guests::asked!(bindings::test::chain::work, &request.query)
}
