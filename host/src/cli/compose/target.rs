//! Where a composed artifact goes: the component's plain `source`, which stock engines run. It must
//! be nobody else's, because it is written over.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::shown;
use crate::manifest::model::{Component, Manifest, Source};

/// The file for a component's artifact; the error says what to write in the manifest.
pub(super) fn of(manifest: &Manifest, component: &Component) -> Result<PathBuf, String> {
    let id = &component.id;
    let Source::Path(target) = &component.source else {
        return Err(format!(
            "its artifact cannot be written, because its `source` is no path; write `source = \
             \"target/composed/{id}.wasm\"` under [component.{id}], and what stands there now \
             under [component.{id}.tool.kumiki]"
        ));
    };
    let own = shown(manifest, target);
    let is_target = |source: &Source| match source {
        Source::Path(path) => is_same(path, target),
        Source::Url { .. } | Source::Registry { .. } => false,
    };
    if component.settings.source.as_ref().is_none_or(is_target) {
        return Err(format!(
            "it has links, so what a stock engine runs is another artifact than what kumiki runs; \
             write `source = \"target/composed/{id}.wasm\"` under [component.{id}] for the \
             composed one, and `source = \"{own}\"` under [component.{id}.tool.kumiki]"
        ));
    }
    let others = manifest.components.values().filter(|other| other.id != *id);
    for other in others {
        if is_target(&other.source) || is_target(other.live_source()) {
            return Err(format!(
                "its artifact would be written over {own}, which component `{}` runs; give it a \
                 `source` of its own, such as \"target/composed/{id}.wasm\"",
                other.id
            ));
        }
    }
    Ok(target.clone())
}

/// Whether two paths name one file, however they are spelt.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    one == other || real(one).is_some_and(|one| Some(one) == real(other))
}

/// Writes an artifact in one step, so that nobody reads half of one.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let written = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            // As any file that a build makes: the user's umask decides.
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    written().map_err(|error| format!("{}: {error}", path.display()))
}
