//! An order as it is stored, published and answered, and how the news of its fulfilment change it.

use serde::{Deserialize, Serialize};

/// Where an order stands. A later one never goes back to an earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Placed,
    Paid,
    Picked,
    Shipped,
    Delivered,
    Cancelled,
}

impl Status {
    /// Whether a customer may still cancel.
    pub fn is_cancellable(self) -> bool {
        match self {
            Status::Placed | Status::Paid | Status::Picked => true,
            Status::Shipped | Status::Delivered | Status::Cancelled => false,
        }
    }

    fn is_final(self) -> bool {
        matches!(self, Status::Delivered | Status::Cancelled)
    }
}

/// Where an order goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub name: String,
    pub street: String,
    pub postcode: String,
    pub city: String,
    /// ISO 3166-1 alpha-2, in capitals.
    pub country: String,
}

/// One SKU of an order, at the price of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub sku: String,
    pub product: String,
    pub title: String,
    pub label: String,
    pub quantity: u32,
    pub price_minor: u64,
    /// Of one piece.
    pub weight_g: u32,
}

/// How an order is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipping {
    pub service: String,
    pub label: String,
    pub days: u32,
}

/// A status that an order has had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub status: Status,
    pub at: String,
    /// For people.
    pub text: String,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: String,
    pub user: String,
    pub status: Status,
    pub placed_at: String,
    pub currency: String,
    pub lines: Vec<Line>,
    pub goods_minor: u64,
    pub shipping_minor: u64,
    pub total_minor: u64,
    pub address: Address,
    pub shipping: Shipping,
    /// The id of its reservation and of its payment.
    pub checkout: String,
    pub tracking: Option<String>,
    /// Why it is cancelled, for people.
    pub reason: Option<String>,
    pub history: Vec<Entry>,
}

/// News of an order: the data of `order.changed`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct News {
    pub order: String,
    pub status: Status,
    pub text: String,
    #[serde(default)]
    pub tracking: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
    pub at: String,
}

impl Order {
    /// Takes the news, unless they are older than what is known, or known. Says whether it did.
    pub fn take(&mut self, news: News) -> bool {
        if news.status <= self.status || self.status.is_final() {
            return false;
        }
        self.status = news.status;
        self.tracking = news.tracking.or_else(|| self.tracking.take());
        self.reason = news.reason;
        self.history.push(Entry {
            status: news.status,
            at: news.at,
            text: news.text,
        });
        true
    }
}
