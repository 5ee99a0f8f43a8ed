//! The state directory belongs to one host, and what is in it to one service each: no label, path
//! or mount leads from one to the other.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::{Host, Refusal};

/// A service with a store and a database of these labels.
fn service(id: &str, key_value: &[&str], sqlite: &[&str]) -> Service {
    Service::new(id, "key_value_spin_two")
        .route(&format!("/{id}"))
        .key_value_stores(key_value)
        .sqlite_databases(sqlite)
}

fn expect(refusal: &Refusal, texts: &[&str]) {
    for text in texts {
        assert!(refusal.stderr.contains(text), "no `{text}` in {refusal}");
    }
}

#[test]
fn a_second_host_through_a_link_is_refused_too() {
    let first = App::new([service("kv", &["default"], &[])]).start();
    let state = first.folder().join(".kumiki").display().to_string();
    let second = App::new([service("kv", &["default"], &[])])
        .link("linked", &state)
        .arguments(&["--state-dir", "linked"]);
    expect(
        &second.refused(),
        &[&first.pid().to_string(), "--state-dir"],
    );
    assert_eq!(first.get("/kv?op=set&store=default&key=a").status, 200);
}

#[test]
fn the_state_survives_a_host_that_was_killed() {
    let mut first = App::new([service("kv", &["default"], &[])]).start();
    first.kill9();
    // The file of the lock is still there; the lock itself went with its process.
    assert!(first.folder().join(".kumiki/lock").exists());
    let host = first.restart();
    assert_eq!(host.get("/kv?op=set&store=default&key=a").status, 200);
}

#[test]
fn a_version_that_is_no_number_is_refused() {
    let mut host = App::new([service("kv", &["default"], &[])]).start();
    host.kill9();
    std::fs::write(host.folder().join(".kumiki/version"), "one\n").unwrap();
    let refusal = host.start_again().err().expect("the format is refused");
    expect(&refusal, &[".kumiki/version", "--state-dir"]);
}

#[test]
fn everything_in_it_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let host = App::new([service("kv", &["default"], &["default"])]).start();
    host.post("/kv?op=set&store=default&key=a", "1").expect(200);
    let state = host.folder().join(".kumiki");
    let mut paths = vec![state.clone()];
    for entry in std::fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            paths.push(path);
        }
    }
    for path in paths {
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
}

#[test]
fn a_database_named_like_a_service_belongs_to_it() {
    let cart = service("cart", &[], &["cart"]);
    let thief = service("thief", &["cart"], &["cart"]);
    let app = App::new([cart, thief]).sqlite_database("cart");
    let app = app.key_value_store("cart");
    let refusal = app.clone().refused();
    let mistakes = ["`thief`", "`cart`", "key_value_stores", "sqlite_databases"];
    expect(&refusal, &mistakes);
    // A stock run composes services, which then share what they have.
    assert_eq!(app.arguments(&["--stock"]).start().get("/none").status, 404);
}

#[test]
fn two_labels_on_one_path_are_refused_however_it_is_written() {
    let paths = [
        ("\"a.db\"", "\"sub/../a.db\""),
        ("\"a.db\"", "\"linked/a.db\""),
        ("\"sub/a.db\"", "\"./sub//a.db\""),
        ("\"sub/link.db\"", "\"sub/real.db\""),
    ];
    for (first, second) in paths {
        let refusal = App::new([service("kv", &["one"], &["two"])])
            .file("sub/real.db", "")
            .link("linked", ".")
            .link("sub/link.db", "real.db")
            .runtime_config(&format!(
                "[key_value_store.one]\ntype = \"spin\"\npath = {first}\n"
            ))
            .runtime_config(&format!(
                "[sqlite_database.two]\ntype = \"spin\"\npath = {second}\n"
            ))
            .refused();
        expect(&refusal, &["key_value_store.one", "sqlite_database.two"]);
    }
}

#[test]
fn a_label_on_the_path_of_a_store_in_the_state_directory_is_refused() {
    let refusal = App::new([service("kv", &["default", "one"], &[])])
        .runtime_config("[key_value_store.one]\ntype = \"spin\"\n")
        .runtime_config("path = \".kumiki/key-value/default.db\"\n")
        .refused();
    expect(
        &refusal,
        &["key_value_store.default", "key_value_store.one"],
    );
}

fn mounted(files: &str) -> App {
    let service = Service::new("files", "files").route("/files");
    App::new([service.line(format!("files = {files}"))])
        .file("assets/a.txt", "text of a")
        .file("assets/deep/b.txt", "text of b")
}

fn read(host: &Host, path: &str) -> (u16, String) {
    let answer = host.get(&format!("/files?op=read&path={path}"));
    (answer.status, answer.text())
}

#[test]
fn a_mount_that_holds_or_is_in_the_state_directory_is_refused() {
    let placement = |source: &str| format!("[{{ source = {source:?}, destination = \"/all\" }}]");
    for source in [
        ".",
        "./",
        "assets/..",
        ".kumiki",
        ".kumiki/version",
        ".kumiki/key-value",
    ] {
        expect(
            &mounted(&placement(source)).refused(),
            &["`files`", ".kumiki"],
        );
    }
    for pattern in [".kumiki/version", ".kumiki", "./.kumiki/cache"] {
        expect(
            &mounted(&format!("[{pattern:?}]")).refused(),
            &["`files`", ".kumiki"],
        );
    }
    let within = mounted(&placement("assets")).arguments(&["--state-dir", "assets/deep/state"]);
    expect(
        &within.refused(),
        &["`files`", "assets/deep/state", "--state-dir"],
    );
}

#[test]
fn a_link_into_the_state_directory_is_refused() {
    let links = [
        ("assets/state", "../.kumiki"),
        ("assets/version", "../.kumiki/version"),
        ("assets/deep/stores", "../../.kumiki/key-value"),
    ];
    for (link, target) in links {
        for files in [
            "[\"assets/**/*\"]",
            "[{ source = \"assets\", destination = \"/data\" }]",
        ] {
            let app = mounted(files).link(link, target);
            expect(&app.clone().refused(), &["`files`", link, ".kumiki"]);
            let without = format!("exclude_files = [{link:?}]");
            let service = Service::new("files", "files").route("/files").line(without);
            let app = App::new([service.line(format!("files = {files}"))])
                .file("assets/a.txt", "text of a")
                .file("assets/deep/b.txt", "text of b")
                .link(link, target);
            let host = app.start();
            assert_eq!(read(&host, &format!("/{link}")).0, 422, "{link}");
        }
    }
}

#[test]
fn a_hard_link_into_the_state_directory_is_refused() {
    let mut host = mounted("[\"assets/**/*\"]").start();
    assert_eq!(read(&host, "/assets/a.txt"), (200, "text of a".into()));
    host.kill9();
    let version = host.folder().join(".kumiki/version");
    std::fs::hard_link(version, host.folder().join("assets/hard")).unwrap();
    let refusal = host.start_again().err().expect("the link is refused");
    expect(&refusal, &["`files`", "assets/hard", ".kumiki"]);
}

#[test]
fn a_wide_pattern_leaves_the_state_directory_out() {
    let host = mounted("[\"**/*\"]").start();
    assert_eq!(read(&host, "/assets/deep/b.txt"), (200, "text of b".into()));
    assert_eq!(read(&host, "/.kumiki/version").0, 422);
    assert_eq!(host.get("/files?op=list&path=/.kumiki").status, 422);
}
