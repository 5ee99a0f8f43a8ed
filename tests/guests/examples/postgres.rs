//! Imports `spin:postgres`, which kumiki does not offer: opens a connection to `?address=`, or with
//! `?op=version` calls what can only trap.

use kumiki_guests::bindings::absent::spin::postgres::postgres::{Connection, version};
use kumiki_guests::incoming::Request;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> String {
    if request.query.text("op") == "version" {
        return version();
    }
    match Connection::open(request.query.text("address")) {
        Ok(_) => "open".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}
