//! What changes of products and stock mean for those who wait for them. Under a stock engine an
//! event may be lost between the watch and those who are told; under kumiki both commit together.

use kit::event::{Delivery, Event};
use kit::problem::Problem;
use serde::Deserialize;
use serde_json::json;

use crate::lists::Lists;
use crate::peers::Offer;

/// What the wishlist has to know of a changed product.
#[derive(Deserialize)]
struct Product {
    id: String,
    title: String,
    currency: String,
    variants: Vec<Variant>,
}

#[derive(Deserialize)]
struct Variant {
    sku: String,
    #[serde(default)]
    label: String,
    price_minor: u64,
}

/// A level of the warehouse that is news.
#[derive(Deserialize)]
pub struct Level {
    pub sku: String,
    pub available: u64,
}

impl Lists<'_> {
    /// A product has changed: tells those for whom it became cheaper.
    ///
    /// # Errors
    /// When the event is none of a product; when the store or the bus fails.
    pub fn product_changed(&self, delivery: &Delivery) -> Result<(), Problem> {
        let product: Product = delivery.data()?;
        for variant in product.variants {
            if !self.is_watched(&variant.sku)? {
                continue;
            }
            let price_minor = variant.price_minor;
            let told = self.watch(&variant.sku, |watch| watch.cheaper(price_minor))?;
            let offer = Offer {
                sku: variant.sku,
                product: product.id.clone(),
                title: product.title.clone(),
                label: variant.label,
                price_minor,
                currency: product.currency.clone(),
            };
            self.tell("wish.cheaper", &told, &offer, &delivery.id)?;
        }
        Ok(())
    }

    /// The users whom a new level concerns.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stock_changed(&self, level: &Level) -> Result<Vec<String>, Problem> {
        if !self.is_watched(&level.sku)? {
            return Ok(Vec::new());
        }
        Ok(self.watch(&level.sku, |watch| watch.stocked(level.available))?)
    }

    /// Publishes one event for each user; `cause` is the event that it follows from.
    ///
    /// # Errors
    /// When the bus fails.
    pub fn tell(
        &self,
        topic: &'static str,
        users: &[String],
        offer: &Offer,
        cause: &str,
    ) -> Result<(), Problem> {
        for user in users {
            let data = json!({
                "user": user,
                "sku": offer.sku,
                "product": offer.product,
                "title": offer.title,
                "price_minor": offer.price_minor,
                "currency": offer.currency,
            });
            let id = format!("{cause}-{}-{user}", offer.sku);
            self.host
                .publish(&Event::new(topic, id, data).keyed(user))?;
        }
        Ok(())
    }
}
