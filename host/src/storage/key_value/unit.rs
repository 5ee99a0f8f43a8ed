//! What one atomic invocation reads and writes: a snapshot of its service's store, its own writes
//! and its events, which are committed together or not at all. Checking and writing them is left to
//! `commit`, running the handler again after a conflict to the runtime.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::mailbox::event_bytes;
use super::reader::{self, PAGE_BYTES_MAX, PAGE_KEYS_MAX};
use super::writer::Snapshot;
use super::{
    KeyPage, KeyValueError, KeyValueStore, RESULT_BYTES_MAX, Version, add, check_key, check_value,
};
use crate::storage::bus::NewEvent;

/// Keys and values that one unit may write, in bytes.
pub const WRITE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a unit may keep of the keys that it has read, in bytes.
pub const READ_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Events that one unit may publish, and their bytes.
pub const EVENTS_MAX: usize = 1000;
pub const EVENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a key takes in a map beside its own bytes, about.
const KEY_OVERHEAD_BYTES: usize = 64;

/// The last version that was given to a write in some unit. Below zero, where no version of a store
/// is, and never given twice, so that a handle of one unit means nothing in another.
static LAST_OWN_VERSION: AtomicI64 = AtomicI64::new(0);

/// One run of an atomic handler. Every operation but [`publish`](Self::publish) is one of the
/// store's, at the moment of the first of them and with the unit's own writes.
pub struct Unit {
    store: Arc<KeyValueStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    snapshot: Option<Snapshot>,
    changes: Changes,
    read_bytes: usize,
    write_bytes: usize,
    event_bytes: usize,
    has_ended: bool,
}

/// What a unit has seen of its store, and what shall become of it.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The versions of the keys that were read.
    pub(super) reads: BTreeMap<String, Version>,
    /// The version of the set of keys, if keys were listed.
    pub(super) key_set_version: Option<i64>,
    pub(super) writes: BTreeMap<String, Written>,
    pub(super) events: Vec<NewEvent>,
}

impl Changes {
    /// The bytes that it brings, by which a batch is bounded.
    pub(super) fn bytes(&self) -> usize {
        let reads = self.reads.keys().map(|key| key.len() + KEY_OVERHEAD_BYTES);
        let writes = self.writes.iter().map(|(key, written)| {
            let value_bytes = written.value.as_ref().map_or(0, Vec::len);
            key.len() + KEY_OVERHEAD_BYTES + value_bytes
        });
        let events = self.events.iter().map(event_bytes);
        reads.sum::<usize>() + writes.sum::<usize>() + events.sum::<usize>()
    }

    /// Whether a commit would write nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.events.is_empty()
    }
}

/// A write that waits for the commit.
#[derive(Debug)]
pub(super) struct Written {
    /// `None`: deleted.
    pub(super) value: Option<Vec<u8>>,
    /// Known within the unit alone; [`Version::ABSENT`] when deleted.
    version: Version,
}

impl Unit {
    /// A run whose reads and writes are of `store`. Nothing is opened before its first read.
    pub fn new(store: Arc<KeyValueStore>) -> Unit {
        Unit {
            store,
            state: Mutex::default(),
        }
    }

    /// Makes the store ready, off the calling thread.
    pub async fn open(&self) -> Result<(), KeyValueError> {
        self.store.open().await
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        Ok(self.get_versioned(key)?.map(|(value, _)| value))
    }

    /// The value of a key and the version to compare against in [`swap`](Self::swap).
    pub fn get_versioned(&self, key: &str) -> Result<Option<(Vec<u8>, Version)>, KeyValueError> {
        check_key(key)?;
        self.state()?.get(&self.store, key)
    }

    /// The version of a key, [`Version::ABSENT`] when it is not there.
    pub fn version(&self, key: &str) -> Result<Version, KeyValueError> {
        check_key(key)?;
        self.state()?.version(&self.store, key)
    }

    /// Whether the key is there.
    pub fn exists(&self, key: &str) -> Result<bool, KeyValueError> {
        Ok(self.version(key)? != Version::ABSENT)
    }

