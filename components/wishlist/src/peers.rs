//! What the wishlist asks of other services.

use serde::{Deserialize, Serialize};

/// One variant as it is sold now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub sku: String,
    pub product: String,
    pub title: String,
    pub label: String,
    pub price_minor: u64,
    pub currency: String,
}

/// A service does not answer, or refuses; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// The other services.
pub trait Peers {
    /// The offers of these SKUs, in any order; those that are not sold are left out.
    ///
    /// # Errors
    /// When the catalog cannot answer now.
    fn offers(&self, skus: &[String]) -> Result<Vec<Offer>, Unavailable>;

    /// What is available of these SKUs.
    ///
    /// # Errors
    /// When the warehouse cannot answer now.
    fn levels(&self, skus: &[String]) -> Result<Vec<(String, u32)>, Unavailable>;

    /// Puts one into a user's cart.
    ///
    /// # Errors
    /// When the cart cannot take it now.
    fn put_into_cart(&self, user: &str, sku: &str) -> Result<(), Unavailable>;
}
