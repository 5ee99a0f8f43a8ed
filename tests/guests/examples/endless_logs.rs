//! Hostile: prints without end and never answers.

use kumiki_guests::wasip2::http::types::{IncomingRequest, ResponseOutparam};

kumiki_guests::raw_guest!(handle);

fn handle(_request: IncomingRequest, _out: ResponseOutparam) {
    loop {
        println!("{}", "noise ".repeat(100));
    }
}
