//! A cart at the catalog's prices, as people see it.

use serde_json::{Value, json};

use crate::contents::Line;

/// One variant with what a buyer has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub sku: String,
    pub product: String,
    pub title: String,
    pub label: String,
    pub price_minor: u64,
    pub currency: String,
    pub weight_g: u32,
}

/// The catalog does not answer; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// What a cart asks the catalog.
pub trait Offers {
    /// The offers of these SKUs, in any order; those that are not sold are left out.
    ///
    /// # Errors
    /// When the catalog cannot answer now.
    fn offers(&self, skus: &[String]) -> Result<Vec<Offer>, Unavailable>;
}

/// The cart as JSON. What is no longer sold counts nothing.
pub fn cart(lines: &[Line], offers: &[Offer]) -> Value {
    let mut priced = Vec::new();
    let mut unavailable = Vec::new();
    let (mut goods_minor, mut weight_g, mut count) = (0, 0, 0);
    for line in lines {
        let Some(offer) = offers.iter().find(|offer| offer.sku == line.sku) else {
            unavailable.push(&line.sku);
            continue;
        };
        let quantity = u64::from(line.quantity);
        let total_minor = offer.price_minor.saturating_mul(quantity);
        goods_minor += total_minor;
        weight_g += u64::from(offer.weight_g) * quantity;
        count += quantity;
        priced.push(json!({
            "sku": offer.sku,
            "product": offer.product,
            "title": offer.title,
            "label": offer.label,
            "quantity": line.quantity,
            "price_minor": offer.price_minor,
            "total_minor": total_minor,
            "weight_g": offer.weight_g,
            "picture_url": format!("/api/catalog/pictures/{}.svg", offer.product),
        }));
    }
    let currency = offers
        .first()
        .map_or("EUR", |offer| offer.currency.as_str());
    json!({
        "lines": priced,
        "unavailable": unavailable,
        "goods_minor": goods_minor,
        "weight_g": weight_g,
        "count": count,
        "currency": currency,
    })
}
