//! One snapshot, copied page by page into a file of its own that is on disk and verified when this
//! returns; and how any other file is copied.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::cut::Snapshot;
use super::index::IndexedFile;
use super::{BackupError, Stop, io, sqlite, verify};

/// Pages between two looks at whether to stop: 4 MiB.
const PAGES_PER_STEP: i32 = 1024;

/// Copies a snapshot of a file of `state` into the same place below `folder`.
pub(super) fn copy(
    state: &Path,
    mut snapshot: Snapshot,
    folder: &Path,
    stop: &Stop,
) -> Result<IndexedFile, BackupError> {
    let path = folder.join(&snapshot.name);
    drop(make(&path).map_err(io(&path))?);
    pages(&snapshot.connection, &path, stop)?;
    let flushed = File::open(&path).and_then(|file| file.sync_all());
    flushed.map_err(io(&path))?;
    let found = verify::check_file(&path, stop).map_err(|source| stopped(stop, &path, source))?;
    let fault = match found {
        None => None,
        Some(finding) => Some(judge(state, &mut snapshot, &path, finding, stop)?),
    };
    let (bytes, sha256) = digest(&path, stop)?;
    Ok(IndexedFile {
        path: snapshot.name,
        bytes,
        sha256,
        fault,
    })
}

/// The size of a copy and the digest of what is in it.
pub(super) fn digest(path: &Path, stop: &Stop) -> Result<(u64, String), BackupError> {
    verify::digest(path, stop).map_err(|error| {
        if stop.is_over() {
            BackupError::Stopped
        } else {
            io(path)(error)
        }
    })
}

/// Copies a file into a new private one, which is on disk when this returns.
pub(super) fn copy_file(from: &mut File, to: &Path) -> std::io::Result<()> {
    let mut to = make(to)?;
    std::io::copy(from, &mut to)?;
    to.sync_all()
}

fn make(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path)
}

/// SQLite reads the pages of the open transaction, however many were written since it began.
fn pages(from: &Connection, path: &Path, stop: &Stop) -> Result<(), BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut to = Connection::open_with_flags(path, flags).map_err(sqlite(path))?;
    // A copy that is cut off is thrown away, and a whole one is flushed at the end.
    to.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        .map_err(sqlite(path))?;
    let backup = Backup::new(from, &mut to).map_err(sqlite(path))?;
    loop {
        match backup.step(PAGES_PER_STEP).map_err(sqlite(path))? {
            StepResult::Done => return Ok(()),
            StepResult::More if !stop.is_over() => {}
            StepResult::More => return Err(BackupError::Stopped),
            // Nobody else has the copy, and the source is only read.
            StepResult::Busy | StepResult::Locked | _ => {
                return Err(io(path)(std::io::ErrorKind::ResourceBusy.into()));
            }
        }
    }
}

/// Whose fault it is that SQLite finds something wrong with a copy. What a guest did to its own
/// database must not keep the others from being backed up.
fn judge(
    state: &Path,
    snapshot: &mut Snapshot,
    copy: &Path,
    finding: String,
    stop: &Stop,
) -> Result<String, BackupError> {
    let path = state.join(&snapshot.name);
    let original = verify::check(&mut snapshot.connection, stop)
        .map_err(|source| stopped(stop, &path, source))?;
    match original {
        None => Err(BackupError::CopyDamaged {
            path: copy.to_owned(),
            finding,
        }),
        Some(finding) if snapshot.name.starts_with("sqlite/") => Ok(finding),
        Some(finding) => Err(BackupError::Damaged { path, finding }),
    }
}

fn stopped(stop: &Stop, path: &Path, source: rusqlite::Error) -> BackupError {
    if stop.is_over() {
        BackupError::Stopped
    } else {
        sqlite(path)(source)
    }
}
