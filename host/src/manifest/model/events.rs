//! The shape of what a manifest says of events: the bus, subscriptions, schedules and atomic
//! handlers (docs/EVENTS.md).

/// A table with `builtin = "events"`: the bus stands in the place of the component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BusSettings {
    /// For topics that no entry of `topics` matches.
    pub preset: TopicSettings,
    /// The first whose pattern matches a topic counts for it.
    pub topics: Vec<(String, TopicSettings)>,
    /// One event with its attributes, in bytes.
    pub event_bytes_max: usize,
}

/// How a topic's events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicSettings {
    pub retention_hours: u64,
    pub retention_mib: u64,
    /// Whether retention spares what a subscriber of the manifest has not acknowledged.
    pub keep_unacknowledged: bool,
    /// Unacknowledged events; then publishers are answered 429.
    pub backlog_max: u64,
}

impl Default for TopicSettings {
    fn default() -> Self {
        Self {
            retention_hours: 168,
            retention_mib: 1024,
            keep_unacknowledged: true,
            backlog_max: 1_000_000,
        }
    }
}

/// `event_bytes_max` when the manifest says nothing.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;

/// One of `[[component.ID.tool.kumiki.subscriptions]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// A topic, or a pattern with `*` for one name and `#` at its end for any number.
    pub topic: String,
    /// Where the service takes events: absolute, without a query.
    pub path: String,
    /// Deliveries at once.
    pub concurrency: usize,
    pub retry: Retry,
    pub from: From,
}

/// How failed calls are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Handler runs before the event is a dead letter.
    pub attempts_max: u32,
    pub backoff_ms: u64,
    pub backoff_max_ms: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts_max: 10,
            backoff_ms: 200,
            backoff_max_ms: 60_000,
        }
    }
}

/// Where a subscription begins that the bus has not seen before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    #[default]
    Now,
    Beginning,
}

/// One of `[[component.ID.tool.kumiki.schedules]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// As the manifest has it; checked.
    pub cron: String,
    /// A name of the IANA database; checked.
    pub timezone: String,
    /// Where the service takes the call: absolute, without a query.
    pub path: String,
    /// Whether a time that was missed is made up for once.
    pub catch_up: bool,
    pub retry: Retry,
}

/// `atomic` and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atomic {
    /// Exact paths, or all below one: `/events/...`.
    pub paths: Vec<String>,
    /// Statuses, first and last, that commit.
    pub commit_status: Vec<(u16, u16)>,
    /// Runs of one invocation, when commits meet conflicts.
    pub attempts_max: u32,
}

impl Default for Atomic {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            commit_status: vec![(200, 299)],
            attempts_max: 8,
        }
    }
}