    /// The values of many keys, in their order; at most [`RESULT_BYTES_MAX`] bytes together.
    pub fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, KeyValueError> {
        keys.iter().try_for_each(|key| check_key(key))?;
        let mut state = self.state()?;
        let mut bytes = 0;
        let mut values = Vec::new();
        for key in keys {
            let value = state.get(&self.store, key)?.map(|(value, _)| value);
            bytes += size_of::<Option<Vec<u8>>>() + value.as_ref().map_or(0, Vec::len);
            if bytes > RESULT_BYTES_MAX {
                return Err(KeyValueError::ResultTooLarge);
            }
            values.push(value);
        }
        Ok(values)
    }

    /// The next keys after `after`, or the first ones; a page may be empty and still have a cursor.
    pub fn keys_page(&self, after: Option<&str>) -> Result<KeyPage, KeyValueError> {
        let mut state = self.state()?;
        let snapshot = state.snapshot(&self.store)?;
        let key_set_version = snapshot.key_set_version();
        let page = snapshot.read(|connection| reader::keys_page(connection, after))?;
        state.changes.key_set_version = Some(key_set_version);
        Ok(with_writes(page, after, &state.changes.writes))
    }

    /// Sets many keys, all or none.
    pub fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Result<(), KeyValueError> {
        for (key, value) in &entries {
            check_key(key)?;
            check_value(value)?;
        }
        let mut state = self.state()?;
        let bytes = entries.iter().map(|(key, value)| key.len() + value.len());
        state.check_room(bytes.sum::<usize>() + entries.len() * KEY_OVERHEAD_BYTES)?;
        for (key, value) in entries {
            state.write(key, Some(value));
        }
        Ok(())
    }

    /// Deletes those of the keys that are there.
    pub fn delete_many(&self, keys: Vec<String>) -> Result<(), KeyValueError> {
        keys.iter().try_for_each(|key| check_key(key))?;
        let mut state = self.state()?;
        let bytes = keys.iter().map(|key| key.len() + KEY_OVERHEAD_BYTES);
        state.check_room(bytes.sum())?;
        for key in keys {
            state.write(key, None);
        }
        Ok(())
    }

    /// Adds `delta` to the integer under the key (0 when there is none) and returns the sum.
    pub fn increment(&self, key: String, delta: i64) -> Result<i64, KeyValueError> {
        check_key(&key)?;
        let mut state = self.state()?;
        let value = state.get(&self.store, &key)?;
        let sum = add(value.map(|(value, _)| value), delta)?;
        state.check_room(key.len() + size_of::<i64>() + KEY_OVERHEAD_BYTES)?;
        state.write(key, Some(sum.to_le_bytes().to_vec()));
        Ok(sum)
    }

    /// Sets the key if its version is still `expected`; says whether it was.
    pub fn swap(
        &self,
        key: String,
        expected: Version,
        value: Vec<u8>,
    ) -> Result<bool, KeyValueError> {
        check_key(&key)?;
        check_value(&value)?;
        let mut state = self.state()?;
        if state.version(&self.store, &key)? != expected {
            return Ok(false);
        }
        state.check_room(key.len() + value.len() + KEY_OVERHEAD_BYTES)?;
        state.write(key, Some(value));
        Ok(true)
    }

    /// Publishes events with the commit, all or none, in their order.
    pub fn publish(&self, events: Vec<NewEvent>) -> Result<(), KeyValueError> {
        let mut state = self.state()?;
        let bytes = state.event_bytes + events.iter().map(event_bytes).sum::<usize>();
        if bytes > EVENT_BYTES_MAX || state.changes.events.len() + events.len() > EVENTS_MAX {
            return Err(KeyValueError::TooManyEvents);
        }
        state.event_bytes = bytes;
        state.changes.events.extend(events);
        Ok(())
    }

    /// Ends the unit and its snapshot. What the guest still asks of it fails from now on.
    pub(super) fn end(&self) -> Changes {
        let mut state = self.lock();
        let changes = std::mem::take(&mut state.changes);
        *state = State {
            has_ended: true,
            ..State::default()
        };
        changes
    }

