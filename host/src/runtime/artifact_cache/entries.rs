//! The files of the cache: written to a temporary file, fsynced, renamed and never changed in
//! place; read only when they belong to the host's user and nobody else may write them.
//!
//! What the entries mean is left to [`super`] and [`super::summaries`].

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// Bytes of one folder; beyond them the entries unused for longest are unlinked.
const FOLDER_BYTES_MAX: u64 = 4 << 30;

/// Entries of one folder; far above them a folder of small files is slow to list.
const FOLDER_ENTRIES_MAX: usize = 100_000;

/// Bytes that may be written before the folders are measured again.
const UNMEASURED_BYTES_MAX: u64 = 64 << 20;

/// What a small file takes on disk.
const BLOCK_BYTES: u64 = 4096;

/// An entry's time of use is written down once in so long a time, not at every use.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60 * 60);

const CHECKSUM_BYTES: usize = 16;
const READ_BYTES: usize = 64 << 10;

/// What an entry holds; each kind has a folder of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folder {
    /// The digest of an artifact by the state of its file.
    Sources,
    /// What is known of a component by its digest.
    Contracts,
    /// One interface by the digest of its text; many contracts share it.
    Interfaces,
    /// Machine code by the digest of the component.
    Artifacts,
    /// Empty; the name says which component was linked to what without a fault.
    Checked,
}

impl Folder {
    pub(super) const ALL: [Self; 5] = [
        Self::Sources,
        Self::Contracts,
        Self::Interfaces,
        Self::Artifacts,
        Self::Checked,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::Contracts => "contracts",
            Self::Interfaces => "interfaces",
            Self::Artifacts => "artifacts",
            Self::Checked => "checked",
        }
    }
}

/// The cache's directory.
pub(super) struct Entries {
    directory: PathBuf,
    unmeasured_bytes: AtomicU64,
}

/// An entry that can be trusted.
pub(super) struct Entry {
    file: File,
    bytes: u64,
    used: Option<SystemTime>,
}

impl Entries {
    /// The entries below `directory`, which is made if missing; none where it, or a folder in it,
    /// belongs to somebody else or others may write to it. One warning says so.
    pub(super) fn open(directory: &Path) -> Option<Self> {
        let entries = Self {
            directory: directory.to_owned(),
            // The first entry that is written has the folders measured.
            unmeasured_bytes: AtomicU64::new(UNMEASURED_BYTES_MAX),
        };
        entries.prepare().then_some(entries)
    }

    fn prepare(&self) -> bool {
        let folders = Folder::ALL.map(|folder| self.directory.join(folder.name()));
        for part in [&self.directory].into_iter().chain(&folders) {
            let made = std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(part);
            let trusted = made
                .and_then(|()| part.symlink_metadata())
                .is_ok_and(|metadata| metadata.is_dir() && is_ours(&metadata));
            if !trusted {
                tracing::warn!(
                    "{} belongs to another user or others may write to it: compiled artifacts are \
                     not cached; `chown` it and `chmod 700` it to mend that",
                    part.display()
                );
                return false;
            }
        }
        true
    }

    fn path(&self, folder: Folder, key: &str) -> PathBuf {
        self.directory.join(folder.name()).join(key)
    }

    /// An entry that belongs to the host's user and that nobody else may write.
    pub(super) fn find(&self, folder: Folder, key: &str) -> Option<Entry> {
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(no_follow)
            .open(self.path(folder, key))
            .ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || !is_ours(&metadata) {
            let reason = "belongs to another user, or others may write to it";
            self.refuse(folder, key, reason);
            return None;
        }
        Some(Entry {
            file,
            bytes: metadata.len(),
            used: metadata.modified().ok(),
        })
    }

    /// The content of a small entry whose checksum holds.
    pub(super) fn read(&self, folder: Folder, key: &str) -> Option<Vec<u8>> {
        let mut entry = self.find(folder, key)?;
        let mut bytes = Vec::with_capacity(usize::try_from(entry.bytes).ok()?);
        entry.file.read_to_end(&mut bytes).ok()?;
        let content = without_checksum(&mut bytes);
        if !content {
            self.refuse(folder, key, "is damaged");
        }
        content.then_some(bytes)
    }

    /// Whether there is such an entry, which counts as a use of it. Whether it can be trusted is
    /// found out when it is opened.
    pub(super) fn note_use(&self, folder: Folder, key: &str) -> bool {
        let path = self.path(folder, key);
        let Ok(metadata) = path.symlink_metadata() else {
            return false;
        };
        if is_stale(metadata.modified().ok()) {
            let now = rustix::fs::Timestamps {
                last_access: rustix::fs::Timespec {
                    tv_sec: 0,
                    tv_nsec: rustix::fs::UTIME_OMIT,
                },
                last_modification: rustix::fs::Timespec {
                    tv_sec: 0,
                    tv_nsec: rustix::fs::UTIME_NOW,
                },
            };
            let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
            // It may be evicted too early then, which costs time and nothing else.
            let _ = rustix::fs::utimensat(rustix::fs::CWD, &path, &now, flags);
        }
        true
    }

