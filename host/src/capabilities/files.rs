//! The files that the manifest gives a service, which the guest reads under `/`. They are copied
//! when the service is loaded, as Spin does: what changes on disk afterwards reaches the guest at
//! the next load, and nothing beside the named files can be reached, whatever links are made later.
//! The interface itself, `wasi:filesystem`, is left to wasmtime.

mod snapshot;
mod walk;

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use self::snapshot::Snapshot;
use self::walk::Walk;
use crate::manifest::model::FileMount;

/// The files of one service. Clones share one copy, which is removed with the last of them.
#[derive(Clone, Debug, Default)]
pub struct Config {
    snapshot: Option<Arc<Snapshot>>,
}

/// Why a service's files cannot be mounted.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A source or pattern without wildcards names nothing.
    #[error("`files`: {0} does not exist")]
    NoSuchSource(PathBuf),
    /// A pattern that cannot be read; the text says why.
    #[error("`files` or `exclude_files`: `{pattern}` is not a pattern: {reason}")]
    BadPattern {
        /// As in the manifest.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pattern is absolute or goes up.
    #[error(
        "`files`: the pattern `{0}` leaves the manifest's folder; use {{ source = …, destination \
         = … }} to mount what lies elsewhere"
    )]
    OutsideApplication(String),
    /// The source is the state directory, lies in it, or leads there by a link.
    #[error(
        "`files`: {path} is part of the state directory {state_directory}, which no service may \
         read; leave it out or name it in `exclude_files`"
    )]
    InStateDirectory {
        /// As found.
        path: PathBuf,
        /// With links resolved.
        state_directory: PathBuf,
    },
    /// The source holds the state directory.
    #[error(
        "`files`: the state directory {state_directory} lies in {path}; name the folders to mount \
         one by one, or move the state by --state-dir"
    )]
    ContainsStateDirectory {
        /// The source.
        path: PathBuf,
        /// With links resolved.
        state_directory: PathBuf,
    },
    /// A symbolic link leads out of what is mounted.
    #[error(
        "`files`: the link {link} leads to {target}, outside of {boundary}; mount the target \
         itself or name the link in `exclude_files`"
    )]
    LeadsOut {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
        /// What it must stay in.
        boundary: PathBuf,
    },
    /// Something else than a file or a folder, such as a pipe.
    #[error("`files`: {0} is neither a file nor a folder")]
    NotAFile(PathBuf),
    /// A destination that is no place in the guest's file system.
    #[error("`files`: the destination `{destination}` {reason}")]
    BadDestination {
        /// As in the manifest.
        destination: String,
        /// To be read after it.
        reason: &'static str,
    },
    /// The folder for copies lies in the state directory.
    #[error(
        "the folder {0} for copies of `files` lies in the state directory, which no service may \
         read; set TMPDIR to another one"
    )]
    AssemblyInStateDirectory(PathBuf),
    /// A file or folder could not be read or copied.
    #[error("`files`: {path}: {source}")]
    Io {
        /// What could not be read or copied.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Config {
    /// Copies the files of a service to a new folder in `assembly_directory`. Patterns, in `mounts`
    /// as in `exclude`, are relative to the manifest's folder. A pattern that matches nothing is
    /// worth a warning only. Blocks on the disk.
    pub fn prepare(
        mounts: &[FileMount],
        exclude: &[String],
        manifest_directory: &Path,
        state_directory: &Path,
        assembly_directory: &Path,
    ) -> Result<Config, FilesError> {
        if mounts.is_empty() {
            return Ok(Config::default());
        }
        let application = resolve(manifest_directory)?;
        // A state directory that does not exist yet cannot be linked to either.
        let state = state_directory
            .canonicalize()
            .unwrap_or_else(|_| state_directory.to_owned());
        let assembly = resolve(assembly_directory)?;
        if assembly.starts_with(&state) {
            return Err(FilesError::AssemblyInStateDirectory(assembly));
        }
        // As in Spin, a `*` in `exclude_files` stands for slashes too.
        let exclude = exclude.iter().map(|pattern| compile(pattern, false));
        let exclude = exclude.collect::<Result<Vec<_>, _>>()?;
        let walk = Walk::new(application, state, exclude);
        let snapshot = Snapshot::new(&assembly)?;
        for mount in mounts {
            match mount {
                FileMount::Glob(pattern) => add_pattern(&snapshot, &walk, pattern)?,
                FileMount::Placement {
                    source,
                    destination,
                } => {
                    add_placement(&snapshot, &walk, source, destination)?;
                }
            }
        }
        Ok(Config {
            snapshot: Some(Arc::new(snapshot)),
        })
    }

    /// Lets a new instance read the files under `/`. A service without files gets no folder at all.
    pub fn apply(&self, builder: &mut WasiCtxBuilder) -> wasmtime::Result<()> {
        if let Some(snapshot) = &self.snapshot {
            builder.preopened_dir(snapshot.root(), "/", FsPerms::ReadOnly)?;
        }
        Ok(())
    }
}

