//! A SQLite of this process, for tests and the benchmark: the same statements as under an engine.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value as Native;

use crate::database::{Database, DatabaseError, Row, Value};

/// A connection to a file, or to a database in memory.
pub struct NativeDatabase {
    connection: Connection,
}

impl NativeDatabase {
    /// A new database in memory.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<NativeDatabase, DatabaseError> {
        let connection = Connection::open_in_memory().map_err(failed)?;
        Ok(NativeDatabase { connection })
    }

    /// The database in a file, with a log as kumiki's have it.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path) -> Result<NativeDatabase, DatabaseError> {
        let connection = Connection::open(path).map_err(failed)?;
        for (name, value) in [("journal_mode", "WAL"), ("synchronous", "FULL")] {
            let set = connection.pragma_update_and_check(None, name, value, |_| Ok(()));
            // A PRAGMA that answers nothing has done it as well.
            set.or_else(|error| match error {
                rusqlite::Error::QueryReturnedNoRows => Ok(()),
                error => Err(failed(error)),
            })?;
        }
        Ok(NativeDatabase { connection })
    }
}

fn failed(error: rusqlite::Error) -> DatabaseError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => DatabaseError::Full,
        _ => DatabaseError::Failed(error.to_string()),
    }
}

impl Database for NativeDatabase {
    fn run(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        let mut prepared = self.connection.prepare(statement).map_err(failed)?;
        let columns = prepared.column_count();
        let parameters = parameters.iter().cloned().map(|value| match value {
            Value::Null => Native::Null,
            Value::Integer(value) => Native::Integer(value),
            Value::Real(value) => Native::Real(value),
            Value::Text(value) => Native::Text(value),
        });
        let mut rows = prepared
            .query(rusqlite::params_from_iter(parameters))
            .map_err(failed)?;
        let mut result = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let values = (0..columns).map(|column| {
                Ok(match row.get(column).map_err(failed)? {
                    // The index has no blobs.
                    Native::Null | Native::Blob(_) => Value::Null,
                    Native::Integer(value) => Value::Integer(value),
                    Native::Real(value) => Value::Real(value),
                    Native::Text(value) => Value::Text(value),
                })
            });
            result.push(Row(values.collect::<Result<_, DatabaseError>>()?));
        }
        Ok(result)
    }
}