    /// Removes an entry that must not be used, so that it is made again.
    pub(super) fn refuse(&self, folder: Folder, key: &str, reason: &str) {
        let path = self.path(folder, key);
        tracing::warn!("{} {reason}; it is made again", path.display());
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!("{} cannot be removed: {error}", path.display());
        }
    }

    /// Writes an entry with its checksum. A failure costs only time later, so it is logged and
    /// `false`, nothing more.
    pub(super) fn write(&self, folder: Folder, key: &str, content: &[u8]) -> bool {
        let mut written = self.try_write(folder, key, content);
        let is_gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        // The cache may be deleted at any time, also below a running host.
        if written.as_ref().is_err_and(is_gone) && self.prepare() {
            written = self.try_write(folder, key, content);
        }
        if let Err(error) = &written {
            let path = self.path(folder, key);
            tracing::warn!("{} was not cached: {error}", path.display());
        }
        let bytes = u64::try_from(content.len())
            .unwrap_or(u64::MAX)
            .max(BLOCK_BYTES);
        let before = self.unmeasured_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > UNMEASURED_BYTES_MAX {
            self.unmeasured_bytes.store(0, Ordering::Relaxed);
            self.evict();
        }
        written.is_ok()
    }

    fn try_write(&self, folder: Folder, key: &str, content: &[u8]) -> std::io::Result<()> {
        let folder = self.directory.join(folder.name());
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        file.write_all(content)?;
        file.write_all(&xxh3_128(content).to_le_bytes())?;
        file.as_file().sync_all()?;
        file.persist(folder.join(key))?;
        File::open(&folder)?.sync_all()
    }

    fn evict(&self) {
        for folder in Folder::ALL {
            evict(
                &self.directory.join(folder.name()),
                FOLDER_BYTES_MAX,
                FOLDER_ENTRIES_MAX,
            );
        }
    }
}

impl Entry {
    /// Whether the file ends with the checksum of what stands before it.
    pub(super) fn checksum_holds(&mut self) -> bool {
        let Some(content_bytes) = self.bytes.checked_sub(CHECKSUM_BYTES as u64) else {
            return false;
        };
        let mut hasher = Xxh3::new();
        let mut buffer = vec![0; READ_BYTES];
        let mut content = (&mut self.file).take(content_bytes);
        loop {
            match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => hasher.update(buffer.get(..read).unwrap_or_default()),
                Err(_) => return false,
            }
        }
        let mut checksum = [0; CHECKSUM_BYTES];
        self.file.read_exact(&mut checksum).is_ok() && checksum == hasher.digest128().to_le_bytes()
    }

    /// Counts as a use of the entry, which keeps it from being evicted. The time of access that
    /// the system keeps would not do: most systems are mounted so that they write it once a day
    /// or never.
    pub(super) fn note_use(&self) {
        if is_stale(self.used) {
            // It may be evicted too early then, which costs time and nothing else.
            let _ = self.file.set_modified(SystemTime::now());
        }
    }

    /// The descriptor that was judged; what the path names may be another file by now.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

fn is_stale(used: Option<SystemTime>) -> bool {
    used.and_then(|used| used.elapsed().ok())
        .is_some_and(|unused| unused > USE_NOTED_EVERY)
}

/// Unlinks the entries of a folder that were unused for longest until the rest is within both
/// limits. Code that is mapped stays mapped; what is needed again is compiled again.
pub(super) fn evict(folder: &Path, bytes_max: u64, entries_max: usize) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            let used = metadata.modified().ok()?;
            Some((used, metadata.len(), entry.path()))
        })
        .collect();
    let mut bytes: u64 = entries.iter().map(|(_, size, _)| size).sum();
    let mut count = entries.len();
    if bytes <= bytes_max && count <= entries_max {
        return;
    }
    entries.sort_unstable();
    for (_, size, path) in entries {
        if bytes <= bytes_max && count <= entries_max {
            break;
        }
        if std::fs::remove_file(path).is_ok() {
            bytes -= size;
            count -= 1;
        }
    }
}

fn is_ours(metadata: &std::fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

/// Takes the checksum off the end; `false` if it does not hold. It finds damage, not malice: who
/// could write here is the host's own user.
fn without_checksum(entry: &mut Vec<u8>) -> bool {
    let Some(content) = entry.len().checked_sub(CHECKSUM_BYTES) else {
        return false;
    };
    let checksum = entry.split_off(content);
    checksum == xxh3_128(entry).to_le_bytes()
}