fn add_pattern(snapshot: &Snapshot, walk: &Walk, pattern: &str) -> Result<(), FilesError> {
    let relative = Path::new(pattern.strip_prefix("./").unwrap_or(pattern));
    let is_inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !relative.components().all(is_inside) {
        return Err(FilesError::OutsideApplication(pattern.to_owned()));
    }
    let path = walk.application().join(relative);
    if path.symlink_metadata().is_ok() {
        // The whole path stands for itself, even when it has characters of a pattern.
        return add_source(snapshot, walk, &path, relative, walk.application());
    }
    if !is_wildcard(pattern) {
        return Err(FilesError::NoSuchSource(path));
    }
    let matcher = compile(&relative.to_string_lossy(), true)?;
    // What stands before the first wildcard is where the search starts, and no state directory.
    let parts = relative.components().map(|part| part.as_os_str());
    let fixed: PathBuf = parts
        .take_while(|part| !is_wildcard(&part.to_string_lossy()))
        .collect();
    let root = walk.application().join(&fixed);
    let mut count = 0;
    if root.is_dir() {
        walk.check_link(&root, walk.application())?;
        let is_wanted = |path: &Path| {
            path.strip_prefix(walk.application())
                .is_ok_and(|path| matcher.is_match(path))
        };
        for file in walk.files(&root, walk.application(), &is_wanted)? {
            let destination = file.strip_prefix(walk.application()).unwrap_or(&file);
            snapshot.add(&file, destination)?;
            count += 1;
        }
    }
    if count == 0 {
        tracing::warn!("`files`: the pattern `{pattern}` matches no file");
    }
    Ok(())
}

fn add_placement(
    snapshot: &Snapshot,
    walk: &Walk,
    source: &Path,
    destination: &str,
) -> Result<(), FilesError> {
    let bad = |reason| FilesError::BadDestination {
        destination: destination.to_owned(),
        reason,
    };
    let mut place = PathBuf::new();
    for part in Path::new(destination).components() {
        match part {
            Component::Normal(name) => place.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(bad("must not go up")),
        }
    }
    let path = walk.application().join(source);
    let metadata = path.metadata().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FilesError::NoSuchSource(path.clone()),
        _ => FilesError::Io {
            path: path.clone(),
            source: error,
        },
    })?;
    let names_a_folder = place.as_os_str().is_empty() || destination.ends_with('/');
    if !metadata.is_dir() && names_a_folder {
        return Err(bad(
            "is a folder, but the source is a file; add the file's name",
        ));
    }
    // The operator may name a link as the source: then its target is what is mounted.
    let path = resolve(&path)?;
    add_source(snapshot, walk, &path, &place, &path)
}

/// Adds one file, or all files below a folder.
fn add_source(
    snapshot: &Snapshot,
    walk: &Walk,
    source: &Path,
    place: &Path,
    boundary: &Path,
) -> Result<(), FilesError> {
    walk.check_link(source, boundary)?;
    if !source.is_dir() {
        walk.check_file(source)?;
        return snapshot.add(source, place);
    }
    walk.check_contains(source)?;
    for file in walk.files(source, boundary, &|_| true)? {
        let below = file.strip_prefix(source).unwrap_or(&file);
        snapshot.add(&file, &place.join(below))?;
    }
    // An empty folder stands in the guest as well.
    snapshot.add_folder(place)
}

fn is_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

fn compile(pattern: &str, literal_separator: bool) -> Result<GlobMatcher, FilesError> {
    let mut builder = GlobBuilder::new(pattern);
    let glob = builder.literal_separator(literal_separator).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| FilesError::BadPattern {
            pattern: pattern.to_owned(),
            reason: error.kind().to_string(),
        })
}

fn resolve(path: &Path) -> Result<PathBuf, FilesError> {
    path.canonicalize().map_err(|source| FilesError::Io {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
