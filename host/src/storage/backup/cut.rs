//! The moment that a backup shows: one read transaction per file, all begun while no commit of this
//! host is under way. What they see stays as it is for as long as they are open, whatever is
//! written meanwhile.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::{BackupError, io, sqlite};
use crate::storage::commit_gate::CommitGate;
use crate::storage::state_dir::{DATA_FOLDERS, OPERATIONS_FILE};

/// How long new commits are kept waiting for those that are under way. A commit is a flush or two.
const REST_TIMEOUT: Duration = Duration::from_millis(500);
/// How long they are kept waiting for the transactions to begin.
const CUT_TIMEOUT: Duration = Duration::from_millis(500);
/// A lock that is held for longer (another process with the file open) makes the attempt fail.
const BUSY_TIMEOUT: Duration = Duration::from_millis(100);
/// Attempts, and the pause after one in which the writers go on.
const ATTEMPTS_MAX: usize = 8;
const PAUSE: Duration = Duration::from_millis(200);

/// A file at the moment of the cut.
pub(super) struct Snapshot {
    /// Below the state directory: `key-value/cart.db`.
    pub(super) name: String,
    /// In a read transaction.
    pub(super) connection: Connection,
    pub(super) bytes: u64,
}

/// All files at one moment.
pub(super) struct Cut {
    pub(super) snapshots: Vec<Snapshot>,
    /// Links in the place of files, which are not followed.
    pub(super) links: Vec<String>,
    /// How long no commit could begin.
    pub(super) time: Duration,
}

/// Finds a moment without commits and begins to read every file in it.
pub(super) fn cut(state: &Path, gate: &CommitGate) -> Result<Cut, BackupError> {
    let mut attempts = 1;
    loop {
        match attempt(state, gate) {
            Err(error) if is_busy(&error) && attempts < ATTEMPTS_MAX => {
                attempts += 1;
                std::thread::sleep(PAUSE);
            }
            Err(error) if is_busy(&error) => return Err(BackupError::NoRest),
            outcome => return outcome,
        }
    }
}

fn is_busy(error: &BackupError) -> bool {
    match error {
        BackupError::NoRest => true,
        BackupError::Sqlite { source, .. } => matches!(
            source.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
        ),
        BackupError::NotAbsolute(_)
        | BackupError::NotEmpty(_)
        | BackupError::InState(_)
        | BackupError::NoParent(_)
        | BackupError::AnotherRuns
        | BackupError::NoRoom { .. }
        | BackupError::Damaged { .. }
        | BackupError::CopyDamaged { .. }
        | BackupError::Stopped
        | BackupError::Io { .. } => false,
    }
}

fn attempt(state: &Path, gate: &CommitGate) -> Result<Cut, BackupError> {
    // Opened before, because that takes most of the time.
    let mut connections = BTreeMap::new();
    open(state, &mut connections)?;
    let began = Instant::now();
    let closed = gate.close(REST_TIMEOUT).ok_or(BackupError::NoRest)?;
    // Some may have been made since then.
    let links = open(state, &mut connections)?;
    let mut snapshots = Vec::new();
    for (name, connection) in connections {
        let path = state.join(&name);
        if let Some(bytes) = begin(&connection).map_err(sqlite(&path))? {
            snapshots.push(Snapshot {
                name,
                connection,
                bytes,
            });
        }
        if began.elapsed() > REST_TIMEOUT + CUT_TIMEOUT {
            return Err(BackupError::NoRest);
        }
    }
    drop(closed);
    Ok(Cut {
        snapshots,
        links,
        time: began.elapsed(),
    })
}

/// Opens what is not open yet; returns the links that stand where a file should.
fn open(
    state: &Path,
    connections: &mut BTreeMap<String, Connection>,
) -> Result<Vec<String>, BackupError> {
    let mut links = Vec::new();
    for name in names(state)? {
        let path = state.join(&name);
        if path.is_symlink() {
            links.push(format!("{name} is a link"));
        } else if let Entry::Vacant(place) = connections.entry(name) {
            place.insert(connect(&path).map_err(sqlite(&path))?);
        }
    }
    Ok(links)
}

/// The databases of a state directory.
fn names(state: &Path) -> Result<Vec<String>, BackupError> {
    let mut names = Vec::new();
    for folder in DATA_FOLDERS {
        let path = state.join(folder);
        let files = databases(&path).map_err(io(&path))?;
        names.extend(files.iter().map(|file| format!("{folder}/{file}")));
    }
    if state.join(OPERATIONS_FILE).symlink_metadata().is_ok() {
        names.push(OPERATIONS_FILE.to_owned());
    }
    Ok(names)
}

/// The names of the databases in a folder.
fn databases(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = PathBuf::from(entry?.file_name());
        let is_database = name.extension().is_some_and(|extension| extension == "db");
        // All labels' names are plain text; others are not of this host.
        if let Some(name) = name.to_str().filter(|_| is_database) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Not as `database::open` does, which would turn a file that is only just being made to WAL and
/// disturb who makes it.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Begins to read, and returns the size; `None` for a file that is only just being made, which
/// nobody has written to.
fn begin(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    connection.execute_batch("BEGIN")?;
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if tables == 0 && mode != "wal" {
        // It must not be held: who turns it to WAL needs it alone.
        connection.execute_batch("ROLLBACK")?;
        return Ok(None);
    }
    let bytes = number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?);
    Ok(Some(bytes.unsigned_abs()))
}
