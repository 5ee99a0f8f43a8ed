//! What one transaction of the bus's writer can do to the log. Which writes share one is left to
//! [`super::writer`].

use rusqlite::{Connection, OptionalExtension};
use xxhash_rust::xxh3::Xxh3;

use super::NewEvent;
use super::memory::Memory;
use super::progress::ProgressChange;

/// An open transaction, and what it will have changed.
pub(super) struct Transaction<'a> {
    pub(super) connection: &'a Connection,
    pub(super) memory: &'a mut Memory,
    /// Milliseconds since 1970.
    pub(super) now_ms: i64,
    /// When the next delayed event is due.
    pub(super) next_due_ms: i64,
    /// Topics that have new events.
    pub(super) news: Vec<i64>,
}

impl Transaction<'_> {
    /// Stores an event unless the log has it already; says whether it was new.
    pub(super) fn store(&mut self, event: &NewEvent) -> rusqlite::Result<bool> {
        let topic = self.memory.topic_or_new(self.connection, &event.topic)?;
        let identity = identity(event);
        if self.is_stored(topic, identity, event)? {
            return Ok(false);
        }
        match event.delay_until_ms.filter(|due_ms| *due_ms > self.now_ms) {
            Some(due_ms) => self.insert_delayed(topic, identity, due_ms, event)?,
            None => self.insert(topic, identity, event)?,
        }
        Ok(true)
    }

    fn is_stored(&self, topic: i64, identity: i64, event: &NewEvent) -> rusqlite::Result<bool> {
        let is_it = |position: i64| {
            self.connection
                .prepare_cached(
                    "SELECT 1 FROM events
                     WHERE position = ?1 AND topic = ?2 AND source = ?3 AND id = ?4",
                )?
                .exists((position, topic, &event.source, &event.id))
        };
        if let Some(position) = self.memory.recent.position(identity)
            && is_it(position)?
        {
            return Ok(true);
        }
        let mut known = self
            .connection
            .prepare_cached("SELECT position FROM identities WHERE identity = ?1")?;
        for position in known.query_map([identity], |row| row.get(0))? {
            if is_it(position?)? {
                return Ok(true);
            }
        }
        if !self.memory.has_delayed() {
            return Ok(false);
        }
        self.connection
            .prepare_cached(
                "SELECT 1 FROM delayed
                 WHERE identity = ?1 AND topic = ?2 AND source = ?3 AND id = ?4",
            )?
            .exists((identity, topic, &event.source, &event.id))
    }

    pub(super) fn insert(
        &mut self,
        topic: i64,
        identity: i64,
        event: &NewEvent,
    ) -> rusqlite::Result<()> {
        let position = self.memory.last_position.saturating_add(1);
        self.connection
            .prepare_cached(
                "INSERT INTO events
                     (position, topic, identity, stored_ms, source, id, key, attributes, data)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute((
                position,
                topic,
                identity,
                self.now_ms,
                &event.source,
                &event.id,
                &event.key,
                &event.attributes,
                &event.data,
            ))?;
        self.memory.last_position = position;
        self.memory.recent.push(identity, position);
        self.count(topic, (event.attributes.len() + event.data.len()) as u64);
        Ok(())
    }

    fn count(&mut self, topic: i64, bytes: u64) {
        if let Some(known) = self.memory.topic_of(topic) {
            known.published = known.published.saturating_add(1);
            known.events = known.events.saturating_add(1);
            known.bytes = known.bytes.saturating_add(bytes);
            known.is_changed = true;
        }
        for subscriber in self.memory.subscribers.values_mut() {
            if let Some(pending) = subscriber.pending.get_mut(&topic) {
                *pending = pending.saturating_add(1);
            }
        }
        if !self.news.contains(&topic) {
            self.news.push(topic);
        }
    }

    fn insert_delayed(
        &mut self,
        topic: i64,
        identity: i64,
        due_ms: i64,
        event: &NewEvent,
    ) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO delayed (due_ms, topic, identity, source, id, key, attributes, data)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute((
                due_ms,
                topic,
                identity,
                &event.source,
                &event.id,
                &event.key,
                &event.attributes,
                &event.data,
            ))?;
        self.memory.delay(topic);
        self.next_due_ms = self.next_due_ms.min(due_ms);
        Ok(())
    }

    /// Moves events that are due into the log, at most `limit`; says how many.
    pub(super) fn release_due(&mut self, limit: usize) -> rusqlite::Result<usize> {
        let due = {
            let mut statement = self.connection.prepare_cached(
                "SELECT number, topic, identity, source, id, key, attributes, data FROM delayed
                 WHERE due_ms <= ?1 ORDER BY due_ms, number LIMIT ?2",
            )?;
            let rows = statement.query_map((self.now_ms, limit as i64), |row| {
                let event = NewEvent {
                    topic: String::new(),
                    source: row.get(3)?,
                    id: row.get(4)?,
                    key: row.get(5)?,
                    delay_until_ms: None,
                    attributes: row.get(6)?,
                    data: row.get(7)?,
                };
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, event))
            })?;
            rows.collect::<rusqlite::Result<Vec<(i64, i64, i64, NewEvent)>>>()?
        };
        for (number, topic, identity, event) in &due {
            self.insert(*topic, *identity, event)?;
            self.connection
                .prepare_cached("DELETE FROM delayed WHERE number = ?1")?
                .execute([number])?;
            self.memory.release(*topic);
        }
        self.next_due_ms = next_due_ms(self.connection)?;
        Ok(due.len())
    }

    /// The number of the last event that was copied from a store's outbox.
    pub(super) fn last_relayed(&self, store: i64) -> rusqlite::Result<i64> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT last FROM relayed WHERE store = ?1")?;
        let last = statement.query_row([store], |row| row.get(0)).optional()?;
        Ok(last.unwrap_or_default())
    }

    pub(super) fn set_last_relayed(&self, store: i64, last: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO relayed (store, last) VALUES (?1, ?2)")?
            .execute((store, last))?;
        Ok(())
    }

    /// Stores what has changed in a subscription's progress. `topic`: of the event that was
    /// settled, if the log still has it.
    pub(super) fn settle(
        &mut self,
        subscription: i64,
        topic: Option<i64>,
        change: &ProgressChange,
    ) -> rusqlite::Result<()> {
        for first in &change.removed {
            self.connection
                .prepare_cached("DELETE FROM acknowledged WHERE subscription = ?1 AND first = ?2")?
                .execute((subscription, first))?;
        }
        if let Some((first, last)) = change.range {
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO acknowledged VALUES (?1, ?2, ?3)")?
                .execute((subscription, first, last))?;
        }
        let Some(subscriber) = self.memory.subscribers.get_mut(&subscription) else {
            return Ok(());
        };
        if let Some(low) = change.low {
            subscriber.low = low;
            subscriber.is_low_changed = true;
        }
        if let Some(pending) = topic.and_then(|topic| subscriber.pending.get_mut(&topic)) {
            *pending = pending.saturating_sub(1);
        }
        Ok(())
    }

    /// Writes what is kept in memory until the end of the transaction.
    pub(super) fn finish(&mut self) -> rusqlite::Result<()> {
        self.memory.recent.shrink(self.connection)?;
        self.connection
            .prepare_cached("UPDATE log SET last_position = ?1 WHERE last_position <> ?1")?
            .execute([self.memory.last_position])?;
        let changed: Vec<i64> = self
            .memory
            .topics()
            .filter(|topic| topic.is_changed)
            .map(|topic| topic.id)
            .collect();
        for id in changed {
            let Some(topic) = self.memory.topic_of(id) else {
                continue;
            };
            topic.is_changed = false;
            let counts = [topic.published, topic.events, topic.bytes].map(u64::cast_signed);
            self.connection
                .prepare_cached(
                    "UPDATE topics SET published = ?2, events = ?3, bytes = ?4 WHERE id = ?1",
                )?
                .execute((id, counts[0], counts[1], counts[2]))?;
        }
        for subscriber in self.memory.subscribers.values_mut() {
            if std::mem::take(&mut subscriber.is_low_changed) {
                self.connection
                    .prepare_cached("UPDATE subscriptions SET position = ?2 WHERE id = ?1")?
                    .execute((subscriber.id, subscriber.low))?;
            }
        }
        Ok(())
    }
}

/// When the next delayed event is due; `i64::MAX` when there is none.
pub(super) fn next_due_ms(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT min(due_ms) FROM delayed")?
        .query_row([], |row| {
            Ok(row.get::<_, Option<i64>>(0)?.unwrap_or(i64::MAX))
        })
}

/// A digest of what tells duplicates; what it finds is compared in full.
pub(super) fn identity(event: &NewEvent) -> i64 {
    let mut digest = Xxh3::new();
    for part in [&event.topic, &event.source, &event.id] {
        digest.update(part.as_bytes());
        digest.update(&[0]);
    }
    digest.digest().cast_signed()
}
