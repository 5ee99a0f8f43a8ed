//! Hostile: panics with a text that no client may see; with `?late` after the head and the first
//! of 8 MiB of the body, which is more than anybody holds for a client that does not read.

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
        let sink = body.write().unwrap();
        for _ in 0..8 {
            write_all(&sink, &[b't'; 1 << 20]);
        }
    }
    innermost_function();
}

#[inline(never)]
fn innermost_function() {
    panic!("internal detail of the guest");
}
