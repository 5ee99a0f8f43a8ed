//! One transaction for many waiting writes: each is undone alone when it fails, so that it takes
//! none of the others with it, and all of them are acknowledged together once they are on disk.

use rusqlite::{Connection, OptionalExtension};

use super::mailbox::{self, event_bytes};
use super::reader::{self, ReadError};
use super::unit::Changes;
use super::{KeyValueError, Version, add};
use crate::storage::bus::{DeliveryId, NewEvent};
use crate::storage::database::PAGE_BYTES;

/// Pages below the file's own limit that only deletes, acknowledgements and the counter may use: to
/// delete can take a few.
pub(super) const PAGES_FOR_DELETES: u64 = 64;

/// Pages that one set may take beside those of its value, where it splits the trees of table and
/// index.
const PAGES_FOR_SPLITS: u64 = 8;

/// One write. Lengths have been checked.
#[derive(Debug)]
pub(super) enum Operation {
    Set(Vec<(String, Vec<u8>)>),
    Delete(Vec<String>),
    Increment {
        key: String,
        delta: i64,
    },
    Swap {
        key: String,
        expected: Version,
        value: Vec<u8>,
    },
    /// What an atomic handler has done, and the event that it handled.
    Unit {
        changes: Changes,
        delivery: Option<DeliveryId>,
    },
    Forget(Vec<DeliveryId>),
    /// Events up to this number are on the bus.
    Relayed(i64),
}

impl Operation {
    /// The bytes that it brings, by which a batch is bounded.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Operation::Set(entries) => entries
                .iter()
                .map(|(key, value)| key.len() + value.len())
                .sum(),
            Operation::Delete(keys) => keys.iter().map(String::len).sum(),
            Operation::Increment { key, .. } => key.len(),
            Operation::Swap { key, value, .. } => key.len() + value.len(),
            Operation::Unit { changes, .. } => changes.bytes(),
            Operation::Forget(deliveries) => size_of_val(deliveries.as_slice()),
            Operation::Relayed(_) => 0,
        }
    }

    /// Whether no client waits for it, but the bus, which has many others to deliver meanwhile.
    pub(super) fn is_patient(&self) -> bool {
        match self {
            Operation::Unit { delivery, .. } => delivery.is_some(),
            Operation::Forget(_) | Operation::Relayed(_) => true,
            Operation::Set(_)
            | Operation::Delete(_)
            | Operation::Increment { .. }
            | Operation::Swap { .. } => false,
        }
    }

    /// Whether it may fail when a part of it is written. What writes one row fails before it.
    fn needs_savepoint(&self) -> bool {
        match self {
            Operation::Set(entries) => entries.len() > 1,
            Operation::Delete(keys) => keys.len() > 1,
            Operation::Increment { .. } | Operation::Swap { .. } => false,
            Operation::Unit { .. } | Operation::Forget(_) | Operation::Relayed(_) => true,
        }
    }

    /// Whether it may add events to the outbox.
    pub(super) fn has_events(&self) -> bool {
        match self {
            Operation::Unit { changes, .. } => !changes.events.is_empty(),
            Operation::Set(_)
            | Operation::Delete(_)
            | Operation::Increment { .. }
            | Operation::Swap { .. }
            | Operation::Forget(_)
            | Operation::Relayed(_) => false,
        }
    }
}

/// What a write has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Sum(i64),
    Swapped(bool),
    /// The whole unit.
    Committed,
    /// Nothing of the unit: something that it has read has changed.
    Conflict,
    /// Nothing of the unit: another one has acknowledged its delivery.
    HandledBefore,
}

/// Why a transaction was lost.
#[derive(Debug)]
pub(super) struct RolledBack {
    /// The write that SQLite rolled the whole transaction back for, if it was one.
    pub(super) culprit: Option<usize>,
    pub(super) error: rusqlite::Error,
}

impl From<rusqlite::Error> for RolledBack {
    fn from(error: rusqlite::Error) -> RolledBack {
        RolledBack {
            culprit: None,
            error,
        }
    }
}

/// What the writes of one transaction share.
pub(super) struct Budget {
    /// Pages that the file may have before only deletes pass.
    pub(super) pages_max: u64,
    /// Whether the disk is so full that only deletes pass.
    pub(super) is_below_reserve: bool,
}

/// Runs the operations in one transaction and returns, once that is on disk, what each has done.
pub(super) fn commit<'a>(
    connection: &Connection,
    operations: impl Iterator<Item = &'a Operation>,
    budget: &Budget,
) -> Result<Vec<Result<Outcome, KeyValueError>>, RolledBack> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let outcomes = run(connection, operations, budget).and_then(|outcomes| {
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(outcomes)
    });
    if outcomes.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    outcomes
}

