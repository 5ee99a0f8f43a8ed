//! The component that runs for an entry of the manifest, with Spin's `dependencies` composed into
//! it. Where it stands on disk is decided here, so that a start with a full cache composes nothing;
//! what a dependency may do is decided in [`crate::composition::dependencies`].

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::composition::dependencies::{self, DependencyError};
use crate::manifest::model::{Component, Dependency, DependencySource, Manifest, Source};
use crate::runtime::componentize::{ComponentizeError, componentize};
use crate::runtime::sources::{self, SourceError};

/// Part of the name of what is kept: another one for each way to compose that there has been.
const COMPOSER: &str = "1";

/// Why a component with dependencies cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("dependency `{name}`: {error}")]
    Dependency { name: String, error: SourceError },
    #[error(
        "dependency `{name}` comes from a registry, which kumiki does not fetch from; fetch it \
         with `wkg get {package}` and name its file: `\"{name}\" = {{ path = \"…\" }}`"
    )]
    Registry { name: String, package: String },
    #[error(
        "dependency `{name}` is component `{component}`, which is not in the manifest as it is run"
    )]
    NoComponent { name: String, component: String },
    #[error("{path}: {error}")]
    Read { path: String, error: std::io::Error },
    #[error("{path}: {error}")]
    Componentize {
        path: String,
        error: ComponentizeError,
    },
    #[error("its dependencies cannot be composed into it: {0}")]
    Compose(#[from] DependencyError),
    #[error("what is composed cannot be kept at {path}: {error}")]
    Keep { path: String, error: std::io::Error },
}

/// The file of what runs for a component: its source, or what is kept below `cache` of it and its
/// dependencies, composed now where one of them has changed.
pub fn artifact(
    component: &Component,
    manifest: &Manifest,
    cache: &Path,
) -> Result<PathBuf, ArtifactError> {
    let downloads = cache.join("downloads");
    if component.dependencies.is_empty() {
        return Ok(sources::locate(component.live_source(), &downloads)?);
    }
    let inputs = Inputs::locate(component, manifest, &downloads)?;
    let folder = cache.join("composed").join(&component.id);
    let kept = folder.join(format!("{}.wasm", inputs.key()?));
    if !kept.is_file() {
        let composed = inputs.compose()?;
        keep(&folder, &kept, &composed).map_err(|error| ArtifactError::Keep {
            path: kept.display().to_string(),
            error,
        })?;
    }
    Ok(kept)
}

/// A component with its dependencies inside.
pub fn composed(component: &Component, manifest: &Manifest) -> Result<Vec<u8>, ArtifactError> {
    if component.dependencies.is_empty() {
        return plain(component);
    }
    let downloads = Downloads::new()?;
    Inputs::locate(component, manifest, downloads.0.path())?.compose()
}

/// A component alone.
pub fn plain(component: &Component) -> Result<Vec<u8>, ArtifactError> {
    let downloads = Downloads::new()?;
    read(&sources::locate(
        component.live_source(),
        downloads.0.path(),
    )?)
}

/// A place for downloads where there is no state directory to keep them in.
struct Downloads(tempfile::TempDir);

impl Downloads {
    fn new() -> Result<Self, ArtifactError> {
        tempfile::tempdir()
            .map(Self)
            .map_err(|error| ArtifactError::Keep {
                path: std::env::temp_dir().display().to_string(),
                error,
            })
    }
}

/// The files that are composed.
struct Inputs<'m> {
    source: PathBuf,
    dependencies: Vec<(&'m str, &'m Dependency, PathBuf)>,
}

impl<'m> Inputs<'m> {
    fn locate(
        component: &'m Component,
        manifest: &Manifest,
        downloads: &Path,
    ) -> Result<Self, ArtifactError> {
        let source = sources::locate(component.live_source(), downloads)?;
        let mut dependencies = Vec::new();
        for (name, dependency) in &component.dependencies {
            let path = locate(name, dependency, manifest, downloads)?;
            dependencies.push((name.as_str(), dependency, path));
        }
        Ok(Self {
            source,
            dependencies,
        })
    }

    /// Another one whenever something else would be composed.
    fn key(&self) -> Result<String, ArtifactError> {
        let mut text = format!("{COMPOSER}\n{}\n", identity(&self.source)?);
        for (name, dependency, path) in &self.dependencies {
            let Dependency {
                export,
                inherit_configuration,
                ..
            } = dependency;
            let identity = identity(path)?;
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "{name:?} {export:?} {inherit_configuration:?} {identity}"
            );
        }
        Ok(hex::encode(Sha256::digest(text)))
    }

    fn compose(&self) -> Result<Vec<u8>, ArtifactError> {
        let mut parts = Vec::new();
        for (name, dependency, path) in &self.dependencies {
            parts.push(dependencies::Dependency {
                name: (*name).to_owned(),
                component: read(path)?,
                export: dependency.export.clone(),
                inherits: dependency.inherit_configuration.clone(),
            });
        }
        Ok(dependencies::compose(&read(&self.source)?, &parts)?)
    }
}

fn locate(
    name: &str,
    dependency: &Dependency,
    manifest: &Manifest,
    downloads: &Path,
) -> Result<PathBuf, ArtifactError> {
    let source = match &dependency.source {
        DependencySource::Path(path) => Source::Path(path.clone()),
        DependencySource::Url { url, digest } => Source::Url {
            url: url.clone(),
            digest: digest.clone(),
        },
        DependencySource::Component(id) => match manifest.components.get(id) {
            Some(component) => component.live_source().clone(),
            None => {
                return Err(ArtifactError::NoComponent {
                    name: name.to_owned(),
                    component: id.clone(),
                });
            }
        },
        DependencySource::Version { package, .. } => {
            let own = name.split(['/', '@']).next().unwrap_or(name);
            return Err(ArtifactError::Registry {
                name: name.to_owned(),
                package: package.clone().unwrap_or_else(|| own.to_owned()),
            });
        }
    };
    sources::locate(&source, downloads).map_err(|error| ArtifactError::Dependency {
        name: name.to_owned(),
        error,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, ArtifactError> {
    let shown = || path.display().to_string();
    let wasm = std::fs::read(path).map_err(|error| ArtifactError::Read {
        path: shown(),
        error,
    })?;
    let component = componentize(&wasm).map_err(|error| ArtifactError::Componentize {
        path: shown(),
        error,
    })?;
    Ok(component.into_owned())
}

/// What tells a file from another one, and from itself after a change.
fn identity(path: &Path) -> Result<String, ArtifactError> {
    let metadata = path.metadata().map_err(|error| ArtifactError::Read {
        path: path.display().to_string(),
        error,
    })?;
    Ok(format!(
        "{path:?} {} {}.{} {}:{}",
        metadata.size(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.dev(),
        metadata.ino()
    ))
}

/// Writes what was composed in one step, and removes what was composed before of other inputs.
fn keep(folder: &Path, path: &Path, composed: &[u8]) -> std::io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    for entry in std::fs::read_dir(folder)? {
        std::fs::remove_file(entry?.path())?;
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(composed)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
