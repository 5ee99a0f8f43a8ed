//! Imports an interface that nobody has, so that the host refuses to start.

use kumiki_guests::bindings::unknown::nobody::has::this::call;
use kumiki_guests::incoming::Request;

kumiki_guests::guest!(handle);

fn handle(_request: Request) -> String {
    call();
    "called".to_owned()
}
