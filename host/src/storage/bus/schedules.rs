//! When each schedule ran last. A run is an event of a topic of its own, so that it is delivered,
//! tried again and given up like any other.

use rusqlite::OptionalExtension;

use super::{Bus, BusError, NewEvent};

impl Bus {
    /// The time that a schedule was last due at, in milliseconds since 1970, as far as it is known.
    pub fn last_due_ms(&self, service: &str, path: &str) -> Result<Option<i64>, BusError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT last_ms FROM schedules WHERE service = ?1 AND path = ?2")?
                .query_row((service, path), |row| row.get(0))
                .optional()
        })
    }

    /// Notes that a schedule was due, together with the event of its run, if it is to run.
    pub async fn set_due(
        &self,
        service: String,
        path: String,
        due_ms: i64,
        run: Option<NewEvent>,
    ) -> Result<(), BusError> {
        self.write(move |transaction| {
            if let Some(run) = &run {
                transaction.store(run)?;
            }
            transaction.connection.execute(
                "INSERT OR REPLACE INTO schedules (service, path, last_ms) VALUES (?1, ?2, ?3)",
                (service, path, due_ms),
            )?;
            Ok(())
        })
        .await
    }
}
