//! Reads of a key-value file, each on a connection that the caller has to itself. Opening and
//! pooling the connections is left to the writer.

use rusqlite::{Connection, OptionalExtension};

use super::{KeyPage, KeyValueError, RESULT_BYTES_MAX, Version};

/// The most keys of one page, and the bytes at which a page ends early.
pub(super) const PAGE_KEYS_MAX: u16 = 1000;
pub(super) const PAGE_BYTES_MAX: usize = 256 * 1024;

/// A failure that a guest may see, or one of SQLite that only the log sees.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Refused(#[from] KeyValueError),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

pub(super) fn get(
    connection: &Connection,
    key: &str,
) -> Result<Option<(Vec<u8>, Version)>, ReadError> {
    let mut statement =
        connection.prepare_cached("SELECT value, version FROM entries WHERE key = ?1")?;
    let row = statement.query_row([key], |row| Ok((row.get(0)?, Version(row.get(1)?))));
    Ok(row.optional()?)
}

pub(super) fn version(connection: &Connection, key: &str) -> Result<Version, ReadError> {
    let mut statement = connection.prepare_cached("SELECT version FROM entries WHERE key = ?1")?;
    let version = statement
        .query_row([key], |row| Ok(Version(row.get(0)?)))
        .optional()?;
    Ok(version.unwrap_or(Version::ABSENT))
}

pub(super) fn get_many(
    connection: &Connection,
    keys: &[String],
) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
    // One transaction, so that all values are of one moment; it is rolled back when it is dropped.
    let snapshot = connection.unchecked_transaction()?;
    let mut bytes = 0;
    let mut values = Vec::new();
    for key in keys {
        let value = get(&snapshot, key)?.map(|(value, _)| value);
        bytes += size_of::<Option<Vec<u8>>>() + value.as_ref().map_or(0, Vec::len);
        if bytes > RESULT_BYTES_MAX {
            return Err(KeyValueError::ResultTooLarge.into());
        }
        values.push(value);
    }
    Ok(values)
}

pub(super) fn keys_page(
    connection: &Connection,
    after: Option<&str>,
) -> Result<KeyPage, ReadError> {
    let mut keys: Vec<String> = Vec::new();
    let mut bytes = 0;
    let mut statement = match after {
        Some(_) => connection
            .prepare_cached("SELECT key FROM entries WHERE key > ?1 ORDER BY key LIMIT ?2")?,
        None => connection
            .prepare_cached("SELECT key FROM entries WHERE ?1 IS NULL ORDER BY key LIMIT ?2")?,
    };
    // One more than a page holds, to know whether another page follows.
    let mut rows = statement.query((after, PAGE_KEYS_MAX + 1))?;
    while let Some(row) = rows.next()? {
        if keys.len() == usize::from(PAGE_KEYS_MAX) || bytes > PAGE_BYTES_MAX {
            let cursor = keys.last().cloned();
            return Ok(KeyPage { keys, cursor });
        }
        let key: String = row.get(0)?;
        bytes += key.len();
        keys.push(key);
    }
    Ok(KeyPage { keys, cursor: None })
}

/// The version of the set of keys: another one when a key has come or gone.
pub(super) fn key_set_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT key_set_version FROM counter")?
        .query_row([], |row| row.get(0))
}
