//! One shipment and its stages.

use kit::event::Event;
use kit::time::rfc_3339;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Accepted,
    InTransit,
    OutForDelivery,
    Delivered,
}

impl Stage {
    /// The one after it.
    pub fn next(self) -> Option<Stage> {
        match self {
            Stage::Accepted => Some(Stage::InTransit),
            Stage::InTransit => Some(Stage::OutForDelivery),
            Stage::OutForDelivery => Some(Stage::Delivered),
            Stage::Delivered => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Stage::Accepted => "accepted",
            Stage::InTransit => "in_transit",
            Stage::OutForDelivery => "out_for_delivery",
            Stage::Delivered => "delivered",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Stage::Accepted => "The carrier has your parcel.",
            Stage::InTransit => "Your parcel is on its way.",
            Stage::OutForDelivery => "Your parcel is out for delivery.",
            Stage::Delivered => "Your parcel was delivered.",
        }
    }
}

/// When it came how far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub stage: Stage,
    pub at_ms: u64,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Request {
    pub order: String,
    pub address: Value,
    pub service: String,
    #[serde(default)]
    pub weight_g: u64,
}

/// A shipment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shipment {
    pub order: String,
    /// Whoever knows it may see where the parcel is.
    pub tracking: String,
    pub address: Value,
    pub service: String,
    pub weight_g: u64,
    /// Never empty; the newest last.
    pub steps: Vec<Step>,
}

impl Shipment {
    pub fn new(request: Request, tracking: String, now_ms: u64) -> Shipment {
        Shipment {
            order: request.order,
            tracking,
            address: request.address,
            service: request.service,
            weight_g: request.weight_g,
            steps: vec![Step {
                stage: Stage::Accepted,
                at_ms: now_ms,
            }],
        }
    }

    /// Its name: an order has one.
    pub fn id(&self) -> String {
        format!("s-{}", self.order.trim_start_matches("o-"))
    }

    /// How far it is, since when.
    pub fn last(&self) -> Step {
        let accepted = Step {
            stage: Stage::Accepted,
            at_ms: 0,
        };
        self.steps.last().cloned().unwrap_or(accepted)
    }

    /// The same, one stage further; nothing once it is delivered.
    pub fn advanced(&self, now_ms: u64) -> Option<Shipment> {
        let stage = self.last().stage.next()?;
        let mut next = self.clone();
        next.steps.push(Step {
            stage,
            at_ms: now_ms,
        });
        Some(next)
    }

    /// The event that tells of its last step; the same step is the same event.
    pub fn event(&self) -> Event {
        let stage = self.last().stage;
        let topic = match stage {
            Stage::Accepted => "shipment.created",
            Stage::InTransit | Stage::OutForDelivery => "shipment.moved",
            Stage::Delivered => "shipment.delivered",
        };
        let id = format!("{}-{}", self.id(), stage.name());
        let data = json!({
            "order": self.order,
            "shipment": self.id(),
            "tracking": self.tracking,
            "status": stage.name(),
            "text": stage.text(),
        });
        Event::new(topic, id, data).keyed(&self.order)
    }

    /// As whoever has the tracking id sees it: no name and no address.
    pub fn tracking_json(&self) -> Value {
        let steps = self.steps.iter().rev();
        let history = steps.map(|step| {
            json!({
                "status": step.stage.name(),
                "at": rfc_3339(step.at_ms),
                "text": step.stage.text(),
            })
        });
        json!({
            "tracking": self.tracking,
            "status": self.last().stage.name(),
            "history": history.collect::<Vec<_>>(),
        })
    }

    /// As the staff sees it.
    pub fn to_json(&self) -> Value {
        let last = self.last();
        json!({
            "shipment": self.id(),
            "order": self.order,
            "tracking": self.tracking,
            "status": last.stage.name(),
            "since": rfc_3339(last.at_ms),
            "service": self.service,
            "weight_g": self.weight_g,
            "address": self.address,
        })
    }
}
