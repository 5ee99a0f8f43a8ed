//! How every SQLite file of the host is opened: private, durable, bounded, and never through a
//! link. What is stored in it is left to the engines above.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use super::state_dir::sync_folder;

/// SQLite's own default, written out because quotas are counted in pages.
pub const PAGE_BYTES: u64 = 4096;

/// `store_mib_max` when the manifest says nothing.
pub const STORE_MIB_MAX: u64 = 256;

/// The log beside a file keeps so much of the disk when it begins anew.
const LOG_BYTES_KEPT: i64 = 16 * 1024 * 1024;

/// How long a connection waits for a lock that another one holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a file cannot be opened. The texts are for the operator: they name paths.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file, or a folder on the way to it, could not be made, or is a link.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite does not take the file.
    #[error("{path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
}

/// Pages for a quota in MiB.
pub fn pages(mib: u64) -> u64 {
    mib.saturating_mul(1024 * 1024 / PAGE_BYTES)
}

/// Opens the file at `path` for reading and writing, and makes it (mode 0600) where it is missing.
/// A commit on the connection returns when the data is on disk. `page_count_max` bounds the file;
/// it holds for this connection only, so every writing connection sets it. Blocks on the disk.
pub fn open(path: &Path, page_count_max: u64) -> Result<Connection, DatabaseError> {
    let path = resolve(path)?;
    create(&path).map_err(|source| DatabaseError::Io {
        path: path.clone(),
        source,
    })?;
    connect(&path, page_count_max).map_err(|source| DatabaseError::Sqlite {
        path: path.clone(),
        source,
    })
}

fn connect(path: &Path, page_count_max: u64) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| {
        match row.get_ref(0)?.as_str() {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => Ok(()),
            Ok(_) | Err(_) => Err(rusqlite::Error::InvalidQuery),
        }
    })?;
    // Without FULL a commit in WAL mode is not flushed, and what was acknowledged is lost with the
    // power.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |_| Ok(()))?;
    set_page_count_max(&connection, page_count_max)?;
    Ok(connection)
}

/// Keeps prepared statements as they are. Without this SQLite prepares one anew whenever a
/// parameter of a range or of its LIMIT is bound, for a plan that suits the value; the engines'
/// statements have one good plan each.
pub fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    let setting = DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
    connection.set_db_config(setting, true).map(drop)
}

/// Bounds the file to so many pages. Never below what it already has.
pub fn set_page_count_max(connection: &Connection, pages: u64) -> rusqlite::Result<()> {
    let pages = pages.clamp(1, u64::from(u32::MAX) - 1).cast_signed();
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

/// The path with the links of its folder followed, so that only a link in the place of the file
/// itself is left, which SQLite refuses. The folder is made where it is missing: the operator may
/// name one of their own.
fn resolve(path: &Path) -> Result<PathBuf, DatabaseError> {
    let error = |source| DatabaseError::Io {
        path: path.to_owned(),
        source,
    };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(error(std::io::ErrorKind::InvalidFilename.into()));
    };
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    std::fs::create_dir_all(parent).map_err(error)?;
    Ok(parent.canonicalize().map_err(error)?.join(name))
}

/// Makes the file before SQLite does, for its mode (the log and the index beside it take the same),
/// and flushes the folder, because SQLite flushes it only for its journals.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    match options.open(path) {
        Ok(file) => {
            file.sync_all()?;
            match path.parent() {
                Some(parent) => sync_folder(parent),
                None => Ok(()),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn opens_private_durable_and_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("folder/x.db");
        let connection = open(&path, 10).unwrap();
        connection.execute_batch("CREATE TABLE t (b BLOB)").unwrap();
        let pragma = |name: &str| {
            connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
                .unwrap()
        };
        assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
        assert_eq!(pragma("synchronous"), 2.into());
        assert_eq!(pragma("max_page_count"), 10.into());
        assert_eq!(
            pragma("page_size"),
            i64::try_from(PAGE_BYTES).unwrap().into()
        );
        for name in ["x.db", "x.db-wal", "x.db-shm"] {
            let metadata = std::fs::metadata(path.with_file_name(name)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
        }
        let error = connection
            .execute("INSERT INTO t VALUES (zeroblob(100000))", [])
            .unwrap_err();
        assert_eq!(
            error.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DiskFull)
        );
    }

    #[test]
    fn a_link_in_the_place_of_the_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let outside = directory.path().join("outside.db");
        drop(open(&outside, 10).unwrap());
        let link = directory.path().join("link.db");
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        assert!(open(&link, 10).is_err());
        let dangling = directory.path().join("dangling.db");
        let target = directory.path().join("made.db");
        std::os::unix::fs::symlink(&target, &dangling).unwrap();
        assert!(open(&dangling, 10).is_err());
        assert!(!target.exists());
    }
}
