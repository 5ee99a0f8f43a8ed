//! Compiled artifacts on disk: what was compiled once is mapped at the next start.
//!
//! Two kinds of entries, both written to a temporary file, fsynced, renamed, and never changed in
//! place: `sources/` remembers the digest of an artifact by its path, size, mtime and inode, so
//! that a start with a full cache reads no wasm; `artifacts/` holds machine code by digest, engine
//! and settings. An entry is used only when it belongs to the host's user, nobody else may write it
//! and its checksum holds; else the component is compiled again.

use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;
use xxhash_rust::xxh3::xxh3_128;

use super::componentize::{ComponentizeError, componentize, engine_kind};
use super::engine::{EngineError, EngineKind, Engines};

/// Machine code that the cache may hold; beyond it the entries unused for longest are unlinked.
const CACHE_BYTES_MAX: u64 = 4 << 30;
const CHECKSUM_BYTES: usize = 16;

/// Why an artifact could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The file is missing or not readable.
    #[error("{path}: {error}")]
    Read { path: String, error: std::io::Error },
    /// The bytes are not a component.
    #[error("{path}: {error}")]
    Componentize {
        path: String,
        error: ComponentizeError,
    },
    /// The component is valid but does not compile in our engine.
    #[error("{path}: it does not compile: {reason}")]
    Compile { path: String, reason: String },
    /// The host has no engine for it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// A component that is ready to be linked.
pub struct Artifact {
    pub component: Component,
    pub kind: EngineKind,
    /// SHA-256 of the artifact's bytes as they lie on disk, in hexadecimal.
    pub digest: String,
}

/// The cache, or none where its folder can not be trusted.
pub struct ArtifactCache {
    directory: Option<PathBuf>,
}

/// What `sources/` remembers of an artifact.
#[derive(Serialize, Deserialize)]
struct SourceEntry {
    digest: String,
    concurrent: bool,
}

impl ArtifactCache {
    /// No cache: everything is compiled at each start.
    pub fn none() -> Self {
        Self { directory: None }
    }

