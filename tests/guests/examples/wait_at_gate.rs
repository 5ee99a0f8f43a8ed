//! Waits at the gate `?gate=` until the test opens it, so that others who call it wait in the
//! middle of what they do.

use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::linked;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    linked::hold(request.query.text("gate")).into()
}
