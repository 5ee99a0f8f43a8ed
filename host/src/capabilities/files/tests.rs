//! Mounts of real folders, with links of every kind in them.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use proptest::prelude::proptest;
use walkdir::WalkDir;
use wasmtime_wasi::WasiCtxBuilder;

use super::{Config, FilesError};
use crate::manifest::model::FileMount;

/// An application folder `app` with a state directory in it, and a folder `outside` beside it.
struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let bench = Bench {
            directory: tempfile::tempdir().unwrap(),
        };
        for (name, text) in [
            ("app/spin.toml", "manifest"),
            ("app/static/index.html", "index"),
            ("app/static/css/site.css", "site"),
            ("app/static/.hidden", "hidden"),
            ("app/notes/todo.txt", "todo"),
            ("app/.kumiki/key-value/cart.db", "secret"),
            ("outside/key.pem", "key"),
        ] {
            bench.write(name, text);
        }
        std::fs::create_dir(bench.path("assembly")).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn link(&self, name: &str, target: &str) {
        symlink(target, self.path(name)).unwrap();
    }

    fn prepare(&self, mounts: &[FileMount], exclude: &[&str]) -> Result<Config, FilesError> {
        let exclude: Vec<_> = exclude
            .iter()
            .map(|pattern| (*pattern).to_owned())
            .collect();
        let (app, state) = (self.path("app"), self.path("app/.kumiki"));
        Config::prepare(mounts, &exclude, &app, &state, &self.path("assembly"))
    }

    /// What the guest sees, by path.
    fn mounted(&self, mounts: &[FileMount], exclude: &[&str]) -> BTreeMap<String, String> {
        let config = self.prepare(mounts, exclude).unwrap();
        contents(&config)
    }

    fn names(&self, mounts: &[FileMount], exclude: &[&str]) -> Vec<String> {
        self.mounted(mounts, exclude).into_keys().collect()
    }

    fn placed(&self, source: &str, destination: &str) -> Result<Config, FilesError> {
        self.prepare(&[placement(self.path(source), destination)], &[])
    }
}

