//! One service's SQLite file, with the settings of the host's stores. What waits to be committed is
//! committed together, with one sync, as the host does it. Events lie in the file from the commit
//! until they were delivered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use anyhow::{Context, Result};
use kit::event::Event;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::bus::Bus;

/// As in the host: pages of the log after which it is copied into the file.
const CHECKPOINT_PAGES: i64 = 4000;
/// How much one transaction takes at most.
const BATCH_MAX: usize = 256;

/// What happens together or not at all.
#[derive(Default)]
pub struct Unit {
    /// What was read of these keys; it must still stand there. Nothing stands for an absent key.
    pub reads: BTreeMap<String, Option<Vec<u8>>>,
    /// Nothing stands for a key that is removed.
    pub writes: BTreeMap<String, Option<Vec<u8>>>,
    pub events: Vec<Event>,
}

/// An event that is on disk.
pub struct Published {
    pub topic: &'static str,
    pub id: String,
    pub key: Option<String>,
    /// The service that published it.
    pub source: &'static str,
    /// JSON.
    pub data: String,
    number: i64,
    work: Sender<Work>,
}

/// One that nobody will take any more has been delivered to everyone.
impl Drop for Published {
    fn drop(&mut self) {
        // The thread of the file lives as long as the process.
        let _ = self.work.send(Work::Forget(self.number));
    }
}

enum Work {
    Commit {
        unit: Unit,
        done: SyncSender<Result<bool, String>>,
    },
    /// Removes an event; nobody waits for it.
    Forget(i64),
}

/// One service's file, which its instances on all threads share.
pub struct File {
    path: PathBuf,
    work: Sender<Work>,
}

impl File {
    /// A new file of the service, and its thread.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(service: &'static str, folder: &Path, bus: Bus) -> Result<File> {
        let path = folder.join(format!("{service}.db"));
        let connection = Connection::open(&path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.execute_batch(
            "CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
             CREATE TABLE outbox (number INTEGER PRIMARY KEY, topic TEXT, id TEXT, data TEXT);",
        )?;
        let (work, waiting) = channel();
        let mut writer = Writer {
            service,
            connection,
            bus,
            work: work.clone(),
        };
        std::thread::Builder::new()
            .name(service.to_owned())
            .spawn(move || writer.run(&waiting))
            .context("a thread for a file")?;
        Ok(File { path, work })
    }

    /// A connection that reads what is committed.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn reader(&self) -> Result<Connection> {
        let connection = Connection::open(&self.path)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    /// Whether it was committed, which is on disk then: not when something that it has read has
    /// changed.
    ///
    /// # Errors
    /// When the file fails.
    pub fn commit(&self, unit: Unit) -> Result<bool, String> {
        let (done, outcome) = sync_channel(1);
        let gone = "the thread of the file has ended".to_owned();
        match self.work.send(Work::Commit { unit, done }) {
            Ok(()) => outcome.recv().unwrap_or(Err(gone)),
            Err(_) => Err(gone),
        }
    }
}

/// The value of a key.
///
/// # Errors
/// When the file fails.
pub fn read(connection: &Connection, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT value FROM entries WHERE key = ?1")?;
    statement.query_row([key], |row| row.get(0)).optional()
}

struct Writer {
    service: &'static str,
    connection: Connection,
    bus: Bus,
    work: Sender<Work>,
}

impl Writer {
    fn run(&mut self, waiting: &Receiver<Work>) {
        let mut chores = Vec::new();
        while let Ok(first) = waiting.recv() {
            let all = [first].into_iter().chain(waiting.try_iter());
            let (mut batch, forgotten): (Vec<Work>, Vec<Work>) = all
                .take(BATCH_MAX)
                .partition(|work| matches!(work, Work::Commit { .. }));
            chores.extend(forgotten);
            // As in the host: they go with the next commit.
            if batch.is_empty() {
                continue;
            }
            batch.append(&mut chores);
            let outcomes = self.write(&batch).map_err(|error| error.to_string());
            for (index, work) in batch.into_iter().enumerate() {
                let Work::Commit { unit, done } = work else {
                    continue;
                };
                let outcome = match &outcomes {
                    Ok(numbers) => Ok(numbers.get(index).cloned().flatten()),
                    Err(error) => Err(error.clone()),
                };
                // Who asked may have gone with the process that ends.
                let _ = done.send(outcome.clone().map(|numbers| numbers.is_some()));
                for (event, number) in unit
                    .events
                    .into_iter()
                    .zip(outcome.into_iter().flatten().flatten())
                {
                    self.publish(event, number);
                }
            }
        }
    }

    /// For each of the batch the numbers of its events; nothing for one that met a conflict.
    fn write(&mut self, batch: &[Work]) -> rusqlite::Result<Vec<Option<Vec<i64>>>> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let mut outcomes = Vec::with_capacity(batch.len());
        for work in batch {
            outcomes.push(match work {
                Work::Commit { unit, .. } => apply(&transaction, unit)?,
                Work::Forget(number) => {
                    let sql = "DELETE FROM outbox WHERE number = ?1";
                    transaction.prepare_cached(sql)?.execute([number])?;
                    None
                }
            });
        }
        transaction.commit()?;
        Ok(outcomes)
    }

    /// An event for later stays in the file: no measurement lasts until it comes due.
    fn publish(&self, event: Event, number: i64) {
        if event.not_before_ms.is_some() {
            return;
        }
        self.bus.deliver(Published {
            topic: event.topic,
            id: event.id,
            key: event.key,
            source: self.service,
            data: event.data.to_string(),
            number,
            work: self.work.clone(),
        });
    }
}

fn apply(connection: &Connection, unit: &Unit) -> rusqlite::Result<Option<Vec<i64>>> {
    for (key, value) in &unit.reads {
        if read(connection, key)? != *value {
            return Ok(None);
        }
    }
    for (key, value) in &unit.writes {
        put(connection, key, value.as_deref())?;
    }
    let mut numbers = Vec::with_capacity(unit.events.len());
    for event in &unit.events {
        let sql = "INSERT INTO outbox (topic, id, data) VALUES (?1, ?2, ?3)";
        let data = event.data.to_string();
        let mut statement = connection.prepare_cached(sql)?;
        numbers.push(statement.insert(params![event.topic, event.id, data])?);
    }
    Ok(Some(numbers))
}

fn put(connection: &Connection, key: &str, value: Option<&[u8]>) -> rusqlite::Result<()> {
    match value {
        Some(value) => {
            let sql = "INSERT INTO entries VALUES (?1, ?2)
                       ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            connection
                .prepare_cached(sql)?
                .execute(params![key, value])?;
        }
        None => {
            let sql = "DELETE FROM entries WHERE key = ?1";
            connection.prepare_cached(sql)?.execute([key])?;
        }
    }
    Ok(())
}
