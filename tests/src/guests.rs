//! Where the guests of `tests/guests/` are once they are built. The first question builds them, so
//! that no test runs against a guest older than its source.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

/// The folder that cargo builds into.
pub fn target_directory() -> PathBuf {
    let executable = std::env::current_exe().unwrap();
    let folder = executable
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists());
    folder.map_or_else(|| workspace().join("target"), Path::to_path_buf)
}

/// The artifact of a guest: an example of `kumiki-guests` by its name, `guest_spin_sdk_5`,
/// `guest_spin_sdk_7`, a `core_…` module, or the component `events`.
pub fn path(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(build);
    let (target, folder) = match name {
        core if core.starts_with("core_") => ("wasm32-wasip1", "examples"),
        "events" => ("wasm32-wasip2", ""),
        sdk if sdk.starts_with("guest_spin_sdk_") => ("wasm32-wasip2", ""),
        _ => ("wasm32-wasip2", "examples"),
    };
    let path = target_directory()
        .join(target)
        .join("guest")
        .join(folder)
        .join(format!("{name}.wasm"));
    assert!(path.exists(), "no guest `{name}` at {}", path.display());
    path
}

/// Builds every guest, unless `KUMIKI_GUESTS_BUILT` says that the caller has done so.
fn build() {
    if std::env::var_os("KUMIKI_GUESTS_BUILT").is_some() {
        return;
    }
    let components = [
        "-p",
        "kumiki-guests",
        "-p",
        "guest-spin-sdk-5",
        "-p",
        "guest-spin-sdk-7",
        "-p",
        "events",
    ];
    cargo_build("wasm32-wasip2", &components);
    cargo_build("wasm32-wasip1", &["-p", "kumiki-guests-core"]);
}

fn cargo_build(target: &str, packages: &[&str]) {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(workspace())
        .args(["build", "--quiet", "--profile", "guest", "--target", target])
        .args(packages)
        .args(["--lib", "--examples", "--target-dir"])
        .arg(target_directory())
        .status()
        .expect("cargo runs");
    assert!(
        status.success(),
        "the guests do not build; is `rustup target add {target}` done?"
    );
}
