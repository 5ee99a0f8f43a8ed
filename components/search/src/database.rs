//! A SQL database as the index sees it: one statement at a time, with parameters, and all of its
//! rows. The engine's is in `component`, that of this process in `native`.

use kit::problem::Problem;

/// A parameter, or the value of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, T::into)
    }
}

/// Why a statement did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseError {
    /// The service may not use its database, or there is none: the manifest has to be mended.
    Refused(String),
    /// There is no room left.
    Full,
    /// It failed this time, or it is wrong; the text is the database's own.
    Failed(String),
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Problem {
        let busy = "The search is busy. Try again in a moment.";
        match error {
            DatabaseError::Refused(text) => Problem::internal(&format!("the database: {text}")),
            DatabaseError::Full => Problem::unavailable(busy).with_log("the database is full"),
            DatabaseError::Failed(text) => Problem::unavailable(busy).with_log(text),
        }
    }
}

/// A row of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// The integer in a column; 0 where there is none.
    pub fn integer(&self, column: usize) -> i64 {
        match self.0.get(column) {
            Some(Value::Integer(value)) => *value,
            Some(Value::Null | Value::Real(_) | Value::Text(_)) | None => 0,
        }
    }

    /// The text in a column; empty where there is none.
    pub fn text(&self, column: usize) -> &str {
        match self.0.get(column) {
            Some(Value::Text(value)) => value,
            Some(Value::Null | Value::Real(_) | Value::Integer(_)) | None => "",
        }
    }

    /// Whether there is nothing in a column.
    pub fn is_null(&self, column: usize) -> bool {
        matches!(self.0.get(column), Some(Value::Null) | None)
    }
}

/// One connection to a database.
pub trait Database {
    /// Runs one statement to its end.
    ///
    /// # Errors
    /// When it is refused or fails.
    fn run(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError>;
}

/// Runs several statements that take effect together or not at all, alone among writers.
///
/// # Errors
/// Those of `work`, and of the database.
pub fn transact<T>(
    database: &dyn Database,
    work: impl FnOnce() -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    database.run("BEGIN IMMEDIATE", &[])?;
    let done = work().and_then(|result| database.run("COMMIT", &[]).map(|_| result));
    if done.is_err() {
        // Some failures have rolled back by themselves, and then there is nothing to roll back.
        let _ = database.run("ROLLBACK", &[]);
    }
    done
}
