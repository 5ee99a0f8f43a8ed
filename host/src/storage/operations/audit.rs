//! The audit log: who changed what, and when. Lines are written in the transaction of the change
//! that they tell of; the database refuses to change or remove one.

use rusqlite::{Connection, Row};
use serde_json::Value;

use super::{Operations, OperationsError, Which};

/// What a change says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// The name of the token, or what else caused it.
    pub by: String,
    pub action: String,
    pub service: Option<String>,
    /// Of that service.
    pub revision: Option<Which>,
    pub detail: Value,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Rises with each line.
    pub id: i64,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    pub by: String,
    pub action: String,
    pub service: Option<String>,
    pub revision: Option<u64>,
    pub detail: Value,
}

/// Writes a line and returns its id.
pub(super) fn append(
    connection: &Connection,
    at_ms: i64,
    line: &AuditLine,
    revision: Option<u64>,
) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO audit (at_ms, made_by, action, service, revision, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    statement.insert((
        at_ms,
        &line.by,
        &line.action,
        &line.service,
        revision.map(u64::cast_signed),
        line.detail.to_string(),
    ))
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.get(0)?,
        at_ms: row.get(1)?,
        by: row.get(2)?,
        action: row.get(3)?,
        service: row.get(4)?,
        revision: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
        detail: json(row, 6)?,
    })
}

/// A column that holds JSON.
pub(super) fn json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, error.into())
    })
}

impl Operations {
    /// The lines after an id, oldest first: of one service, or of all.
    pub fn audit(
        &self,
        after: i64,
        service: Option<&str>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, OperationsError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT id, at_ms, made_by, action, service, revision, detail FROM audit
             WHERE id > ?1 AND (?2 IS NULL OR service = ?2) ORDER BY id LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map((after, service, limit), from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
