//! Copies of a state directory that are consistent over all its stores and the bus, taken while the
//! host runs, and their way back. A backup is a folder with the databases, each a SQLite file that
//! stands by itself, the WebAssembly of the revisions, and an index with the digests of all.
//!
//! Who asks for one, and what is printed, is left to the admin API and the command line.

mod copy;
mod cut;
mod index;
mod restore;
mod target;
mod verify;
mod wasm;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use self::index::Index;
use self::target::Target;
use super::commit_gate::CommitGate;
use super::state_dir::StateDir;

pub use self::restore::{RestoreError, Restored, restore};

/// A backup that takes longer is given up: its snapshots keep the logs of all stores growing.
pub const TIME_MAX: Duration = Duration::from_secs(60 * 60);

/// How long the end of the host waits for a backup that it breaks off to clean up.
const ABANDON_TIMEOUT: Duration = Duration::from_secs(2);

/// What a backup has done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub directory: PathBuf,
    pub files: usize,
    pub bytes: u64,
    /// How long no write could commit.
    pub cut_ms: f64,
    /// How long it took to copy and verify, while everything ran.
    pub copy_ms: f64,
    /// Stores that do not lie in the state directory, and where they are; and what should lie
    /// there and does not.
    pub not_copied: Vec<String>,
    /// Databases of guests that were copied as they are and in which SQLite finds fault.
    pub faulty: Vec<String>,
}

/// Why there is no backup. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{0} is not an absolute path")]
    NotAbsolute(PathBuf),
    #[error("{0} exists and is not an empty folder; name one that does not exist yet")]
    NotEmpty(PathBuf),
    #[error("{0} lies in the state directory; name a folder outside")]
    InState(PathBuf),
    #[error("the folder {0} does not exist; make it first")]
    NoParent(PathBuf),
    #[error("another backup is under way; wait for its end")]
    AnotherRuns,
    #[error("the writes of this host did not come to rest for a moment; try again")]
    NoRest,
    #[error(
        "{path} has {free_mib} MiB left and the backup takes {needed_mib} MiB with a reserve; name \
         a folder on another disk"
    )]
    NoRoom {
        path: PathBuf,
        needed_mib: u64,
        free_mib: u64,
    },
    /// The original is broken: a copy would only look like a backup.
    #[error(
        "{path} is damaged, so nothing was backed up: {finding}; restore it from an earlier backup"
    )]
    Damaged { path: PathBuf, finding: String },
    #[error("the copy {path} is not what was written, so there is no backup: {finding}")]
    CopyDamaged { path: PathBuf, finding: String },
    #[error("the backup was broken off, because the host ends or its time was up")]
    Stopped,
    #[error("{path}: {source}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: {source}")]
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
}

/// Takes the backups of one state directory, one at a time.
#[derive(Debug)]
pub struct Backups {
    state: PathBuf,
    gate: CommitGate,
    not_copied: Vec<String>,
    one: Mutex<()>,
    is_stopping: Arc<AtomicBool>,
}

impl Backups {
    /// For a state directory that this process has locked. `elsewhere` names the stores that the
    /// app keeps in other places.
    pub fn new(state: &StateDir, elsewhere: Vec<String>) -> Backups {
        Backups {
            state: state.path().to_owned(),
            gate: state.commit_gate().clone(),
            not_copied: elsewhere,
            one: Mutex::default(),
            is_stopping: Arc::default(),
        }
    }

    /// Copies everything into `directory`, which is there afterwards, whole and on disk, or not at
    /// all. Blocks for as long as the copying takes.
    pub fn take(&self, directory: &Path) -> Result<Report, BackupError> {
        let _one = self.alone()?;
        let stop = Stop::new(&self.is_stopping, TIME_MAX);
        let target = Target::prepare(directory, &self.state)?;
        let cut = cut::cut(&self.state, &self.gate)?;
        let began = Instant::now();
        let wasm = wasm::find(&self.state, &cut)?;
        let bytes: u64 = cut.snapshots.iter().map(|one| one.bytes).sum();
        target.check_room(bytes + wasm.bytes)?;
        let mut index = Index::new();
        let mut not_copied: Vec<_> = self.not_copied.iter().chain(&cut.links).cloned().collect();
        // First, because what no revision refers to any more may be removed meanwhile.
        for name in wasm.names {
            match wasm::copy(&self.state, name, target.folder(), &stop)? {
                Ok(file) => index.files.push(file),
                Err(reason) => not_copied.push(reason),
            }
        }
        for snapshot in cut.snapshots {
            let file = copy::copy(&self.state, snapshot, target.folder(), &stop)?;
            index.files.push(file);
        }
        index.write(target.folder())?;
        let report = Report {
            files: index.files.len(),
            bytes: index.bytes(),
            cut_ms: milliseconds(cut.time),
            copy_ms: milliseconds(began.elapsed()),
            not_copied,
            faulty: index.faulty(),
            directory: target.finish()?,
        };
        tracing::info!(
            directory = %report.directory.display(),
            files = report.files,
            bytes = report.bytes,
            cut_ms = report.cut_ms,
            copy_ms = report.copy_ms,
            "a backup was taken"
        );
        Ok(report)
    }

    /// Breaks off a backup that is under way, and waits a moment for it to remove what it wrote.
    pub fn abandon(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        let until = Instant::now() + ABANDON_TIMEOUT;
        while self.alone().is_err() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn alone(&self) -> Result<MutexGuard<'_, ()>, BackupError> {
        match self.one.try_lock() {
            Ok(one) => Ok(one),
            // It guards nothing that a panic could have left half done.
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(BackupError::AnotherRuns),
        }
    }
}

/// When long work must end.
#[derive(Clone, Debug)]
struct Stop {
    is_asked: Arc<AtomicBool>,
    until: Instant,
}

impl Stop {
    fn new(is_asked: &Arc<AtomicBool>, time_max: Duration) -> Stop {
        Stop {
            is_asked: Arc::clone(is_asked),
            until: Instant::now() + time_max,
        }
    }

    fn is_over(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed) || Instant::now() >= self.until
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError + '_ {
    |source| BackupError::Io {
        path: path.to_owned(),
        source,
    }
}

fn sqlite(path: &Path) -> impl FnOnce(rusqlite::Error) -> BackupError + '_ {
    |source| BackupError::Sqlite {
        path: path.to_owned(),
        source,
    }
}
