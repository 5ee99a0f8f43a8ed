//! The weights of each service over time, and what they say of the revision before.

use rusqlite::{Connection, Row};

use super::audit::json;
use super::{Operations, OperationsError, Revision, revisions};

/// The weights that a service was given at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightsEntry {
    /// Rises with each entry.
    pub id: i64,
    pub service: String,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The line of the audit log that tells who gave them.
    pub audit_id: i64,
    /// Revisions and their weights; none when the service was removed.
    pub weights: Vec<(u64, u8)>,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<WeightsEntry> {
    Ok(WeightsEntry {
        id: row.get(0)?,
        service: row.get(1)?,
        at_ms: row.get(2)?,
        audit_id: row.get(3)?,
        weights: json(row, 4)?,
    })
}

const COLUMNS: &str = "SELECT id, service, at_ms, audit_id, weights FROM weights_log";

/// The number of the revision that had all or most calls of a service before the present one. The
/// present one is the newest that is live: while a canary runs, that is the canary.
pub(super) fn previous_number(
    connection: &Connection,
    service: &str,
) -> rusqlite::Result<Option<u64>> {
    let sql = format!("{COLUMNS} WHERE service = ?1 ORDER BY id DESC");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut entries = statement.query_map([service], from_row)?;
    let Some(newest) = entries.next().transpose()? else {
        return Ok(None);
    };
    let present = newest.weights.iter().map(|(number, _)| *number).max();
    for entry in std::iter::once(Ok(newest)).chain(entries) {
        let leading = leading(&entry?.weights);
        if leading.is_some() && leading != present {
            return Ok(leading);
        }
    }
    Ok(None)
}

/// The revision with most calls; of two that have as many, the older one, which had them before.
fn leading(weights: &[(u64, u8)]) -> Option<u64> {
    let most = weights
        .iter()
        .max_by_key(|(number, weight)| (*weight, std::cmp::Reverse(*number)))?;
    Some(most.0)
}

impl Operations {
    /// The revision that a rollback goes back to: the one that had all or most calls of a service
    /// before the present one, if it is kept.
    pub fn previous_live(&self, service: &str) -> Result<Option<Revision>, OperationsError> {
        let connection = self.connection();
        match previous_number(&connection, service)? {
            Some(number) => Ok(revisions::one(&connection, service, number)?),
            None => Ok(None),
        }
    }

    /// The weights that were given after an entry, oldest first: of one service, or of all.
    pub fn weights_log(
        &self,
        after: i64,
        service: Option<&str>,
        limit: usize,
    ) -> Result<Vec<WeightsEntry>, OperationsError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&format!(
            "{COLUMNS} WHERE id > ?1 AND (?2 IS NULL OR service = ?2) ORDER BY id LIMIT ?3"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map((after, service, limit), from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
