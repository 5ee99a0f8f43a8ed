//! Offers and uses what may not cross a link: a resource, a stream, a future, an `async func`. The
//! host refuses to link it, to others or to its like, so none of it is ever called.

use bindings::exports::test::refused::handles::{Guest as Handles, GuestThing, Thing};
use bindings::exports::test::refused::streams::Guest as Streams;
use bindings::exports::test::refused::waits::Guest as Waits;
use bindings::test::refused::{handles, streams, waits};
use kumiki_guests::service::{HandlerResult, answer};
use kumiki_guests::wasip3::http::types::Request;
use kumiki_guests::wasip3::wit_bindgen::rt::async_support::{FutureReader, StreamReader};

mod bindings {
    kumiki_guests::wasip3::wit_bindgen::generate!({
        path: "wit/refused",
        world: "refused",
        runtime_path: "kumiki_guests::wasip3::wit_bindgen::rt",
    });
}

struct Linked;
struct Named;

bindings::export!(Linked with_types_in bindings);
kumiki_guests::service!(handle);

/// Uses each, so that each is imported.
async fn handle(_request: Request) -> HandlerResult {
    let name = handles::make().name();
    let (_writer, reader) = bindings::wit_stream::new();
    streams::drain(reader);
    let later = streams::later().await;
    let waited = waits::wait().await;
    Ok(answer(200, format!("{name} {later} {waited}").into_bytes()))
}

impl Handles for Linked {
    type Thing = Named;
    fn make() -> Thing {
        Thing::new(Named)
    }
}

impl GuestThing for Named {
    fn name(&self) -> String {
        "thing".into()
    }
}

impl Streams for Linked {
    fn drain(_bytes: StreamReader<u8>) {}
    fn later() -> FutureReader<u32> {
        bindings::wit_future::new(|| 0).1
    }
}

impl Waits for Linked {
    async fn wait() -> u32 {
        0
    }
}
