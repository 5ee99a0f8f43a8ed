//! One shipment, and the stages that it goes through.

use kit::event::Event;
use kit::time::rfc_3339;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Accepted,
    InTransit,
    OutForDelivery,
    Delivered,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Stage::Accepted => "accepted",
            Stage::InTransit => "in_transit",
            Stage::OutForDelivery => "out_for_delivery",
            Stage::Delivered => "delivered",
        }
    }

    /// For the customer.
    pub fn text(self) -> &'static str {
        match self {
            Stage::Accepted => "The parcel was handed over to the carrier.",
            Stage::InTransit => "The parcel is on its way.",
            Stage::OutForDelivery => "The parcel is in the delivery van.",
            Stage::Delivered => "The parcel was delivered.",
        }
    }

    pub fn next(self) -> Option<Stage> {
        match self {
            Stage::Accepted => Some(Stage::InTransit),
            Stage::InTransit => Some(Stage::OutForDelivery),
            Stage::OutForDelivery => Some(Stage::Delivered),
            Stage::Delivered => None,
        }
    }

    fn topic(self) -> &'static str {
        match self {
            Stage::Accepted => "shipment.created",
            Stage::InTransit | Stage::OutForDelivery => "shipment.moved",
            Stage::Delivered => "shipment.delivered",
        }
    }
}

/// The value under `shipment/ID`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shipment {
    pub id: String,
    pub order: String,
    /// The id that the customer follows it by; nobody guesses it.
    pub tracking: String,
    pub service: String,
    pub weight_g: u64,
    pub address: Value,
    pub stage: Stage,
    /// When the next stage is due.
    pub due_ms: u64,
    /// When each stage began, from the first on.
    pub history: Vec<(Stage, u64)>,
}

impl Shipment {
    pub fn key(id: &str) -> String {
        format!("shipment/{id}")
    }

    /// An order has one shipment.
    pub fn id_of_order(order: &str) -> String {
        format!("s-{}", order.strip_prefix("o-").unwrap_or(order))
    }

    /// Goes on to the next stage. False: it has arrived, and stays.
    pub fn advance(&mut self, now_ms: u64, stage_ms: u64) -> bool {
        let Some(next) = self.stage.next() else {
            return false;
        };
        self.stage = next;
        self.due_ms = now_ms.saturating_add(stage_ms);
        self.history.push((next, now_ms));
        true
    }

    /// What its stage means for the order. The id follows from both, so that each is told once.
    pub fn event(&self) -> Event {
        let data = json!({
            "order": self.order,
            "shipment": self.id,
            "tracking": self.tracking,
            "status": self.stage.name(),
            "text": self.stage.text(),
        });
        let id = format!("{}-{}", self.id, self.stage.name());
        Event::new(self.stage.topic(), id, data).keyed(self.order.as_str())
    }

    fn history_json(&self) -> Vec<Value> {
        let entry = |(stage, at_ms): &(Stage, u64)| {
            json!({
                "status": stage.name(),
                "at": rfc_3339(*at_ms),
                "text": stage.text(),
            })
        };
        self.history.iter().map(entry).collect()
    }

    /// For whoever has the tracking id.
    pub fn tracking_json(&self) -> Value {
        json!({
            "tracking": self.tracking,
            "status": self.stage.name(),
            "history": self.history_json(),
        })
    }

    /// For the staff.
    pub fn to_json(&self) -> Value {
        json!({
            "shipment": self.id,
            "order": self.order,
            "tracking": self.tracking,
            "service": self.service,
            "weight_g": self.weight_g,
            "address": self.address,
            "status": self.stage.name(),
            "history": self.history_json(),
        })
    }
}
