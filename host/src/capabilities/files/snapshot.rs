//! A folder of copied files that lives as long as its owner. Folders of hosts that were killed are
//! removed by the next one. Which files are copied is left to the caller.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::FilesError;

const PREFIX: &str = "kumiki-files-";
/// Stands in a folder once it is locked: a folder with it that is not locked has lost its owner.
const MARKER: &str = "in-use";
const ROOT: &str = "root";

/// The copied files, and the lock that tells other hosts that they are in use.
#[derive(Debug)]
pub struct Snapshot {
    root: PathBuf,
    _lock: File,
    _directory: TempDir,
}

impl Snapshot {
    /// An empty folder, which only the host's user can enter, in `assembly_directory`.
    pub fn new(assembly_directory: &Path) -> Result<Snapshot, FilesError> {
        sweep(assembly_directory);
        let error = |source| FilesError::Io {
            path: assembly_directory.to_owned(),
            source,
        };
        let directory = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(assembly_directory)
            .map_err(error)?;
        let root = directory.path().join(ROOT);
        std::fs::create_dir(&root).map_err(error)?;
        // The lock is on the folder itself: systemd-tmpfiles leaves alone what is locked so.
        let lock = File::open(directory.path()).map_err(error)?;
        // Another host that looks for abandoned folders may hold it for a moment.
        flock(&lock, FlockOperation::LockExclusive).map_err(|errno| error(errno.into()))?;
        File::create(directory.path().join(MARKER)).map_err(error)?;
        Ok(Snapshot {
            root,
            _lock: lock,
            _directory: directory,
        })
    }

    /// The folder that becomes the guest's `/`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Copies a file to a relative path. A later file replaces an earlier one of the same path.
    pub fn add(&self, file: &Path, place: &Path) -> Result<(), FilesError> {
        if let Some(folder) = place.parent() {
            self.add_folder(folder)?;
        }
        let target = self.root.join(place);
        let copied = match target.symlink_metadata() {
            // A copy keeps the permissions of its source, which may forbid to write to it.
            Ok(metadata) if metadata.is_file() => std::fs::remove_file(&target),
            Ok(_) | Err(_) => Ok(()),
        }
        .and_then(|()| std::fs::copy(file, &target));
        copied.map_err(|source| FilesError::Io {
            path: file.to_owned(),
            source,
        })?;
        Ok(())
    }

    /// Makes a folder at a relative path, if there is none.
    pub fn add_folder(&self, place: &Path) -> Result<(), FilesError> {
        let folder = self.root.join(place);
        std::fs::create_dir_all(&folder).map_err(|source| FilesError::Io {
            path: Path::new("/").join(place),
            source,
        })
    }
}

/// Removes the folders of hosts that ended without doing so. What cannot be removed stays; it
/// belongs to another user, or to the operator to look at.
fn sweep(assembly_directory: &Path) {
    let Ok(entries) = std::fs::read_dir(assembly_directory) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.metadata().is_ok_and(|metadata| {
                metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw()
            });
        if is_ours
            && let Ok(true) = is_abandoned(&entry.path())
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::warn!("{} cannot be removed: {error}", entry.path().display());
        }
    }
}

fn is_abandoned(directory: &Path) -> io::Result<bool> {
    let lock = File::open(directory)?;
    let is_free = flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
    Ok(is_free && directory.join(MARKER).try_exists()?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{MARKER, PREFIX, Snapshot};

    #[test]
    fn what_a_killed_host_left_is_removed_and_what_another_uses_stays() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(format!("{PREFIX}left"));
        std::fs::create_dir_all(left.join("root/a")).unwrap();
        std::fs::write(left.join(MARKER), "").unwrap();
        let foreign = folder.path().join(format!("{PREFIX}just-made"));
        std::fs::create_dir(&foreign).unwrap();

        let first = Snapshot::new(folder.path()).unwrap();
        let second = Snapshot::new(folder.path()).unwrap();
        assert!(!left.exists());
        assert!(foreign.exists() && first.root().exists());
        drop(first);
        drop(second);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_later_file_replaces_an_earlier_one_that_is_read_only() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("1"), folder.path().join("2"));
        std::fs::write(&one, "one").unwrap();
        std::fs::write(&two, "two").unwrap();
        let mut permissions = std::fs::metadata(&one).unwrap().permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&one, permissions).unwrap();

        let snapshot = Snapshot::new(folder.path()).unwrap();
        snapshot.add(&one, Path::new("a/b")).unwrap();
        snapshot.add(&two, Path::new("a/b")).unwrap();
        assert_eq!(
            std::fs::read_to_string(snapshot.root().join("a/b")).unwrap(),
            "two"
        );
        let error = snapshot
            .add(&one, Path::new("a/b/c"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("/a/b"), "{error}");
    }
}
