//! Removes events that are older, or more, than their topic keeps.

use super::memory::Topic;
use super::transaction::Transaction;
use super::{Bus, BusError};

/// Events that one transaction removes, so that publishers do not wait for long.
const REMOVED_AT_ONCE: i64 = 500;
const HOUR_MS: i64 = 60 * 60 * 1000;

impl Bus {
    /// Removes what no topic has to keep.
    pub async fn remove_old(&self) -> Result<u64, BusError> {
        let mut removed = 0;
        let topics: Vec<i64> = {
            let memory = self.writer.shared.memory();
            let topics = memory.iter().flat_map(|memory| memory.topics());
            topics.map(|topic| topic.id).collect()
        };
        for topic in topics {
            loop {
                let some = self
                    .write(move |transaction| transaction.remove_old(topic))
                    .await?;
                removed += some;
                if some == 0 {
                    break;
                }
            }
        }
        Ok(removed)
    }
}

impl Transaction<'_> {
    /// Removes some of a topic's oldest events; says how many.
    fn remove_old(&mut self, topic: i64) -> rusqlite::Result<u64> {
        let Some(known) = self.memory.topic_of(topic).cloned() else {
            return Ok(0);
        };
        let floor = self.floor(&known);
        let (last, count, bytes) = self.oldest(&known, floor)?;
        if count == 0 {
            return Ok(0);
        }
        // What is known of an event goes with it, so it has to be where it can go from.
        self.memory.recent.index_to(self.connection, last)?;
        self.connection
            .prepare_cached(
                "DELETE FROM identities WHERE (identity, position) IN
                     (SELECT identity, position FROM events WHERE topic = ?1 AND position <= ?2)",
            )?
            .execute((topic, last))?;
        self.connection
            .prepare_cached("DELETE FROM events WHERE topic = ?1 AND position <= ?2")?
            .execute((topic, last))?;
        if let Some(known) = self.memory.topic_of(topic) {
            known.events = known.events.saturating_sub(count);
            known.bytes = known.bytes.saturating_sub(bytes);
            known.is_changed = true;
        }
        if !known.settings.keep_unacknowledged {
            self.recount_those_before(topic, last)?;
        }
        Ok(count)
    }

    /// The last position that may be removed.
    fn floor(&self, topic: &Topic) -> i64 {
        if !topic.settings.keep_unacknowledged {
            return i64::MAX;
        }
        let subscribers = self.memory.subscribers.values();
        let waiting = subscribers
            .filter(|subscriber| subscriber.pending.get(&topic.id).is_some_and(|n| *n > 0));
        waiting
            .map(|subscriber| subscriber.low)
            .min()
            .unwrap_or(i64::MAX)
    }

    /// Of the oldest events that are to be removed: the last position, their number and bytes.
    fn oldest(&self, topic: &Topic, floor: i64) -> rusqlite::Result<(i64, u64, u64)> {
        let hours = i64::try_from(topic.settings.retention_hours).unwrap_or(i64::MAX);
        let too_old_ms = self.now_ms.saturating_sub(hours.saturating_mul(HOUR_MS));
        let bytes_max = topic.settings.retention_mib.saturating_mul(1 << 20);
        let mut statement = self.connection.prepare_cached(
            "SELECT position, stored_ms, octet_length(attributes) + octet_length(data)
             FROM events WHERE topic = ?1 AND position <= ?2 ORDER BY position LIMIT ?3",
        )?;
        let mut rows = statement.query((topic.id, floor, REMOVED_AT_ONCE))?;
        let (mut last, mut count, mut bytes) = (0, 0, 0);
        while let Some(row) = rows.next()? {
            let is_old = row.get::<_, i64>(1)? < too_old_ms;
            if !is_old && topic.bytes.saturating_sub(bytes) <= bytes_max {
                break;
            }
            last = row.get(0)?;
            count += 1;
            bytes += row.get::<_, i64>(2)?.unsigned_abs();
        }
        Ok((last, count, bytes))
    }

    fn recount_those_before(&mut self, topic: i64, last: i64) -> rusqlite::Result<()> {
        let subscribers = self.memory.subscribers.values();
        let behind: Vec<_> = subscribers
            .filter(|known| known.low < last && known.pending.contains_key(&topic))
            .map(|known| {
                (
                    known.id,
                    known.low,
                    known.is_low_changed,
                    known.news.clone(),
                )
            })
            .collect();
        for (id, low, is_low_changed, news) in behind {
            if is_low_changed {
                self.connection
                    .prepare_cached("UPDATE subscriptions SET position = ?2 WHERE id = ?1")?
                    .execute((id, low))?;
            }
            self.memory.add_subscriber(self.connection, id, news)?;
        }
        Ok(())
    }
}