fn run<'a>(
    connection: &Connection,
    operations: impl Iterator<Item = &'a Operation>,
    budget: &Budget,
) -> Result<Vec<Result<Outcome, KeyValueError>>, RolledBack> {
    let mut transaction = Transaction::begin(connection, budget)?;
    let mut outcomes = Vec::new();
    for (index, operation) in operations.enumerate() {
        let has_savepoint = operation.needs_savepoint();
        if has_savepoint {
            connection.prepare_cached("SAVEPOINT unit")?.execute([])?;
        }
        let before = transaction.counter;
        let outcome = match transaction.apply(operation) {
            Ok(outcome) => Ok(outcome),
            Err(error) => {
                // After some errors (a full disk, an unreadable page) SQLite has rolled back
                // everything by itself.
                if connection.is_autocommit() {
                    return Err(RolledBack {
                        culprit: Some(index),
                        error: sqlite_error(error),
                    });
                }
                if has_savepoint {
                    connection.prepare_cached("ROLLBACK TO unit")?.execute([])?;
                }
                transaction.counter = before;
                Err(refusal(error))
            }
        };
        if has_savepoint {
            connection.prepare_cached("RELEASE unit")?.execute([])?;
        }
        outcomes.push(outcome);
    }
    transaction.finish()?;
    Ok(outcomes)
}

/// What the caller is told of an error; what only the host may know goes to the log.
pub(super) fn refusal(error: ReadError) -> KeyValueError {
    match error {
        ReadError::Refused(refusal) => refusal,
        ReadError::Sqlite(error) => {
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) {
                return KeyValueError::QuotaExceeded;
            }
            tracing::error!(%error, "a key-value operation failed");
            KeyValueError::Failed
        }
    }
}

fn sqlite_error(error: ReadError) -> rusqlite::Error {
    match error {
        ReadError::Sqlite(error) => error,
        ReadError::Refused(refusal) => rusqlite::Error::ToSqlConversionFailure(Box::new(refusal)),
    }
}

/// The state of an open transaction.
struct Transaction<'a> {
    connection: &'a Connection,
    budget: &'a Budget,
    counter: Counter,
    counter_before: Counter,
    /// Pages of the file when it was asked last, and the most that was taken since.
    pages_used_at_most: Option<u64>,
}

/// The row of the file's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counter {
    /// The last version given out.
    version: i64,
    /// The version at which a key last came or went.
    key_set_version: i64,
    /// The last number given to an event.
    outbox_last: i64,
}

