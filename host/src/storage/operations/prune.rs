//! What is removed: revisions beyond those that are kept, and what then nothing refers to.

use rusqlite::Connection;

use super::kept::Protected;
use super::{Operations, OperationsError, history, wasm_digests};

impl Operations {
    /// Removes the oldest revisions of a service beyond `revisions_kept`, and returns their numbers
    /// in order. Those that are live do not count and stay; the one that a rollback would go back
    /// to is the last to go. WebAssembly and manifests that no revision refers to, of whatever
    /// service, go as well, unless somebody holds them.
    pub fn prune(&self, service: &str, revisions_kept: usize) -> Result<Vec<u64>, OperationsError> {
        let mut connection = self.connection();
        let removed = self.write(&mut connection, |transaction| {
            let removed = beyond(transaction, service, revisions_kept)?;
            let sql = "DELETE FROM revisions WHERE service = ?1 AND number = ?2";
            for number in &removed {
                transaction.execute(sql, (service, number.cast_signed()))?;
            }
            remove_manifests(transaction, &self.files.protected)?;
            Ok(removed)
        })?;
        // While the connection is ours no change begins to refer to another file; and who has kept
        // one for a change to come still holds it.
        self.files.sweep(&wasm_digests(&connection)?)?;
        Ok(removed)
    }
}

fn beyond(connection: &Connection, service: &str, kept: usize) -> rusqlite::Result<Vec<u64>> {
    let previous = history::previous_number(connection, service)?;
    let mut statement = connection.prepare_cached(
        "SELECT number FROM revisions AS r WHERE service = ?1 AND NOT EXISTS
             (SELECT 1 FROM weights AS w WHERE w.service = r.service AND w.number = r.number)
         ORDER BY number DESC",
    )?;
    let numbers = statement.query_map([service], |row| row.get::<_, i64>(0))?;
    let mut numbers: Vec<u64> = numbers
        .map(|number| number.map(i64::cast_unsigned))
        .collect::<rusqlite::Result<_>>()?;
    // The sort is stable: the others stay newest first.
    numbers.sort_by_key(|number| Some(*number) != previous);
    let mut beyond = numbers.split_off(kept.min(numbers.len()));
    beyond.sort_unstable();
    Ok(beyond)
}

fn remove_manifests(connection: &Connection, protected: &Protected) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT digest FROM manifests AS m WHERE NOT EXISTS
             (SELECT 1 FROM revisions AS r WHERE r.manifest = m.digest)",
    )?;
    let digests: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for digest in digests.iter().filter(|digest| !protected.has(digest)) {
        connection.execute("DELETE FROM manifests WHERE digest = ?1", [digest])?;
    }
    Ok(())
}
