//! A message. Its words come from [`crate::template`]; how it reaches someone is left to the inbox
//! and to [`crate::outside`].

use kit::event::Delivery;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something happened to an order.
    Order,
    /// Something in the wishlist can be had, or for less.
    Wish,
    /// Something for everybody.
    Offer,
}

/// One message, the same on every way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: String,
    pub kind: Kind,
    pub title: String,
    pub text: String,
    /// A page of the shop.
    pub link: Option<String>,
    pub at: String,
}

/// The id of the message that an event becomes: the same whenever it is delivered again.
pub fn id_of(delivery: &Delivery) -> String {
    id(&delivery.topic, &delivery.id)
}

/// The id of the message that something of this name becomes.
pub fn id(kind: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{kind}\n{name}"));
    let hex = digest.iter().take(12).map(|byte| format!("{byte:02x}"));
    format!("m-{}", hex.collect::<String>())
}
