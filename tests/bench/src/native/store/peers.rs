//! How the services of one thread call each other: directly, with the values of either side's own
//! types. What the links of `component` do under the host.

use cart::contents::Line as LineOfCart;
use cart::priced;
use cart::service::Carts;
use catalog::assortment::service::Shelves;
use kit::identity::{Caller, Identity, IdentityError};
use logistics::quote::{self, CURRENCY};
use notifications::contacts::{self, Contact, ContactsError};
use orders::order::Line;
use orders::peers::{
    AuthorizeError, CartLine, Offer, Payment, Quote, QuoteError, ReserveError, Unavailable,
};
use payments::authorization;
use payments::provider::Authorization;
use payments::service::Payments;
use users::service::{Users, VerifyError};
use warehouse::service::Warehouse;
use warehouse::stock;
use warehouse::stock::reservation;

/// Who has a token.
pub struct Identities(pub &'static Users);

impl Identity for Identities {
    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.0.verify_token(token).map_err(|error| match error {
            VerifyError::Refused(refusal) => IdentityError::Refused(refusal.text().to_owned()),
            VerifyError::Store(error) => IdentityError::Unavailable(format!("{error:?}")),
        })
    }
}

/// What the catalog sells.
pub struct Offers(pub &'static Shelves);

impl priced::Offers for Offers {
    fn offers(&self, skus: &[String]) -> Result<Vec<priced::Offer>, priced::Unavailable> {
        let found = self.0.offers(skus);
        let found = found.map_err(|problem| priced::Unavailable(problem.detail))?;
        let offers = found.into_iter().map(|offer| priced::Offer {
            sku: offer.sku,
            product: offer.product,
            title: offer.title,
            label: offer.label,
            price_minor: offer.price_minor,
            currency: offer.currency.to_owned(),
            weight_g: offer.weight_g,
        });
        Ok(offers.collect())
    }
}

/// How a user wants to be reached.
pub struct Contacts(pub &'static Users);

impl contacts::Contacts for Contacts {
    fn contact(&self, user: &str) -> Result<Option<Contact>, ContactsError> {
        let channels = |channels: users::account::Channels| contacts::Channels {
            inbox: channels.inbox,
            email: channels.email,
            webhook: channels.webhook,
        };
        let account = self.0.account(user);
        let account = account.map_err(|error| ContactsError(format!("{error:?}")))?;
        Ok(account.map(|account| Contact {
            name: account.name,
            email: account.email,
            webhook_url: account.preferences.webhook_url,
            order_updates: channels(account.preferences.order_updates),
            offers: channels(account.preferences.offers),
        }))
    }
}

/// The services that others ask.
#[derive(Clone, Copy)]
pub struct Peers {
    pub cart: &'static Carts,
    pub catalog: &'static Shelves,
    pub payments: &'static Payments,
    pub warehouse: &'static Warehouse,
}

impl orders::peers::Peers for Peers {
    fn lines(&self, user: &str) -> Result<Vec<CartLine>, Unavailable> {
        let lines = self.cart.lines(user);
        let lines = lines.map_err(|problem| Unavailable(problem.detail))?;
        let lines = lines.into_iter();
        Ok(lines
            .map(|LineOfCart { sku, quantity }| CartLine { sku, quantity })
            .collect())
    }

    fn offers(&self, skus: &[String]) -> Result<Vec<Offer>, Unavailable> {
        let found = self.catalog.offers(skus);
        let found = found.map_err(|problem| Unavailable(problem.detail))?;
        let offers = found.into_iter().map(|offer| Offer {
            sku: offer.sku,
            product: offer.product,
            title: offer.title,
            label: offer.label,
            price_minor: offer.price_minor,
            currency: offer.currency.to_owned(),
            weight_g: offer.weight_g,
        });
        Ok(offers.collect())
    }

    fn quotes(
        &self,
        country: &str,
        postcode: &str,
        weight_g: u64,
    ) -> Result<Vec<Quote>, QuoteError> {
        let found = quote::quotes(country, postcode, weight_g).map_err(|error| match error {
            quote::QuoteError::NotServed(text) => QuoteError::NotServed(text),
            quote::QuoteError::Invalid(text) => QuoteError::Invalid(text),
        })?;
        let quotes = found.into_iter().map(|quote| Quote {
            service: quote.service.to_owned(),
            label: quote.label.to_owned(),
            price_minor: quote.price_minor,
            currency: CURRENCY.to_owned(),
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
        let reserved = self.warehouse.stock().reserve(reservation, &lines);
        reserved.map_err(|error| match error {
            reservation::ReserveError::OutOfStock(levels) => {
                ReserveError::OutOfStock(levels.into_iter().map(|level| level.sku).collect())
            }
            reservation::ReserveError::Invalid(text) | reservation::ReserveError::Crowded(text) => {
                ReserveError::Unavailable(Unavailable(text))
            }
            reservation::ReserveError::Store(error) => {
                ReserveError::Unavailable(Unavailable(format!("{error:?}")))
            }
        })
    }

    fn authorize(&self, payment: &Payment<'_>) -> Result<(), AuthorizeError> {
        let authorized = self.payments.authorize(&Authorization {
            reference: payment.id.to_owned(),
            amount_minor: payment.amount_minor,
            currency: payment.currency.to_owned(),
            token: payment.token.to_owned(),
        });
        authorized.map_err(|error| match error {
            authorization::AuthorizeError::Declined(text)
            | authorization::AuthorizeError::Invalid(text) => AuthorizeError::Declined(text),
            authorization::AuthorizeError::Unavailable(text)
            | authorization::AuthorizeError::Other(text) => {
                AuthorizeError::Unavailable(Unavailable(text))
            }
        })
    }
}

/// Nobody has wishes in the benchmark, so what they need is left out.
impl wishlist::peers::Peers for Peers {
    fn offers(
        &self,
        _skus: &[String],
    ) -> Result<Vec<wishlist::peers::Offer>, wishlist::peers::Unavailable> {
        Ok(Vec::new())
    }

    fn levels(&self, _skus: &[String]) -> Result<Vec<(String, u32)>, wishlist::peers::Unavailable> {
        Ok(Vec::new())
    }

    fn put_into_cart(&self, _user: &str, _sku: &str) -> Result<(), wishlist::peers::Unavailable> {
        Ok(())
    }
}
