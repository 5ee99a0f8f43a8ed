//! The tables of a key-value file, and the check that a file is one.

use rusqlite::Connection;

use crate::storage::database;

/// `kumk`, so that no database of another kind is taken for a key-value file.
const APPLICATION_ID: i32 = 0x6b75_6d6b;

/// The layout below. Schema 1 had no tables for atomic handlers.
const SCHEMA_VERSION: i32 = 2;

/// Pages that the tables of a newer schema may take in a file that has reached its size.
const PAGES_FOR_TABLES: u64 = 32;

/// Why a file is not a key-value file of this host.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error("the file is not a key-value store of kumiki; name another path for the label")]
    Foreign,
    #[error("the store has schema {0}, and this kumiki knows schemas up to {SCHEMA_VERSION}")]
    Newer(i32),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// What a file is before [`prepare`] has made it ready.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Empty,
    First,
    Ready,
}

/// Makes the tables in an empty file, migrates a file of an older schema, and checks every other.
/// May leave the connection with another limit of pages.
///
/// `version` and `key_set_version` come from one counter, which only rises; the second changes when
/// a key comes or goes. Values lie in a table apart from the index of the keys, so that large
/// values do not make the search deep. `outbox` holds the events that atomic handlers published,
/// until they are on the bus: `outbox_last` is the last number given, also when the table is empty.
/// `inbox` holds the deliveries that they handled, until the bus knows it. `store_id` names the
/// file at the bus.
pub(super) fn prepare(connection: &Connection) -> Result<(), SchemaError> {
    if find(connection)? == Found::Ready {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let result = make(connection);
    connection.execute_batch(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    result
}

fn make(connection: &Connection) -> Result<(), SchemaError> {
    // Another connection may have been faster.
    match find(connection)? {
        Found::Ready => return Ok(()),
        Found::First => {
            // A store that is full must still open: reads and deletes pass in it.
            let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            let pages = pages.unsigned_abs().saturating_add(PAGES_FOR_TABLES);
            database::set_page_count_max(connection, pages)?;
        }
        Found::Empty => connection.execute_batch(&format!(
            "CREATE TABLE entries (
                 key TEXT NOT NULL,
                 version INTEGER NOT NULL,
                 value BLOB NOT NULL
             ) STRICT;
             CREATE UNIQUE INDEX entries_by_key ON entries (key);
             CREATE TABLE counter (
                 id INTEGER PRIMARY KEY CHECK (id = 1),
                 version INTEGER NOT NULL,
                 key_set_version INTEGER NOT NULL
             ) STRICT;
             INSERT INTO counter VALUES (1, 0, 0);
             PRAGMA application_id = {APPLICATION_ID};"
        ))?,
    }
    connection.execute_batch(&format!(
        "ALTER TABLE counter ADD COLUMN store_id INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE counter ADD COLUMN outbox_last INTEGER NOT NULL DEFAULT 0;
         UPDATE counter SET store_id = random() & {};
         CREATE TABLE outbox (
             number INTEGER PRIMARY KEY,
             topic TEXT NOT NULL,
             source TEXT NOT NULL,
             id TEXT NOT NULL,
             key TEXT,
             delay_until_ms INTEGER,
             attributes TEXT NOT NULL,
             data BLOB NOT NULL
         ) STRICT;
         CREATE TABLE inbox (
             bus INTEGER NOT NULL,
             subscription INTEGER NOT NULL,
             position INTEGER NOT NULL,
             PRIMARY KEY (bus, subscription, position)
         ) STRICT, WITHOUT ROWID;
         PRAGMA user_version = {SCHEMA_VERSION};",
        i64::MAX
    ))?;
    Ok(())
}

fn find(connection: &Connection) -> Result<Found, SchemaError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let version = pragma("user_version")?;
    if pragma("application_id")? == APPLICATION_ID {
        return match version {
            SCHEMA_VERSION => Ok(Found::Ready),
            1 => Ok(Found::First),
            newer if newer > SCHEMA_VERSION => Err(SchemaError::Newer(newer)),
            _ => Err(SchemaError::Foreign),
        };
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 && version == 0 {
        Ok(Found::Empty)
    } else {
        Err(SchemaError::Foreign)
    }
}

/// Whether the file says of itself that it is a key-value file, of whatever version.
pub(super) fn is_marked(connection: &Connection) -> bool {
    connection.pragma_query_value(None, "application_id", |row| row.get(0)) == Ok(APPLICATION_ID)
}
