//! The glue: the exported HTTP handler and the linked services, in generated types. Every rule is
//! left to the other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../wit/store/cart",
            "../../wit/store/catalog",
            "../../wit/store/warehouse",
            "wit",
        ],
        world: "store:wishlist-service/service",
        generate_all,
    });

    wasip2::http::proxy::export!(Component with_types_in wasip2);

    use super::Component;
}

use kit::component::{ComponentHost, LinkedIdentity, handle};
use wasip2::exports::http::incoming_handler;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use self::bindings::store::cart::carts;
use self::bindings::store::catalog::offers;
use self::bindings::store::warehouse::stock;
use crate::peers::{Offer, Peers, Unavailable};
use crate::service::Wishlist;

/// The label that belongs to this service.
const STORE_LABEL: &str = "wishlist";

struct Component;

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let service = Wishlist::new(
            Box::new(ComponentHost::new(STORE_LABEL)),
            Box::new(LinkedIdentity),
            Box::new(Links),
        );
        handle(&service, &request, out);
    }
}

/// The other services, by their contracts.
struct Links;

impl Peers for Links {
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
        });
        Ok(found.collect())
    }

    fn levels(&self, skus: &[String]) -> Result<Vec<(String, u32)>, Unavailable> {
        let levels = stock::get_levels(skus).map_err(|error| match error {
            stock::Error::OutOfStock(_) => Unavailable("out of stock".to_owned()),
            stock::Error::Invalid(text)
            | stock::Error::Unavailable(text)
            | stock::Error::Other(text) => Unavailable(text),
        })?;
        let levels = levels.into_iter();
        Ok(levels.map(|level| (level.sku, level.available)).collect())
    }

    fn put_into_cart(&self, user: &str, sku: &str) -> Result<(), Unavailable> {
        let line = carts::Line {
            sku: sku.to_owned(),
            quantity: 1,
        };
        carts::add_line(user, &line).map_err(|error| match error {
            carts::Error::Invalid(text)
            | carts::Error::Unavailable(text)
            | carts::Error::Other(text) => Unavailable(text),
        })
    }
}
