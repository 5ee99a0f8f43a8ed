//! What the core-module guests share: a handler of `wasi:http` 0.2.0 as one function from the
//! headers to an answer. They are built for `wasm32-wasip1`, so they import
//! `wasi_snapshot_preview1` beside their WIT, and the host makes a component of them.

pub use wasi;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

/// The interfaces of Spin that these guests import.
pub mod bindings {
    wit_bindgen::generate!({
        inline: r#"
            package kumiki:guests-core;
            world core {
                import fermyon:spin/key-value@2.0.0;
            }
        "#,
        path: "../../../wit/deps/fermyon-spin",
        world: "kumiki:guests-core/core",
        generate_all,
    });
}

/// Calls `handler` and sends its answer: 200 with the text, or 500 with what failed.
pub fn respond(
    request: IncomingRequest,
    out: ResponseOutparam,
    handler: fn(&IncomingRequest) -> Result<String, String>,
) {
    let (status, text) = match handler(&request) {
        Ok(text) => (200, text),
        Err(text) => (500, text),
    };
    let headers = Fields::new();
    headers
        .set(
            &"content-length".into(),
            &[text.len().to_string().into_bytes()],
        )
        .unwrap();
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    if !text.is_empty() {
        body.write()
            .unwrap()
            .blocking_write_and_flush(text.as_bytes())
            .unwrap();
    }
    OutgoingBody::finish(body, None).unwrap();
}

/// Exports `wasi:http/incoming-handler@0.2.0` by a function from the request to a text or to what
/// failed.
#[macro_export]
macro_rules! core_guest {
    ($handler:path) => {
        struct Guest;
        impl $crate::wasi::exports::http::incoming_handler::Guest for Guest {
            fn handle(
                request: $crate::wasi::http::types::IncomingRequest,
                out: $crate::wasi::http::types::ResponseOutparam,
            ) {
                $crate::respond(request, out, $handler);
            }
        }
        $crate::wasi::http::proxy::export!(Guest with_types_in $crate::wasi);
    };
}
