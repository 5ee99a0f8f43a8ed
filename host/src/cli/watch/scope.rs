//! Which files matter to a running app, and what a change of one of them means: build a component,
//! start again, or read the manifest again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component as Step, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use notify::RecursiveMode;

use crate::cli::build::artifact;
use crate::manifest::folder_of;
use crate::manifest::model::{Component, FileMount, Manifest};

/// Characters that make a step of a path a pattern.
const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

/// The files of an app that matter while it runs.
pub struct Scope {
    manifest: PathBuf,
    runtime_config: PathBuf,
    rules: Vec<Rule>,
}

/// Files, and what their change means.
struct Rule {
    matcher: GlobMatcher,
    /// The folder below which all matching files lie.
    folder: PathBuf,
    mode: RecursiveMode,
    /// The component to build; `None`: starting again is enough.
    build: Option<String>,
}

/// What has changed since the last start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The manifest, or all of it for the first time: every component is built.
    everything: bool,
    build: BTreeSet<String>,
    restart: bool,
}

impl Change {
    /// What the first start has to do.
    pub fn everything() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what the change of one file means.
    pub fn add(&mut self, scope: &Scope, path: &Path) {
        if path == scope.manifest {
            self.everything = true;
        }
        if path == scope.runtime_config {
            self.restart = true;
        }
        for rule in scope
            .rules
            .iter()
            .filter(|rule| rule.matcher.is_match(path))
        {
            match &rule.build {
                Some(id) => {
                    self.build.insert(id.clone());
                }
                None => self.restart = true,
            }
        }
    }

    pub fn merge(&mut self, other: Change) {
        self.everything |= other.everything;
        self.restart |= other.restart;
        self.build.extend(other.build);
    }

    /// Ids of the components to build, as the manifest has them now.
    pub fn components_to_build(&self, manifest: &Manifest) -> Vec<String> {
        let built = manifest
            .components
            .values()
            .filter(|component| component.build.is_some());
        built
            .filter(|component| self.everything || self.build.contains(&component.id))
            .map(|component| component.id.clone())
            .collect()
    }
}

impl Scope {
    /// What matters while the manifest cannot be read.
    pub fn of_manifest_alone(manifest: &Path) -> Self {
        Self {
            manifest: manifest.to_owned(),
            runtime_config: folder_of(manifest).join("runtime-config.toml"),
            rules: Vec::new(),
        }
    }

    /// What matters to this app. With `skip_build` artifacts matter, else the sources they are
    /// built from.
    pub fn of(manifest: &Manifest, skip_build: bool) -> Self {
        let mut scope = Self::of_manifest_alone(&manifest.path);
        for component in manifest.components.values() {
            scope.add_files(&manifest.directory, component);
            match &component.build {
                Some(build) if !skip_build => {
                    let workdir = build.workdir.as_ref().unwrap_or(&manifest.directory);
                    for pattern in &build.watch {
                        scope.add(workdir, pattern, Some(&component.id));
                    }
                }
                _ => {
                    if let Some(artifact) = artifact(component) {
                        scope.add_path(&artifact);
                    }
                }
            }
        }
        scope
    }

    fn add_files(&mut self, directory: &Path, component: &Component) {
        for mount in &component.files {
            match mount {
                FileMount::Glob(pattern) => self.add(directory, pattern, None),
                FileMount::Placement { source, .. } => {
                    let source = directory.join(source);
                    if source.is_dir() {
                        self.add(&source, "**", None);
                    }
                    self.add_path(&source);
                }
            }
        }
    }

    fn add_path(&mut self, path: &Path) {
        if let (Some(folder), Some(name)) = (path.parent(), path.file_name()) {
            self.add(folder, &globset::escape(&name.to_string_lossy()), None);
        }
    }

    /// Adds the files that a pattern, which starts at a folder, matches. A pattern that cannot be
    /// read matches none; the manifest's own check reports it.
    fn add(&mut self, folder: &Path, pattern: &str, build: Option<&str>) {
        let (folder, pattern) = split_pattern(folder, pattern);
        let whole = format!("{}/{pattern}", globset::escape(&folder.to_string_lossy()));
        let Ok(glob) = GlobBuilder::new(&whole).literal_separator(true).build() else {
            return;
        };
        let deep = pattern.contains('/') || pattern.contains("**");
        self.rules.push(Rule {
            matcher: glob.compile_matcher(),
            folder,
            mode: if deep {
                RecursiveMode::Recursive
            } else {
                RecursiveMode::NonRecursive
            },
            build: build.map(str::to_owned),
        });
    }

