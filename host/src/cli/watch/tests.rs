//! A session over a real folder with the system's watching of files and a real child process, which
//! is a script in the place of this program.

use super::*;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

const MANIFEST: &str = r#"
spin_manifest_version = 2

[application]
name = "watched"
version = "0.1.0"

[[trigger.http]]
route = "/..."
component = "a"

[component.a]
source = "a.wasm"
build = { command = "sh build.sh", watch = ["source.txt"] }
"#;

/// Time within which a child process has to be seen.
const DEADLINE: Duration = Duration::from_secs(20);

struct Fixture {
    folder: tempfile::TempDir,
    session: Session,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        write("spin.toml", MANIFEST).unwrap();
        write("source.txt", "one").unwrap();
        write("build.sh", "cp source.txt a.wasm").unwrap();
        write(
            "app.sh",
            "#!/bin/sh\ncd ${0%/*}\ncat a.wasm >> runs\necho >> runs\nexec sleep 600\n",
        )
        .unwrap();
        let program = folder.path().join("app.sh");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let arguments = WatchArguments {
            file: None,
            profile: None,
            clear: false,
            debounce: 20,
            skip_build: false,
            quiet: false,
            up_arguments: Vec::new(),
        };
        let manifest = folder.path().join("spin.toml");
        let session = Session::start(arguments, manifest, program).unwrap();
        Self { folder, session }
    }

    /// Replaces a file at once, so that no round finds half of it.
    fn write(&self, name: &str, text: &str) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.folder.path().join(name)).unwrap();
    }

    async fn round(&mut self) {
        let change = tokio::time::timeout(DEADLINE, self.session.changed())
            .await
            .unwrap();
        self.session.follow(change).await.unwrap();
    }

    /// Waits until the app has started this often with these artifacts.
    async fn expect_runs(&self, expected: &str) {
        let runs = self.folder.path().join("runs");
        let started = Instant::now();
        loop {
            let found = std::fs::read_to_string(&runs).unwrap_or_default();
            if found == expected {
                return;
            }
            assert!(
                started.elapsed() < DEADLINE,
                "found {found:?}, not {expected:?}"
            );
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_change_builds_and_starts_again() {
    let mut fixture = Fixture::new();
    fixture.round().await;
    fixture.expect_runs("one\n").await;
    fixture.write("source.txt", "two");
    fixture.round().await;
    fixture.expect_runs("one\ntwo\n").await;
    fixture.session.child.stop().await;
}

#[tokio::test]
async fn a_broken_build_or_manifest_leaves_the_app_running() {
    let mut fixture = Fixture::new();
    fixture.round().await;
    fixture.expect_runs("one\n").await;

    fixture.write("build.sh", "exit 1");
    fixture.write("source.txt", "two");
    fixture.round().await;
    fixture.write("spin.toml", "not a manifest");
    fixture.round().await;
    fixture.expect_runs("one\n").await;

    fixture.write("build.sh", "cp source.txt a.wasm");
    fixture.write("spin.toml", MANIFEST);
    fixture.round().await;
    fixture.expect_runs("one\ntwo\n").await;
    fixture.session.child.stop().await;
}

#[test]
fn the_child_gets_the_flags_of_up() {
    let arguments = WatchArguments {
        file: None,
        profile: Some("debug".into()),
        clear: false,
        debounce: 100,
        skip_build: false,
        quiet: true,
        up_arguments: vec!["--listen".into(), "127.0.0.1:0".into()],
    };
    let flags = up_flags(&arguments, Path::new("/app/spin.toml"));
    let expected = [
        "up",
        "--file",
        "/app/spin.toml",
        "--profile",
        "debug",
        "--quiet",
        "--listen",
        "127.0.0.1:0",
    ];
    assert_eq!(flags, expected.map(OsString::from));
}
