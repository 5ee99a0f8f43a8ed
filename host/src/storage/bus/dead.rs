//! Dead letters: events that a subscription has given up, with a copy of each, so that no retention
//! takes them.

use std::future::Future;

use rusqlite::{Connection, OptionalExtension, Row};

use super::{Bus, BusError};

/// Why an event was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Handler runs.
    pub attempts: u32,
    /// For people.
    pub reason: String,
    /// Of the last answer, where there was one.
    pub status: Option<u16>,
    /// The beginning of the last answer.
    pub body: Vec<u8>,
}

/// An event that a subscription has given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub id: i64,
    pub service: String,
    /// The subscription's pattern.
    pub pattern: String,
    pub path: String,
    /// The event's topic.
    pub topic: String,
    /// Milliseconds since 1970.
    pub stored_ms: i64,
    pub died_ms: i64,
    pub death: Death,
    /// Whether it is being tried again.
    pub is_retried: bool,
    pub key: Option<String>,
    pub attributes: String,
    pub data: Vec<u8>,
}

const COLUMNS: &str = "id, service, pattern, path, topic, stored_ms, died_ms, attempts, reason, \
                       status, body, is_retried, key, attributes, data";

impl Bus {
    /// Puts an event aside for a subscription, which settles it once this is on disk. Done twice,
    /// it is put aside once.
    pub fn bury(
        &self,
        subscription: i64,
        position: i64,
        death: Death,
    ) -> impl Future<Output = Result<(), BusError>> + use<> {
        self.write(move |transaction| {
            transaction.connection.execute(
                "INSERT OR IGNORE INTO dead (subscription, position, service, pattern, path, topic,
                     stored_ms, died_ms, attempts, reason, status, body, is_retried, key,
                     attributes, data)
                 SELECT ?1, ?2, service, subscriptions.topic, path, topics.name,
                     stored_ms, ?3, ?4, ?5, ?6, ?7, 0, key,
                     attributes, data
                 FROM events JOIN topics ON topics.id = events.topic
                     JOIN subscriptions ON subscriptions.id = ?1
                 WHERE events.position = ?2",
                (
                    subscription,
                    position,
                    transaction.now_ms,
                    death.attempts,
                    &death.reason,
                    death.status,
                    &death.body,
                ),
            )?;
            Ok(())
        })
    }

    /// A dead letter that was tried again has failed again.
    pub fn bury_again(
        &self,
        id: i64,
        death: Death,
    ) -> impl Future<Output = Result<(), BusError>> + use<> {
        self.write(move |transaction| {
            transaction.connection.execute(
                "UPDATE dead SET is_retried = 0, died_ms = ?2, attempts = attempts + ?3,
                     reason = ?4, status = ?5, body = ?6 WHERE id = ?1",
                (
                    id,
                    transaction.now_ms,
                    death.attempts,
                    &death.reason,
                    death.status,
                    &death.body,
                ),
            )?;
            Ok(())
        })
    }

    /// Notes that a dead letter is to be tried again; says whether there is one.
    pub async fn retry_dead(&self, id: i64) -> Result<bool, BusError> {
        self.write(move |transaction| {
            let changed = transaction
                .connection
                .execute("UPDATE dead SET is_retried = 1 WHERE id = ?1", [id])?;
            Ok(changed > 0)
        })
        .await
    }

    /// Removes a dead letter; says whether there was one.
    pub fn drop_dead(&self, id: i64) -> impl Future<Output = Result<bool, BusError>> + use<> {
        self.write(move |transaction| {
            let deleted = transaction
                .connection
                .execute("DELETE FROM dead WHERE id = ?1", [id])?;
            Ok(deleted > 0)
        })
    }

    /// One dead letter.
    pub fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, BusError> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM dead WHERE id = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row([id], letter).optional()
        })
    }

    /// The oldest dead letters after an id, of one service or of all, without their data.
    pub fn dead_letters(
        &self,
        service: Option<&str>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, BusError> {
        self.read(|connection| {
            let columns = COLUMNS.replace("body", "x''").replace(" data", " x''");
            let sql = format!(
                "SELECT {columns} FROM dead WHERE id > ?1 AND (?2 IS NULL OR service = ?2)
                 ORDER BY id LIMIT ?3"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map((after, service, limit as i64), letter)?;
            rows.collect()
        })
    }

    /// The ids of a subscription's dead letters that are to be tried again.
    pub fn retried(&self, service: &str, pattern: &str, path: &str) -> Result<Vec<i64>, BusError> {
        self.read(|connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM dead WHERE is_retried = 1
                     AND service = ?1 AND pattern = ?2 AND path = ?3 ORDER BY id",
            )?;
            let rows = statement.query_map((service, pattern, path), |row| row.get(0))?;
            rows.collect()
        })
    }
}

fn letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        id: row.get(0)?,
        service: row.get(1)?,
        pattern: row.get(2)?,
        path: row.get(3)?,
        topic: row.get(4)?,
        stored_ms: row.get(5)?,
        died_ms: row.get(6)?,
        death: Death {
            attempts: row.get(7)?,
            reason: row.get(8)?,
            status: row.get(9)?,
            body: row.get(10)?,
        },
        is_retried: row.get(11)?,
        key: row.get(12)?,
        attributes: row.get(13)?,
        data: row.get(14)?,
    })
}
