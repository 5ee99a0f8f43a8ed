//! The surroundings of a service on one thread of the native store: its file, its variables, and
//! the other services of the process in the place of servers.
//!
//! Inside a unit, writes and events are kept back and committed together, if what was read is
//! still the same: what the host's atomic handlers do.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use kit::event::{Event, PublishError};
use kit::host::{Host, Incoming, Outgoing, SendError};
use kit::store::{Decide, KeyValue, Keys, StoreError};
use rusqlite::Connection;

use super::Store;
use super::file::{File, Unit, read};

/// One service on one thread.
pub struct NativeHost {
    service: &'static str,
    store: Arc<Store>,
    file: Arc<File>,
    reader: Connection,
    unit: RefCell<Option<Unit>>,
}

impl NativeHost {
    /// # Errors
    /// When the service's file cannot be opened.
    pub fn new(service: &'static str, store: &Arc<Store>) -> Result<NativeHost> {
        let file = store.file(service)?;
        Ok(NativeHost {
            service,
            store: Arc::clone(store),
            reader: file.reader()?,
            file,
            unit: RefCell::new(None),
        })
    }

    /// Begins to keep writes and events back.
    pub fn begin(&self) {
        self.unit.replace(Some(Unit::default()));
    }

    /// Commits what was kept back; false when something that was read has changed.
    ///
    /// # Errors
    /// When the file fails; then nothing of it happened.
    pub fn commit(&self) -> Result<bool, StoreError> {
        match self.unit.take() {
            Some(unit) if unit.writes.is_empty() && unit.events.is_empty() => Ok(true),
            Some(unit) => self.write(unit),
            None => Ok(true),
        }
    }

    /// Drops what was kept back.
    pub fn abandon(&self) {
        self.unit.take();
    }

    fn write(&self, unit: Unit) -> Result<bool, StoreError> {
        self.file.commit(unit).map_err(StoreError::Failed)
    }

    /// What is committed.
    fn current(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        read(&self.reader, key).map_err(failed)
    }

    fn put(&self, key: &str, value: Option<Vec<u8>>) -> Result<(), StoreError> {
        if let Some(unit) = self.unit.borrow_mut().as_mut() {
            unit.writes.insert(key.to_owned(), value);
            return Ok(());
        }
        let mut unit = Unit::default();
        unit.writes.insert(key.to_owned(), value);
        self.write(unit).map(|_| ())
    }
}

fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::Failed(error.to_string())
}

impl KeyValue for NativeHost {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut unit = self.unit.borrow_mut();
        let Some(unit) = unit.as_mut() else {
            return self.current(key);
        };
        let known = unit.writes.get(key).or_else(|| unit.reads.get(key));
        if let Some(value) = known {
            return Ok(value.clone());
        }
        let value = self.current(key)?;
        unit.reads.insert(key.to_owned(), value.clone());
        Ok(value)
    }

    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        // One transaction for all, as the host reads them.
        let _reading = self.reader.unchecked_transaction().map_err(failed)?;
        keys.iter().map(|key| self.get(key)).collect()
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.put(key, Some(value.to_owned()))
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.put(key, None)
    }

    fn keys(&self, _cursor: Option<&str>) -> Result<Keys, StoreError> {
        let all = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.reader.prepare_cached("SELECT key FROM entries")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect()
        };
        Ok((all().map_err(failed)?, None))
    }

    fn swap(&self, key: &str, change: &mut Decide<'_>) -> Result<bool, StoreError> {
        let current = self.get(key)?;
        let Some(value) = change(current.as_deref()) else {
            return Ok(true);
        };
        if let Some(unit) = self.unit.borrow_mut().as_mut() {
            unit.writes.insert(key.to_owned(), Some(value));
            return Ok(true);
        }
        let mut unit = Unit::default();
        unit.reads.insert(key.to_owned(), current);
        unit.writes.insert(key.to_owned(), Some(value));
        self.write(unit)
    }

    fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        loop {
            let mut sum = delta;
            let is_done = self.swap(key, &mut |current| {
                let number = current.and_then(|bytes| std::str::from_utf8(bytes).ok());
                let number: i64 = number.and_then(|text| text.parse().ok()).unwrap_or(0);
                sum = number.wrapping_add(delta);
                Some(sum.to_string().into_bytes())
            })?;
            if is_done {
                return Ok(sum);
            }
        }
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
        self.file.commit(unit).map(|_| ()).map_err(PublishError)
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
        self.store.manifest.variable(self.service, name)
    }

    fn send(&self, request: &Outgoing) -> Result<Incoming, SendError> {
        self.store.send(request)
    }

    fn log(&self, line: &str) {
        eprintln!("{}: {line}", self.service);
    }
}