    /// A cache below `directory`, which is made if missing. Where it belongs to somebody else or
    /// others may write to it, no cache is used and one warning says so.
    pub fn open(directory: &Path) -> Self {
        for part in [
            directory.to_owned(),
            directory.join("sources"),
            directory.join("artifacts"),
        ] {
            let made = std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&part);
            let trusted = made
                .and_then(|()| part.symlink_metadata())
                .is_ok_and(|metadata| metadata.is_dir() && is_ours(&metadata));
            if !trusted {
                tracing::warn!(
                    "{} belongs to another user or others may write to it: compiled artifacts are \
                     not cached; `chown` it and `chmod 700` it to mend that",
                    part.display()
                );
                return Self { directory: None };
            }
        }
        Self {
            directory: Some(directory.to_owned()),
        }
    }

    /// The component of an artifact on disk, from the cache or compiled now.
    pub fn load(&self, engines: &Engines, path: &Path) -> Result<Artifact, ArtifactError> {
        let source_key = source_key(path);
        if let Some(artifact) = source_key
            .as_deref()
            .and_then(|key| self.load_cached(engines, key))
        {
            return Ok(artifact);
        }
        let wasm = std::fs::read(path).map_err(|error| ArtifactError::Read {
            path: path.display().to_string(),
            error,
        })?;
        let artifact = self.load_bytes(engines, &wasm, &path.display().to_string())?;
        if let Some(key) = source_key {
            let entry = SourceEntry {
                digest: artifact.digest.clone(),
                concurrent: artifact.kind == EngineKind::Concurrent,
            };
            self.write(
                "sources",
                &key,
                &serde_json::to_vec(&entry).unwrap_or_default(),
            );
        }
        Ok(artifact)
    }

    /// The component of an artifact's bytes; `name` stands in errors.
    pub fn load_bytes(
        &self,
        engines: &Engines,
        wasm: &[u8],
        name: &str,
    ) -> Result<Artifact, ArtifactError> {
        let digest = hex::encode(Sha256::digest(wasm));
        let invalid = |error| ArtifactError::Componentize {
            path: name.to_owned(),
            error,
        };
        let component_bytes = componentize(wasm).map_err(invalid)?;
        let kind = engine_kind(&component_bytes).map_err(invalid)?;
        if let Some(component) = self.map_artifact(engines.get(kind), &digest, kind) {
            return Ok(Artifact {
                component,
                kind,
                digest,
            });
        }
        let component = self.compile(engines, &component_bytes, &digest, kind, name)?;
        Ok(Artifact {
            component,
            kind,
            digest,
        })
    }

    fn compile(
        &self,
        engines: &Engines,
        component: &[u8],
        digest: &str,
        kind: EngineKind,
        name: &str,
    ) -> Result<Component, ArtifactError> {
        let refused = |error: wasmtime::Error| ArtifactError::Compile {
            path: name.to_owned(),
            reason: format!("{error:#}"),
        };
        let engine = engines.get(kind);
        let machine_code = engine.precompile_component(component).map_err(refused)?;
        self.write(
            "artifacts",
            &artifact_key(engine, digest, kind),
            &with_checksum(&machine_code),
        );
        match deserialize_bytes(engine, &machine_code) {
            Ok(component) => Ok(component),
            Err(reason) => {
                tracing::warn!("{name} does not fit the instance pool and runs slower: {reason:#}");
                deserialize_bytes(engines.get_on_demand(kind)?, &machine_code).map_err(refused)
            }
        }
    }

    fn load_cached(&self, engines: &Engines, source_key: &str) -> Option<Artifact> {
        let (bytes, _) = self.read_trusted("sources", source_key)?;
        let entry: SourceEntry = serde_json::from_slice(&bytes).ok()?;
        let kind = if entry.concurrent {
            EngineKind::Concurrent
        } else {
            EngineKind::Plain
        };
        let component = self.map_artifact(engines.get(kind), &entry.digest, kind)?;
        Some(Artifact {
            component,
            kind,
            digest: entry.digest,
        })
    }

    fn map_artifact(&self, engine: &Engine, digest: &str, kind: EngineKind) -> Option<Component> {
        let key = artifact_key(engine, digest, kind);
        let (bytes, file) = self.read_trusted("artifacts", &key)?;
        if !checksum_holds(&bytes) {
            self.refuse("artifacts", &key, "is damaged");
            return None;
        }
        // The descriptor that was checked is the one that is mapped, whatever the path names by
        // now.
        let opened = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        deserialize_file(engine, &opened)
            .inspect_err(|error| self.refuse("artifacts", &key, &format!("is unusable: {error:#}")))
            .ok()
    }

    /// The bytes of an entry that can be trusted, and the descriptor that they were read from.
    fn read_trusted(&self, folder: &str, key: &str) -> Option<(Vec<u8>, File)> {
        let path = self.directory.as_ref()?.join(folder).join(key);
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(no_follow)
            .open(&path)
            .ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || !is_ours(&metadata) {
            self.refuse(
                folder,
                key,
                "belongs to another user, or others may write to it",
            );
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
        file.read_to_end(&mut bytes).ok()?;
        Some((bytes, file))
    }

    /// Removes an entry that must not be used, so that it is made again.
    fn refuse(&self, folder: &str, key: &str, reason: &str) {
        let Some(directory) = &self.directory else {
            return;
        };
        let path = directory.join(folder).join(key);
        tracing::warn!("{} {reason}; it is made again", path.display());
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!("{} cannot be removed: {error}", path.display());
        }
    }

    /// Writes an entry; a failure costs only time at the next start, so it is logged and nothing
    /// more.
    fn write(&self, folder: &str, key: &str, bytes: &[u8]) {
        let Some(directory) = &self.directory else {
            return;
        };
        let folder = directory.join(folder);
        let written = tempfile::NamedTempFile::new_in(&folder).and_then(|mut file| {
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(folder.join(key))?;
            File::open(&folder)?.sync_all()
        });
        if let Err(error) = written {
            tracing::warn!("the compiled artifact {key} was not cached: {error}");
        }
        self.evict();
    }

    fn evict(&self) {
        let Some(directory) = &self.directory else {
            return;
        };
        let Ok(entries) = std::fs::read_dir(directory.join("artifacts")) else {
            return;
        };
        let mut entries: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((
                    metadata.atime().max(metadata.mtime()),
                    metadata.len(),
                    entry.path(),
                ))
            })
            .collect();
        let mut bytes: u64 = entries.iter().map(|(_, size, _)| size).sum();
        entries.sort_unstable();
        for (_, size, path) in entries {
            if bytes <= CACHE_BYTES_MAX {
                break;
            }
            if std::fs::remove_file(path).is_ok() {
                bytes -= size;
            }
        }
    }
}

