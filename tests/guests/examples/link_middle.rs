//! Offers `test:chain/work` and `test:chain/next` to linked callers, uses `test:chain/next` of
//! whoever it is linked to, and answers HTTP: chains and circles are made of it by manifests alone.

use bindings::test::chain::next;
use kumiki_guests::incoming::Request;
use kumiki_guests::linked;

mod bindings {
    wit_bindgen::generate!({
        path: "wit/chain",
        world: "middle",
    });
}

struct Linked;

kumiki_guests::work!(Linked, bindings::exports::test::chain::work, pass_on, {});
kumiki_guests::work!(Linked, bindings::exports::test::chain::next, pass_on, {});
bindings::export!(Linked with_types_in bindings);
kumiki_guests::guest!(handle);

fn handle(request: Request) -> String {
    kumiki_guests::asked!(bindings::test::chain::next, &request.query)
}

/// This service's name and those that come after it.
fn pass_on(steps: u32) -> Result<String, linked::Error> {
    let name = linked::whoami()?;
    if steps == 0 {
        return Ok(name);
    }
    match next::chain(steps - 1) {
        Ok(rest) => Ok(format!("{name} > {rest}")),
        Err(next::Error::Own(text)) => Err(linked::Error::Own(text)),
        Err(next::Error::Unavailable(text)) => Err(linked::Error::Unavailable(text)),
    }
}
