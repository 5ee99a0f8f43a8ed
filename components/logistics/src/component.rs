//! The glue: the exported HTTP handler and contract, in generated types. Every rule is left to the
//! other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/store/logistics", "wit"],
        world: "store:logistics-service/service",
        generate_all,
    });

    export!(Component with_types_in self);
    wasip2::http::proxy::export!(Component with_types_in wasip2);

    use super::Component;
}

use kit::component::{ComponentHost, LinkedIdentity, handle};
use wasip2::exports::http::incoming_handler;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use self::bindings::exports::store::logistics::shipping;
use crate::quote::{CURRENCY, Quote, QuoteError, quotes};
use crate::service::Logistics;

/// The label that belongs to this service.
const STORE_LABEL: &str = "logistics";

struct Component;

fn service() -> Logistics {
    Logistics::new(
        Box::new(ComponentHost::new(STORE_LABEL)),
        Box::new(LinkedIdentity),
    )
}

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        handle(&service(), &request, out);
    }
}

impl shipping::Guest for Component {
    fn get_quotes(
        destination: shipping::Destination,
        weight_g: u64,
    ) -> Result<Vec<shipping::Quote>, shipping::Error> {
        let found = quotes(&destination.country, &destination.postcode, weight_g);
        let found = found.map_err(|error| match error {
            QuoteError::NotServed(text) => shipping::Error::NotServed(text),
            QuoteError::Invalid(text) => shipping::Error::Invalid(text),
        })?;
        let quote = |quote: Quote| shipping::Quote {
            service: quote.service.to_owned(),
            label: quote.label.to_owned(),
            price_minor: quote.price_minor,
            currency: CURRENCY.to_owned(),
            days: quote.days,
        };
        Ok(found.into_iter().map(quote).collect())
    }
}
