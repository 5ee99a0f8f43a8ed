//! What the writer knows of the log without asking the file: topics, subscriptions and how many
//! events each has before it. Built from the file when that is opened, and again after a
//! transaction was lost.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Notify;

use super::recent::Recent;
use super::{NewEvent, PublishError};
use crate::manifest::model::events::{BusSettings, TopicSettings};
use crate::manifest::topics;

/// A topic that has had an event.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) id: i64,
    pub(super) name: Arc<str>,
    /// Events ever stored, those that are kept, and the bytes of these.
    pub(super) published: u64,
    pub(super) events: u64,
    pub(super) bytes: u64,
    /// Events that are not due.
    pub(super) delayed: u64,
    pub(super) settings: TopicSettings,
    /// Whether the row in the file is older than this.
    pub(super) is_changed: bool,
}

/// A subscription that the running app has.
#[derive(Clone, Debug)]
pub(super) struct Subscriber {
    pub(super) id: i64,
    pub(super) pattern: String,
    /// The low-water mark, as far as it is stored.
    pub(super) low: i64,
    pub(super) is_low_changed: bool,
    /// Unsettled events by topic, of every topic that the pattern matches.
    pub(super) pending: BTreeMap<i64, u64>,
    /// Told when an event for it was stored.
    pub(super) news: Arc<Notify>,
}

/// Everything that is known.
pub(super) struct Memory {
    pub(super) last_position: i64,
    pub(super) recent: Recent,
    /// Events of all topics that are not due.
    delayed: u64,
    topics: HashMap<Arc<str>, Topic>,
    names: HashMap<i64, Arc<str>>,
    pub(super) subscribers: BTreeMap<i64, Subscriber>,
    settings: Arc<BusSettings>,
}

impl Memory {
    /// Reads the file. `subscribers` of the running app are known by their ids.
    pub(super) fn load(
        connection: &Connection,
        settings: Arc<BusSettings>,
        subscribers: Vec<(i64, Arc<Notify>)>,
    ) -> rusqlite::Result<Self> {
        let last_position =
            connection.query_row("SELECT last_position FROM log", [], |row| row.get(0))?;
        let mut memory = Self {
            last_position,
            recent: Recent::load(connection)?,
            delayed: 0,
            topics: HashMap::new(),
            names: HashMap::new(),
            subscribers: BTreeMap::new(),
            settings,
        };
        let mut statement = connection.prepare(
            "SELECT id, name, published, events, bytes,
                 (SELECT count(*) FROM delayed WHERE topic = topics.id) FROM topics",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
            let name: String = row.get(1)?;
            memory.insert(Topic {
                id: row.get(0)?,
                settings: memory.settings.of(&name),
                name: name.into(),
                published: number(2)?,
                events: number(3)?,
                bytes: number(4)?,
                delayed: number(5)?,
                is_changed: false,
            });
        }
        for (id, news) in subscribers {
            memory.add_subscriber(connection, id, news)?;
        }
        Ok(memory)
    }

    fn insert(&mut self, topic: Topic) {
        self.delayed = self.delayed.saturating_add(topic.delayed);
        self.names.insert(topic.id, topic.name.clone());
        self.topics.insert(topic.name.clone(), topic);
    }

