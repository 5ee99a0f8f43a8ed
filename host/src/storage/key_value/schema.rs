//! The tables of a key-value file, and the check that a file is one.

use rusqlite::Connection;

/// `kumk`, so that no database of another kind is taken for a key-value file.
const APPLICATION_ID: i32 = 0x6b75_6d6b;

/// The layout below.
const SCHEMA_VERSION: i32 = 1;

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

/// Makes the tables in an empty file and checks a file that has some.
///
/// `version` and `key_set_version` come from one counter, which only rises; the second changes when
/// a key comes or goes. Values lie in a table apart from the index of the keys, so that large
/// values do not make the search deep.
pub(super) fn prepare(connection: &Connection) -> Result<(), SchemaError> {
    if is_ready(connection)? {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let result = create(connection);
    connection.execute_batch(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    result
}

fn create(connection: &Connection) -> Result<(), SchemaError> {
    // Another connection may have made them in the meantime.
    if is_ready(connection)? {
        return Ok(());
    }
    connection.execute_batch(&format!(
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
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {SCHEMA_VERSION};"
    ))?;
    Ok(())
}

fn is_ready(connection: &Connection) -> Result<bool, SchemaError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let version = pragma("user_version")?;
    if pragma("application_id")? == APPLICATION_ID {
        return match version {
            SCHEMA_VERSION => Ok(true),
            newer if newer > SCHEMA_VERSION => Err(SchemaError::Newer(newer)),
            _ => Err(SchemaError::Foreign),
        };
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 && version == 0 {
        Ok(false)
    } else {
        Err(SchemaError::Foreign)
    }
}

/// Whether the file says of itself that it is a key-value file, of whatever version.
pub(super) fn is_marked(connection: &Connection) -> bool {
    connection.pragma_query_value(None, "application_id", |row| row.get(0)) == Ok(APPLICATION_ID)
}
