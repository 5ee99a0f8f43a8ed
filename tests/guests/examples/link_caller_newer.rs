//! Calls `test:chain/work@1.1.0`, which has one function more than 1.0.0.

use bindings::test::chain::work::{Error, added};
use kumiki_guests::incoming::Request;

mod bindings {
    wit_bindgen::generate!({
        path: "wit/chain-newer",
        world: "caller",
    });
}

kumiki_guests::guest!(handle);

fn handle(_request: Request) -> String {
    match added() {
        Ok(text) => format!("ok {text}"),
        Err(Error::Own(text)) => format!("error own {text}"),
        Err(Error::Unavailable(text)) => format!("unavailable {text}"),
    }
}
