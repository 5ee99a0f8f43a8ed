//! The WebAssembly of revisions, each a file named by its digest that is written once and never
//! changed; and what keeps a digest from being removed before a revision refers to it.

use std::collections::{HashMap, HashSet};
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::{Operations, OperationsError};
use crate::storage::key_value::FREE_BYTES_MIN;
use crate::storage::state_dir::{free_bytes, sync_folder};

/// What a file is called while it is written.
const PARTIAL_PREFIX: &str = ".partial-";

const EXTENSION: &str = ".wasm";

/// The hexadecimal digits of a SHA-256.
const DIGEST_LENGTH: usize = 64;

/// A digest that was kept. As long as this lives it is not removed, also when no revision refers
/// to it: hold it until the change is made that does.
#[derive(Debug)]
#[must_use = "what nothing refers to is removed once this is dropped"]
pub struct Kept {
    digest: String,
    protected: Protected,
}

impl Kept {
    /// SHA-256, as hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut holders = self.protected.holders();
        if let Some(count) = holders.get_mut(&self.digest) {
            *count -= 1;
            if *count == 0 {
                holders.remove(&self.digest);
            }
        }
    }
}

/// How many hold each digest. A prune looks at it, and removes what it may, under its lock.
#[derive(Clone, Debug, Default)]
pub(super) struct Protected(Arc<Mutex<HashMap<String, usize>>>);

impl Protected {
    pub(super) fn protect(&self, digest: String) -> Kept {
        *self.holders().entry(digest.clone()).or_default() += 1;
        Kept {
            digest,
            protected: self.clone(),
        }
    }

    pub(super) fn has(&self, digest: &str) -> bool {
        self.holders().contains_key(digest)
    }

    fn holders(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of the file of a digest below the folder of the revisions.
pub fn wasm_name(digest: &str) -> String {
    format!("{digest}{EXTENSION}")
}

/// Whether a file in the folder of the revisions is called as one of them is.
pub fn is_wasm_name(name: &str) -> bool {
    name.strip_suffix(EXTENSION).is_some_and(is_digest)
}

fn is_digest(text: &str) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == DIGEST_LENGTH && text.bytes().all(is_digit)
}

/// The folder with the files.
#[derive(Debug)]
pub(super) struct RevisionFiles {
    folder: PathBuf,
    pub(super) protected: Protected,
}

impl RevisionFiles {
    /// For a folder that is there. Removes what was only half written.
    pub(super) fn open(folder: PathBuf) -> Result<Self, OperationsError> {
        for name in names(&folder)? {
            if name.starts_with(PARTIAL_PREFIX) {
                remove(&folder.join(name))?;
            }
        }
        Ok(Self {
            folder,
            protected: Protected::default(),
        })
    }

    pub(super) fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(wasm_name(digest))
    }

    fn keep(&self, bytes: &[u8]) -> Result<Kept, OperationsError> {
        // Protected before anybody looks whether it is there, so that it stays if it is.
        let digest = hex::encode(Sha256::digest(bytes));
        let kept = self.protected.protect(digest);
        let path = self.path(kept.digest());
        let size = bytes.len() as u64;
        // A file of another size is damaged, and written anew.
        let is_there = path
            .symlink_metadata()
            .is_ok_and(|found| found.is_file() && found.len() == size);
        if is_there {
            return Ok(kept);
        }
        let free = free_bytes(&self.folder).map_err(io(&self.folder))?;
        if free < size.saturating_add(FREE_BYTES_MIN) {
            return Err(OperationsError::DiskNearlyFull { bytes: size });
        }
        self.write(&path, bytes).map_err(io(&path))?;
        Ok(kept)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(PARTIAL_PREFIX)
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        sync_folder(&self.folder)
    }

    /// Removes the files that nobody refers to or holds.
    pub(super) fn sweep(&self, referenced: &HashSet<String>) -> Result<(), OperationsError> {
        for name in names(&self.folder)? {
            let Some(digest) = name.strip_suffix(EXTENSION).filter(|name| is_digest(name)) else {
                continue;
            };
            let holders = self.protected.holders();
            if !referenced.contains(digest) && !holders.contains_key(digest) {
                remove(&self.folder.join(&name))?;
            }
        }
        Ok(())
    }
}

impl Operations {
    /// Keeps WebAssembly for revisions to come: on disk under its digest when this returns. What
    /// is there already is left as it is.
    pub fn keep_wasm(&self, bytes: &[u8]) -> Result<Kept, OperationsError> {
        self.files.keep(bytes)
    }

    /// Where the WebAssembly of a digest lies, if it was kept.
    pub fn wasm_path(&self, digest: &str) -> PathBuf {
        self.files.path(digest)
    }
}

fn names(folder: &Path) -> Result<Vec<String>, OperationsError> {
    let mut names = Vec::new();
    for entry in folder.read_dir().map_err(io(folder))? {
        // Names that are not text are not of this host.
        if let Ok(name) = entry.map_err(io(folder))?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

fn remove(path: &Path) -> Result<(), OperationsError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> OperationsError + '_ {
    |source| OperationsError::Io {
        path: path.to_owned(),
        source,
    }
}
