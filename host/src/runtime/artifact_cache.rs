//! Compiled artifacts on disk: what was compiled once is known at the next start, and its code is
//! mapped when it is called.
//!
//! [`ArtifactCache::inspect`] says what an artifact is and holds no code; with a full cache it
//! reads two small files and no wasm. [`ArtifactCache::code`] maps the machine code. What was
//! compiled just now is not kept for that: to map it takes a thousandth of what compiling took, and
//! a host with thousands of services must not hold the code of all of them. How entries are kept
//! is left to [`entries`], what they say of a component to [`summaries`].

mod entries;
pub mod summaries;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use self::entries::{Entries, Folder};
use self::summaries::{Build, Summaries};
use super::componentize::{ComponentizeError, componentize, engine_kind};
use super::contracts::Contract;
use super::engine::{EngineError, EngineKind, Engines};

/// Counts up when what entries hold changes its form.
const FORMAT: u32 = 1;

/// A file may be written twice without a change of its time, which file systems count in steps of
/// up to 10 ms. So one that was written a moment ago is read when that moment is over.
const SETTLED_AFTER: Duration = Duration::from_millis(20);

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
    /// Its code has to be compiled again, from a file that is another one by now.
    #[error(
        "{path}: the file has changed since the host read it, and the code of the version that \
         runs is no longer cached; restart the host to run the new version, or put the file with \
         SHA-256 {digest} back"
    )]
    Changed { path: String, digest: Arc<str> },
    /// The host has no engine for it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What an artifact on disk is; it holds no code, unless no cache can.
#[derive(Clone)]
pub struct Artifact {
    path: Arc<Path>,
    build: Arc<Build>,
}

impl Artifact {
    /// SHA-256 of the artifact's bytes as they lie on disk, in hexadecimal.
    pub fn digest(&self) -> &Arc<str> {
        &self.build.digest
    }

    /// The engine that it runs in.
    pub fn kind(&self) -> EngineKind {
        self.build.kind
    }

    /// What it imports and exports.
    pub fn contract(&self) -> &Arc<Contract> {
        &self.build.contract
    }

    /// The file that it came from.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The cache; without a folder that can be trusted, code stays in memory.
pub struct ArtifactCache {
    entries: Option<Entries>,
    summaries: Summaries,
}

impl ArtifactCache {
    /// No cache: everything is compiled at each start and stays in memory.
    pub fn none() -> Self {
        Self {
            entries: None,
            summaries: Summaries::default(),
        }
    }

    /// A cache below `directory`, which is made if missing. Where it belongs to somebody else or
    /// others may write to it, no cache is used and one warning says so.
    pub fn open(directory: &Path) -> Self {
        Self {
            entries: Entries::open(directory),
            summaries: Summaries::default(),
        }
    }

    /// What the artifact at `path` is. With a full cache this takes microseconds; else it is
    /// compiled now, so that every fault of it is found here.
    pub fn inspect(&self, engines: &Engines, path: &Path) -> Result<Artifact, ArtifactError> {
        let build = match self.find(engines, path) {
            Some(build) => build,
            None => self.read(engines, path)?,
        };
        if let Some(reason) = &build.pool_refusal {
            tracing::warn!(
                "{} does not fit the instance pool and runs slower: {reason}",
                path.display()
            );
        }
        Ok(Artifact {
            path: path.into(),
            build,
        })
    }

    /// The code of an artifact: mapped from the cache, or compiled again from the file that it came
    /// from. Blocks for a few hundred microseconds in the one case and for as long as a compilation
    /// takes in the other; who must not block so long asks [`Self::cached_code`] first.
    pub fn code(&self, engines: &Engines, artifact: &Artifact) -> Result<Component, ArtifactError> {
        if let Some(component) = self.cached_code(engines, artifact)? {
            return Ok(component);
        }
        let name = artifact.path.display().to_string();
        let (wasm, _) = read_source(&artifact.path)?;
        let build = &artifact.build;
        if digest_of(&wasm) != *build.digest {
            return Err(ArtifactError::Changed {
                path: name,
                digest: build.digest.clone(),
            });
        }
        let bytes = componentize(&wasm).map_err(|error| ArtifactError::Componentize {
            path: name.clone(),
            error,
        })?;
        self.compile(engines, &bytes, &build.digest, build.kind, &name)
            .map(|compiled| compiled.component)
    }

