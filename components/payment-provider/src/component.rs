//! The glue: the exported HTTP handler, and how this component waits. Every rule is left to the
//! other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wasip2::http::proxy::export!(Component with_types_in wasip2);

    use super::Component;
}

use kit::component::{ComponentHost, handle};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::exports::http::incoming_handler;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use crate::service::PaymentProvider;

/// The label that belongs to this service.
const STORE_LABEL: &str = "payment-provider";
const NANOSECONDS_PER_MS: u64 = 1_000_000;

struct Component;

fn pause(time_ms: u64) {
    subscribe_duration(time_ms.saturating_mul(NANOSECONDS_PER_MS)).block();
}

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let host = Box::new(ComponentHost::new(STORE_LABEL));
        handle(&PaymentProvider::new(host, pause), &request, out);
    }
}
