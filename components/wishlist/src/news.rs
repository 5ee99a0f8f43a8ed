//! What changes of products and stock mean for those who wait for them. Under a stock engine an
//! event may be lost between the watch and those who are told; under kumiki both commit together.

use kit::event::{Delivery, Event};
use kit::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::lists::Lists;
use crate::peers::Offer;

/// How many users a handler tells of one SKU by itself.
const TOLD_AT_ONCE_MAX: usize = 40;
/// How many users one part of many has.
const PART_USERS: usize = 500;

/// What is told of something that is wished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum News {
    Cheaper,
    Available,
}

/// Some of those who are told the same.
#[derive(Serialize, Deserialize)]
struct Part {
    news: News,
    cause: String,
    offer: Offer,
    users: Vec<String>,
}

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
            self.tell(News::Cheaper, &told, &offer, &delivery.id)?;
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

    /// Publishes one event for each user; `cause` is the event that it follows from. Where they are
    /// many, each part of them is told by a handler of its own: an atomic one may publish 1,000
    /// events, and a product has 20 variants.
    ///
    /// # Errors
    /// When the bus fails.
    pub fn tell(
        &self,
        news: News,
        users: &[String],
        offer: &Offer,
        cause: &str,
    ) -> Result<(), Problem> {
        if users.len() <= TOLD_AT_ONCE_MAX {
            return self.tell_all(news, users, offer, cause);
        }
        for (number, users) in users.chunks(PART_USERS).enumerate() {
            let sku = &offer.sku;
            let id = format!("{cause}-{sku}-{number}");
            let part = Part {
                news,
                cause: cause.to_owned(),
                offer: offer.clone(),
                users: users.to_vec(),
            };
            let event = Event::new("wish.due", id, json!(part));
            self.host.publish(&event.keyed(format!("{sku}-{number}")))?;
        }
        Ok(())
    }

    /// Tells a part of many users.
    ///
    /// # Errors
    /// When the event is no part; when the bus fails.
    pub fn tell_part(&self, delivery: &Delivery) -> Result<(), Problem> {
        let part: Part = delivery.data()?;
        self.tell_all(part.news, &part.users, &part.offer, &part.cause)
    }

    fn tell_all(
        &self,
        news: News,
        users: &[String],
        offer: &Offer,
        cause: &str,
    ) -> Result<(), Problem> {
        let topic = match news {
            News::Cheaper => "wish.cheaper",
            News::Available => "wish.available",
        };
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
            let event = Event::new(topic, id, data).keyed(user);
            self.host.publish(&event)?;
        }
        Ok(())
    }
}