    /// The folders to watch. Folders are watched in the place of files, because an editor that
    /// replaces a file takes a file's watch away with it.
    pub fn folders(&self) -> BTreeMap<PathBuf, RecursiveMode> {
        let own = (
            folder_of(&self.manifest).to_owned(),
            RecursiveMode::NonRecursive,
        );
        let mut folders = BTreeMap::from([own]);
        for rule in self.rules.iter().filter(|rule| rule.folder.is_dir()) {
            let mode = folders.entry(rule.folder.clone()).or_insert(rule.mode);
            if rule.mode == RecursiveMode::Recursive {
                *mode = RecursiveMode::Recursive;
            }
        }
        folders
    }
}

/// Moves the plain steps at a pattern's start into the folder, `..` included, so that as little as
/// possible is watched and paths can be compared as text.
fn split_pattern(folder: &Path, pattern: &str) -> (PathBuf, String) {
    let mut folder = normal(folder);
    let mut steps = pattern
        .split('/')
        .filter(|step| !step.is_empty() && *step != ".")
        .peekable();
    let mut rest = Vec::new();
    while let Some(step) = steps.next() {
        let is_last = steps.peek().is_none();
        if step.contains(WILDCARDS) || step.contains('\\') || is_last {
            rest.push(step);
            rest.extend(steps);
            break;
        }
        match step {
            ".." => drop(folder.pop()),
            step => folder.push(step),
        }
    }
    (folder, rest.join("/"))
}

/// The path without `.` and `..`, by its text alone.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for step in path.components() {
        match step {
            Step::CurDir => {}
            Step::ParentDir => drop(normal.pop()),
            step => normal.push(step),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::manifest;

    const APP: &str = r#"
        [[trigger.http]]
        route = "/..."
        component = "cart"

        [component.cart]
        source = "target/cart.wasm"
        files = ["pages/*.html", { source = "assets", destination = "/assets" }]
        [component.cart.build]
        command = "make"
        workdir = "cart"
        watch = ["src/**/*.rs", "../wit/*.wit", "Cargo.toml"]

        [component.ready]
        source = "ready.wasm"
    "#;

    fn change(skip_build: bool, path: &str) -> Change {
        let mut change = Change::default();
        change.add(&Scope::of(&manifest(APP), skip_build), Path::new(path));
        change
    }

    fn build(id: &str) -> Change {
        Change {
            build: BTreeSet::from([id.to_owned()]),
            ..Change::default()
        }
    }

    fn restart() -> Change {
        Change {
            restart: true,
            ..Change::default()
        }
    }

    #[test]
    fn sources_build_their_component() {
        for path in [
            "cart/src/lib.rs",
            "cart/src/a/b.rs",
            "wit/cart.wit",
            "cart/Cargo.toml",
        ] {
            assert_eq!(
                change(false, &format!("/app/{path}")),
                build("cart"),
                "{path}"
            );
        }
    }

    #[test]
    fn files_config_and_ready_artifacts_restart() {
        for path in ["pages/index.html", "runtime-config.toml", "ready.wasm"] {
            assert_eq!(change(false, &format!("/app/{path}")), restart(), "{path}");
        }
    }

    #[test]
    fn the_manifest_means_everything() {
        assert_eq!(change(false, "/app/spin.toml"), Change::everything());
        let all = Change::everything().components_to_build(&manifest(APP));
        assert_eq!(all, ["cart"]);
    }

    #[test]
    fn what_a_build_writes_is_no_change() {
        for path in [
            "target/cart.wasm",
            "cart/src/lib.txt",
            "cart/target/x.rs",
            "pages/a/b.html",
        ] {
            assert!(
                change(false, &format!("/app/{path}")).is_nothing(),
                "{path}"
            );
        }
    }

    #[test]
    fn without_builds_the_artifacts_restart() {
        assert_eq!(change(true, "/app/target/cart.wasm"), restart());
        assert!(change(true, "/app/cart/src/lib.rs").is_nothing());
    }

    #[test]
    fn a_build_that_failed_is_not_forgotten() {
        let mut pending = build("cart");
        pending.merge(restart());
        assert_eq!(pending.components_to_build(&manifest(APP)), ["cart"]);
    }

    #[test]
    fn as_little_as_possible_is_watched() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["cart/src/deep", "cart/target"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let mut scope = Scope::of_manifest_alone(&root.path().join("spin.toml"));
        scope.add(&root.path().join("cart"), "src/**/*.rs", Some("cart"));
        scope.add(&root.path().join("cart"), "Cargo.toml", Some("cart"));
        scope.add(&root.path().join("cart"), "missing/*.rs", Some("cart"));
        let expected = BTreeMap::from([
            (root.path().to_owned(), RecursiveMode::NonRecursive),
            (root.path().join("cart"), RecursiveMode::NonRecursive),
            (root.path().join("cart/src"), RecursiveMode::Recursive),
        ]);
        assert_eq!(scope.folders(), expected);
    }
}
