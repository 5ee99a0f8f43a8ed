//! The surroundings of a service inside one native process: an SQLite file of its own with the
//! settings of the host's stores, and events that lie in the same file until they were delivered.
//!
//! Inside a unit, writes and events are kept back and committed in one transaction, as an atomic
//! handler's are.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use kit::event::{Event, PublishError};
use kit::host::{Host, Incoming, Outgoing, SendError};
use kit::store::{Decide, KeyValue, Keys, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

/// One service's file, which its instances on all threads share.
pub struct File {
    writer: Mutex<Connection>,
    /// The events that were committed.
    bus: Sender<Published>,
}

/// An event that is on disk, and where.
pub struct Published {
    pub row: i64,
    pub file: Arc<File>,
    pub event: Event,
    pub source: &'static str,
}

impl File {
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: &Path, bus: Sender<Published>) -> Result<Arc<File>> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
             CREATE TABLE outbox (number INTEGER PRIMARY KEY, topic TEXT, data TEXT);",
        )?;
        Ok(Arc::new(File {
            writer: Mutex::new(connection),
            bus,
        }))
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets an event that was delivered.
    ///
    /// # Errors
    /// When the file fails.
    pub fn forget(&self, row: i64) -> rusqlite::Result<()> {
        let writer = self.writer();
        let mut statement = writer.prepare_cached("DELETE FROM outbox WHERE number = ?1")?;
        statement.execute([row]).map(|_| ())
    }
}

/// What a unit keeps back.
#[derive(Default)]
struct Unit {
    /// Nothing stands for a key that is removed.
    writes: BTreeMap<String, Option<Vec<u8>>>,
    events: Vec<Event>,
}

/// One service on one thread.
pub struct NativeHost {
    name: &'static str,
    file: Arc<File>,
    reader: Connection,
    unit: RefCell<Option<Unit>>,
    variables: BTreeMap<&'static str, &'static str>,
    server: fn(&Outgoing) -> Result<Incoming, SendError>,
}

fn failed(error: &rusqlite::Error) -> StoreError {
    StoreError::Failed(error.to_string())
}

impl NativeHost {
    /// # Errors
    /// When the file cannot be read.
    pub fn new(
        name: &'static str,
        path: &Path,
        file: Arc<File>,
        variables: BTreeMap<&'static str, &'static str>,
        server: fn(&Outgoing) -> Result<Incoming, SendError>,
    ) -> Result<NativeHost> {
        let reader = Connection::open(path)?;
        reader.busy_timeout(Duration::from_secs(5))?;
        Ok(NativeHost {
            name,
            file,
            reader,
            unit: RefCell::new(None),
            variables,
            server,
        })
    }

    /// Begins to keep writes and events back.
    pub fn begin(&self) {
        *self.unit.borrow_mut() = Some(Unit::default());
    }

    /// Commits what was kept back.
    ///
    /// # Errors
    /// When the file fails; then nothing of it happened.
    pub fn commit(&self) -> Result<(), StoreError> {
        let Some(unit) = self.unit.take() else {
            return Ok(());
        };
        self.write(&unit).map_err(|error| failed(&error))
    }

    fn write(&self, unit: &Unit) -> rusqlite::Result<()> {
        if unit.writes.is_empty() && unit.events.is_empty() {
            return Ok(());
        }
        let mut writer = self.file.writer();
        let transaction = writer.transaction()?;
        for (key, value) in &unit.writes {
            put(&transaction, key, value.as_deref())?;
        }
        let mut rows = Vec::new();
        for event in &unit.events {
            let mut statement = transaction
                .prepare_cached("INSERT INTO outbox (topic, data) VALUES (?1, ?2)")?;
            statement.execute(params![event.topic, event.data.to_string()])?;
            rows.push(transaction.last_insert_rowid());
        }
        transaction.commit()?;
        for (row, event) in rows.into_iter().zip(&unit.events) {
            let published = Published {
                row,
                file: Arc::clone(&self.file),
                event: event.clone(),
                source: self.name,
            };
            // Nobody listens any more when the process ends.
            let _ = self.file.bus.send(published);
        }
        Ok(())
    }

    fn one(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        let value = value.map(<[u8]>::to_owned);
        if let Some(unit) = self.unit.borrow_mut().as_mut() {
            unit.writes.insert(key.to_owned(), value);
            return Ok(());
        }
        let writer = self.file.writer();
        put(&writer, key, value.as_deref()).map_err(|error| failed(&error))
    }
}

fn put(connection: &Connection, key: &str, value: Option<&[u8]>) -> rusqlite::Result<()> {
    match value {
        Some(value) => {
            let mut statement = connection.prepare_cached(
                "INSERT INTO entries VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?;
            statement.execute(params![key, value])?;
        }
        None => {
            let mut statement = connection.prepare_cached("DELETE FROM entries WHERE key = ?1")?;
            statement.execute([key])?;
        }
    }
    Ok(())
}

fn read(connection: &Connection, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT value FROM entries WHERE key = ?1")?;
    statement.query_row([key], |row| row.get(0)).optional()
}

impl KeyValue for NativeHost {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(unit) = self.unit.borrow().as_ref()
            && let Some(value) = unit.writes.get(key)
        {
            return Ok(value.clone());
        }
        read(&self.reader, key).map_err(|error| failed(&error))
    }

    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.one(key, Some(value))
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.one(key, None)
    }

    fn keys(&self, _cursor: Option<&str>) -> Result<Keys, StoreError> {
        let all = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.reader.prepare_cached("SELECT key FROM entries")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect()
        };
        Ok((all().map_err(|error| failed(&error))?, None))
    }

    /// Under the writer's lock, so that it never meets another writer.
    fn swap(&self, key: &str, change: &mut Decide<'_>) -> Result<bool, StoreError> {
        if self.unit.borrow().is_some() {
            let current = self.get(key)?;
            if let Some(value) = change(current.as_deref()) {
                self.set(key, &value)?;
            }
            return Ok(true);
        }
        let writer = self.file.writer();
        let current = read(&writer, key).map_err(|error| failed(&error))?;
        if let Some(value) = change(current.as_deref()) {
            put(&writer, key, Some(&value)).map_err(|error| failed(&error))?;
        }
        Ok(true)
    }

    fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        let mut sum = 0;
        self.swap(key, &mut |current| {
            let number = current.and_then(|bytes| std::str::from_utf8(bytes).ok());
            sum = number.and_then(|text| text.parse().ok()).unwrap_or(0) + delta;
            Some(sum.to_string().into_bytes())
        })?;
        Ok(sum)
    }
}

impl Host for NativeHost {
    fn store(&self) -> &dyn KeyValue {
        self
    }

    fn publish(&self, event: &Event) -> Result<(), PublishError> {
        if let Some(unit) = self.unit.borrow_mut().as_mut() {
            unit.events.push(event.clone());
            return Ok(());
        }
        let unit = Unit {
            events: vec![event.clone()],
            ..Unit::default()
        };
        self.write(&unit)
            .map_err(|error| PublishError(error.to_string()))
    }

    fn now_ms(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
    }

    fn random(&self, bytes: &mut [u8]) {
        // What cannot be drawn is left as it is: these are ids of a benchmark.
        let _ = rustix::rand::getrandom(bytes, rustix::rand::GetRandomFlags::empty());
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| (*value).to_owned())
    }

    fn send(&self, request: &Outgoing) -> Result<Incoming, SendError> {
        (self.server)(request)
    }

    fn log(&self, line: &str) {
        eprintln!("{}: {line}", self.name);
    }
}
