//! The glue: the exported HTTP handler. Every rule is left to the other modules.

// Generated code marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wasip2::http::proxy::export!(Component with_types_in wasip2);

    use super::Component;
}

use kit::component::{ComponentHost, LinkedIdentity, handle};
use wasip2::exports::http::incoming_handler;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use crate::service::Recommendations;

/// The label that belongs to this service.
const STORE_LABEL: &str = "recommendations";

struct Component;

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let service = Recommendations::new(
            Box::new(ComponentHost::new(STORE_LABEL)),
            Box::new(LinkedIdentity),
        );
        handle(&service, &request, out);
    }
}
