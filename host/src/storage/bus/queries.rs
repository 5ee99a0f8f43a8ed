//! What the operator is told of the log.

use rusqlite::OptionalExtension;

use super::memory::is_match;
use super::{Bus, BusError};
use crate::manifest::model::events::EVENT_BYTES_MAX;

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicStatus {
    pub name: String,
    /// Events ever stored.
    pub published: u64,
    /// Events that are kept, and their bytes.
    pub events: u64,
    pub bytes: u64,
    /// Events that are not due.
    pub delayed: u64,
    /// Unacknowledged events, as publishers are held to them.
    pub backlog: u64,
}

/// A subscription, also one that the app does not have any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionStatus {
    pub id: i64,
    pub service: String,
    /// A pattern; of a schedule, `$schedule` and where it leads.
    pub topic: String,
    pub path: String,
    pub is_active: bool,
    /// Everything up to here is settled.
    pub position: i64,
    /// Events before it; `None` while it is not active.
    pub lag: Option<u64>,
    /// Events that are tried again.
    pub failing: u64,
    pub dead: u64,
    /// When the oldest event before it was stored, in milliseconds since 1970.
    pub oldest_ms: Option<i64>,
}

impl Bus {
    /// All topics, by name. The host's own are not among them.
    pub fn topics(&self) -> Vec<TopicStatus> {
        let memory = self.writer.shared.memory();
        let Some(memory) = memory.as_ref() else {
            return Vec::new();
        };
        let mut topics: Vec<TopicStatus> = memory
            .topics()
            .filter(|topic| !topic.name.starts_with('$'))
            .map(|topic| TopicStatus {
                name: topic.name.to_string(),
                published: topic.published,
                events: topic.events,
                bytes: topic.bytes,
                delayed: topic.delayed,
                backlog: memory.backlog(topic),
            })
            .collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        topics
    }

    /// Events that lie before a subscription of the running app.
    pub fn lag(&self, subscription: i64) -> Option<u64> {
        let memory = self.writer.shared.memory();
        let subscriber = memory.as_ref()?.subscribers.get(&subscription)?;
        Some(subscriber.pending.values().sum())
    }

    /// All subscriptions.
    pub fn subscriptions(&self) -> Result<Vec<SubscriptionStatus>, BusError> {
        let known: Vec<(i64, u64, Vec<i64>)> = {
            let memory = self.writer.shared.memory();
            let all = memory.iter().flat_map(|memory| memory.subscribers.values());
            let waiting = |subscriber: &super::memory::Subscriber| {
                let topics = subscriber.pending.iter().filter(|(_, count)| **count > 0);
                topics.map(|(topic, _)| *topic).collect()
            };
            all.map(|known| (known.id, known.pending.values().sum(), waiting(known)))
                .collect()
        };
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, service, topic, path, position, inactive_since_ms,
                     (SELECT count(*) FROM failures WHERE subscription = subscriptions.id),
                     (SELECT count(*) FROM dead WHERE dead.service = subscriptions.service
                         AND pattern = subscriptions.topic AND dead.path = subscriptions.path)
                 FROM subscriptions ORDER BY service, topic, path",
            )?;
            let rows = statement.query_map([], |row| {
                let id = row.get(0)?;
                let known = known.iter().find(|(known, _, _)| *known == id);
                Ok(SubscriptionStatus {
                    id,
                    service: row.get(1)?,
                    topic: row.get(2)?,
                    path: row.get(3)?,
                    is_active: row.get::<_, Option<i64>>(5)?.is_none(),
                    position: row.get(4)?,
                    lag: known.map(|(_, lag, _)| *lag),
                    failing: row.get::<_, i64>(6)?.unsigned_abs(),
                    dead: row.get::<_, i64>(7)?.unsigned_abs(),
                    oldest_ms: None,
                })
            })?;
            let mut all = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            for status in &mut all {
                let Some((_, _, topics)) = known.iter().find(|(id, _, _)| *id == status.id) else {
                    continue;
                };
                for topic in topics {
                    let oldest: Option<i64> = connection
                        .prepare_cached(
                            "SELECT stored_ms FROM events WHERE topic = ?1 AND position > ?2
                             ORDER BY position LIMIT 1",
                        )?
                        .query_row((topic, status.position), |row| row.get(0))
                        .optional()?;
                    status.oldest_ms = match (status.oldest_ms, oldest) {
                        (Some(one), Some(other)) => Some(one.min(other)),
                        (one, other) => one.or(other),
                    };
                }
            }
            Ok(all)
        })
    }

    /// The position after which a pattern has so many events, or all where there are fewer.
    pub fn before_newest(&self, pattern: &str, count: usize) -> Result<i64, BusError> {
        let topics: Vec<i64> = {
            let memory = self.writer.shared.memory();
            let topics = memory.iter().flat_map(|memory| memory.topics());
            let matching = topics.filter(|topic| is_match(pattern, &topic.name));
            matching.map(|topic| topic.id).collect()
        };
        self.read(|connection| {
            let newest: i64 =
                connection.query_row("SELECT last_position FROM log", [], |row| row.get(0))?;
            let mut positions = Vec::new();
            for topic in topics {
                let mut statement = connection.prepare_cached(
                    "SELECT position FROM events WHERE topic = ?1 ORDER BY position DESC LIMIT ?2",
                )?;
                let rows =
                    statement.query_map((topic, count as i64), |row| row.get::<_, i64>(0))?;
                for row in rows {
                    positions.push(row?);
                }
            }
            positions.sort_unstable_by(|a, b| b.cmp(a));
            let last = count.checked_sub(1).map(|index| positions.get(index));
            Ok(match last {
                None => newest,
                Some(None) => 0,
                Some(Some(first)) => first.saturating_sub(1),
            })
        })
    }

    /// Bytes of one event with its attributes, at most.
    pub fn event_bytes_max(&self) -> usize {
        // An app that has schedules and no bus says nothing of it.
        match self.writer.shared.settings.event_bytes_max {
            0 => EVENT_BYTES_MAX,
            bytes => bytes,
        }
    }
}
