//! The glue: the exported HTTP handler and contract, and the catalog behind a link, in generated
//! types. Every rule is left to the other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/store/cart", "../../wit/store/catalog", "wit"],
        world: "store:cart-service/service",
        generate_all,
    });

    export!(Component with_types_in self);
    wasip2::http::proxy::export!(Component with_types_in wasip2);

    use super::Component;
}

use kit::component::{ComponentHost, LinkedIdentity, handle};
use kit::problem::Problem;
use wasip2::exports::http::incoming_handler;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use self::bindings::exports::store::cart::carts;
use self::bindings::store::catalog::offers;
use crate::contents::Line;
use crate::priced::{Offer, Offers, Unavailable};
use crate::service::Carts;

/// The label that belongs to this service.
const STORE_LABEL: &str = "cart";

struct Component;

fn service() -> Carts {
    Carts::new(
        Box::new(ComponentHost::new(STORE_LABEL)),
        Box::new(LinkedIdentity),
        Box::new(LinkedOffers),
    )
}

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        handle(&service(), &request, out);
    }
}

impl carts::Guest for Component {
    fn get_lines(user: String) -> Result<Vec<carts::Line>, carts::Error> {
        let lines = service().lines(&user).map_err(refusal)?.into_iter();
        let lines = lines.map(|Line { sku, quantity }| carts::Line { sku, quantity });
        Ok(lines.collect())
    }

    fn add_line(user: String, line: carts::Line) -> Result<(), carts::Error> {
        let carts::Line { sku, quantity } = line;
        let added = service().add_line(&user, &Line { sku, quantity });
        added.map_err(refusal)
    }
}

fn refusal(problem: Problem) -> carts::Error {
    match problem.status {
        409 | 422 => carts::Error::Invalid(problem.detail),
        503 => carts::Error::Unavailable(problem.detail),
        _ => carts::Error::Other(problem.detail),
    }
}

/// The catalog, by its contract.
struct LinkedOffers;

impl Offers for LinkedOffers {
    fn offers(&self, skus: &[String]) -> Result<Vec<Offer>, Unavailable> {
        let found = offers::get_offers(skus).map_err(|error| match error {
            offers::Error::Invalid(text)
            | offers::Error::Unavailable(text)
            | offers::Error::Other(text) => Unavailable(text),
        })?;
        let found = found.into_iter().map(|offer| Offer {
            sku: offer.sku,
            product: offer.product,
            title: offer.title,
            label: offer.label,
            price_minor: offer.price_minor,
            currency: offer.currency,
            weight_g: offer.weight_g,
        });
        Ok(found.collect())
    }
}
