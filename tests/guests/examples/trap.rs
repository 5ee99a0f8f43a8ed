//! Hostile: panics with a text that no client may see; with `?late` after the head and a part of
//! the body were sent.

use kumiki_guests::incoming::{begin, write_all};
use kumiki_guests::wasip2::http::types::{IncomingRequest, ResponseOutparam};

kumiki_guests::raw_guest!(handle);

fn handle(request: IncomingRequest, out: ResponseOutparam) {
    if request
        .path_with_query()
        .unwrap_or_default()
        .contains("late")
    {
        let body = begin(200, &[], out);
        write_all(&body.write().unwrap(), b"the first part");
    }
    innermost_function();
}

#[inline(never)]
fn innermost_function() {
    panic!("internal detail of the guest");
}
