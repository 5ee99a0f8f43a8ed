//! Subscriptions in the log: who there is, how far each has come, and what of it failed.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::Notify;

use super::transaction::Transaction;
use super::{Bus, BusError, Progress, ProgressChange};
use crate::manifest::model::events::From as Start;

/// A subscription that the app has.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub service: String,
    /// A pattern of topics.
    pub topic: String,
    pub path: String,
    /// Where it begins if it is new.
    pub from: Start,
}

/// What the log knows of a subscription.
pub struct Subscribed {
    pub id: i64,
    pub progress: Progress,
    /// By position.
    pub failures: BTreeMap<i64, Failure>,
    /// Told when an event was stored that may be for it.
    pub news: Arc<Notify>,
}

/// An event that a handler has failed on and is given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Handler runs so far.
    pub attempts: u32,
    /// Milliseconds since 1970.
    pub retry_at_ms: i64,
    pub reason: String,
}

/// An event that was acknowledged.
#[derive(Clone, Debug)]
pub struct Settled {
    pub subscription: i64,
    pub position: i64,
    /// The event's topic, if the log still has the event.
    pub topic: Option<i64>,
    /// Whether a handler had failed on it before.
    pub has_failed: bool,
    pub change: ProgressChange,
}

impl Bus {
    /// Finds a subscription, or makes it.
    pub async fn subscribe(&self, wanted: Wanted) -> Result<Subscribed, BusError> {
        self.write(move |transaction| {
            let id = find_or_insert(transaction, &wanted)?;
            let news = Arc::new(Notify::new());
            subscribed(transaction, id, news)
        })
        .await
    }

    /// Marks every other subscription as one that the app does not have.
    pub async fn deactivate_others(&self, active: Vec<i64>) -> Result<Vec<String>, BusError> {
        self.write(move |transaction| {
            let mut gone = Vec::new();
            let now_ms = transaction.now_ms;
            let connection = transaction.connection;
            let mut statement = connection
                .prepare("SELECT id, service, topic, path, inactive_since_ms FROM subscriptions")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                let is_known = row.get::<_, Option<i64>>(4)?.is_some();
                if active.contains(&id) || is_known {
                    continue;
                }
                let [service, topic, path]: [String; 3] = [row.get(1)?, row.get(2)?, row.get(3)?];
                gone.push(format!("{service} {topic} {path}"));
                connection.execute(
                    "UPDATE subscriptions SET inactive_since_ms = ?2 WHERE id = ?1",
                    (id, now_ms),
                )?;
            }
            Ok(gone)
        })
        .await
    }

    /// Stores that an event was acknowledged. It happens also if the answer is not waited for.
    pub fn settle(&self, settled: Settled) -> impl Future<Output = Result<(), BusError>> + use<> {
        self.write_patiently(move |transaction| {
            let Settled {
                subscription,
                position,
                topic,
                has_failed,
                change,
            } = settled;
            if has_failed {
                forget_failure(transaction, subscription, position)?;
            }
            transaction.settle(subscription, topic, &change)
        })
    }

    /// Stores that an event is to be tried again.
    pub fn fail(
        &self,
        subscription: i64,
        position: i64,
        failure: Failure,
    ) -> impl Future<Output = Result<(), BusError>> + use<> {
        self.write(move |transaction| {
            transaction
                .connection
                .prepare_cached("INSERT OR REPLACE INTO failures VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute((
                    subscription,
                    position,
                    failure.attempts,
                    failure.retry_at_ms,
                    &failure.reason,
                ))?;
            Ok(())
        })
    }

    /// Stores the whole progress of a subscription, after a change of it could not be stored.
    pub async fn save_progress(&self, id: i64, progress: Progress) -> Result<(), BusError> {
        self.write(move |transaction| {
            let connection = transaction.connection;
            connection.execute("DELETE FROM acknowledged WHERE subscription = ?1", [id])?;
            for (first, last) in progress.ranges() {
                connection
                    .prepare_cached("INSERT INTO acknowledged VALUES (?1, ?2, ?3)")?
                    .execute((id, first, last))?;
            }
            connection.execute(
                "DELETE FROM failures WHERE subscription = ?1 AND position <= ?2",
                (id, progress.low()),
            )?;
            connection.execute(
                "UPDATE subscriptions SET position = ?2 WHERE id = ?1",
                (id, progress.low()),
            )?;
            recount(transaction, id)
        })
        .await
    }

    /// Puts a subscription back to after a position. It gets a new id, so that nothing that is
    /// remembered of its deliveries holds for the ones to come. `None`: there is none of this id.
    pub async fn replay(&self, id: i64, after: i64) -> Result<Option<Subscribed>, BusError> {
        self.write(move |transaction| {
            let connection = transaction.connection;
            for table in ["acknowledged", "failures"] {
                let sql = format!("DELETE FROM {table} WHERE subscription = ?1");
                connection.execute(&sql, [id])?;
            }
            let deleted: Option<[String; 3]> = connection
                .query_row(
                    "DELETE FROM subscriptions WHERE id = ?1 RETURNING service, topic, path",
                    [id],
                    |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]),
                )
                .optional()?;
            let Some([service, topic, path]) = deleted else {
                return Ok(None);
            };
            connection.execute(
                "INSERT INTO subscriptions (service, topic, path, position)
                 VALUES (?1, ?2, ?3, ?4)",
                (service, topic, path, after),
            )?;
            let new = connection.last_insert_rowid();
            let known = transaction.memory.subscribers.remove(&id);
            let news = known.map(|known| known.news).unwrap_or_default();
            subscribed(transaction, new, news).map(Some)
        })
        .await
    }

    /// The position before the first event that was stored at `from_ms` or later.
    pub fn position_before(&self, from_ms: i64) -> Result<i64, BusError> {
        self.read(|connection| {
            let first: Option<i64> = connection.query_row(
                "SELECT min(position) FROM events WHERE stored_ms >= ?1",
                [from_ms],
                |row| row.get(0),
            )?;
            match first {
                Some(first) => Ok(first - 1),
                None => connection.query_row("SELECT last_position FROM log", [], |row| row.get(0)),
            }
        })
    }

    /// Whether a delivery is settled in the file, so that nobody needs to remember it.
    pub fn is_settled(&self, subscription: i64, position: i64) -> Result<bool, BusError> {
        self.read(|connection| {
            let stored: Option<i64> = connection
                .prepare_cached("SELECT position FROM subscriptions WHERE id = ?1")?
                .query_row([subscription], |row| row.get(0))
                .optional()?;
            let Some(low) = stored else {
                return Ok(true);
            };
            let mut within = connection.prepare_cached(
                "SELECT 1 FROM acknowledged
                 WHERE subscription = ?1 AND first <= ?2 AND last >= ?2",
            )?;
            Ok(position <= low || within.exists((subscription, position))?)
        })
    }
}

