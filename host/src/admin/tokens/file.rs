//! The tokens that are files of the state directory: made at the first start, and used from then
//! on. Who may read them is who may ask.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::{TOKEN_BYTES, random};
use crate::storage::state_dir::sync_folder;

/// Why a token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("{path}: {source}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    /// Somebody else may know it.
    #[error(
        "{0} can be read by others, who may know the token by now; delete it, and a new one is \
         made at the next start"
    )]
    ReadableByOthers(PathBuf),
    #[error("{0} belongs to another user; delete it, and a new one is made at the next start")]
    ForeignOwner(PathBuf),
    #[error("{0} holds no token of kumiki; delete it, and a new one is made at the next start")]
    Damaged(PathBuf),
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> TokenError + '_ {
    |source| TokenError::Io {
        path: path.to_owned(),
        source,
    }
}

pub(super) fn read_or_make(path: &Path) -> Result<String, TokenError> {
    match open(path) {
        Ok(file) => read(file, path),
        Err(error) if error.kind() == ErrorKind::NotFound => make(path).map_err(io(path)),
        Err(error) => Err(io(path)(error)),
    }
}

/// Reads a token that a host has made.
pub fn read_token(path: &Path) -> Result<String, TokenError> {
    read(open(path).map_err(io(path))?, path)
}

/// Does not wait for a writer where the path is a pipe, and follows no link.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

fn read(file: File, path: &Path) -> Result<String, TokenError> {
    let metadata = file.metadata().map_err(io(path))?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(TokenError::ForeignOwner(path.to_owned()));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(TokenError::ReadableByOthers(path.to_owned()));
    }
    let mut text = String::new();
    let damaged = || TokenError::Damaged(path.to_owned());
    match file.take(1024).read_to_string(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::InvalidData => return Err(damaged()),
        Err(error) => return Err(io(path)(error)),
    }
    let token = text.trim();
    let is_token = token.len() == 2 * TOKEN_BYTES && token.bytes().all(|b| b.is_ascii_hexdigit());
    is_token.then(|| token.to_owned()).ok_or_else(damaged)
}

/// Writes a new token under another name first: the file is there with all of it, or not at all,
/// and never in the place of another one.
fn make(path: &Path) -> std::io::Result<String> {
    let token = hex::encode(random()?);
    let folder = path.parent().unwrap_or(Path::new("/"));
    // With O_EXCL and mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{token}")?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(folder)?;
    Ok(token)
}
