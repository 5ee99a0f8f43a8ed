//! The way back: a backup is verified, copied beside the stores of a state directory that no host
//! works in, verified again, and only then put in their place. What was there is moved aside.
//!
//! A crash before the marker is written leaves the old state; after it, a state that no host
//! starts on until the restore was run again, which goes on where this one ended.

use std::fs::{DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use serde::{Deserialize, Serialize};

use super::copy::copy_file;
use super::index::{Index, IndexError, IndexedFile};
use super::{Stop, TIME_MAX, milliseconds, verify};
use crate::storage::state_dir::{
    DATA_FOLDERS, OPERATIONS_FILE, RESTORE_MARKER, StateDir, StateDirError, sync_folder,
    write_format,
};

/// Where the copies stand until they are verified.
const STAGING: &str = "restore-staging";

/// What a restore has done.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    pub files: usize,
    pub bytes: u64,
    /// How long it took to verify the backup.
    pub verify_ms: f64,
    /// How long it took to copy it and to verify the copies.
    pub copy_ms: f64,
    /// Where the stores are that were there before.
    pub moved_aside: Option<PathBuf>,
    /// Databases of guests in which SQLite found fault when they were backed up.
    pub faulty: Vec<String>,
}

/// Why nothing was restored. Unless the text says otherwise, the state directory is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    State(#[from] StateDirError),
    #[error("{path} is damaged: {finding}; nothing was restored")]
    Damaged { path: PathBuf, finding: String },
    #[error(
        "the state directory {0} has stores; with --replace they are moved aside and the backup \
         takes their place"
    )]
    HasStores(PathBuf),
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

/// What belongs to a state besides its folders. A database and the log beside it move together,
/// because SQLite would take an old log for one of the new database.
const FILES: [&str; 3] = [OPERATIONS_FILE, "operations.db-wal", "operations.db-shm"];

/// What the marker says to a restore that goes on.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    /// The folder below the state directory that takes the old stores.
    aside: String,
    /// The folders and files that had some.
    old: Vec<String>,
}

/// Restores the backup in `backup` into the state directory at `state`, which is made where it is
/// missing. Blocks for as long as the copying takes.
pub fn restore(backup: &Path, state: &Path, replace: bool) -> Result<Restored, RestoreError> {
    let began = Instant::now();
    let stop = Stop::new(&Arc::default(), TIME_MAX);
    let index = Index::read(backup)?;
    index
        .files
        .iter()
        .try_for_each(|file| verify_file(backup, file, &stop))?;
    let verified = Instant::now();
    let state = StateDir::open_to_restore(state)?;
    let root = state.path();
    let left = read_marker(root)?;
    let old = old_stores(root)?;
    if left.is_none() && !old.is_empty() && !replace {
        return Err(RestoreError::HasStores(root.to_owned()));
    }
    stage(backup, root, &index, &stop)?;
    let marker = match left {
        Some(marker) => marker,
        None => write_marker(root, old)?,
    };
    put_in_place(root, &marker)?;
    state.make_data_folders()?;
    let version = root.join("version");
    write_format(root, index.format).map_err(io(&version))?;
    let path = root.join(RESTORE_MARKER);
    std::fs::remove_file(&path).map_err(io(&path))?;
    sync_folder(root).map_err(io(root))?;
    let aside = root.join(&marker.aside);
    Ok(Restored {
        files: index.files.len(),
        bytes: index.bytes(),
        verify_ms: milliseconds(verified.duration_since(began)),
        copy_ms: milliseconds(verified.elapsed()),
        moved_aside: Some(aside).filter(|path| path.exists()),
        faulty: index.faulty(),
    })
}

fn verify_file(folder: &Path, file: &IndexedFile, stop: &Stop) -> Result<(), RestoreError> {
    let path = folder.join(&file.path);
    let damaged = |finding: String| RestoreError::Damaged {
        path: path.clone(),
        finding,
    };
    let (bytes, sha256) = verify::digest(&path, stop).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => damaged("it is missing".to_owned()),
        _ => io(&path)(error),
    })?;
    if bytes != file.bytes {
        let expected = file.bytes;
        return Err(damaged(format!(
            "it has {bytes} bytes in the place of {expected}"
        )));
    }
    if sha256 != file.sha256 {
        return Err(damaged("its SHA-256 is not the one of the index".into()));
    }
    // It has the faults that the original had.
    if file.fault.is_some() || !file.is_database() {
        return Ok(());
    }
    let found = verify::check_file(&path, stop).map_err(|source| RestoreError::Sqlite {
        path: path.clone(),
        source,
    })?;
    found.map_or(Ok(()), |finding| Err(damaged(finding)))
}

