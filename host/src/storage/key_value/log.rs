//! Has the log beside a key-value file begin anew when it has grown large. SQLite does that by
//! itself at a moment when nobody reads, which may never come while snapshots overlap.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

/// The log may grow to this size before readers are waited for, and by this much before they are
/// waited for again.
const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How long the readers of the log are waited for. New ones need not read it then, so that only
/// handlers which run for longer are in the way.
const RESTART_TIMEOUT: Duration = Duration::from_millis(100);

pub(super) struct LogWatch {
    path: PathBuf,
    /// At this size the log is looked after.
    bytes_max: u64,
}

impl LogWatch {
    /// Watches the log of the file at `path`.
    pub(super) fn new(path: &Path) -> LogWatch {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        LogWatch {
            path: log.into(),
            bytes_max: LOG_BYTES_MAX,
        }
    }

    /// Called between commits by the one who commits.
    pub(super) fn restart_if_large(&mut self, connection: &Connection) {
        let bytes = std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        if bytes < self.bytes_max {
            return;
        }
        let is_restarted = restart(connection).unwrap_or_else(|error| {
            tracing::warn!(%error, "the log of a key-value store was not written back");
            false
        });
        self.bytes_max = if is_restarted {
            LOG_BYTES_MAX
        } else {
            bytes.saturating_add(LOG_BYTES_MAX)
        };
    }
}

/// Writes the log back and cuts it; `false` if somebody still reads it.
fn restart(connection: &Connection) -> rusqlite::Result<bool> {
    let before: i64 = connection.pragma_query_value(None, "busy_timeout", |row| row.get(0))?;
    connection.busy_timeout(RESTART_TIMEOUT)?;
    let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, bool>(0)
    });
    connection.busy_timeout(Duration::from_millis(before.unsigned_abs()))?;
    Ok(!is_busy?)
}