    /// Gives the unit up: nothing of it happens.
    pub fn abandon(&self) {
        drop(self.end());
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, KeyValueError> {
        let state = self.lock();
        if state.has_ended {
            return Err(KeyValueError::UnitEnded);
        }
        Ok(state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Unit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Unit").finish_non_exhaustive()
    }
}

impl State {
    fn snapshot(&mut self, store: &KeyValueStore) -> Result<&Snapshot, KeyValueError> {
        let snapshot = match self.snapshot.take() {
            Some(snapshot) => snapshot,
            None => store.writer.snapshot()?,
        };
        Ok(self.snapshot.insert(snapshot))
    }

    fn get(
        &mut self,
        store: &KeyValueStore,
        key: &str,
    ) -> Result<Option<(Vec<u8>, Version)>, KeyValueError> {
        if let Some(written) = self.changes.writes.get(key) {
            let value = written.value.clone();
            return Ok(value.map(|value| (value, written.version)));
        }
        let found = self
            .snapshot(store)?
            .read(|connection| reader::get(connection, key))?;
        let version = found
            .as_ref()
            .map_or(Version::ABSENT, |(_, version)| *version);
        self.record(key, version)?;
        Ok(found)
    }

    fn version(&mut self, store: &KeyValueStore, key: &str) -> Result<Version, KeyValueError> {
        if let Some(written) = self.changes.writes.get(key) {
            return Ok(written.version);
        }
        let version = self
            .snapshot(store)?
            .read(|connection| reader::version(connection, key))?;
        self.record(key, version)?;
        Ok(version)
    }

    /// Remembers what was seen of a key; in one snapshot that is always the same.
    fn record(&mut self, key: &str, version: Version) -> Result<(), KeyValueError> {
        if self.changes.reads.contains_key(key) {
            return Ok(());
        }
        let bytes = self.read_bytes + key.len() + KEY_OVERHEAD_BYTES;
        if bytes > READ_BYTES_MAX {
            return Err(KeyValueError::TooManyReads);
        }
        self.read_bytes = bytes;
        self.changes.reads.insert(key.to_owned(), version);
        Ok(())
    }

    /// Whether so many bytes of writes have room beside those that are there. What a later write
    /// replaces counts until it has been replaced.
    fn check_room(&self, bytes: usize) -> Result<(), KeyValueError> {
        if self.write_bytes.saturating_add(bytes) > WRITE_BYTES_MAX {
            return Err(KeyValueError::UnitTooLarge);
        }
        Ok(())
    }

    fn write(&mut self, key: String, value: Option<Vec<u8>>) {
        let version = match value {
            Some(_) => Version(LAST_OWN_VERSION.fetch_sub(1, Ordering::Relaxed) - 1),
            None => Version::ABSENT,
        };
        let key_bytes = key.len() + KEY_OVERHEAD_BYTES;
        let bytes = |value: &Option<Vec<u8>>| key_bytes + value.as_ref().map_or(0, Vec::len);
        self.write_bytes += bytes(&value);
        let before = self.changes.writes.insert(key, Written { value, version });
        if let Some(Written { value, .. }) = before {
            self.write_bytes -= bytes(&value);
        }
    }
}

/// A page of the snapshot as the unit's own writes have changed it.
fn with_writes(page: KeyPage, after: Option<&str>, writes: &BTreeMap<String, Written>) -> KeyPage {
    if writes.is_empty() {
        return page;
    }
    let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
    let cursor = page.cursor.as_ref();
    let written = writes
        .range::<str, _>((begin, Bound::Unbounded))
        .take_while(|(key, _)| cursor.is_none_or(|cursor| *key <= cursor));
    let mut keys: BTreeSet<String> = page.keys.into_iter().collect();
    for (key, written) in written {
        if written.value.is_some() {
            keys.insert(key.clone());
        } else {
            keys.remove(key);
        }
    }
    let mut kept: Vec<String> = Vec::new();
    let mut bytes = 0;
    for key in keys {
        if kept.len() == usize::from(PAGE_KEYS_MAX) || bytes > PAGE_BYTES_MAX {
            let cursor = kept.last().cloned();
            return KeyPage { keys: kept, cursor };
        }
        bytes += key.len();
        kept.push(key);
    }
    KeyPage {
        keys: kept,
        cursor: page.cursor,
    }
}
