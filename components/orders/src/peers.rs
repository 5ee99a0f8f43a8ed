//! What a checkout asks of other services. How they are reached is left to `component`; tests and
//! the benchmark answer in their place.

use serde::Serialize;

use crate::order::Line;

/// One SKU of a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartLine {
    pub sku: String,
    pub quantity: u32,
}

/// What can be bought, and for how much now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub sku: String,
    /// The product's id.
    pub product: String,
    pub title: String,
    /// What tells the variant from its siblings; may be empty.
    pub label: String,
    pub price_minor: u64,
    pub currency: String,
    pub weight_g: u32,
}

/// One way of shipping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quote {
    pub service: String,
    /// For people.
    pub label: String,
    pub price_minor: u64,
    #[serde(skip)]
    pub currency: String,
    /// Working days until delivery.
    pub days: u32,
}

/// Money to be set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment<'p> {
    pub id: &'p str,
    pub amount_minor: u64,
    pub currency: &'p str,
    pub token: &'p str,
}

/// A service gave no answer; the text is for the log. What it did is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// Why there are no quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuoteError {
    /// Nothing is shipped there, or nothing so heavy; the text is for people.
    NotServed(String),
    /// The destination is none; the text is for people.
    Invalid(String),
    Unavailable(Unavailable),
}

/// Why nothing is reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReserveError {
    /// There is less than asked for of these SKUs.
    OutOfStock(Vec<String>),
    Unavailable(Unavailable),
}

/// Why no money is set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeError {
    /// The provider says no; the text is for people.
    Declined(String),
    /// Nor is it known whether it is.
    Unavailable(Unavailable),
}

/// The other services.
pub trait Peers {
    /// What lies in a user's cart.
    ///
    /// # Errors
    /// When the cart cannot be read now.
    fn lines(&self, user: &str) -> Result<Vec<CartLine>, Unavailable>;

    /// The offers of these SKUs, in any order; those that are not sold are left out.
    ///
    /// # Errors
    /// When the catalog cannot answer now.
    fn offers(&self, skus: &[String]) -> Result<Vec<Offer>, Unavailable>;

    /// All ways of shipping so much there.
    ///
    /// # Errors
    /// When there is none.
    fn quotes(
        &self,
        country: &str,
        postcode: &str,
        weight_g: u64,
    ) -> Result<Vec<Quote>, QuoteError>;

    /// Reserves all of the lines or none; the same id again is the same reservation.
    ///
    /// # Errors
    /// When nothing is reserved, or that is not known.
    fn reserve(&self, reservation: &str, lines: &[Line]) -> Result<(), ReserveError>;

    /// Sets money aside; the same id again is the same payment.
    ///
    /// # Errors
    /// When none is set aside, or that is not known.
    fn authorize(&self, payment: &Payment<'_>) -> Result<(), AuthorizeError>;
}