    pub(super) fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    pub(super) fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.values()
    }

    pub(super) fn topic_of(&mut self, id: i64) -> Option<&mut Topic> {
        self.topics.get_mut(self.names.get(&id)?)
    }

    /// The topic of this name, made where there is none.
    pub(super) fn topic_or_new(
        &mut self,
        connection: &Connection,
        name: &str,
    ) -> rusqlite::Result<i64> {
        if let Some(topic) = self.topics.get(name) {
            return Ok(topic.id);
        }
        connection.execute(
            "INSERT INTO topics (name, published, events, bytes) VALUES (?1, 0, 0, 0)",
            [name],
        )?;
        let id = connection.last_insert_rowid();
        self.insert(Topic {
            id,
            name: name.into(),
            published: 0,
            events: 0,
            bytes: 0,
            delayed: 0,
            settings: self.settings.of(name),
            is_changed: false,
        });
        for subscriber in self.subscribers.values_mut() {
            if is_match(&subscriber.pattern, name) {
                subscriber.pending.insert(id, 0);
            }
        }
        Ok(id)
    }

    /// Counts what a subscription that is in the file has before it.
    pub(super) fn add_subscriber(
        &mut self,
        connection: &Connection,
        id: i64,
        news: Arc<Notify>,
    ) -> rusqlite::Result<()> {
        let (pattern, low): (String, i64) = connection.query_row(
            "SELECT topic, position FROM subscriptions WHERE id = ?1",
            [id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let mut pending = BTreeMap::new();
        for topic in self.topics.values() {
            if is_match(&pattern, &topic.name) {
                pending.insert(topic.id, pending_of(connection, id, topic.id, low)?);
            }
        }
        let subscriber = Subscriber {
            id,
            pattern,
            low,
            is_low_changed: false,
            pending,
            news,
        };
        self.subscribers.insert(id, subscriber);
        Ok(())
    }

    /// An event joined those that are not due.
    pub(super) fn delay(&mut self, topic: i64) {
        self.delayed = self.delayed.saturating_add(1);
        if let Some(topic) = self.topic_of(topic) {
            topic.delayed = topic.delayed.saturating_add(1);
        }
    }

    /// An event is due.
    pub(super) fn release(&mut self, topic: i64) {
        self.delayed = self.delayed.saturating_sub(1);
        if let Some(topic) = self.topic_of(topic) {
            topic.delayed = topic.delayed.saturating_sub(1);
        }
    }

    /// Whether any event waits for its time.
    pub(super) fn has_delayed(&self) -> bool {
        self.delayed > 0
    }

    /// Why the events cannot be stored all together.
    pub(super) fn check_backlog(&self, events: &[NewEvent]) -> Result<(), PublishError> {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for event in events {
            let earlier = counts.entry(&event.topic).or_default();
            if let Some(topic) = self.topic(&event.topic)
                && self.backlog(topic).saturating_add(*earlier) >= topic.settings.backlog_max
            {
                return Err(PublishError::Backlog {
                    topic: event.topic.clone(),
                });
            }
            *earlier += 1;
        }
        Ok(())
    }

    /// Unacknowledged events of a topic: those of the subscriber that has most before it, and
    /// those that are not due.
    pub(super) fn backlog(&self, topic: &Topic) -> u64 {
        let of = |subscriber: &Subscriber| subscriber.pending.get(&topic.id).copied();
        let most = self.subscribers.values().filter_map(of).max();
        most.unwrap_or_default().saturating_add(topic.delayed)
    }
}

/// Whether a subscription takes a topic. The host's own topics begin with `$`, which no pattern
/// means.
pub(super) fn is_match(pattern: &str, topic: &str) -> bool {
    match topic.starts_with('$') {
        true => pattern == topic,
        false => topics::matches(pattern, topic),
    }
}

fn pending_of(
    connection: &Connection,
    subscription: i64,
    topic: i64,
    low: i64,
) -> rusqlite::Result<u64> {
    let all: i64 = connection
        .prepare_cached("SELECT count(*) FROM events WHERE topic = ?1 AND position > ?2")?
        .query_row((topic, low), |row| row.get(0))?;
    let settled: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM acknowledged JOIN events
             ON topic = ?1 AND position BETWEEN first AND last
             WHERE subscription = ?2 AND last > ?3 AND position > ?3",
        )?
        .query_row((topic, subscription, low), |row| row.get(0))?;
    Ok(all.saturating_sub(settled).unsigned_abs())
}

impl BusSettings {
    /// What holds for a topic.
    pub(super) fn of(&self, topic: &str) -> TopicSettings {
        let entry = self
            .topics
            .iter()
            .find(|(pattern, _)| is_match(pattern, topic));
        entry.map_or(self.preset, |(_, settings)| *settings)
    }
}
