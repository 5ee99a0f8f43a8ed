//! The state directory: made with mode 0700, locked against a second host, and marked with the
//! version of its format. Knows where everything in it lies. What the files hold is left to their
//! own modules.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};

use super::commit_gate::CommitGate;

/// The format that this host writes. 1: `key-value/`, `sqlite/`, `cache/` and `logs/`. 2: `events/`
/// as well, whose acknowledged events an older kumiki would leave lying. 3: `operations.db` and
/// `revisions/`, whose live revisions an older kumiki would not run.
pub const FORMAT_VERSION: u32 = 3;

/// The folders with what was acknowledged: these are backed up and restored.
pub const DATA_FOLDERS: [&str; 4] = ["key-value", "sqlite", "events", REVISIONS_FOLDER];

/// The WebAssembly of revisions.
pub const REVISIONS_FOLDER: &str = "revisions";

/// What live operations remember: backed up and restored like the folders.
pub const OPERATIONS_FILE: &str = "operations.db";

const OTHER_FOLDERS: [&str; 2] = ["cache", "logs"];

/// There while a restore moves folders: what lies in the directory then is neither the old state
/// nor the new one.
pub const RESTORE_MARKER: &str = "restoring";

/// A state directory that belongs to this host until the value is dropped.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    gate: CommitGate,
    /// Holds the lock for as long as it is open.
    _lock: File,
}

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// Another host works in it.
    #[error(
        "the state directory {path} is in use by another kumiki{}; stop that one or give this one \
         another --state-dir",
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process that holds the lock, where it has said so.
        pid: Option<u32>,
    },
    /// A later kumiki wrote it.
    #[error(
        "the state directory {path} has format {found}, and this kumiki knows formats up to \
         {FORMAT_VERSION}; use the newer kumiki that wrote it, or another --state-dir"
    )]
    Newer {
        /// The directory.
        path: PathBuf,
        /// The version that it carries.
        found: u32,
    },
    /// The version file holds something that no kumiki writes.
    #[error("{0} does not hold a format version; restore it, or use another --state-dir")]
    Damaged(PathBuf),
    /// A restore was cut off while it moved folders.
    #[error(
        "a restore into the state directory {0} was interrupted; run `kumiki restore` again with \
         the same backup, which finishes it"
    )]
    RestoreInterrupted(PathBuf),
    /// Someone else's directory, whose owner could change the files below the host.
    #[error("the state directory {0} belongs to another user; use a --state-dir of your own")]
    ForeignOwner(PathBuf),
    /// A file or folder could not be made or read.
    #[error("{path}: {source}")]
    Io {
        /// What could not be made or read.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl StateDir {
    /// Makes the directory where it is missing, locks it, and checks its format. Blocks on the
    /// disk.
    pub fn open(path: &Path) -> Result<StateDir, StateDirError> {
        let state = StateDir::open_to_restore(path)?;
        if state.path.join(RESTORE_MARKER).exists() {
            return Err(StateDirError::RestoreInterrupted(state.path));
        }
        Ok(state)
    }

    /// As [`open`](Self::open), also where a restore was interrupted.
    pub fn open_to_restore(path: &Path) -> Result<StateDir, StateDirError> {
        make_folder(path, true)?;
        let path = path.canonicalize().map_err(|error| io(path, error))?;
        let metadata = std::fs::metadata(&path).map_err(|error| io(&path, error))?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(StateDirError::ForeignOwner(path));
        }
        if metadata.mode() & 0o077 != 0 {
            std::fs::set_permissions(&path, Permissions::from_mode(0o700))
                .map_err(|error| io(&path, error))?;
        }
        let lock = lock(&path)?;
        check_format(&path)?;
        let state = StateDir {
            path,
            gate: CommitGate::default(),
            _lock: lock,
        };
        for name in OTHER_FOLDERS {
            make_folder(&state.path.join(name), false)?;
        }
        state.make_data_folders()?;
        Ok(state)
    }

    /// Makes those folders of stores that are missing.
    pub fn make_data_folders(&self) -> Result<(), StateDirError> {
        DATA_FOLDERS
            .iter()
            .try_for_each(|name| make_folder(&self.path.join(name), false))
    }

    /// The directory itself, absolute and free of links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the key-value store with this label.
    pub fn key_value_file(&self, label: &str) -> PathBuf {
        self.path.join("key-value").join(file_name(label))
    }

    /// The file of the SQL database with this label.
    pub fn sqlite_file(&self, label: &str) -> PathBuf {
        self.path.join("sqlite").join(file_name(label))
    }

    /// The file of the bus's log.
    pub fn events_file(&self) -> PathBuf {
        self.path.join("events").join("bus.db")
    }

    /// The file of what live operations remember.
    pub fn operations_file(&self) -> PathBuf {
        self.path.join(OPERATIONS_FILE)
    }

    /// The folder with the WebAssembly of revisions.
    pub fn revisions(&self) -> PathBuf {
        self.path.join(REVISIONS_FOLDER)
    }

    /// The gate that every commit to these files passes.
    pub fn commit_gate(&self) -> &CommitGate {
        &self.gate
    }

    /// The folder of compiled artifacts.
    pub fn cache(&self) -> PathBuf {
        self.path.join("cache")
    }

    /// The folder of the services' logs, unless the operator names another.
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Whether a path, links followed, lies in the state directory or contains it. No such path is
    /// ever mounted into a guest. A path that does not exist is judged by its nearest existing
    /// ancestor.
    pub fn overlaps(&self, path: &Path) -> bool {
        let resolved = path
            .ancestors()
            .find_map(|ancestor| ancestor.canonicalize().ok());
        match resolved {
            Some(real) => real.starts_with(&self.path) || self.path.starts_with(&real),
            None => false,
        }
    }

    /// The bytes that the file system has left for this host.
    pub fn free_bytes(&self) -> Result<u64, StateDirError> {
        free_bytes(&self.path).map_err(|error| io(&self.path, error))
    }
}

