//! The glue: the exported HTTP handler and contract, in generated types. Every rule is left to the
//! other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/store/payments", "wit"],
        world: "store:payments-service/service",
        generate_all,
    });

    export!(Component with_types_in self);
    wasip2::http::proxy::export!(Component with_types_in wasip2);

    use super::Component;
}

use kit::component::{ComponentHost, LinkedIdentity, handle};
use wasip2::exports::http::incoming_handler;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use self::bindings::exports::store::payments::payments;
use crate::authorization::AuthorizeError;
use crate::provider::Authorization;
use crate::service::Payments;

/// The label that belongs to this service.
const STORE_LABEL: &str = "payments";

struct Component;

fn service() -> Payments {
    Payments::new(
        Box::new(ComponentHost::new(STORE_LABEL)),
        Box::new(LinkedIdentity),
    )
}

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        handle(&service(), &request, out);
    }
}

impl payments::Guest for Component {
    fn authorize(payment: payments::Payment) -> Result<(), payments::Error> {
        let wanted = Authorization {
            reference: payment.id,
            amount_minor: payment.amount_minor,
            currency: payment.currency,
            token: payment.token,
        };
        service().authorize(&wanted).map_err(|error| match error {
            AuthorizeError::Declined(text) => payments::Error::Declined(text),
            AuthorizeError::Invalid(text) => payments::Error::Invalid(text),
            AuthorizeError::Unavailable(text) => payments::Error::Unavailable(text),
            AuthorizeError::Other(text) => payments::Error::Other(text),
        })
    }
}
