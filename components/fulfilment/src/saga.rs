//! The saga of an order: a state, an event that came, and what follows. Nothing here reads a clock
//! or a store, so every order of events can be tried.
//!
//! Events may come late, twice, and in any order; what a state does not wait for changes nothing.
//! An order that is to be undone is `cancelling` until warehouse and payments have both said that
//! they gave back what they had. They are asked again and again, each time under a new id: the
//! bus would not deliver the old one twice.
//!
//! A cancel that comes when the parcel is being handed over, in the state `picked`, is too late:
//! the carrier cannot be called back, and would deliver what was refunded.

mod turn;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::turn::{begin, step};

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Placed,
    Paid,
    Picked,
    Shipped,
    Delivered,
    Cancelling {
        stock_returned: bool,
        payment_returned: bool,
        /// How often both were asked again.
        round: u32,
    },
    Cancelled,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Placed => "placed",
            State::Paid => "paid",
            State::Picked => "picked",
            State::Shipped => "shipped",
            State::Delivered => "delivered",
            State::Cancelling { .. } => "cancelling",
            State::Cancelled => "cancelled",
        }
    }

    /// The topics that lead on.
    pub fn waits_for(self) -> Vec<&'static str> {
        match self {
            State::Placed => vec!["payment.captured"],
            State::Paid => vec!["stock.picked"],
            State::Picked => vec!["shipment.created"],
            State::Shipped => vec!["shipment.delivered"],
            State::Cancelling {
                stock_returned,
                payment_returned,
                ..
            } => {
                let both = [
                    ("stock.returned", stock_returned),
                    ("payment.returned", payment_returned),
                ];
                let missing = both.into_iter().filter(|(_, is_there)| !is_there);
                missing.map(|(topic, _)| topic).collect()
            }
            State::Delivered | State::Cancelled => Vec::new(),
        }
    }

    pub fn is_final(self) -> bool {
        matches!(self, State::Delivered | State::Cancelled)
    }

    /// How long it may last.
    fn patience_ms(self) -> Option<u64> {
        const MINUTE_MS: u64 = 60_000;
        match self {
            State::Placed => Some(2 * MINUTE_MS),
            State::Paid | State::Picked => Some(10 * MINUTE_MS),
            // Whoever does not answer is asked less and less often, up to once in about an hour.
            State::Cancelling { round, .. } => Some(MINUTE_MS << round.min(6)),
            State::Shipped | State::Delivered | State::Cancelled => None,
        }
    }
}

/// So much of a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub sku: String,
    pub quantity: u32,
}

/// What has to be known of an order to process it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: String,
    pub user: String,
    /// The id of its reservation and of its payment.
    pub checkout: String,
    pub lines: Vec<Line>,
    /// As it was given: it is logistics' to read.
    pub address: Value,
    /// How it is shipped.
    pub service: String,
    pub weight_g: u64,
}

/// Something that happened, for staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub at: String,
    pub state: String,
    pub text: String,
}

/// All that is known of an order's processing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saga {
    pub order: Order,
    pub state: State,
    /// When what it waits for is late.
    due_ms: Option<u64>,
    /// When the next `fulfilment.deadline` comes. One is under way at a time, unless an earlier one
    /// is needed: an order that goes well takes a single one, and not one for each of its states.
    wake_ms: Option<u64>,
    pub tracking: Option<String>,
    /// Why it is cancelled, for people.
    pub reason: Option<String>,
    pub steps: Vec<Step>,
}

/// What may happen to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    CancelRequested {
        by: String,
    },
    Captured,
    CaptureFailed {
        reason: String,
    },
    Picked,
    Short {
        skus: Vec<String>,
    },
    StockReturned,
    PaymentReturned,
    Shipment {
        tracking: Option<String>,
        stage: Stage,
    },
    /// A `fulfilment.deadline` for that moment.
    Deadline {
        due_ms: u64,
    },
}

/// What happened to a shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    Created,
    /// For staff.
    Moved(String),
    Delivered,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    RequestCapture,
    RequestPick,
    RequestShipment,
    /// The round tells one asking from the next.
    RequestStockReturn {
        round: u32,
    },
    RequestPaymentReturn {
        round: u32,
    },
    /// News for the customer: the state is the order's status.
    Tell {
        state: State,
        text: String,
    },
    /// A deadline to be delivered then.
    Wake {
        due_ms: u64,
    },
}

/// The time, and how long each state may last in the place of its own patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    pub now_ms: u64,
    pub patience_ms: Option<u64>,
}

#[cfg(test)]
mod tests;
