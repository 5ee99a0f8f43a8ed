//! Mounted files: what a guest reads, and that it writes nothing and sees nothing else.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;

fn app(files: &str) -> App {
    let service = Service::new("files", "files")
        .route("/files")
        .line(format!("files = {files}"));
    App::new([service])
        .file("assets/a.txt", "text of a")
        .file("assets/deep/b.txt", "text of b")
        .file("secret.txt", "not mounted")
}

fn read(host: &Host, path: &str) -> (u16, String) {
    let answer = host.get(&format!("/files?op=read&path={path}"));
    (answer.status, answer.text())
}

#[test]
fn globs_and_placements_are_mounted() {
    let files = "[\"assets/**/*.txt\", { source = \"assets\", destination = \"/data\" }, \
                 { source = \"assets/a.txt\", destination = \"/single.txt\" }]";
    let host = app(files).start();
    for path in [
        "assets/a.txt",
        "/assets/a.txt",
        "/data/a.txt",
        "/single.txt",
    ] {
        assert_eq!(read(&host, path), (200, "text of a".into()), "{path}");
    }
    assert_eq!(read(&host, "/assets/deep/b.txt"), (200, "text of b".into()));
    assert_eq!(read(&host, "/data/deep/b.txt"), (200, "text of b".into()));
    assert_eq!(
        host.get("/files?op=list&path=/data").expect(200),
        "a.txt\ndeep"
    );
}

#[test]
fn excluded_files_are_not_mounted() {
    let service = Service::new("files", "files").route("/files");
    let service = service
        .line("files = [\"assets/**/*\"]")
        .line("exclude_files = [\"**/b.txt\"]");
    let app = App::new([service])
        .file("assets/a.txt", "a")
        .file("assets/deep/b.txt", "b");
    let host = app.start();
    assert_eq!(read(&host, "/assets/a.txt"), (200, "a".into()));
    assert_eq!(read(&host, "/assets/deep/b.txt").0, 422);
}

#[test]
fn nothing_can_be_written_made_moved_or_removed() {
    let files = "[\"assets/**/*.txt\", { source = \"assets\", destination = \"/data\" }]";
    let host = app(files).start();
    let attempts = [
        "op=write&path=/assets/a.txt",
        "op=write&path=/assets/new.txt",
        "op=write&path=/data/new.txt",
        "op=mkdir&path=/data/folder",
        "op=remove&path=/data/a.txt",
        "op=rename&path=/data/a.txt&to=/data/c.txt",
        "op=write&path=/anywhere.txt",
    ];
    for attempt in attempts {
        let answer = host.post(&format!("/files?{attempt}"), "overwritten");
        assert_eq!(answer.status, 422, "{attempt}: {answer:?}");
    }
    let original = std::fs::read_to_string(host.folder().join("assets/a.txt")).unwrap();
    assert_eq!(original, "text of a");
    assert!(!host.folder().join("assets/new.txt").exists());
}

#[test]
fn nothing_outside_of_the_mounts_can_be_read() {
    let host = app("[{ source = \"assets\", destination = \"/data\" }]").start();
    let outside = host.folder().join("secret.txt").display().to_string();
    std::os::unix::fs::symlink("../secret.txt", host.folder().join("assets/link.txt")).unwrap();
    std::os::unix::fs::symlink("/etc", host.folder().join("assets/etc")).unwrap();
    let attempts = [
        "/data/../secret.txt",
        "/data/deep/../../secret.txt",
        "../secret.txt",
        "/secret.txt",
        "/data/link.txt",
        "/data/etc/hostname",
        "/etc/hostname",
        outside.as_str(),
        "/data/./../../../../../../etc/hostname",
    ];
    for attempt in attempts {
        let (status, text) = read(&host, attempt);
        assert_eq!(status, 422, "{attempt}: {text}");
    }
}

#[test]
fn the_state_directory_is_never_mounted() {
    let whole = app("[{ source = \".\", destination = \"/all\" }]");
    let state = app("[{ source = \".kumiki\", destination = \"/state\" }]");
    let state = state.file(".kumiki/placeholder", "");
    for (app, path) in [(whole, "/all/.kumiki"), (state, "/state")] {
        match Host::start(app) {
            Err(refusal) => assert!(refusal.stderr.contains(".kumiki"), "{refusal}"),
            Ok(host) => {
                assert_eq!(
                    host.get(&format!("/files?op=list&path={path}")).status,
                    422,
                    "{path}"
                );
            }
        }
    }
}

#[test]
fn a_link_into_the_state_directory_is_not_followed() {
    let first = app("[{ source = \"assets\", destination = \"/data\" }]").start();
    let state = first.folder().join(".kumiki");
    std::os::unix::fs::symlink(&state, first.folder().join("assets/state")).unwrap();
    assert_eq!(first.get("/files?op=list&path=/data/state").status, 422);
    let mut first = first;
    first.kill9();
    // A start that finds the link there must refuse it or leave it out.
    if let Ok(host) = first.start_again() {
        assert_eq!(host.get("/files?op=list&path=/data/state").status, 422);
        assert_eq!(read(&host, "/data/a.txt"), (200, "text of a".into()));
    }
}

#[test]
fn a_source_that_does_not_exist_is_named() {
    let refusal = app("[{ source = \"no-such-folder\", destination = \"/data\" }]").refused();
    assert!(refusal.stderr.contains("no-such-folder"), "{refusal}");
}
