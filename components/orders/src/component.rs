//! The glue: the exported HTTP handler and the linked services, in generated types. Every rule is
//! left to the other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../wit/store/cart",
            "../../wit/store/catalog",
            "../../wit/store/logistics",
            "../../wit/store/payments",
            "../../wit/store/warehouse",
            "wit",
        ],
        world: "store:orders-service/service",
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
use self::bindings::store::logistics::shipping;
use self::bindings::store::payments::payments;
use self::bindings::store::warehouse::stock;
use crate::order::Line;
use crate::peers::{
    AuthorizeError, CartLine, Offer, Payment, Peers, Quote, QuoteError, ReserveError, Unavailable,
};
use crate::service::Orders;

/// The label that belongs to this service.
const STORE_LABEL: &str = "orders";

struct Component;

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let service = Orders::new(
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
    fn lines(&self, user: &str) -> Result<Vec<CartLine>, Unavailable> {
        let lines = carts::get_lines(user).map_err(|error| match error {
            carts::Error::Invalid(text)
            | carts::Error::Unavailable(text)
            | carts::Error::Other(text) => Unavailable(text),
        })?;
        let lines = lines.into_iter();
        Ok(lines
            .map(|carts::Line { sku, quantity }| CartLine { sku, quantity })
            .collect())
    }

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

    fn quotes(
        &self,
        country: &str,
        postcode: &str,
        weight_g: u64,
    ) -> Result<Vec<Quote>, QuoteError> {
        let destination = shipping::Destination {
            country: country.to_owned(),
            postcode: postcode.to_owned(),
        };
        let quotes = shipping::get_quotes(&destination, weight_g).map_err(|error| match error {
            shipping::Error::NotServed(text) => QuoteError::NotServed(text),
            shipping::Error::Invalid(text) => QuoteError::Invalid(text),
            shipping::Error::Unavailable(text) | shipping::Error::Other(text) => {
                QuoteError::Unavailable(Unavailable(text))
            }
        })?;
        let quotes = quotes.into_iter().map(|quote| Quote {
            service: quote.service,
            label: quote.label,
            price_minor: quote.price_minor,
            currency: quote.currency,
            days: quote.days,
        });
        Ok(quotes.collect())
    }

    fn reserve(&self, reservation: &str, lines: &[Line]) -> Result<(), ReserveError> {
        let lines = lines.iter().map(|line| stock::Line {
            sku: line.sku.clone(),
            quantity: line.quantity,
        });
        let lines: Vec<stock::Line> = lines.collect();
        stock::reserve(reservation, &lines).map_err(|error| match error {
            stock::Error::OutOfStock(levels) => {
                ReserveError::OutOfStock(levels.into_iter().map(|level| level.sku).collect())
            }
            stock::Error::Invalid(text)
            | stock::Error::Unavailable(text)
            | stock::Error::Other(text) => ReserveError::Unavailable(Unavailable(text)),
        })
    }

    fn authorize(&self, payment: &Payment<'_>) -> Result<(), AuthorizeError> {
        let payment = payments::Payment {
            id: payment.id.to_owned(),
            amount_minor: payment.amount_minor,
            currency: payment.currency.to_owned(),
            token: payment.token.to_owned(),
        };
        payments::authorize(&payment).map_err(|error| match error {
            // Of a payment the customer chooses the token alone, so another card may do.
            payments::Error::Declined(text) | payments::Error::Invalid(text) => {
                AuthorizeError::Declined(text)
            }
            payments::Error::Unavailable(text) | payments::Error::Other(text) => {
                AuthorizeError::Unavailable(Unavailable(text))
            }
        })
    }
}
