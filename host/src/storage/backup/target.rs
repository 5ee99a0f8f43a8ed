//! Where a backup goes: a folder beside the one that was asked for, which takes its name when the
//! backup is whole, and is removed when it does not come to that.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{BackupError, io};
use crate::storage::key_value::FREE_BYTES_MIN;
use crate::storage::state_dir::{DATA_FOLDERS, free_bytes, sync_folder};

pub(super) struct Target {
    /// The folder that was asked for.
    directory: PathBuf,
    parent: PathBuf,
    partial: TempDir,
}

impl Target {
    /// Checks the folder that was asked for and makes the one beside it.
    pub(super) fn prepare(directory: &Path, state: &Path) -> Result<Target, BackupError> {
        let (directory, parent) = resolve(directory)?;
        if directory.starts_with(state) {
            return Err(BackupError::InState(directory));
        }
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let partial = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".partial")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&parent)
            .map_err(io(&parent))?;
        for folder in DATA_FOLDERS {
            let path = partial.path().join(folder);
            let made = DirBuilder::new().mode(0o700).create(&path);
            made.map_err(io(&path))?;
        }
        Ok(Target {
            directory,
            parent,
            partial,
        })
    }

    /// Where to write.
    pub(super) fn folder(&self) -> &Path {
        self.partial.path()
    }

    /// Refuses before it is begun what would fill the disk, which may be the one that the stores
    /// lie on.
    pub(super) fn check_room(&self, bytes: u64) -> Result<(), BackupError> {
        let free = free_bytes(&self.parent).map_err(io(&self.parent))?;
        let needed = bytes.saturating_add(FREE_BYTES_MIN);
        if free < needed {
            return Err(BackupError::NoRoom {
                path: self.parent.clone(),
                needed_mib: needed >> 20,
                free_mib: free >> 20,
            });
        }
        Ok(())
    }

    /// Gives the folder its name, once all in it is on disk.
    pub(super) fn finish(self) -> Result<PathBuf, BackupError> {
        for folder in DATA_FOLDERS {
            let path = self.folder().join(folder);
            sync_folder(&path).map_err(io(&path))?;
        }
        sync_folder(self.folder()).map_err(io(self.folder()))?;
        // Takes the place of an empty folder, and of nothing else.
        match std::fs::rename(self.folder(), &self.directory) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => {
                return Err(BackupError::NotEmpty(self.directory));
            }
            Err(error) => return Err(io(&self.directory)(error)),
        }
        // It is not under that name any more, where nobody may look for it to remove it.
        let _ = self.partial.keep();
        sync_folder(&self.parent).map_err(io(&self.parent))?;
        Ok(self.directory)
    }
}

/// The folder and the one that it stands in, both free of links.
fn resolve(directory: &Path) -> Result<(PathBuf, PathBuf), BackupError> {
    if !directory.is_absolute() {
        return Err(BackupError::NotAbsolute(directory.to_owned()));
    }
    let not_empty = || BackupError::NotEmpty(directory.to_owned());
    if directory.symlink_metadata().is_ok() {
        let real = directory.canonicalize().map_err(io(directory))?;
        let mut entries = std::fs::read_dir(&real).map_err(|_| not_empty())?;
        if entries.next().is_some() {
            return Err(not_empty());
        }
        let parent = real.parent().ok_or_else(not_empty)?.to_owned();
        return Ok((real, parent));
    }
    let (Some(parent), Some(name)) = (directory.parent(), directory.file_name()) else {
        return Err(not_empty());
    };
    let real = parent
        .canonicalize()
        .ok()
        .filter(|path| path.is_dir())
        .ok_or_else(|| BackupError::NoParent(parent.to_owned()))?;
    Ok((real.join(name), real))
}