fn is_ours(metadata: &std::fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

/// Names the state of a file without reading it.
fn source_key(path: &Path) -> Option<String> {
    let metadata = path.metadata().ok()?;
    let state = format!(
        "{}\0{}\0{}.{}\0{}\0{}",
        path.canonicalize().ok()?.display(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.dev(),
        metadata.ino()
    );
    Some(hex::encode(Sha256::digest(state.as_bytes())))
}

fn artifact_key(engine: &Engine, digest: &str, kind: EngineKind) -> String {
    let mut settings = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut settings);
    env!("CARGO_PKG_VERSION").hash(&mut settings);
    format!("{digest}-{}-{:016x}", kind.name(), settings.finish())
}

/// The checksum finds damage, not malice: whoever could write here is the host's own user.
fn with_checksum(bytes: &[u8]) -> Vec<u8> {
    let mut entry = bytes.to_vec();
    entry.extend_from_slice(&xxh3_128(bytes).to_le_bytes());
    entry
}

fn checksum_holds(entry: &[u8]) -> bool {
    entry
        .len()
        .checked_sub(CHECKSUM_BYTES)
        .and_then(|length| entry.split_at_checked(length))
        .is_some_and(|(bytes, checksum)| checksum == xxh3_128(bytes).to_le_bytes())
}

#[expect(
    unsafe_code,
    reason = "mapped machine code; the entry's owner and checksum were checked"
)]
fn deserialize_file(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file was written by this host's user from `Engine::precompile_component`, nobody
    // else may write it, its checksum holds, and entries are never changed in place.
    unsafe { Component::deserialize_file(engine, path) }
}

#[expect(
    unsafe_code,
    reason = "machine code that this process compiled a moment ago"
)]
fn deserialize_bytes(engine: &Engine, machine_code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes come straight from `Engine::precompile_component`.
    unsafe { Component::deserialize(engine, machine_code) }
}

#[cfg(test)]
mod tests {
    use super::{ArtifactCache, checksum_holds, with_checksum};
    use crate::runtime::engine::Engines;

    const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    fn only_entry(directory: &std::path::Path) -> std::path::PathBuf {
        let mut entries: Vec<_> = std::fs::read_dir(directory.join("artifacts"))
            .unwrap()
            .flatten()
            .collect();
        assert_eq!(entries.len(), 1);
        entries.remove(0).path()
    }

    #[test]
    fn a_second_load_maps_what_the_first_compiled() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("empty.wasm");
        std::fs::write(&source, EMPTY_COMPONENT).unwrap();
        let engines = Engines::start(true).unwrap();
        let cache = ArtifactCache::open(&directory.path().join("cache"));
        let first = cache.load(&engines, &source).unwrap();
        let key = super::source_key(&source).unwrap();
        let second = cache
            .load_cached(&engines, &key)
            .expect("the cache answers without the wasm");
        assert_eq!(first.digest, second.digest);
    }

    #[test]
    fn a_damaged_entry_is_compiled_again() {
        let directory = tempfile::tempdir().unwrap();
        let engines = Engines::start(true).unwrap();
        let cache = ArtifactCache::open(&directory.path().join("cache"));
        cache
            .load_bytes(&engines, EMPTY_COMPONENT, "empty")
            .unwrap();
        let entry = only_entry(&directory.path().join("cache"));
        let good = std::fs::read(&entry).unwrap();
        for damaged in [
            &good[..good.len() / 2],
            b"",
            b"\x7fELF and then nothing of use",
        ] {
            std::fs::remove_file(&entry).unwrap();
            std::fs::write(&entry, damaged).unwrap();
            cache
                .load_bytes(&engines, EMPTY_COMPONENT, "empty")
                .unwrap();
            assert_eq!(std::fs::read(&entry).unwrap(), good);
        }
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let cache = directory.path().join("cache");
        std::fs::create_dir(&cache).unwrap();
        std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(ArtifactCache::open(&cache).directory.is_none());
    }

    #[test]
    fn the_checksum_finds_a_changed_bit() {
        let mut entry = with_checksum(b"machine code");
        assert!(checksum_holds(&entry));
        entry[3] ^= 1;
        assert!(!checksum_holds(&entry));
        assert!(!checksum_holds(b"short"));
    }
}
