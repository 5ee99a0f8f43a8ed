//! The key-value engine: one SQLite file per label. Writes of many callers are committed together
//! by one thread per file and are on disk when they are acknowledged; reads run on the calling
//! thread. Which guest may open which store, and the shapes of the interfaces, are left to
//! `capabilities::key_value`.

mod commit;
mod log;
mod mailbox;
mod queue;
mod reader;
mod schema;
pub mod unit;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use self::commit::{Operation, Outcome};
use self::unit::Unit;
use self::writer::Writer;
use super::bus::DeliveryId;
use super::commit_gate::CommitGate;
use super::database::STORE_MIB_MAX;

/// The longest key, in bytes of UTF-8.
pub const KEY_BYTES_MAX: usize = 1024;
/// The largest value.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;
/// The most that one read of many keys or values returns; keys count with what a list of them takes
/// in memory.
pub const RESULT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The disk space that writes leave free when nothing else is said.
pub const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// What one store may take, and how long it stays open unused.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The size of the file.
    pub store_mib_max: u64,
    /// Below so much free space on the disk only deletes and acknowledgements pass.
    pub free_bytes_min: u64,
    /// After so long without use, the file and its thread are closed; the next use opens them
    /// again.
    pub idle_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            store_mib_max: STORE_MIB_MAX,
            free_bytes_min: FREE_BYTES_MIN,
            idle_timeout: Duration::from_secs(10),
        }
    }
}

/// The version of a key: a new one with each write of it, from one counter per store that never
/// repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(i64);

impl Version {
    /// The version of every key that is not there.
    pub const ABSENT: Version = Version(0);
}

/// Some keys of a store in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<String>,
    /// Where the next page begins, when there is one: after this key.
    pub cursor: Option<String>,
}

/// Why an operation did nothing. The texts are fit for a guest: they name no paths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyValueError {
    /// The key is over the limit.
    #[error("the key is longer than {KEY_BYTES_MAX} bytes")]
    KeyTooLong,
    /// The value is over the limit.
    #[error("the value is larger than {VALUE_BYTES_MAX} bytes")]
    ValueTooLarge,
    /// What a read would return is over the limit.
    #[error("the result is larger than {RESULT_BYTES_MAX} bytes; read it in smaller parts")]
    ResultTooLarge,
    /// The store has reached its size; deletes still pass.
    #[error("the store is full; delete something first")]
    QuotaExceeded,
    /// The disk has reached the reserve; deletes still pass.
    #[error("the host's disk is nearly full; only deletes are possible")]
    ReserveReached,
    /// The value of an increment's key is not eight bytes long.
    #[error("the value is not an integer")]
    NotAnInteger,
    /// The sum does not fit into 64 bits.
    #[error("the sum is out of the range of a 64-bit integer")]
    OutOfRange,
    /// The writes of an atomic handler are over the limit.
    #[error(
        "one atomic handler may write {} bytes; write in several invocations",
        unit::WRITE_BYTES_MAX
    )]
    UnitTooLarge,
    /// The keys that an atomic handler has read are over the limit.
    #[error(
        "one atomic handler may read keys of {} bytes together",
        unit::READ_BYTES_MAX
    )]
    TooManyReads,
    /// The events of an atomic handler are over the limit.
    #[error(
        "one atomic handler may publish {} events of {} bytes together",
        unit::EVENTS_MAX,
        unit::EVENT_BYTES_MAX
    )]
    TooManyEvents,
    /// The atomic handler's run is over.
    #[error("the atomic invocation has ended")]
    UnitEnded,
    /// The file cannot be read or written; the log says why.
    #[error("the store cannot be read or written at present")]
    Failed,
}

/// What a commit of a unit has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All of the unit is on disk.
    Whole,
    /// Nothing: what the unit has read has changed since. The handler runs again.
    Conflict,
    /// Nothing: another run has handled the delivery.
    HandledBefore,
}

/// One store: a file, its writer and its readers. Dropping it commits what waits and closes the
/// file.
pub struct KeyValueStore {
    writer: Writer,
    is_ready: AtomicBool,
}

