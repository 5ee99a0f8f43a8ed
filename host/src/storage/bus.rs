//! The bus's log: one SQLite file that holds every topic's events in the order in which they were
//! stored, and how far each subscription has come. Events are opaque here. HTTP, CloudEvents and the
//! calls of subscribers are left to `events`.

/// An event on its way into the log. What it says has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    pub topic: String,
    /// With topic and `id` it tells duplicates.
    pub source: String,
    pub id: String,
    /// Events with the same key are delivered in order.
    pub key: Option<String>,
    /// Milliseconds since 1970; before, the event is not delivered.
    pub delay_until_ms: Option<i64>,
    /// All context attributes as one JSON object, `id` and `source` among them.
    pub attributes: String,
    pub data: Vec<u8>,
}

/// One delivery of an event to a subscription: the same for every attempt, also over restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId {
    /// The log's own number, drawn when the file was made.
    pub bus: i64,
    /// Never given twice by one log; a replay has a new one.
    pub subscription: i64,
    /// The event's place in the log; negative for a dead letter that is tried again.
    pub position: i64,
}

impl std::fmt::Display for DeliveryId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            bus,
            subscription,
            position,
        } = self;
        write!(out, "{bus:x}-{subscription}-{position}")
    }
}
