//! Finds the files of a mount, and refuses links that lead out of it or into the state directory.
//! Copying them is left to `snapshot`.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use globset::GlobMatcher;
use walkdir::{DirEntry, WalkDir};

use super::{FilesError, resolve};

/// What is the same for all mounts of a service.
pub struct Walk {
    application: PathBuf,
    state: PathBuf,
    exclude: Vec<GlobMatcher>,
    /// Device and inode of each file of the state directory: a hard link has no other mark.
    state_files: OnceCell<HashSet<(u64, u64)>>,
}

impl Walk {
    /// Both paths are absolute and free of links.
    pub fn new(application: PathBuf, state: PathBuf, exclude: Vec<GlobMatcher>) -> Walk {
        Walk {
            application,
            state,
            exclude,
            state_files: OnceCell::new(),
        }
    }

    /// The manifest's folder.
    pub fn application(&self) -> &Path {
        &self.application
    }

    /// The wanted files below a folder, by name. Links are followed where they stay in `boundary`.
    pub fn files(
        &self,
        root: &Path,
        boundary: &Path,
        is_wanted: &dyn Fn(&Path) -> bool,
    ) -> Result<Vec<PathBuf>, FilesError> {
        let mut files = Vec::new();
        let mut entries = WalkDir::new(root)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.check_walk_error(error, root, is_wanted)?;
                    continue;
                }
            };
            if entry.file_type().is_dir() {
                if !self.enters(&entry, boundary, is_wanted)? {
                    entries.skip_current_dir();
                }
            } else if is_wanted(entry.path()) && !self.is_excluded(entry.path()) {
                self.check_link(entry.path(), boundary)?;
                self.check_file(entry.path())?;
                files.push(entry.into_path());
            }
        }
        Ok(files)
    }

    /// Refuses a path that is, or leads into, the state directory, or out of the boundary.
    pub fn check_link(&self, path: &Path, boundary: &Path) -> Result<(), FilesError> {
        let target = resolve(path)?;
        self.check_state(path, &target)?;
        if !target.starts_with(boundary) {
            return Err(FilesError::LeadsOut {
                link: path.to_owned(),
                target,
                boundary: boundary.to_owned(),
            });
        }
        Ok(())
    }

    /// Refuses a folder that holds the state directory.
    pub fn check_contains(&self, path: &Path) -> Result<(), FilesError> {
        if self.state.starts_with(resolve(path)?) {
            return Err(FilesError::ContainsStateDirectory {
                path: path.to_owned(),
                state_directory: self.state.clone(),
            });
        }
        Ok(())
    }

    /// Refuses what is not a file, and hard links to files of the state directory.
    pub fn check_file(&self, path: &Path) -> Result<(), FilesError> {
        let metadata = path.metadata().map_err(|source| FilesError::Io {
            path: path.to_owned(),
            source,
        })?;
        if !metadata.is_file() {
            return Err(FilesError::NotAFile(path.to_owned()));
        }
        let is_state = |metadata: &Metadata| {
            let files = self.state_files.get_or_init(|| inodes(&self.state));
            files.contains(&(metadata.dev(), metadata.ino()))
        };
        if metadata.nlink() > 1 && is_state(&metadata) {
            return Err(self.in_state(path));
        }
        Ok(())
    }

    fn check_state(&self, path: &Path, target: &Path) -> Result<(), FilesError> {
        if target.starts_with(&self.state) {
            Err(self.in_state(path))
        } else {
            Ok(())
        }
    }

    fn in_state(&self, path: &Path) -> FilesError {
        FilesError::InStateDirectory {
            path: path.to_owned(),
            state_directory: self.state.clone(),
        }
    }

    /// Whether to look into a folder.
    fn enters(
        &self,
        entry: &DirEntry,
        boundary: &Path,
        is_wanted: &dyn Fn(&Path) -> bool,
    ) -> Result<bool, FilesError> {
        let path = entry.path();
        let target = resolve(path)?;
        if entry.depth() == 0 {
            return Ok(true);
        }
        if !entry.path_is_symlink() {
            // The state directory usually stands in the manifest's folder, so a wide pattern meets
            // it; its files are no part of the application.
            return Ok(!target.starts_with(&self.state));
        }
        if self.is_excluded(path) || self.is_excluded(&path.join("_")) {
            return Ok(false);
        }
        match self.check_link(path, boundary) {
            Ok(()) => Ok(true),
            Err(error) if is_wanted(path) => Err(error),
            Err(error) => {
                tracing::warn!("left out: {error}");
                Ok(false)
            }
        }
    }

    fn check_walk_error(
        &self,
        error: walkdir::Error,
        root: &Path,
        is_wanted: &dyn Fn(&Path) -> bool,
    ) -> Result<(), FilesError> {
        let path = error.path().unwrap_or(root).to_owned();
        // A link to a folder that it stands in leads to files that are found without it.
        let is_loop = error.loop_ancestor().is_some();
        if is_loop || self.is_excluded(&path) || !is_wanted(&path) {
            return Ok(());
        }
        Err(FilesError::Io {
            path,
            source: error.into(),
        })
    }

    fn is_excluded(&self, path: &Path) -> bool {
        let path = path.strip_prefix(&self.application).unwrap_or(path);
        self.exclude.iter().any(|pattern| pattern.is_match(path))
    }
}

fn inodes(directory: &Path) -> HashSet<(u64, u64)> {
    let entries = WalkDir::new(directory).into_iter().filter_map(Result::ok);
    let metadata = entries.filter_map(|entry| entry.metadata().ok());
    metadata
        .map(|metadata| (metadata.dev(), metadata.ino()))
        .collect()
}