impl KeyValueStore {
    /// A store in the file at `path`. Nothing is opened before the first use. Its commits pass a
    /// gate of its own.
    pub fn new(path: &Path, limits: Limits) -> KeyValueStore {
        KeyValueStore::gated(path, limits, CommitGate::default())
    }

    /// As [`new`](Self::new), with commits that pass this gate.
    pub fn gated(path: &Path, limits: Limits, gate: CommitGate) -> KeyValueStore {
        KeyValueStore {
            writer: Writer::new(path, limits, gate),
            is_ready: AtomicBool::new(false),
        }
    }

    /// Makes the file where it is missing and checks that it can be read, off the calling thread.
    pub async fn open(self: &Arc<Self>) -> Result<(), KeyValueError> {
        if self.is_ready.load(Ordering::Acquire) {
            return Ok(());
        }
        let store = Arc::clone(self);
        let opened = tokio::task::spawn_blocking(move || store.exists("").map(|_| store)).await;
        let store = opened.map_err(|_| KeyValueError::Failed)??;
        store.is_ready.store(true, Ordering::Release);
        Ok(())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        Ok(self.get_versioned(key)?.map(|(value, _)| value))
    }

    /// The value of a key and the version to compare against in [`swap`](Self::swap).
    pub fn get_versioned(&self, key: &str) -> Result<Option<(Vec<u8>, Version)>, KeyValueError> {
        check_key(key)?;
        self.writer.read(|connection| reader::get(connection, key))
    }

    /// The version of a key, [`Version::ABSENT`] when it is not there.
    pub fn version(&self, key: &str) -> Result<Version, KeyValueError> {
        check_key(key)?;
        self.writer
            .read(|connection| reader::version(connection, key))
    }

    /// Whether the key is there.
    pub fn exists(&self, key: &str) -> Result<bool, KeyValueError> {
        Ok(self.version(key)? != Version::ABSENT)
    }

    /// The values of many keys, in their order and of one moment; at most [`RESULT_BYTES_MAX`]
    /// bytes together.
    pub fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, KeyValueError> {
        keys.iter().try_for_each(|key| check_key(key))?;
        self.writer
            .read(|connection| reader::get_many(connection, keys))
    }

    /// The next keys after `after`, or the first ones: at most 1,000 of them.
    pub fn keys_page(&self, after: Option<&str>) -> Result<KeyPage, KeyValueError> {
        self.writer
            .read(|connection| reader::keys_page(connection, after))
    }

    /// Sets a key. As with every write: once the future has been polled the write happens, also
    /// when the future is dropped, and when it returns `Ok` the write is on disk.
    pub async fn set(&self, key: String, value: Vec<u8>) -> Result<(), KeyValueError> {
        self.set_many(vec![(key, value)]).await
    }

    /// Sets many keys, all or none.
    pub async fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Result<(), KeyValueError> {
        for (key, value) in &entries {
            check_key(key)?;
            check_value(value)?;
        }
        if entries.is_empty() {
            return Ok(());
        }
        self.writer.write(Operation::Set(entries)).await.map(drop)
    }

    /// Deletes a key, if it is there.
    pub async fn delete(&self, key: String) -> Result<(), KeyValueError> {
        self.delete_many(vec![key]).await
    }

    /// Deletes those of the keys that are there, all or none.
    pub async fn delete_many(&self, keys: Vec<String>) -> Result<(), KeyValueError> {
        keys.iter().try_for_each(|key| check_key(key))?;
        if keys.is_empty() {
            return Ok(());
        }
        self.writer.write(Operation::Delete(keys)).await.map(drop)
    }

    /// Adds `delta` to the integer under the key (0 when there is none) and returns the sum. An
    /// integer is stored as eight bytes, lowest first, as Spin stores it.
    pub async fn increment(&self, key: String, delta: i64) -> Result<i64, KeyValueError> {
        check_key(&key)?;
        match self
            .writer
            .write(Operation::Increment { key, delta })
            .await?
        {
            Outcome::Sum(sum) => Ok(sum),
            Outcome::Done
            | Outcome::Swapped(_)
            | Outcome::Committed
            | Outcome::Conflict
            | Outcome::HandledBefore => Err(KeyValueError::Failed),
        }
    }

