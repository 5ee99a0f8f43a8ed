//! What the build commands need: looked at only where a component is built with cargo.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::finding::Finding;
use crate::manifest::model::Manifest;

/// Looks for cargo, the compiler and the targets that the manifest's build commands name.
pub fn examine(manifest: &Manifest) -> Vec<Finding> {
    let builds = manifest
        .components
        .values()
        .filter_map(|component| component.build.as_ref());
    let commands: Vec<&str> = builds
        .flat_map(|build| &build.commands)
        .map(String::as_str)
        .collect();
    if !commands.iter().any(|command| command.contains("cargo")) {
        return Vec::new();
    }
    let mut findings: Vec<Finding> = ["cargo", "rustc"].map(version).into();
    if let Some(sysroot) = sysroot() {
        findings.extend(
            targets(&commands)
                .into_iter()
                .map(|target| installed(target, &sysroot)),
        );
    }
    findings
}

fn version(program: &str) -> Finding {
    match output(program, "--version") {
        Some(version) => Finding::ok(program, version),
        None => {
            Finding::error(program, "cannot be run").mend("install Rust from https://rustup.rs")
        }
    }
}

/// The targets for WebAssembly that the commands build for.
fn targets<'c>(commands: &[&'c str]) -> Vec<&'c str> {
    let words = commands
        .iter()
        .flat_map(|command| command.split([' ', '=', '\t']));
    let mut targets: Vec<&str> = words.filter(|word| word.starts_with("wasm32-")).collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// Asks the compiler's own folder rather than rustup, which need not be there.
fn installed(target: &str, sysroot: &Path) -> Finding {
    let subject = format!("target {target}");
    if sysroot
        .join("lib/rustlib")
        .join(target)
        .join("lib")
        .is_dir()
    {
        Finding::ok(subject, "is installed")
    } else {
        Finding::error(subject, "is not installed").mend(format!("rustup target add {target}"))
    }
}

fn sysroot() -> Option<PathBuf> {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(text.trim()))
}

fn output(program: &str, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn targets_are_read_from_the_commands() {
        let commands = [
            "cargo build --target wasm32-wasip2 --release",
            "cargo build --target=wasm32-wasip1",
            "cargo build --target wasm32-wasip2",
        ];
        assert_eq!(targets(&commands), ["wasm32-wasip1", "wasm32-wasip2"]);
    }

    #[test]
    fn a_missing_target_names_the_command_that_adds_it() {
        let sysroot = tempfile::tempdir().unwrap();
        let finding = installed("wasm32-wasip2", sysroot.path());
        assert_eq!(finding.level, Level::Error);
        assert_eq!(
            finding.mend.as_deref(),
            Some("rustup target add wasm32-wasip2")
        );
        let folder = sysroot.path().join("lib/rustlib/wasm32-wasip2/lib");
        std::fs::create_dir_all(folder).unwrap();
        assert_eq!(installed("wasm32-wasip2", sysroot.path()).level, Level::Ok);
    }
}