    /// The code of an artifact if it takes no compilation.
    pub fn cached_code(
        &self,
        engines: &Engines,
        artifact: &Artifact,
    ) -> Result<Option<Component>, ArtifactError> {
        let build = &artifact.build;
        if let Some(component) = &build.kept {
            return Ok(Some(component.clone()));
        }
        let engine = match build.pool_refusal {
            None => engines.get(build.kind),
            Some(_) => engines.get_on_demand(build.kind)?,
        };
        let key = artifact_key(engines, &build.digest, build.kind);
        Ok(self.map(engine, &key))
    }

    /// Whether [`Self::set_checked`] was called for this key, by this version of the host.
    pub fn is_checked(&self, engines: &Engines, key: &str) -> bool {
        let key = summary_key(engines, key);
        let entries = self.entries.as_ref();
        entries.is_some_and(|entries| entries.read(Folder::Checked, &key).is_some())
    }

    /// Remembers that a component was linked without a fault.
    pub fn set_checked(&self, engines: &Engines, key: &str) {
        if let Some(entries) = &self.entries {
            entries.write(Folder::Checked, &summary_key(engines, key), b"");
        }
    }

    /// What is known of the file at `path` without reading it.
    fn find(&self, engines: &Engines, path: &Path) -> Option<Arc<Build>> {
        let entries = self.entries.as_ref()?;
        let key = source_key(path, &path.metadata().ok()?)?;
        let digest = entries.read(Folder::Sources, &key)?;
        let digest = str::from_utf8(&digest).ok().filter(|it| is_digest(it))?;
        self.find_digest(engines, digest)
    }

    /// What is known of a component, if its code is at hand as well.
    fn find_digest(&self, engines: &Engines, digest: &str) -> Option<Arc<Build>> {
        let key = summary_key(engines, digest);
        let entries = self.entries.as_ref();
        let build = self.summaries.find(entries, digest, &key)?;
        let key = artifact_key(engines, digest, build.kind);
        let has_code = build.kept.is_some()
            || entries.is_some_and(|entries| entries.note_use(Folder::Artifacts, &key));
        has_code.then_some(build)
    }

    /// Reads the file at `path`, and compiles it unless its content is known.
    fn read(&self, engines: &Engines, path: &Path) -> Result<Arc<Build>, ArtifactError> {
        let (wasm, state) = read_source(path)?;
        let digest = digest_of(&wasm);
        let build = match self.find_digest(engines, &digest) {
            Some(build) => build,
            None => self.build(engines, &wasm, &digest, &path.display().to_string())?,
        };
        if let (Some(entries), Some(key)) = (&self.entries, state) {
            entries.write(Folder::Sources, &key, digest.as_bytes());
        }
        Ok(build)
    }

    /// What a component is whose digest is not known; `name` stands in errors.
    fn build(
        &self,
        engines: &Engines,
        wasm: &[u8],
        digest: &str,
        name: &str,
    ) -> Result<Arc<Build>, ArtifactError> {
        let invalid = |error| ArtifactError::Componentize {
            path: name.to_owned(),
            error,
        };
        let bytes = componentize(wasm).map_err(invalid)?;
        let kind = engine_kind(&bytes).map_err(invalid)?;
        let engine = engines.get(kind);
        let compiled = match self.map(engine, &artifact_key(engines, digest, kind)) {
            Some(component) => Compiled {
                component,
                pool_refusal: None,
                is_cached: true,
            },
            None => self.compile(engines, &bytes, digest, kind, name)?,
        };
        let build = Build {
            digest: digest.into(),
            kind,
            contract: Arc::new(Contract::of(&compiled.component)),
            pool_refusal: compiled.pool_refusal,
            kept: (!compiled.is_cached).then_some(compiled.component),
        };
        let key = summary_key(engines, digest);
        Ok(self.summaries.keep(self.entries.as_ref(), &key, build))
    }

