//! The WebAssembly that the revisions of a snapshot refer to. Its files never change, so they are
//! copied as they are; one that is not there, or not what its name says, is told, because the
//! stores must not go without a backup for it.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use super::copy::{copy_file, digest};
use super::cut::Cut;
use super::index::IndexedFile;
use super::{BackupError, Stop, io, sqlite};
use crate::storage::operations::{wasm_digests, wasm_name};
use crate::storage::state_dir::{OPERATIONS_FILE, REVISIONS_FOLDER};

/// What is to be copied.
#[derive(Default)]
pub(super) struct WasmFiles {
    /// Below the state directory.
    pub(super) names: BTreeSet<String>,
    pub(super) bytes: u64,
}

/// Finds what the revisions of a cut refer to.
pub(super) fn find(state: &Path, cut: &Cut) -> Result<WasmFiles, BackupError> {
    let snapshots = &mut cut.snapshots.iter();
    let Some(snapshot) = snapshots.find(|snapshot| snapshot.name == OPERATIONS_FILE) else {
        return Ok(WasmFiles::default());
    };
    let digests = wasm_digests(&snapshot.connection);
    let digests = digests.map_err(sqlite(&state.join(OPERATIONS_FILE)))?;
    let names: BTreeSet<_> = digests
        .iter()
        .map(|digest| format!("{REVISIONS_FOLDER}/{}", wasm_name(digest)))
        .collect();
    let sizes = names.iter().map(|name| state.join(name).metadata());
    let bytes = sizes.filter_map(|found| Some(found.ok()?.len())).sum();
    Ok(WasmFiles { names, bytes })
}

/// Copies one of the files into the same place below `folder`, or says why there is no copy.
pub(super) fn copy(
    state: &Path,
    name: String,
    folder: &Path,
    stop: &Stop,
) -> Result<Result<IndexedFile, String>, BackupError> {
    let (from, to) = (state.join(&name), folder.join(&name));
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    let mut original = match options.read(true).custom_flags(flags).open(&from) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Err(format!("{name} is missing")));
        }
        Err(error) => return Err(io(&from)(error)),
    };
    copy_file(&mut original, &to).map_err(io(&to))?;
    let (bytes, sha256) = digest(&to, stop)?;
    if !name.ends_with(&format!("/{}", wasm_name(&sha256))) {
        std::fs::remove_file(&to).map_err(io(&to))?;
        return Ok(Err(format!("{name} is damaged")));
    }
    Ok(Ok(IndexedFile {
        path: name,
        bytes,
        sha256,
        fault: None,
    }))
}