/// The bytes that the file system of `path` has left for an unprivileged process.
pub fn free_bytes(path: &Path) -> std::io::Result<u64> {
    let statistics = rustix::fs::statvfs(path)?;
    Ok(statistics.f_bavail.saturating_mul(statistics.f_frsize))
}

/// Makes the entries of a folder durable: a new file is lost with its folder's entry unless this
/// has run.
pub fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

/// A label's file name. Different labels never share one: everything outside `[a-z0-9_-]` is
/// written as `%` and two hexadecimal digits per byte, and a label too long for a file name is
/// named by its digest after `%%`.
pub fn file_name(label: &str) -> String {
    let mut name = String::with_capacity(label.len() + 3);
    for byte in label.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    // 255 bytes is the limit of a name on Linux; SQLite appends `-journal` to it.
    if name.len() > 200 {
        use sha2::Digest;
        name = format!("%%{}", hex::encode(sha2::Sha256::digest(label)));
    }
    name.push_str(".db");
    name
}

fn io(path: &Path, source: std::io::Error) -> StateDirError {
    StateDirError::Io {
        path: path.to_owned(),
        source,
    }
}

fn make_folder(path: &Path, with_parents: bool) -> Result<(), StateDirError> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.mode(0o700).recursive(with_parents);
    builder.create(path).map_err(|error| io(path, error))?;
    if let Some(parent) = path.parent() {
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        sync_folder(parent).map_err(|error| io(parent, error))?;
    }
    Ok(())
}

/// Takes the lock, or says who has it. The lock is the kernel's and ends with the process, however
/// that ends; the pid in the file is for people.
fn lock(directory: &Path) -> Result<File, StateDirError> {
    let path = directory.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&path)
        .map_err(|error| io(&path, error))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut text = String::new();
            let _ = file.take(32).read_to_string(&mut text);
            let pid = text.trim().parse().ok();
            return Err(StateDirError::InUse {
                path: directory.to_owned(),
                pid,
            });
        }
        Err(error) => return Err(io(&path, error.into())),
    }
    let write_pid = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    write_pid(&mut file).map_err(|error| io(&path, error))?;
    Ok(file)
}

/// Writes the format version into a new directory and checks that of an old one. A migration from
/// an older format goes here, step by step, before the new version is written.
///
/// Up to 3 there is nothing to change but the number: missing folders are made at every start.
fn check_format(directory: &Path) -> Result<(), StateDirError> {
    let path = directory.join("version");
    let found = match std::fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(version) if version >= 1 => version,
            Ok(_) | Err(_) => return Err(StateDirError::Damaged(path)),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return write_format(directory, FORMAT_VERSION).map_err(|error| io(&path, error));
        }
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            return Err(StateDirError::Damaged(path));
        }
        Err(error) => return Err(io(&path, error)),
    };
    if found > FORMAT_VERSION {
        return Err(StateDirError::Newer {
            path: directory.to_owned(),
            found,
        });
    }
    if found < FORMAT_VERSION {
        write_format(directory, FORMAT_VERSION).map_err(|error| io(&path, error))?;
        tracing::info!(
            directory = %directory.display(),
            "the state directory was migrated from format {found} to {FORMAT_VERSION}; an older \
             kumiki does not take it any more"
        );
    }
    Ok(())
}

