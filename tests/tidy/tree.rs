//! The repository's Rust files, as git knows them. What is ignored, such as build output, is not
//! looked at; what is not committed yet is.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One Rust file.
pub struct SourceFile {
    /// Relative to the repository's root, with `/`.
    pub path: String,
    pub text: String,
}

impl SourceFile {
    /// Whether the file holds tests alone: an integration test, or the `tests` module of a file.
    pub fn is_test(&self) -> bool {
        let in_tests = self
            .path
            .split('/')
            .any(|step| step == "tests" || step == "tests.rs");
        in_tests && !self.path.starts_with("tests/guests/")
    }

    /// The file's syntax tree.
    pub fn syntax(&self) -> syn::File {
        match syn::parse_file(&self.text) {
            Ok(file) => file,
            Err(error) => panic!("{} cannot be parsed: {error}", self.path),
        }
    }
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

/// A file of the repository.
pub fn read(path: &str) -> SourceFile {
    let text = std::fs::read_to_string(root().join(path))
        .unwrap_or_else(|error| panic!("{path} cannot be read: {error}"));
    SourceFile {
        path: path.to_owned(),
        text,
    }
}

/// Every Rust file that is tracked, or would be with `git add`.
pub fn rust_files() -> Vec<SourceFile> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
            "--",
            "*.rs",
        ])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let list = String::from_utf8(output.stdout).unwrap();
    // A file that was removed and not yet committed is still on the list.
    let present = list
        .split('\0')
        .filter(|path| !path.is_empty() && root().join(path).exists());
    let files: Vec<SourceFile> = present.map(read).collect();
    assert!(
        files.len() > 20,
        "git lists only {} Rust files",
        files.len()
    );
    files
}
