//! People: who they are, where they live, what they are told; and the goods on the staff's shelves.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize)]
pub struct Person {
    pub name: String,
    pub email: String,
    #[serde(default)]
    pub created_at: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Addresses {
    pub addresses: Vec<Address>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub name: String,
    pub street: String,
    pub postcode: String,
    pub city: String,
    pub country: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Preferences {
    pub order_updates: Channels,
    pub offers: Channels,
    #[serde(default)]
    pub webhook_url: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Channels {
    pub inbox: bool,
    pub email: bool,
    pub webhook: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Messages {
    pub messages: Vec<Message>,
    #[serde(default)]
    pub unread: u64,
    #[serde(default)]
    pub next: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Message {
    pub id: String,
    pub title: String,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub link: Option<String>,
    pub at: String,
    pub read: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Items {
    pub items: Vec<Item>,
    #[serde(default)]
    pub next: Option<String>,
}

/// The stock of one SKU.
#[derive(Clone, Debug, Deserialize)]
pub struct Item {
    pub sku: String,
    #[serde(default)]
    pub places: Vec<Place>,
    pub held: u64,
    pub sold: u64,
    pub available: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Place {
    pub place: String,
    pub on_hand: u64,
}
