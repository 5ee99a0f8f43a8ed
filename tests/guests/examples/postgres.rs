//! Imports `spin:postgres`, which kumiki does not offer, so that the host refuses to start.

use kumiki_guests::bindings::unsupported::spin::postgres::postgres::open;
use kumiki_guests::incoming::Request;

kumiki_guests::guest!(handle);

fn handle(_request: Request) -> String {
    format!("{:?}", open("host=127.0.0.1"))
}
