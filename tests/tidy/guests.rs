//! Every guest is there for a behaviour of the host, so a test has to name it.

use std::path::Path;

use crate::Violation;
use crate::tree;

pub const UNTESTED: &str = "guest without a host test";

/// Folders with one guest per file.
const EXAMPLES: [&str; 2] = ["tests/guests/examples", "tests/guests/core/examples"];

/// Finds guests whose quoted name no end-to-end test contains.
pub fn check() -> Vec<Violation> {
    let tests: String = rust_files_in("tests/e2e")
        .chain(rust_files_in("tests/src"))
        .map(|path| tree::read(&path).text)
        .collect();
    let untested = guests()
        .into_iter()
        .filter(|(name, _)| !tests.contains(&format!("\"{name}\"")));
    untested
        .map(|(name, path)| Violation {
            rule: UNTESTED,
            path,
            detail: format!("no file of tests/e2e names \"{name}\""),
            subject: name,
        })
        .collect()
}

/// Name and path of every guest: the examples, and the packages beside them that are guests.
fn guests() -> Vec<(String, String)> {
    let examples = EXAMPLES
        .into_iter()
        .flat_map(rust_files_in)
        .map(|path| (stem(&path), path));
    let packages = folders_in("tests/guests").filter_map(|folder| {
        let path = format!("{folder}/Cargo.toml");
        let text = std::fs::read_to_string(tree::root().join(&path)).ok()?;
        // The package of the core modules holds examples, and is no guest itself.
        let name = text
            .lines()
            .find_map(|line| line.strip_prefix("name = \"guest-"))?;
        Some((
            format!("guest_{}", name.trim_end_matches('"').replace('-', "_")),
            path,
        ))
    });
    let guests: Vec<(String, String)> = examples.chain(packages).collect();
    assert!(guests.len() > 10, "only {} guests were found", guests.len());
    guests
}

fn stem(path: &str) -> String {
    Path::new(path)
        .file_stem()
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

fn rust_files_in(folder: &str) -> impl Iterator<Item = String> {
    entries(folder).filter(|path| path.ends_with(".rs"))
}

fn folders_in(folder: &str) -> impl Iterator<Item = String> {
    entries(folder).filter(|path| tree::root().join(path).is_dir())
}

/// The paths in a folder, relative to the root, in order.
fn entries(folder: &str) -> impl Iterator<Item = String> {
    let directory = std::fs::read_dir(tree::root().join(folder))
        .unwrap_or_else(|error| panic!("{folder} cannot be read: {error}"));
    let mut paths: Vec<String> = directory
        .map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    paths.sort();
    paths.into_iter()
}
