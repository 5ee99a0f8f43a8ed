//! `backup.json`: what a backup holds, and the digests by which a file that changed is told.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::{BackupError, io};
use crate::storage::operations::is_wasm_name;
use crate::storage::state_dir::{DATA_FOLDERS, FORMAT_VERSION, OPERATIONS_FILE, REVISIONS_FOLDER};

pub(super) const FILE_NAME: &str = "backup.json";

const DATABASE_EXTENSION: &str = ".db";

/// An index of a hundred thousand files is smaller.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The index.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    /// The format of the state directory that was copied.
    pub(super) format: u32,
    /// The version of the host that copied it.
    pub(super) kumiki: String,
    /// When, in UTC.
    pub(super) time: String,
    pub(super) files: Vec<IndexedFile>,
}

/// One database, or the WebAssembly of revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexedFile {
    /// Below the backup and below the state directory alike: `key-value/cart.db`.
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// What SQLite found wrong with the original, in a database of a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<String>,
}

/// Why a folder is no backup that this host takes.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error("{0} has no {FILE_NAME}, so it is no backup, or not a whole one")]
    Missing(PathBuf),
    #[error("{path} cannot be read: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error(
        "{path} is of format {found}, and this kumiki knows formats up to {FORMAT_VERSION}; \
         restore with the newer kumiki that took it"
    )]
    Newer { path: PathBuf, found: u64 },
    #[error("{path} names `{name}`, which no backup of kumiki holds")]
    ForeignName { path: PathBuf, name: String },
}

impl IndexedFile {
    /// Whether SQLite can judge it.
    pub(super) fn is_database(&self) -> bool {
        self.path.ends_with(DATABASE_EXTENSION)
    }
}

impl Index {
    pub(super) fn new() -> Index {
        Index {
            format: FORMAT_VERSION,
            kumiki: env!("CARGO_PKG_VERSION").to_owned(),
            time: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            files: Vec::new(),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    pub(super) fn faulty(&self) -> Vec<String> {
        let faulty = self.files.iter().filter_map(|file| {
            let fault = file.fault.as_ref()?;
            Some(format!("{}: {fault}", file.path))
        });
        faulty.collect()
    }

    /// Writes the index into a backup, on disk when this returns.
    pub(super) fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let path = folder.join(FILE_NAME);
        let write = || {
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        };
        write().map_err(io(&path))
    }

    /// Reads the index of a backup, and refuses one that this host would not understand.
    pub(super) fn read(folder: &Path) -> Result<Index, IndexError> {
        let path = folder.join(FILE_NAME);
        let unreadable = |reason: String| IndexError::Unreadable {
            path: path.clone(),
            reason,
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(IndexError::Missing(folder.to_owned()));
            }
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let mut text = String::new();
        file.take(BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|error| unreadable(error.to_string()))?;
        // Before the rest, which another format may write otherwise.
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        let found = value.get("format").and_then(serde_json::Value::as_u64);
        match found {
            Some(found) if found > u64::from(FORMAT_VERSION) => {
                return Err(IndexError::Newer { path, found });
            }
            Some(1..) => {}
            Some(0) | None => return Err(unreadable("it says no format".to_owned())),
        }
        let index: Index =
            serde_json::from_value(value).map_err(|error| unreadable(error.to_string()))?;
        if let Some(foreign) = index.files.iter().find(|file| !is_ours(&file.path)) {
            let name = foreign.path.clone();
            return Err(IndexError::ForeignName { path, name });
        }
        Ok(index)
    }
}

/// Whether a name in an index is one that a backup has. An index may come from anywhere, and must
/// not lead out of its folder.
fn is_ours(name: &str) -> bool {
    let is_database = |file: &str| {
        file.len() > DATABASE_EXTENSION.len()
            && file.ends_with(DATABASE_EXTENSION)
            && !file.contains(['/', '\0'])
    };
    match name.split_once('/') {
        Some((REVISIONS_FOLDER, file)) => is_wasm_name(file),
        Some((folder, file)) => DATA_FOLDERS.contains(&folder) && is_database(file),
        None => name == OPERATIONS_FILE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Index, IndexError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
        Index::read(folder.path())
    }

    #[test]
    fn an_index_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Index::new();
        assert_eq!(index.time.len(), "2026-11-21T20:00:00Z".len());
        for (path, fault) in [
            ("key-value/a.db", None),
            ("sqlite/%41.db", Some("x".into())),
        ] {
            index.files.push(IndexedFile {
                path: path.into(),
                bytes: 4096,
                sha256: "00".into(),
                fault,
            });
        }
        index.write(folder.path()).unwrap();
        assert_eq!(Index::read(folder.path()).unwrap(), index);
        assert_eq!(index.bytes(), 8192);
        assert_eq!(index.faulty(), ["sqlite/%41.db: x"]);
    }

    #[test]
    fn what_is_no_index_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Index::read(folder.path()).unwrap_err();
        assert!(matches!(missing, IndexError::Missing(_)), "{missing}");
        let newer = read(r#"{"format": 99, "sections": 3}"#).unwrap_err();
        assert!(
            matches!(newer, IndexError::Newer { found: 99, .. }),
            "{newer}"
        );
        for text in ["", "{", "[]", "{\"format\": 0}", "{\"format\": 2}"] {
            let error = read(text).unwrap_err();
            assert!(
                matches!(error, IndexError::Unreadable { .. }),
                "{text}: {error}"
            );
        }
        let outside = r#"{"format":2,"kumiki":"","time":"","files":
            [{"path":"sqlite/../../x.db","bytes":0,"sha256":""}]}"#;
        let error = read(outside).unwrap_err();
        assert!(matches!(error, IndexError::ForeignName { .. }), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn no_name_leads_out_of_the_folder(
            name in proptest::prop_oneof![
                ".{0,40}",
                "(key-value|sqlite|events|revisions)/[./a%]{0,12}(\\.db|\\.wasm)?",
            ],
        ) {
            if is_ours(&name) {
                let steps: Vec<_> = Path::new(&name).components().collect();
                proptest::prop_assert_eq!(steps.len(), 2);
                let is_plain = |step: &std::path::Component<'_>| {
                    matches!(step, std::path::Component::Normal(_))
                };
                proptest::prop_assert!(steps.iter().all(is_plain));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = read(&text);
        }
    }
}