/// By way of a temporary file, so that a crash leaves either no version or a whole one.
pub(super) fn write_format(directory: &Path, version: u32) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    writeln!(file, "{version}")?;
    file.as_file().sync_all()?;
    file.persist(directory.join("version"))
        .map_err(|error| error.error)?;
    sync_folder(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_everything_private_and_opens_again() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/.kumiki");
        let state_dir = StateDir::open(&path).unwrap();
        for folder in DATA_FOLDERS.into_iter().chain(OTHER_FOLDERS) {
            let mode = std::fs::metadata(state_dir.path().join(folder))
                .unwrap()
                .mode();
            assert_eq!(mode & 0o777, 0o700, "{folder}");
        }
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert_eq!(
            std::fs::read_to_string(path.join("version")).unwrap(),
            "3\n"
        );
        assert!(state_dir.free_bytes().unwrap() > 0);
        drop(state_dir);
        StateDir::open(&path).unwrap();
    }

    #[test]
    fn refuses_a_second_host_with_the_first_ones_pid() {
        let directory = tempfile::tempdir().unwrap();
        let _first = StateDir::open(directory.path()).unwrap();
        let second = StateDir::open(directory.path()).unwrap_err();
        let pid = std::process::id();
        assert!(matches!(second, StateDirError::InUse { pid: Some(found), .. } if found == pid));
        assert!(
            second
                .to_string()
                .contains(&format!("(process {})", std::process::id()))
        );
    }

    #[test]
    fn refuses_a_newer_and_a_damaged_format() {
        let directory = tempfile::tempdir().unwrap();
        drop(StateDir::open(directory.path()).unwrap());
        std::fs::write(directory.path().join("version"), "4\n").unwrap();
        let newer = StateDir::open(directory.path()).unwrap_err();
        assert!(
            matches!(newer, StateDirError::Newer { found: 4, .. }),
            "{newer}"
        );
        for damaged in ["", "0", "one", "-1"] {
            std::fs::write(directory.path().join("version"), damaged).unwrap();
            let error = StateDir::open(directory.path()).unwrap_err();
            assert!(
                matches!(error, StateDirError::Damaged(_)),
                "{damaged:?}: {error}"
            );
        }
    }

    #[test]
    fn an_older_format_is_migrated_and_keeps_its_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        std::fs::write(path.join("version"), "1\n").unwrap();
        std::fs::create_dir(path.join("key-value")).unwrap();
        std::fs::write(path.join("key-value/a.db"), "a").unwrap();
        let state = StateDir::open(path).unwrap();
        assert!(state.events_file().parent().unwrap().is_dir());
        assert_eq!(
            std::fs::read_to_string(path.join("version")).unwrap(),
            "3\n"
        );
        assert_eq!(
            std::fs::read_to_string(state.key_value_file("a")).unwrap(),
            "a"
        );
    }

    #[test]
    fn an_interrupted_restore_is_said_with_its_mend() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(RESTORE_MARKER), "{}").unwrap();
        let error = StateDir::open(directory.path()).unwrap_err();
        assert!(matches!(error, StateDirError::RestoreInterrupted(_)));
        assert!(error.to_string().contains("kumiki restore"), "{error}");
        StateDir::open_to_restore(directory.path()).unwrap();
    }

    #[test]
    fn tightens_the_mode_of_a_folder_that_was_there() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let _state_dir = StateDir::open(directory.path()).unwrap();
        assert_eq!(
            std::fs::metadata(directory.path()).unwrap().mode() & 0o777,
            0o700
        );
    }

    #[test]
    fn a_lock_that_is_a_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let outside = directory.path().join("outside");
        let path = directory.path().join("state");
        std::fs::create_dir(&path).unwrap();
        std::os::unix::fs::symlink(&outside, path.join("lock")).unwrap();
        assert!(matches!(
            StateDir::open(&path),
            Err(StateDirError::Io { .. })
        ));
        assert!(!outside.exists());
    }

    #[test]
    fn overlap_follows_links_and_looks_both_ways() {
        let directory = tempfile::tempdir().unwrap();
        let state_dir = StateDir::open(&directory.path().join("state")).unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(state_dir.cache(), &link).unwrap();
        let beside = directory.path().join("beside");
        std::fs::create_dir(&beside).unwrap();
        assert!(state_dir.overlaps(&link));
        assert!(state_dir.overlaps(directory.path()));
        assert!(state_dir.overlaps(&state_dir.key_value_file("absent")));
        assert!(!state_dir.overlaps(&beside));
    }

    proptest::proptest! {
        #[test]
        fn labels_never_share_a_file_nor_leave_the_folder(a in ".{0,300}", b in ".{0,300}") {
            proptest::prop_assert_eq!(file_name(&a) == file_name(&b), a == b);
            let name = file_name(&a);
            proptest::prop_assert!(!name.contains('/') && !name.contains('\0') && name != ".db.db");
            proptest::prop_assert!(name.len() <= 203);
            proptest::prop_assert_eq!(Path::new(&name).components().count(), 1);
        }
    }
}
