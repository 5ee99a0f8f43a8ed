//! The tables of the bus's file, and the check that a file is one.

use rusqlite::Connection;

/// `kume`, so that no database of another kind is taken for a bus.
const APPLICATION_ID: i32 = 0x6b75_6d65;

/// The layout below.
const SCHEMA_VERSION: i32 = 1;

/// Why a file is not a bus of this host.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error("the file is not a bus of kumiki; move it away")]
    Foreign,
    #[error("the bus has schema {0}, and this kumiki knows schemas up to {SCHEMA_VERSION}")]
    Newer(i32),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// `events.position` rises with each stored event over all topics and never repeats: it is the
/// order of delivery. `identity` is a digest of topic, source and id, by which `identities` finds
/// the events up to `indexed_to`; those above are in the writer's memory. `acknowledged` has what
/// lies above a subscription's `position` as ranges of positions; `failures` what is tried again.
const TABLES: &str = "
    CREATE TABLE log (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        bus INTEGER NOT NULL,
        last_position INTEGER NOT NULL,
        indexed_to INTEGER NOT NULL
    ) STRICT;
    INSERT INTO log VALUES (1, random() & 0x7fffffffffffffff, 0, 0);
    CREATE TABLE topics (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        published INTEGER NOT NULL,
        events INTEGER NOT NULL,
        bytes INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        topic INTEGER NOT NULL,
        identity INTEGER NOT NULL,
        stored_ms INTEGER NOT NULL,
        source TEXT NOT NULL,
        id TEXT NOT NULL,
        key TEXT,
        attributes TEXT NOT NULL,
        data BLOB NOT NULL
    ) STRICT;
    CREATE INDEX events_by_topic ON events (topic, position);
    CREATE TABLE identities (
        identity INTEGER NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (identity, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE delayed (
        number INTEGER PRIMARY KEY,
        due_ms INTEGER NOT NULL,
        topic INTEGER NOT NULL,
        identity INTEGER NOT NULL,
        source TEXT NOT NULL,
        id TEXT NOT NULL,
        key TEXT,
        attributes TEXT NOT NULL,
        data BLOB NOT NULL
    ) STRICT;
    CREATE INDEX delayed_by_due ON delayed (due_ms, number);
    CREATE INDEX delayed_by_identity ON delayed (identity);
    CREATE TABLE relayed (
        store INTEGER PRIMARY KEY,
        last INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE subscriptions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        service TEXT NOT NULL,
        topic TEXT NOT NULL,
        path TEXT NOT NULL,
        position INTEGER NOT NULL,
        inactive_since_ms INTEGER,
        UNIQUE (service, topic, path)
    ) STRICT;
    CREATE TABLE acknowledged (
        subscription INTEGER NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        PRIMARY KEY (subscription, first)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE failures (
        subscription INTEGER NOT NULL,
        position INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        retry_at_ms INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (subscription, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        subscription INTEGER NOT NULL,
        position INTEGER NOT NULL,
        service TEXT NOT NULL,
        pattern TEXT NOT NULL,
        path TEXT NOT NULL,
        topic TEXT NOT NULL,
        stored_ms INTEGER NOT NULL,
        died_ms INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        reason TEXT NOT NULL,
        status INTEGER,
        body BLOB NOT NULL,
        is_retried INTEGER NOT NULL,
        key TEXT,
        attributes TEXT NOT NULL,
        data BLOB NOT NULL,
        UNIQUE (subscription, position)
    ) STRICT;
    CREATE TABLE schedules (
        service TEXT NOT NULL,
        path TEXT NOT NULL,
        last_ms INTEGER NOT NULL,
        PRIMARY KEY (service, path)
    ) STRICT, WITHOUT ROWID;";

/// Makes the tables in an empty file and checks a file that has some.
pub(super) fn prepare(connection: &Connection) -> Result<(), SchemaError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if pragma("application_id")? == APPLICATION_ID {
        return match pragma("user_version")? {
            SCHEMA_VERSION => Ok(()),
            newer if newer > SCHEMA_VERSION => Err(SchemaError::Newer(newer)),
            _ => Err(SchemaError::Foreign),
        };
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Err(SchemaError::Foreign);
    }
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         {TABLES}
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {SCHEMA_VERSION};
         COMMIT;"
    ))?;
    Ok(())
}
