//! Who takes events: one call, and what came of it.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::storage::bus::{DeliveryId, StoredEvent};

/// One call of a subscriber.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: DeliveryId,
    /// From 1.
    pub attempt: u32,
    pub event: StoredEvent,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Acknowledged,
    /// The handler ran and failed.
    Failed {
        reason: String,
        status: Option<u16>,
        /// The beginning of its answer.
        body: Vec<u8>,
        retry_after: Option<Duration>,
    },
    /// The host did not begin the call; the event is not at fault.
    NotBegun {
        reason: String,
    },
}

/// Takes the events of a subscription.
pub trait Subscriber: Send + Sync {
    /// Hands an event over and waits for what becomes of it.
    fn deliver(&self, delivery: Delivery) -> BoxFuture<'static, Outcome>;

    /// The acknowledgement of a delivery is on disk: nobody needs to remember it.
    fn forget(&self, id: DeliveryId);
}
