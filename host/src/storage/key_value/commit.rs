//! One transaction for many waiting writes: each in its own savepoint, so that one that fails takes
//! none with it, and all of them acknowledged together once they are on disk.

use rusqlite::{Connection, OptionalExtension};

use super::reader::{self, ReadError};
use super::{KeyValueError, Version};
use crate::storage::database::PAGE_BYTES;

/// Pages below the file's own limit that only deletes and the counter may use: to delete can take a
/// few.
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
        }
    }
}

/// What a write has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Sum(i64),
    Swapped(bool),
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
        connection.prepare_cached("SAVEPOINT unit")?.execute([])?;
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
                connection.prepare_cached("ROLLBACK TO unit")?.execute([])?;
                Err(refusal(error))
            }
        };
        connection.prepare_cached("RELEASE unit")?.execute([])?;
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
    /// The last version given out, and the one that the file had at the beginning.
    version: i64,
    version_before: i64,
    has_changed_keys: bool,
}

impl<'a> Transaction<'a> {
    /// Reads the counter anew each time: a store named by an absolute path may have a second host
    /// as its writer.
    fn begin(connection: &'a Connection, budget: &'a Budget) -> rusqlite::Result<Transaction<'a>> {
        let version = connection
            .prepare_cached("SELECT version FROM counter")?
            .query_row([], |row| row.get(0))?;
        Ok(Transaction {
            connection,
            budget,
            version,
            version_before: version,
            has_changed_keys: false,
        })
    }

    fn finish(self) -> rusqlite::Result<()> {
        if self.has_changed_keys {
            self.connection
                .prepare_cached("UPDATE counter SET version = ?1, key_set_version = ?1")?
                .execute([self.version.saturating_add(1)])?;
        } else if self.version != self.version_before {
            self.connection
                .prepare_cached("UPDATE counter SET version = ?1")?
                .execute([self.version])?;
        }
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
                let sum = match self.value(key)? {
                    None => *delta,
                    Some(bytes) => {
                        let bytes: [u8; 8] =
                            bytes.try_into().map_err(|_| KeyValueError::NotAnInteger)?;
                        i64::from_le_bytes(bytes)
                            .checked_add(*delta)
                            .ok_or(KeyValueError::OutOfRange)?
                    }
                };
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
        }
    }

    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT value FROM entries WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), ReadError> {
        self.check_room(value.len())?;
        self.version = self.version.checked_add(1).ok_or(KeyValueError::Failed)?;
        let changed = self
            .connection
            .prepare_cached("UPDATE entries SET version = ?2, value = ?3 WHERE key = ?1")?
            .execute((key, self.version, value))?;
        if changed == 0 {
            self.has_changed_keys = true;
            self.connection
                .prepare_cached("INSERT INTO entries (key, version, value) VALUES (?1, ?2, ?3)")?
                .execute((key, self.version, value))?;
        }
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<(), ReadError> {
        let deleted = self
            .connection
            .prepare_cached("DELETE FROM entries WHERE key = ?1")?
            .execute([key])?;
        self.has_changed_keys |= deleted > 0;
        Ok(())
    }

    /// Refuses a set that could reach the file's limit, because SQLite, once it has reached that,
    /// may roll back the whole transaction and the other callers' writes with it.
    fn check_room(&self, value_bytes: usize) -> Result<(), ReadError> {
        if self.budget.is_below_reserve {
            return Err(KeyValueError::ReserveReached.into());
        }
        let pragma = |sql| -> rusqlite::Result<u64> {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement
                .query_row([], |row| row.get::<_, i64>(0))
                .map(i64::unsigned_abs)
        };
        let used = pragma("PRAGMA page_count")?.saturating_sub(pragma("PRAGMA freelist_count")?);
        let needed = u64::try_from(value_bytes).unwrap_or(u64::MAX) / (PAGE_BYTES - 4);
        if used.saturating_add(needed).saturating_add(PAGES_FOR_SPLITS) > self.budget.pages_max {
            return Err(KeyValueError::QuotaExceeded.into());
        }
        Ok(())
    }
}