impl<'a> Transaction<'a> {
    /// Reads the counter anew each time: a store named by an absolute path may have a second host
    /// as its writer.
    fn begin(connection: &'a Connection, budget: &'a Budget) -> rusqlite::Result<Transaction<'a>> {
        let counter = connection
            .prepare_cached("SELECT version, key_set_version, outbox_last FROM counter")?
            .query_row([], |row| {
                Ok(Counter {
                    version: row.get(0)?,
                    key_set_version: row.get(1)?,
                    outbox_last: row.get(2)?,
                })
            })?;
        Ok(Transaction {
            connection,
            budget,
            counter,
            counter_before: counter,
            pages_used_at_most: None,
        })
    }

    fn finish(self) -> rusqlite::Result<()> {
        if self.counter != self.counter_before {
            let Counter {
                version,
                key_set_version,
                outbox_last,
            } = self.counter;
            self.connection
                .prepare_cached(
                    "UPDATE counter SET version = ?1, key_set_version = ?2, outbox_last = ?3",
                )?
                .execute([version, key_set_version, outbox_last])?;
        }
        Ok(())
    }

    fn next_version(&mut self) -> Result<i64, KeyValueError> {
        let next = self.counter.version.checked_add(1);
        self.counter.version = next.ok_or(KeyValueError::Failed)?;
        Ok(self.counter.version)
    }

    /// A key has come or gone.
    fn change_keys(&mut self) -> Result<(), KeyValueError> {
        self.counter.key_set_version = self.next_version()?;
        Ok(())
    }

    fn apply(&mut self, operation: &Operation) -> Result<Outcome, ReadError> {
        match operation {
            Operation::Set(entries) => {
                for (key, value) in entries {
                    self.set(key, value)?;
                }
                Ok(Outcome::Done)
            }
            Operation::Delete(keys) => {
                for key in keys {
                    self.delete(key)?;
                }
                Ok(Outcome::Done)
            }
            Operation::Increment { key, delta } => {
                let sum = add(self.value(key)?, *delta)?;
                self.set(key, &sum.to_le_bytes())?;
                Ok(Outcome::Sum(sum))
            }
            Operation::Swap {
                key,
                expected,
                value,
            } => {
                if reader::version(self.connection, key)? != *expected {
                    return Ok(Outcome::Swapped(false));
                }
                self.set(key, value)?;
                Ok(Outcome::Swapped(true))
            }
            Operation::Unit { changes, delivery } => self.commit(changes, *delivery),
            Operation::Forget(deliveries) => {
                for delivery in deliveries {
                    mailbox::forget(self.connection, *delivery)?;
                }
                Ok(Outcome::Done)
            }
            Operation::Relayed(through) => {
                mailbox::remove_events(self.connection, *through)?;
                Ok(Outcome::Done)
            }
        }
    }

    /// The writes, the events and the acknowledgement of a unit, if all that it has read is still
    /// so.
    fn commit(
        &mut self,
        changes: &Changes,
        delivery: Option<DeliveryId>,
    ) -> Result<Outcome, ReadError> {
        if let Some(delivery) = delivery
            && mailbox::was_handled(self.connection, delivery)?
        {
            return Ok(Outcome::HandledBefore);
        }
        if !self.is_unchanged(changes)? {
            return Ok(Outcome::Conflict);
        }
        if let Some(delivery) = delivery {
            self.check_room_for_deletes()?;
            mailbox::set_handled(self.connection, delivery)?;
        }
        for (key, written) in &changes.writes {
            match &written.value {
                Some(value) => self.set(key, value)?,
                None => self.delete(key)?,
            }
        }
        for event in &changes.events {
            self.add_event(event)?;
        }
        Ok(Outcome::Committed)
    }

    fn is_unchanged(&self, changes: &Changes) -> Result<bool, ReadError> {
        let key_set_version = self.counter.key_set_version;
        if changes
            .key_set_version
            .is_some_and(|seen| seen != key_set_version)
        {
            return Ok(false);
        }
        for (key, version) in &changes.reads {
            if reader::version(self.connection, key)? != *version {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Numbers have no gaps: one is given only by a unit that is committed.
    fn add_event(&mut self, event: &NewEvent) -> Result<(), ReadError> {
        self.check_room(event_bytes(event))?;
        let number = self.counter.outbox_last.checked_add(1);
        let number = number.ok_or(KeyValueError::Failed)?;
        mailbox::add_event(self.connection, number, event)?;
        self.counter.outbox_last = number;
        Ok(())
    }

    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT value FROM entries WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), ReadError> {
        self.check_room(value.len())?;
        let version = self.next_version()?;
        let changed = self
            .connection
            .prepare_cached("UPDATE entries SET version = ?2, value = ?3 WHERE key = ?1")?
            .execute((key, version, value))?;
        if changed == 0 {
            self.change_keys()?;
            self.connection
                .prepare_cached("INSERT INTO entries (key, version, value) VALUES (?1, ?2, ?3)")?
                .execute((key, version, value))?;
        }
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<(), ReadError> {
        let deleted = self
            .connection
            .prepare_cached("DELETE FROM entries WHERE key = ?1")?
            .execute([key])?;
        if deleted > 0 {
            self.change_keys()?;
        }
        Ok(())
    }

    /// Refuses a set that could reach the file's limit, because SQLite, once it has reached that,
    /// may roll back the whole transaction and the other callers' writes with it.
    fn check_room(&mut self, value_bytes: usize) -> Result<(), ReadError> {
        if self.budget.is_below_reserve {
            return Err(KeyValueError::ReserveReached.into());
        }
        let needed = u64::try_from(value_bytes).unwrap_or(u64::MAX) / (PAGE_BYTES - 4);
        self.check_pages(needed, self.budget.pages_max)
    }

    /// As above for a row of some bytes that must find room as long as deletes do.
    fn check_room_for_deletes(&mut self) -> Result<(), ReadError> {
        let pages_max = self.budget.pages_max.saturating_add(PAGES_FOR_DELETES / 2);
        self.check_pages(0, pages_max)
    }

    /// The file is asked only when what it may have by now would not do: SQLite parses these
    /// PRAGMAs again for each answer, which takes longer than a set.
    fn check_pages(&mut self, needed: u64, pages_max: u64) -> Result<(), ReadError> {
        let needed = needed.saturating_add(PAGES_FOR_SPLITS);
        let is_enough = |used: &u64| used.saturating_add(needed) <= pages_max;
        let used = match self.pages_used_at_most.filter(is_enough) {
            Some(used) => used,
            None => self.pages_used()?,
        };
        if !is_enough(&used) {
            return Err(KeyValueError::QuotaExceeded.into());
        }
        self.pages_used_at_most = Some(used.saturating_add(needed));
        Ok(())
    }

    fn pages_used(&self) -> rusqlite::Result<u64> {
        let pragma = |sql| -> rusqlite::Result<u64> {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement
                .query_row([], |row| row.get::<_, i64>(0))
                .map(i64::unsigned_abs)
        };
        Ok(pragma("PRAGMA page_count")?.saturating_sub(pragma("PRAGMA freelist_count")?))
    }
}
