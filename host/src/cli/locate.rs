//! Finds the manifest that a command works on, as Spin does, and loads it. Checking it is left to
//! `manifest`.

use std::path::{Path, PathBuf};

use crate::manifest::model::Manifest;
use crate::manifest::{self, FILE_NAME, LoadOptions};

/// Why there is no manifest to work on.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// Nothing stands at the given path.
    #[error("{path} does not exist; give a manifest, or a folder with a {FILE_NAME}, with --file")]
    Missing { path: PathBuf },
    /// The given folder has no manifest.
    #[error("the folder {path} has no {FILE_NAME}; name the manifest with --file")]
    EmptyFolder { path: PathBuf },
    /// A component in the place of a manifest.
    #[error(
        "{path} is WebAssembly, not a manifest; `kumiki new` makes an app with a manifest, to put \
         the component into"
    )]
    WebAssembly { path: PathBuf },
    /// No flag, and neither this folder nor one above it in its repository has a manifest.
    #[error(
        "no {FILE_NAME} in {path} nor in a folder above it, up to the root of its repository; name \
         one with --file, or make a new app with `kumiki new`"
    )]
    NotFound { path: PathBuf },
}

/// The absolute path of the manifest: the one given (or the one in the given folder), else the
/// nearest `spin.toml` from `current_directory` upwards. The search ends at the root of a
/// repository, as Spin's does, so that a manifest that lies about above it is never taken for this
/// app's.
pub fn manifest_path(
    given: Option<&Path>,
    current_directory: &Path,
) -> Result<PathBuf, LocateError> {
    match given {
        Some(given) => given_manifest(&current_directory.join(given)),
        None => nearest_manifest(current_directory).ok_or_else(|| LocateError::NotFound {
            path: current_directory.to_owned(),
        }),
    }
}

fn nearest_manifest(current_directory: &Path) -> Option<PathBuf> {
    for folder in current_directory.ancestors() {
        let candidate = folder.join(FILE_NAME);
        if candidate.is_file() {
            return Some(candidate);
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

fn given_manifest(path: &Path) -> Result<PathBuf, LocateError> {
    let path = path.to_owned();
    if path.is_dir() {
        let inside = path.join(FILE_NAME);
        return if inside.is_file() {
            Ok(inside)
        } else {
            Err(LocateError::EmptyFolder { path })
        };
    }
    if !path.exists() {
        return Err(LocateError::Missing { path });
    }
    if path
        .extension()
        .is_some_and(|extension| extension == "wasm")
    {
        return Err(LocateError::WebAssembly { path });
    }
    Ok(path)
}

/// Reads and checks a manifest; the error lists every mistake in it.
pub fn load_manifest(path: &Path, profile: Option<&str>, stock: bool) -> anyhow::Result<Manifest> {
    let options = LoadOptions {
        profile: profile.map(str::to_owned),
        stock,
    };
    Ok(manifest::load(path, &options)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_means_the_manifest_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join(FILE_NAME);
        std::fs::write(&manifest, "").unwrap();
        assert_eq!(
            manifest_path(Some(folder.path()), Path::new("/")).unwrap(),
            manifest
        );
    }

    #[test]
    fn a_relative_path_starts_at_the_current_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("other.toml"), "").unwrap();
        let found = manifest_path(Some(Path::new("other.toml")), folder.path()).unwrap();
        assert_eq!(found, folder.path().join("other.toml"));
    }

    #[test]
    fn the_nearest_manifest_above_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(folder.path().join(FILE_NAME), "").unwrap();
        assert_eq!(
            manifest_path(None, &below).unwrap(),
            folder.path().join(FILE_NAME)
        );
    }

    #[test]
    fn a_manifest_above_the_repository_is_not_this_apps() {
        let folder = tempfile::tempdir().unwrap();
        let repository = folder.path().join("repository");
        let below = repository.join("a");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::create_dir(repository.join(".git")).unwrap();
        std::fs::write(folder.path().join(FILE_NAME), "").unwrap();
        let refusal = manifest_path(None, &below).unwrap_err().to_string();
        assert!(refusal.contains("the root of its repository"), "{refusal}");
        let manifest = repository.join(FILE_NAME);
        std::fs::write(&manifest, "").unwrap();
        assert_eq!(manifest_path(None, &below).unwrap(), manifest);
    }

    #[test]
    fn each_way_to_miss_a_manifest_names_the_mend() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.wasm"), "").unwrap();
        let failure = |given: &str| {
            manifest_path(Some(Path::new(given)), folder.path())
                .unwrap_err()
                .to_string()
        };
        assert!(failure("nowhere").contains("does not exist"));
        assert!(failure(".").contains("has no spin.toml"));
        assert!(failure("a.wasm").contains("is WebAssembly"));
    }
}
