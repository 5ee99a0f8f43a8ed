//! Orders, and what shipping costs.

use serde::Deserialize;

use super::Address;
use crate::money;

#[derive(Clone, Debug, Deserialize)]
pub struct Quote {
    pub lines: Vec<OrderLine>,
    pub goods_minor: u64,
    pub currency: String,
    pub shipping: Vec<ShippingOption>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ShippingOption {
    pub service: String,
    pub label: String,
    pub price_minor: u64,
    #[serde(default)]
    pub days: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Orders {
    pub orders: Vec<Order>,
    #[serde(default)]
    pub next: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    pub id: String,
    #[serde(default)]
    pub user: String,
    pub status: Status,
    pub placed_at: String,
    pub currency: String,
    pub lines: Vec<OrderLine>,
    pub goods_minor: u64,
    pub shipping_minor: u64,
    pub total_minor: u64,
    pub address: Address,
    pub shipping: ShippingChosen,
    #[serde(default)]
    pub tracking: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub history: Vec<Step>,
}

impl Order {
    pub fn goods(&self) -> String {
        money::price(self.goods_minor, &self.currency)
    }

    pub fn shipping_price(&self) -> String {
        money::price(self.shipping_minor, &self.currency)
    }

    pub fn total(&self) -> String {
        money::price(self.total_minor, &self.currency)
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct ShippingChosen {
    pub label: String,
    #[serde(default)]
    pub days: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct OrderLine {
    #[serde(default)]
    pub sku: String,
    pub product: String,
    pub title: String,
    #[serde(default)]
    pub label: String,
    pub quantity: u64,
    pub price_minor: u64,
}

impl OrderLine {
    pub fn total(&self, currency: &str) -> String {
        money::price(self.price_minor.saturating_mul(self.quantity), currency)
    }
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Placed,
    Paid,
    Picked,
    Shipped,
    Delivered,
    Cancelled,
    /// One that came up after this page was written.
    #[serde(other)]
    Other,
}

impl Status {
    /// The way of an order on which nothing goes wrong.
    pub const WAY: [Status; 5] = [
        Status::Placed,
        Status::Paid,
        Status::Picked,
        Status::Shipped,
        Status::Delivered,
    ];

    /// As it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Status::Placed => "placed",
            Status::Paid => "paid",
            Status::Picked => "picked",
            Status::Shipped => "shipped",
            Status::Delivered => "delivered",
            Status::Cancelled => "cancelled",
            Status::Other => "other",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Status::Placed => "Placed",
            Status::Paid => "Paid",
            Status::Picked => "Packed",
            Status::Shipped => "On its way",
            Status::Delivered => "Delivered",
            Status::Cancelled => "Cancelled",
            Status::Other => "In progress",
        }
    }

    /// What it means for the customer.
    pub fn text(self) -> &'static str {
        match self {
            Status::Placed => "We have your order and are settling the payment.",
            Status::Paid => "Your payment went through. Next, we pick and pack.",
            Status::Picked => "Everything is packed and waits for the carrier.",
            Status::Shipped => "Your parcel is on its way to you.",
            Status::Delivered => "Your parcel has arrived. Enjoy!",
            Status::Cancelled => "This order was cancelled. You are not charged for it.",
            Status::Other => "We are working on your order.",
        }
    }

    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Status::Delivered | Status::Cancelled)
    }

    /// Whether the order can still be cancelled.
    pub fn can_be_cancelled(self) -> bool {
        matches!(self, Status::Placed | Status::Paid | Status::Picked)
    }

    /// How far along [`Status::WAY`] it is, from 1.
    pub fn stage(self) -> usize {
        let place = Status::WAY.iter().position(|status| *status == self);
        place.map_or(0, |place| place + 1)
    }
}

/// Something that happened to an order.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    #[serde(default)]
    pub status: String,
    pub at: String,
    #[serde(default)]
    pub text: String,
}
