//! Events become messages.

use kit::event::Delivery;
use kit::problem::Problem;
use kit::time::rfc_3339;
use serde::Deserialize;

use crate::message::{Kind, Message, id_of};
use crate::messenger::Messenger;
use crate::template::{Filled, fill, price};

/// The data of `order.changed`.
#[derive(Deserialize)]
struct OrderChanged {
    order: String,
    user: String,
    status: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    tracking: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    at: String,
}

/// The data of `wish.available` and `wish.cheaper`.
#[derive(Deserialize)]
struct Wish {
    user: String,
    product: String,
    title: String,
    price_minor: u64,
    currency: String,
}

impl Messenger<'_> {
    /// # Errors
    /// When the event has another shape; when the message cannot be brought now.
    pub fn order_changed(&self, delivery: &Delivery) -> Result<(), Problem> {
        let news: OrderChanged = delivery.data()?;
        let values = [
            ("order", news.order.as_str()),
            ("text", news.text.as_deref().unwrap_or_default()),
            ("tracking", news.tracking.as_deref().unwrap_or_default()),
            ("reason", news.reason.as_deref().unwrap_or_default()),
        ];
        let filled = fill(&format!("order.{}", news.status), &values);
        let filled = filled.or_else(|| fill("order.other", &values));
        let link = format!("/orders/{}", news.order);
        let message = message(delivery, Kind::Order, filled, link, news.at)?;
        self.tell(&news.user, &message)
    }

    /// # Errors
    /// When the event has another shape; when the message cannot be brought now.
    pub fn wish(&self, delivery: &Delivery) -> Result<(), Problem> {
        let wish: Wish = delivery.data()?;
        let price = price(wish.price_minor, &wish.currency);
        let values = [("title", wish.title.as_str()), ("price", &price)];
        let filled = fill(&delivery.topic, &values);
        let link = format!("/p/{}", wish.product);
        let at = rfc_3339(self.host.now_ms());
        let message = message(delivery, Kind::Wish, filled, link, at)?;
        self.tell(&wish.user, &message)
    }
}

fn message(
    delivery: &Delivery,
    kind: Kind,
    filled: Option<Filled>,
    link: String,
    at: String,
) -> Result<Message, Problem> {
    let none = || Problem::internal(&format!("no template says `{}`", delivery.topic));
    let Filled { title, text } = filled.ok_or_else(none)?;
    Ok(Message {
        id: id_of(delivery),
        kind,
        title,
        text,
        link: Some(link),
        at,
    })
}
