//! The tables of `operations.db`, and the check that a file is one.

use std::path::Path;

use rusqlite::Connection;

use super::OperationsError;

/// `kumo`, so that no database of another kind is taken for this one.
const APPLICATION_ID: i32 = 0x6b75_6d6f;

/// The layout below.
pub(super) const SCHEMA_VERSION: i32 = 1;

/// `numbers` has the last number that was given to a revision of each service, also when that
/// revision is gone. `weights` is what is live, `weights_log` how it came to be. The audit log
/// takes new lines and nothing else; the third trigger is for `INSERT OR REPLACE`, which removes a
/// row without asking the second.
const TABLES: &str = "
    CREATE TABLE manifests (
        digest TEXT PRIMARY KEY,
        path TEXT NOT NULL,
        text TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE revisions (
        service TEXT NOT NULL,
        number INTEGER NOT NULL,
        digest TEXT NOT NULL,
        settings_digest TEXT NOT NULL,
        manifest TEXT NOT NULL REFERENCES manifests (digest),
        origin TEXT NOT NULL,
        made_by TEXT NOT NULL,
        note TEXT,
        made_ms INTEGER NOT NULL,
        PRIMARY KEY (service, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX revisions_by_manifest ON revisions (manifest);
    CREATE TABLE numbers (
        service TEXT PRIMARY KEY,
        last INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE weights (
        service TEXT NOT NULL,
        number INTEGER NOT NULL,
        weight INTEGER NOT NULL CHECK (weight BETWEEN 1 AND 100),
        PRIMARY KEY (service, number),
        FOREIGN KEY (service, number) REFERENCES revisions (service, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE from_manifest (
        service TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        settings_digest TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        made_by TEXT NOT NULL,
        action TEXT NOT NULL,
        service TEXT,
        revision INTEGER,
        detail TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END;
    CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
    BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END;
    CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END;
    CREATE TABLE weights_log (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        service TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        audit_id INTEGER NOT NULL REFERENCES audit (id),
        weights TEXT NOT NULL
    ) STRICT;
    CREATE INDEX weights_log_by_service ON weights_log (service, id);
    CREATE TABLE tokens (
        name TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        services TEXT NOT NULL,
        sha256 TEXT NOT NULL UNIQUE,
        made_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;";

/// Makes the tables in an empty file and checks a file that has some.
pub(super) fn prepare(connection: &Connection, path: &Path) -> Result<(), OperationsError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if pragma("application_id")? == APPLICATION_ID {
        return match pragma("user_version")? {
            SCHEMA_VERSION => Ok(()),
            found if found > SCHEMA_VERSION => Err(OperationsError::Newer {
                path: path.to_owned(),
                found,
            }),
            _ => Err(OperationsError::Foreign(path.to_owned())),
        };
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Err(OperationsError::Foreign(path.to_owned()));
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
