//! `fermyon:spin/variables@2.0.0`: answers with the value of `?name=`.

use kumiki_guests::bindings::plain::fermyon::spin::variables;
use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    variables::get(request.query.text("name")).into()
}