fn find_or_insert(transaction: &mut Transaction<'_>, wanted: &Wanted) -> rusqlite::Result<i64> {
    let connection = transaction.connection;
    let found = connection
        .query_row(
            "UPDATE subscriptions SET inactive_since_ms = NULL
             WHERE service = ?1 AND topic = ?2 AND path = ?3 RETURNING id",
            (&wanted.service, &wanted.topic, &wanted.path),
            |row| row.get(0),
        )
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    let position = match wanted.from {
        Start::Now => transaction.memory.last_position,
        Start::Beginning => 0,
    };
    connection.execute(
        "INSERT INTO subscriptions (service, topic, path, position) VALUES (?1, ?2, ?3, ?4)",
        (&wanted.service, &wanted.topic, &wanted.path, position),
    )?;
    Ok(connection.last_insert_rowid())
}

fn subscribed(
    transaction: &mut Transaction<'_>,
    id: i64,
    news: Arc<Notify>,
) -> rusqlite::Result<Subscribed> {
    let connection = transaction.connection;
    transaction
        .memory
        .add_subscriber(connection, id, news.clone())?;
    Ok(Subscribed {
        id,
        progress: progress(connection, id)?,
        failures: failures(connection, id)?,
        news,
    })
}

fn recount(transaction: &mut Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    let Some(known) = transaction.memory.subscribers.get(&id) else {
        return Ok(());
    };
    let news = known.news.clone();
    transaction
        .memory
        .add_subscriber(transaction.connection, id, news)
}

fn progress(connection: &Connection, id: i64) -> rusqlite::Result<Progress> {
    let low = connection.query_row(
        "SELECT position FROM subscriptions WHERE id = ?1",
        [id],
        |row| row.get(0),
    )?;
    let mut statement =
        connection.prepare("SELECT first, last FROM acknowledged WHERE subscription = ?1")?;
    let ranges = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let ranges: Vec<_> = ranges.collect::<rusqlite::Result<_>>()?;
    Ok(Progress::new(low, ranges))
}

fn failures(connection: &Connection, id: i64) -> rusqlite::Result<BTreeMap<i64, Failure>> {
    let mut statement = connection.prepare(
        "SELECT position, attempts, retry_at_ms, reason FROM failures WHERE subscription = ?1",
    )?;
    let rows = statement.query_map([id], |row| {
        let failure = Failure {
            attempts: row.get(1)?,
            retry_at_ms: row.get(2)?,
            reason: row.get(3)?,
        };
        Ok((row.get(0)?, failure))
    })?;
    rows.collect()
}

fn forget_failure(
    transaction: &Transaction<'_>,
    subscription: i64,
    position: i64,
) -> rusqlite::Result<()> {
    transaction
        .connection
        .prepare_cached("DELETE FROM failures WHERE subscription = ?1 AND position = ?2")?
        .execute((subscription, position))?;
    Ok(())
}