    fn compile(
        &self,
        engines: &Engines,
        component: &[u8],
        digest: &str,
        kind: EngineKind,
        name: &str,
    ) -> Result<Compiled, ArtifactError> {
        let refused = |error: wasmtime::Error| ArtifactError::Compile {
            path: name.to_owned(),
            reason: format!("{error:#}"),
        };
        let engine = engines.get(kind);
        let machine_code = engine.precompile_component(component).map_err(refused)?;
        let (component, pool_refusal) = match deserialize_bytes(engine, &machine_code) {
            Ok(component) => (component, None),
            Err(reason) => {
                let engine = engines.get_on_demand(kind)?;
                let component = deserialize_bytes(engine, &machine_code).map_err(refused)?;
                (component, Some(format!("{reason:#}").into_boxed_str()))
            }
        };
        let is_cached = self.entries.as_ref().is_some_and(|entries| {
            let key = artifact_key(engines, digest, kind);
            entries.write(Folder::Artifacts, &key, &machine_code)
        });
        Ok(Compiled {
            component,
            pool_refusal,
            is_cached,
        })
    }

    fn map(&self, engine: &Engine, key: &str) -> Option<Component> {
        let entries = self.entries.as_ref()?;
        let mut entry = entries.find(Folder::Artifacts, key)?;
        if !entry.checksum_holds() {
            entries.refuse(Folder::Artifacts, key, "is damaged");
            return None;
        }
        entry.note_use();
        // The descriptor that was checked is the one that is mapped, whatever the path names by
        // now.
        let opened = PathBuf::from(format!("/proc/self/fd/{}", entry.file().as_raw_fd()));
        deserialize_file(engine, &opened)
            .inspect_err(|error| {
                let reason = format!("is unusable: {error:#}");
                entries.refuse(Folder::Artifacts, key, &reason);
            })
            .ok()
    }
}

/// What a compilation leaves.
struct Compiled {
    component: Component,
    pool_refusal: Option<Box<str>>,
    is_cached: bool,
}

/// The bytes of an artifact, and the key under which their digest can be remembered, if it can.
fn read_source(path: &Path) -> Result<(Vec<u8>, Option<String>), ArtifactError> {
    let read = || {
        let mut file = File::open(path)?;
        let before = file.metadata()?;
        // The time of a file from the future says nothing.
        let age = before.modified()?.elapsed().ok();
        if let Some(rest) = age.and_then(|age| SETTLED_AFTER.checked_sub(age)) {
            std::thread::sleep(rest);
        }
        let mut wasm = Vec::with_capacity(usize::try_from(before.len()).unwrap_or_default());
        file.read_to_end(&mut wasm)?;
        // A file that is written while it is read has another state afterwards.
        let after = source_key(path, &file.metadata()?);
        let key =
            source_key(path, &before).filter(|key| age.is_some() && Some(key) == after.as_ref());
        Ok((wasm, key))
    };
    read().map_err(|error| ArtifactError::Read {
        path: path.display().to_string(),
        error,
    })
}

/// Names the state of a file without reading it.
fn source_key(path: &Path, metadata: &std::fs::Metadata) -> Option<String> {
    let state = format!(
        "{}\0{}\0{}.{}\0{}\0{}",
        path.canonicalize().ok()?.display(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.dev(),
        metadata.ino()
    );
    Some(digest_of(state.as_bytes()))
}

/// The code of a component. An engine with a pool and one without take the same code.
fn artifact_key(engines: &Engines, digest: &str, kind: EngineKind) -> String {
    let mut settings = DefaultHasher::new();
    let engine = engines.get(kind);
    engine.precompile_compatibility_hash().hash(&mut settings);
    env!("CARGO_PKG_VERSION").hash(&mut settings);
    FORMAT.hash(&mut settings);
    format!("{digest}-{}-{:016x}", kind.name(), settings.finish())
}

/// What is known of a component depends on both engines, and on whether they have a pool.
fn summary_key(engines: &Engines, digest: &str) -> String {
    let mut settings = DefaultHasher::new();
    for kind in [EngineKind::Plain, EngineKind::Concurrent] {
        let engine = engines.get(kind);
        engine.precompile_compatibility_hash().hash(&mut settings);
    }
    engines.is_pooling().hash(&mut settings);
    env!("CARGO_PKG_VERSION").hash(&mut settings);
    FORMAT.hash(&mut settings);
    format!("{digest}-{:016x}", settings.finish())
}

fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Whether a text can name an entry: a digest and nothing else.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
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
