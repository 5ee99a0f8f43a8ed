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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::of;
    use crate::cli::sample::manifest;

    fn target(cart: &str, ours: &str) -> Result<std::path::PathBuf, String> {
        let manifest = manifest(&format!(
            r#"
            [[trigger.http]]
            route = "/"
            component = "cart"
            [component.catalog]
            source = "catalog.wasm"
            [component.cart]
            source = {cart}
            [component.cart.tool.kumiki]
            links = {{ "a:b/c@1.0.0" = "catalog" }}
            {ours}
            "#
        ));
        of(&manifest, &manifest.components["cart"])
    }

    #[test]
    fn an_artifact_is_never_written_over_what_somebody_runs() {
        let live = "source = \"cart.wasm\"";
        let fine = target("\"composed/cart.wasm\"", live).unwrap();
        assert_eq!(fine, Path::new("/app/composed/cart.wasm"));
        let url = format!(
            "{{ url = \"https://a.example/a.wasm\", digest = \"sha256:{}\" }}",
            "0".repeat(64)
        );
        for (cart, ours, part) in [
            (
                "\"cart.wasm\"",
                live,
                "is another artifact than what kumiki",
            ),
            ("\"cart.wasm\"", "", "and `source = \"cart.wasm\"` under"),
            ("\"catalog.wasm\"", live, "which component `catalog` runs"),
            (&url, live, "its `source` is no path"),
        ] {
            let error = target(cart, ours).unwrap_err();
            assert!(error.contains(part), "{cart}: {error}");
        }
    }
}
