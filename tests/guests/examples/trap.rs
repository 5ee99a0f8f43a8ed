//! Hostile: panics with a text that no client may see; with `?late` after the head and a MiB of the
//! body were sent, which is more than a host gathers before it sends.

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
        write_all(&body.write().unwrap(), &[b't'; 1 << 20]);
    }
    innermost_function();
}

#[inline(never)]
fn innermost_function() {
    panic!("internal detail of the guest");
}
