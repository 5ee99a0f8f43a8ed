//! The tokens of the admin API: two files in the state directory, made at the first start and used
//! from then on. Who may read them is who may ask.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use rustix::fs::OFlags;
use subtle::ConstantTimeEq;

use super::sole;
use crate::storage::state_dir::sync_folder;

/// The file of the token that opens everything.
pub const ADMIN_TOKEN: &str = "admin-token";
/// The file of the token that opens `/metrics` alone.
pub const METRICS_TOKEN: &str = "metrics-token";

const TOKEN_BYTES: usize = 32;

/// What a token permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Reading `/metrics`.
    Metrics,
}

/// Why a request's sender is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthorized {
    #[error(
        "send `Authorization: Bearer` with the token in `{ADMIN_TOKEN}` of the state directory"
    )]
    NoToken,
    #[error("the token is not the one in `{ADMIN_TOKEN}` of the state directory")]
    WrongToken,
}

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

/// Both tokens, as text.
pub struct Tokens {
    admin: String,
    metrics: String,
}

impl Tokens {
    /// Reads the tokens, and makes those that are missing. Nobody else may work in the directory.
    pub fn open(state_directory: &Path) -> Result<Self, TokenError> {
        Ok(Self {
            admin: read_or_make(&state_directory.join(ADMIN_TOKEN))?,
            metrics: read_or_make(&state_directory.join(METRICS_TOKEN))?,
        })
    }

    /// What the sender of a request may do. Takes as long for a token that is almost right as for
    /// one that is all wrong.
    pub fn role(&self, headers: &HeaderMap) -> Result<Role, Unauthorized> {
        if !headers.contains_key(AUTHORIZATION) {
            return Err(Unauthorized::NoToken);
        }
        let given = sole(headers, AUTHORIZATION)
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let given = given.ok_or(Unauthorized::WrongToken)?.as_bytes();
        let is_admin = self.admin.as_bytes().ct_eq(given);
        let is_metrics = self.metrics.as_bytes().ct_eq(given);
        match (is_admin.into(), is_metrics.into()) {
            (true, _) => Ok(Role::Admin),
            (false, true) => Ok(Role::Metrics),
            (false, false) => Err(Unauthorized::WrongToken),
        }
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> TokenError + '_ {
    |source| TokenError::Io {
        path: path.to_owned(),
        source,
    }
}

fn read_or_make(path: &Path) -> Result<String, TokenError> {
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
    let mut bytes = [0; TOKEN_BYTES];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    let token = hex::encode(bytes);
    let folder = path.parent().unwrap_or(Path::new("/"));
    // With O_EXCL and mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{token}")?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(folder)?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use http::HeaderValue;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    #[test]
    fn tokens_are_made_once_for_this_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Tokens::open(folder.path()).unwrap();
        assert_eq!(first.admin.len(), 64);
        assert_ne!(first.admin, first.metrics);
        for name in [ADMIN_TOKEN, METRICS_TOKEN] {
            assert_eq!(mode(&folder.path().join(name)), 0o600);
        }
        let again = Tokens::open(folder.path()).unwrap();
        assert_eq!(first.admin, again.admin);
        assert_eq!(first.metrics, again.metrics);
        let other = tempfile::tempdir().unwrap();
        let other = Tokens::open(other.path()).unwrap();
        assert!(other.admin != again.metrics && other.metrics != again.metrics);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_token_that_others_may_know_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Tokens::open(folder.path()).unwrap();
        let path = folder.path().join(METRICS_TOKEN);
        for loose in [0o640, 0o604, 0o620] {
            std::fs::set_permissions(&path, Permissions::from_mode(loose)).unwrap();
            let error = Tokens::open(folder.path()).err().unwrap();
            assert!(matches!(error, TokenError::ReadableByOthers(_)), "{error}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(ADMIN_TOKEN);
        for text in ["", "secret\n", &"g".repeat(64), &"0".repeat(63)] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            let error = Tokens::open(folder.path()).err().unwrap();
            assert!(matches!(error, TokenError::Damaged(_)), "{text}: {error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let error = Tokens::open(folder.path()).err().unwrap();
        assert!(matches!(error, TokenError::Io { .. }), "{error}");
    }

    #[test]
    fn a_role_takes_the_whole_token_once() {
        let tokens = Tokens {
            admin: "a".repeat(64),
            metrics: "b".repeat(64),
        };
        let role = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            tokens.role(&headers)
        };
        let (admin, metrics) = (format!("Bearer {}", "a".repeat(64)), "b".repeat(64));
        assert_eq!(role(&[&admin]), Ok(Role::Admin));
        assert_eq!(role(&[&format!("bearer  {metrics}")]), Ok(Role::Metrics));
        assert_eq!(role(&[]), Err(Unauthorized::NoToken));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            &metrics,
            &format!("Basic {metrics}"),
            &admin[..70],
            &format!("{admin}a"),
            &format!("{admin} {admin}"),
        ] {
            assert_eq!(role(&[wrong]), Err(Unauthorized::WrongToken), "{wrong}");
        }
        assert_eq!(role(&[&admin, &admin]), Err(Unauthorized::WrongToken));
    }
}