    /// Sets the key if its version is still `expected`; says whether it was.
    pub async fn swap(
        &self,
        key: String,
        expected: Version,
        value: Vec<u8>,
    ) -> Result<bool, KeyValueError> {
        check_key(&key)?;
        check_value(&value)?;
        match self
            .writer
            .write(Operation::Swap {
                key,
                expected,
                value,
            })
            .await?
        {
            Outcome::Swapped(swapped) => Ok(swapped),
            Outcome::Done
            | Outcome::Sum(_)
            | Outcome::Committed
            | Outcome::Conflict
            | Outcome::HandledBefore => Err(KeyValueError::Failed),
        }
    }

    /// Ends the unit, which was made on this store, and commits its writes, its events and the
    /// acknowledgement of `delivery` together, or none of them. Once the future has been polled the
    /// commit happens also if the future is dropped.
    pub async fn commit(
        &self,
        unit: &Unit,
        delivery: Option<DeliveryId>,
    ) -> Result<Committed, KeyValueError> {
        let changes = unit.end();
        // What was read is of one moment, so there is nothing to check either.
        if changes.is_empty() && delivery.is_none() {
            return Ok(Committed::Whole);
        }
        match self
            .writer
            .write(Operation::Unit { changes, delivery })
            .await?
        {
            Outcome::Committed => Ok(Committed::Whole),
            Outcome::Conflict => Ok(Committed::Conflict),
            Outcome::HandledBefore => Ok(Committed::HandledBefore),
            Outcome::Done | Outcome::Sum(_) | Outcome::Swapped(_) => Err(KeyValueError::Failed),
        }
    }
}

/// The stores of this host, so that all services that name one file share its engine.
#[derive(Default)]
pub struct Stores {
    by_path: Mutex<HashMap<PathBuf, Weak<KeyValueStore>>>,
    gate: CommitGate,
}

impl Stores {
    /// No store yet; the commits of all pass this gate.
    pub fn new(gate: CommitGate) -> Stores {
        Stores {
            by_path: Mutex::default(),
            gate,
        }
    }

    /// The store in the file at `path`. While somebody has it, the limits are those of the first
    /// who asked.
    pub fn store(&self, path: &Path, limits: Limits) -> Arc<KeyValueStore> {
        let mut by_path = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = by_path.get(path).and_then(Weak::upgrade) {
            return store;
        }
        by_path.retain(|_, store| store.strong_count() > 0);
        let store = Arc::new(KeyValueStore::gated(path, limits, self.gate.clone()));
        by_path.insert(path.to_owned(), Arc::downgrade(&store));
        store
    }
}

/// Whether an open file is one of this engine, which nobody else may touch.
pub fn is_key_value_file(connection: &rusqlite::Connection) -> bool {
    schema::is_marked(connection)
}

/// The integer under a key with `delta` added; a missing one is 0.
fn add(value: Option<Vec<u8>>, delta: i64) -> Result<i64, KeyValueError> {
    let Some(bytes) = value else {
        return Ok(delta);
    };
    let bytes: [u8; 8] = bytes.try_into().map_err(|_| KeyValueError::NotAnInteger)?;
    let sum = i64::from_le_bytes(bytes).checked_add(delta);
    sum.ok_or(KeyValueError::OutOfRange)
}

fn check_key(key: &str) -> Result<(), KeyValueError> {
    if key.len() > KEY_BYTES_MAX {
        Err(KeyValueError::KeyTooLong)
    } else {
        Ok(())
    }
}

fn check_value(value: &[u8]) -> Result<(), KeyValueError> {
    if value.len() > VALUE_BYTES_MAX {
        Err(KeyValueError::ValueTooLarge)
    } else {
        Ok(())
    }
}