fn contents(config: &Config) -> BTreeMap<String, String> {
    let root = config.snapshot.as_ref().unwrap().root();
    let entries = WalkDir::new(root).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    let name = |path: &Path| {
        path.strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    files
        .map(|it| (name(it.path()), std::fs::read_to_string(it.path()).unwrap()))
        .collect()
}

fn glob(pattern: &str) -> FileMount {
    FileMount::Glob(pattern.to_owned())
}

fn placement(source: impl Into<PathBuf>, destination: &str) -> FileMount {
    FileMount::Placement {
        source: source.into(),
        destination: destination.to_owned(),
    }
}

#[test]
fn patterns_choose_files_by_their_place_in_the_application() {
    let bench = Bench::new();
    let all = ["static/.hidden", "static/css/site.css", "static/index.html"];
    for pattern in [
        "static/**/*",
        "static/**",
        "./static/**/*",
        "static",
        "stat*/**",
    ] {
        assert_eq!(bench.names(&[glob(pattern)], &[]), all, "{pattern}");
    }
    assert_eq!(
        bench.names(&[glob("static/*.html")], &[]),
        ["static/index.html"]
    );
    assert_eq!(
        bench.names(&[glob("*/*.{css,txt}")], &[]),
        ["notes/todo.txt"]
    );
    assert_eq!(
        bench.names(&[glob("notes/todo.txt")], &[]),
        ["notes/todo.txt"]
    );
    assert_eq!(bench.names(&[glob("*.jpg")], &[]), [""; 0]);
    let site = bench.mounted(&[glob("**/*.css")], &[]);
    assert_eq!(
        site.get("static/css/site.css").map(String::as_str),
        Some("site")
    );
}

#[test]
fn excluded_files_are_left_out() {
    let bench = Bench::new();
    let exclude = ["*.css", "static/.h*"];
    assert_eq!(
        bench.names(&[glob("static/**/*")], &exclude),
        ["static/index.html"]
    );
    let mount = placement(bench.path("app/static"), "/www");
    assert_eq!(bench.names(&[mount], &exclude), ["www/index.html"]);
}

#[test]
fn placements_stand_where_the_manifest_says() {
    let bench = Bench::new();
    let mounts = [
        placement(bench.path("app/static"), "/"),
        placement("notes", "deep/er/notes/"),
        placement(bench.path("outside/key.pem"), "/keys/one.pem"),
    ];
    let expected = [
        ".hidden",
        "css/site.css",
        "deep/er/notes/todo.txt",
        "index.html",
        "keys/one.pem",
    ];
    assert_eq!(bench.names(&mounts, &[]), expected);
}

#[test]
fn a_later_mount_replaces_an_earlier_one() {
    let bench = Bench::new();
    let mounts = [
        glob("static/*.html"),
        placement("notes/todo.txt", "/static/index.html"),
    ];
    let mounted = bench.mounted(&mounts, &[]);
    assert_eq!(
        mounted.get("static/index.html").map(String::as_str),
        Some("todo")
    );
}

#[test]
fn what_changes_later_is_not_seen_and_the_copy_goes_with_its_owner() {
    let bench = Bench::new();
    let config = bench.prepare(&[glob("notes/*")], &[]).unwrap();
    let clone = config.clone();
    bench.write("app/notes/todo.txt", "changed");
    drop(config);
    assert_eq!(
        contents(&clone).get("notes/todo.txt").map(String::as_str),
        Some("todo")
    );
    drop(clone);
    assert_eq!(
        std::fs::read_dir(bench.path("assembly")).unwrap().count(),
        0
    );
}

#[test]
fn an_instance_gets_the_folder_only_if_there_are_files() {
    let bench = Bench::new();
    let mut builder = WasiCtxBuilder::new();
    bench
        .prepare(&[glob("notes/*")], &[])
        .unwrap()
        .apply(&mut builder)
        .unwrap();
    let none = bench.prepare(&[], &[]).unwrap();
    none.apply(&mut builder).unwrap();
    assert!(none.snapshot.is_none());
}

#[test]
fn the_state_directory_is_refused_and_wide_patterns_pass_it_by() {
    let bench = Bench::new();
    assert!(
        !bench
            .names(&[glob("**/*")], &[])
            .iter()
            .any(|name| name.contains("kumiki"))
    );
    for pattern in [
        ".kumiki/**/*",
        ".kumiki",
        ".kumiki/key-value/*",
        ".kumiki/key-value/cart.db",
    ] {
        let result = bench.prepare(&[glob(pattern)], &[]);
        assert!(
            matches!(
                result,
                Err(FilesError::InStateDirectory { .. } | FilesError::ContainsStateDirectory { .. })
            ),
            "{pattern}: {result:?}"
        );
    }
    for source in [
        "app/.kumiki",
        "app/.kumiki/key-value",
        "app/.kumiki/key-value/cart.db",
    ] {
        let result = bench.placed(source, "/data/x");
        assert!(
            matches!(result, Err(FilesError::InStateDirectory { .. })),
            "{source}: {result:?}"
        );
    }
    for source in ["app", ""] {
        let result = bench.placed(source, "/data");
        assert!(
            matches!(result, Err(FilesError::ContainsStateDirectory { .. })),
            "{result:?}"
        );
    }
}

#[test]
fn links_into_the_state_directory_are_refused() {
    for (name, target) in [
        ("app/static/state", "../.kumiki"),
        ("app/static/stores", "../.kumiki/key-value"),
        ("app/static/cart.db", "../.kumiki/key-value/cart.db"),
    ] {
        let bench = Bench::new();
        bench.link(name, target);
        for mount in [
            glob("static/**/*"),
            placement("static", "/"),
            glob(&name[4..]),
        ] {
            let result = bench.prepare(std::slice::from_ref(&mount), &[]);
            assert!(
                matches!(result, Err(FilesError::InStateDirectory { .. })),
                "{name} {mount:?}: {result:?}"
            );
        }
        let linked = bench.placed(name, "/data/x");
        assert!(
            matches!(linked, Err(FilesError::InStateDirectory { .. })),
            "{linked:?}"
        );
    }
}

#[test]
fn hard_links_into_the_state_directory_are_refused() {
    let bench = Bench::new();
    let (from, to) = ("app/.kumiki/key-value/cart.db", "app/static/cart.db");
    std::fs::hard_link(bench.path(from), bench.path(to)).unwrap();
    let result = bench.prepare(&[glob("static/*")], &[]);
    assert!(
        matches!(result, Err(FilesError::InStateDirectory { .. })),
        "{result:?}"
    );
    // Other hard links are plain files.
    std::fs::remove_file(bench.path(to)).unwrap();
    std::fs::hard_link(bench.path("app/notes/todo.txt"), bench.path(to)).unwrap();
    assert_eq!(bench.names(&[glob("static/*.db")], &[]), ["static/cart.db"]);
}

#[test]
fn links_that_lead_out_are_refused_unless_excluded() {
    for target in ["../../outside", "../../outside/key.pem"] {
        let bench = Bench::new();
        bench.link("app/static/out", target);
        for mount in [
            glob("static/**/*"),
            placement("static", "/"),
            glob("static/out"),
        ] {
            let result = bench.prepare(std::slice::from_ref(&mount), &[]);
            let Err(error @ FilesError::LeadsOut { .. }) = result else {
                panic!("{mount:?}: {result:?}");
            };
            assert!(error.to_string().contains("app/static/out"), "{error}");
        }
        assert_eq!(
            bench.names(&[glob("static/**/*")], &["static/out"]).len(),
            3
        );
        assert_eq!(
            bench.names(&[glob("static/**/*.css")], &[]),
            ["static/css/site.css"]
        );
    }
}

#[test]
fn links_that_stay_inside_are_followed_and_loops_are_left_out() {
    let bench = Bench::new();
    bench.link("app/static/home.html", "index.html");
    bench.link("app/static/styles", "css");
    bench.link("app/static/css/loop", "..");
    let expected = [
        ".hidden",
        "css/site.css",
        "home.html",
        "index.html",
        "styles/site.css",
    ];
    assert_eq!(bench.names(&[placement("static", "/")], &[]), expected);

    bench.link("app/static/dangling", "nowhere");
    let result = bench.prepare(&[placement("static", "/")], &[]);
    assert!(matches!(result, Err(FilesError::Io { .. })), "{result:?}");
    assert_eq!(
        bench.names(&[placement("static", "/")], &["**/dangling"]),
        expected
    );
}

#[test]
fn what_cannot_be_mounted_is_named() {
    let bench = Bench::new();
    let missing = bench.prepare(&[placement("absent", "/")], &[]);
    assert!(
        matches!(missing, Err(FilesError::NoSuchSource(_))),
        "{missing:?}"
    );
    let missing = bench.prepare(&[glob("absent.txt")], &[]);
    assert!(
        matches!(missing, Err(FilesError::NoSuchSource(_))),
        "{missing:?}"
    );
    for pattern in ["../outside/*", "/etc/*", "static/../../outside/*"] {
        let result = bench.prepare(&[glob(pattern)], &[]);
        assert!(
            matches!(result, Err(FilesError::OutsideApplication(_))),
            "{pattern} {result:?}"
        );
    }
    let pattern = bench.prepare(&[glob("static/[a")], &[]);
    assert!(
        matches!(pattern, Err(FilesError::BadPattern { .. })),
        "{pattern:?}"
    );
    let pattern = bench.prepare(&[glob("static/*")], &["{a"]);
    assert!(
        matches!(pattern, Err(FilesError::BadPattern { .. })),
        "{pattern:?}"
    );
    for destination in ["/", "", "keys/", "../x", "a/../../x"] {
        let result = bench.placed("outside/key.pem", destination);
        assert!(
            matches!(result, Err(FilesError::BadDestination { .. })),
            "{destination}"
        );
    }
    let socket = bench.path("app/static/socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let result = bench.prepare(&[glob("static/*")], &[]);
    assert!(matches!(result, Err(FilesError::NotAFile(_))), "{result:?}");
}

#[test]
fn copies_never_lie_in_the_state_directory() {
    let bench = Bench::new();
    let (app, state) = (bench.path("app"), bench.path("app/.kumiki"));
    let result = Config::prepare(
        &[glob("static/*")],
        &[],
        &app,
        &state,
        &state.join("key-value"),
    );
    assert!(
        matches!(result, Err(FilesError::AssemblyInStateDirectory(_))),
        "{result:?}"
    );
}

proptest! {
    #[test]
    fn no_pattern_reaches_the_state_directory_or_leaves_the_application(
        pattern in "[./*?a-z\\[\\]{},!\\\\]{0,12}|(\\.\\./|\\./|\\*\\*/|\\.kumiki/|\\*/){0,4}\\*",
    ) {
        let bench = Bench::new();
        if let Ok(config) = bench.prepare(&[glob(&pattern)], &[]) {
            for (name, text) in contents(&config) {
                assert!(text != "secret" && text != "key", "{pattern}: {name}");
            }
        }
    }
}
