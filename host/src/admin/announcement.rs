//! Where the clients on this machine find a running host's admin API: a small file in its state
//! directory, there while the API answers.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::listener::OwnFile;

/// The file's name in the state directory.
pub const FILE_NAME: &str = "admin";

#[derive(Debug, Serialize, Deserialize)]
struct Announcement {
    /// As `--admin` of the commands takes it.
    address: String,
    /// The host's process.
    pid: u32,
}

/// Why clients cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct AnnouncementError {
    path: PathBuf,
    source: std::io::Error,
}

/// Writes the file whole, for this user alone, in the place of one that a killed host left.
pub fn write(state: &Path, address: &Address) -> Result<OwnFile, AnnouncementError> {
    let path = state.join(FILE_NAME);
    let announcement = Announcement {
        address: address.to_string(),
        pid: std::process::id(),
    };
    let write = || {
        // With mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(state)?;
        serde_json::to_writer(&mut file, &announcement)?;
        writeln!(file)?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    match write() {
        Ok(()) => Ok(OwnFile(path)),
        Err(source) => Err(AnnouncementError { path, source }),
    }
}

/// Removes what a killed host left, so that nobody is led to its address.
pub fn clear(state: &Path) -> Result<(), AnnouncementError> {
    let path = state.join(FILE_NAME);
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(AnnouncementError { path, source }),
    }
}

/// The address of the host that works in a state directory; `None` when none says so. A process
/// that is gone says nothing any more: another program may have its port, and must not be given
/// the token.
pub fn read(state: &Path) -> Option<Address> {
    let text = std::fs::read_to_string(state.join(FILE_NAME)).ok()?;
    let announcement: Announcement = serde_json::from_str(&text).ok()?;
    let pid = Pid::from_raw(announcement.pid.try_into().ok()?)?;
    test_kill_process(pid).ok()?;
    announcement.address.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_there_for_as_long_as_its_value() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), None);
        for text in ["127.0.0.1:3001", "[::1]:3001", "unix:/run/admin"] {
            let address: Address = text.parse().unwrap();
            let file = write(folder.path(), &address).unwrap();
            let path = folder.path().join(FILE_NAME);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(read(folder.path()), Some(address));
            drop(file);
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_host_that_is_gone_has_no_address() {
        let folder = tempfile::tempdir().unwrap();
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        let left = format!(
            "{{\"address\":\"http://127.0.0.1:1\",\"pid\":{}}}",
            gone.id()
        );
        std::fs::write(folder.path().join(FILE_NAME), left).unwrap();
        assert_eq!(read(folder.path()), None);
        clear(folder.path()).unwrap();
        assert!(!folder.path().join(FILE_NAME).exists());
        clear(folder.path()).unwrap();
    }
}