/// The folders of stores that have something in them, and the files.
fn old_stores(root: &Path) -> Result<Vec<String>, RestoreError> {
    let mut old = Vec::new();
    for folder in DATA_FOLDERS {
        let path = root.join(folder);
        let is_used = std::fs::read_dir(&path).map(|mut entries| entries.next().is_some());
        if is_used.map_err(io(&path))? {
            old.push(folder.to_owned());
        }
    }
    let files = FILES.iter().filter(|file| root.join(file).exists());
    old.extend(files.map(|file| (*file).to_owned()));
    Ok(old)
}

/// Copies the backup into the state directory, where it is on disk and verified afterwards, and
/// nobody looks for it.
fn stage(backup: &Path, root: &Path, index: &Index, stop: &Stop) -> Result<(), RestoreError> {
    let staging = root.join(STAGING);
    remove(&staging)?;
    make_folder(&staging)?;
    for folder in DATA_FOLDERS {
        make_folder(&staging.join(folder))?;
    }
    for file in &index.files {
        let to = staging.join(&file.path);
        let from = backup.join(&file.path);
        let mut from = File::open(&from).map_err(io(&from))?;
        copy_file(&mut from, &to).map_err(io(&to))?;
        verify_file(&staging, file, stop)?;
    }
    for folder in DATA_FOLDERS {
        let path = staging.join(folder);
        sync_folder(&path).map_err(io(&path))?;
    }
    sync_folder(&staging).map_err(io(&staging))?;
    sync_folder(root).map_err(io(root))
}

fn read_marker(root: &Path) -> Result<Option<Marker>, RestoreError> {
    let path = root.join(RESTORE_MARKER);
    match std::fs::read_to_string(&path) {
        Ok(text) => match serde_json::from_str(&text) {
            Ok(marker) => Ok(Some(marker)),
            Err(error) => Err(io(&path)(error.into())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(&path)(error)),
    }
}

/// Says that from now on the directory is neither the old nor the new one.
fn write_marker(root: &Path, old: Vec<String>) -> Result<Marker, RestoreError> {
    let path = root.join(RESTORE_MARKER);
    let base = format!("before-restore-{}", Utc::now().format("%Y%m%dT%H%M%SZ"));
    let mut aside = base.clone();
    for number in 2.. {
        if !root.join(&aside).exists() {
            break;
        }
        aside = format!("{base}-{number}");
    }
    let marker = Marker { aside, old };
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(root)?;
        file.write_all(serde_json::to_string(&marker)?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        sync_folder(root)
    };
    write().map_err(io(&path))?;
    Ok(marker)
}

/// Moves the old stores aside and the staged ones to where they belong. Run again after a crash it
/// does what is left to do: what had old stores and is not aside yet still is the old one.
fn put_in_place(root: &Path, marker: &Marker) -> Result<(), RestoreError> {
    let aside = root.join(&marker.aside);
    for name in DATA_FOLDERS.iter().chain(&FILES) {
        let current = root.join(name);
        let kept = aside.join(name);
        if marker.old.iter().any(|old| old == name) && !kept.exists() {
            if !aside.exists() {
                make_folder(&aside)?;
            }
            std::fs::rename(&current, &kept).map_err(io(&current))?;
            sync_folder(&aside).map_err(io(&aside))?;
        } else {
            remove(&current)?;
        }
        let staged = root.join(STAGING).join(name);
        // A backup need not have the files.
        if staged.exists() {
            std::fs::rename(&staged, &current).map_err(io(&staged))?;
        }
        sync_folder(root).map_err(io(root))?;
    }
    remove(&root.join(STAGING))
}

fn make_folder(path: &Path) -> Result<(), RestoreError> {
    DirBuilder::new().mode(0o700).create(path).map_err(io(path))
}

/// Removes a file, or a folder with what is in it.
fn remove(path: &Path) -> Result<(), RestoreError> {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match removed {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(path)(error)),
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> RestoreError + '_ {
    |source| RestoreError::Io {
        path: path.to_owned(),
        source,
    }
}
