//! What the pages about the bus say and take, as JSON. The command line reads the same.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The topics of the bus.
#[derive(Debug, Serialize, Deserialize)]
pub struct Topics {
    pub topics: Vec<Topic>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Topic {
    pub name: String,
    /// Events ever stored.
    pub published: u64,
    /// Events that are kept, and their bytes.
    pub events: u64,
    pub bytes: u64,
    /// Events whose time has not come.
    pub delayed: u64,
    /// Events that the slowest subscriber has before it, and those whose time has not come.
    pub backlog: u64,
}

/// Everybody who takes events.
#[derive(Debug, Serialize, Deserialize)]
pub struct Subscribers {
    pub subscribers: Vec<Subscriber>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Subscription,
    Schedule,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Subscriber {
    pub service: String,
    pub kind: Kind,
    /// A topic or a pattern; a schedule has none.
    pub topic: Option<String>,
    pub path: String,
    /// Whether the running app has it.
    pub active: bool,
    /// Every event up to here is settled.
    pub position: i64,
    /// Events before it; none is known of a subscription that the app does not have.
    pub lag: Option<u64>,
    /// Events that wait for another attempt.
    pub failing: u64,
    /// Dead letters.
    pub dead: u64,
    /// When the oldest event that waits was stored, in RFC 3339.
    pub oldest: Option<String>,
    pub oldest_age_seconds: Option<f64>,
    /// Since the host began: events acknowledged, attempts failed.
    pub delivered: u64,
    pub failed: u64,
}

/// Some events of a topic or a pattern.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventList {
    pub events: Vec<Event>,
    /// There is no other event up to here: what to ask for next begins after it.
    pub read_to: i64,
    /// Whether there are more already.
    pub more: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Event {
    pub position: i64,
    pub topic: String,
    /// In RFC 3339.
    pub stored: String,
    /// The CloudEvent in the JSON format.
    pub event: Box<RawValue>,
}

/// What became of the events of a request.
#[derive(Debug, Serialize, Deserialize)]
pub struct Published {
    pub ids: Vec<String>,
    /// Of each, whether it is new: the same topic, source and id is not stored twice.
    pub new: Vec<bool>,
}

/// Some dead letters.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeadLetters {
    pub dead: Vec<DeadLetter>,
    /// Whether there are more.
    pub more: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct DeadLetter {
    pub id: i64,
    pub service: String,
    /// The subscription's topic or pattern; a schedule has none.
    pub subscription: Option<String>,
    pub path: String,
    /// The event's topic.
    pub topic: Option<String>,
    /// In RFC 3339.
    pub stored: String,
    pub died: String,
    pub attempts: u32,
    pub reason: String,
    /// Of the last answer.
    pub status: Option<u16>,
    /// Whether it is being tried again.
    pub retrying: bool,
    /// The CloudEvent in the JSON format; in a list without its data.
    pub event: Box<RawValue>,
    /// The beginning of the last answer; not in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// What is to be delivered again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    pub service: String,
    /// One subscription's topic or pattern, as the manifest has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    pub from: Start,
}

/// Where a replay begins.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Start {
    Position(i64),
    /// `beginning`, a time of RFC 3339, or a position.
    Text(String),
}

/// How many subscriptions went back.
#[derive(Debug, Serialize, Deserialize)]
pub struct Replayed {
    pub subscriptions: usize,
}
