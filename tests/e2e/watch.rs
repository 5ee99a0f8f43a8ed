//! `kumiki watch`: what changes is built and served again, what is broken leaves the app running,
//! and Ctrl-C leaves nothing behind.

use kumiki_tests::app::{App, Service};
use kumiki_tests::http::{self, Connection};
use kumiki_tests::watch::{Watch, exists};
use kumiki_tests::{guests, wait};

const TWO: &str = "hello from 0.2\n";
const THREE: &str = "hello from 0.3\n";

fn source(guest: &str) -> String {
    guests::path(guest).display().to_string()
}

/// A service whose build copies the guest that `chosen.txt` names, and one whose build counts its
/// runs.
fn app() -> App {
    let hello = Service::new("hello", "hello_two")
        .source("\"hello.wasm\"")
        .route("/hello")
        .line("build = { command = \"sh build.sh\", watch = [\"chosen.txt\"] }");
    let files = Service::new("files", "files")
        .route("/files")
        .line("files = [{ source = \"page.txt\", destination = \"/page.txt\" }]")
        .line("build = { command = \"echo built >> builds\", watch = [\"other.txt\"] }");
    App::new([hello, files])
        .file("build.sh", "cp \"$(cat chosen.txt)\" hello.wasm\n")
        .file("chosen.txt", source("hello_two"))
        .file("page.txt", "page one")
}

/// What the run of this number answers to `GET path`.
fn get(watch: &mut Watch, run: usize, path: &str) -> String {
    let address = watch.address(run);
    http::request(address, "GET", path, &[], b"").expect(200)
}

const PAGE: &str = "/files?op=read&path=/page.txt";

#[test]
fn a_changed_source_is_built_and_served() {
    let mut watch = Watch::start(&app());
    assert_eq!(get(&mut watch, 1, "/hello"), TWO);
    let first = watch.address(1);
    watch.replace("chosen.txt", source("hello_three"));
    assert_eq!(get(&mut watch, 2, "/hello"), THREE);
    assert_eq!(watch.children().len(), 1, "one host at a time");
    assert!(first == watch.address(2) || Connection::try_open(first).is_none());
    // What did not change was not built.
    assert_eq!(watch.read("builds").unwrap(), "built\n");
}

#[test]
fn changed_files_start_again_and_build_nothing() {
    let mut watch = Watch::start(&app());
    assert_eq!(get(&mut watch, 1, PAGE), "page one");
    watch.replace("page.txt", "page two");
    assert_eq!(get(&mut watch, 2, PAGE), "page two");
    assert_eq!(watch.read("builds").unwrap(), "built\n");
}

#[test]
fn a_changed_manifest_builds_everything() {
    let mut watch = Watch::start(&app());
    assert_eq!(get(&mut watch, 1, "/hello"), TWO);
    watch.replace(
        "spin.toml",
        app().manifest().replace("\"/hello\"", "\"/moved\""),
    );
    assert_eq!(get(&mut watch, 2, "/moved"), TWO);
    assert_eq!(watch.read("builds").unwrap(), "built\nbuilt\n");
}

#[test]
fn a_broken_build_or_manifest_leaves_what_ran() {
    let mut watch = Watch::start(&app());
    assert_eq!(get(&mut watch, 1, "/hello"), TWO);
    watch.replace("chosen.txt", "no-such-guest.wasm");
    watch.wait_for_error("Waiting for the next change");
    assert_eq!(get(&mut watch, 1, "/hello"), TWO);
    watch.replace("spin.toml", "nonsense");
    watch.wait_for_error("Waiting for the manifest to be mended");
    assert_eq!(get(&mut watch, 1, "/hello"), TWO);
    assert_eq!(watch.runs_so_far(), 1);
    watch.replace("chosen.txt", source("hello_three"));
    watch.replace("spin.toml", app().manifest());
    assert_eq!(get(&mut watch, 2, "/hello"), THREE);
}

#[test]
fn an_app_that_is_refused_waits_for_the_next_change() {
    let app = app();
    let broken = app.manifest().replace("\"page.txt\"", "\"gone.txt\"");
    let mut watch = Watch::start(&app);
    assert_eq!(get(&mut watch, 1, "/hello"), TWO);
    watch.replace("spin.toml", broken);
    watch.wait_for_error("The app ended");
    watch.replace("spin.toml", app.manifest());
    assert_eq!(get(&mut watch, 2, PAGE), "page one");
}

#[test]
fn without_builds_a_changed_artifact_starts_again() {
    let app = app().arguments(&["--skip-build"]);
    let two = std::fs::read(guests::path("hello_two")).unwrap();
    let mut watch = Watch::start(&app.file("hello.wasm", two));
    assert_eq!(get(&mut watch, 1, "/hello"), TWO);
    let three = std::fs::read(guests::path("hello_three")).unwrap();
    watch.replace("hello.wasm", three);
    assert_eq!(get(&mut watch, 2, "/hello"), THREE);
    assert!(watch.read("builds").is_none());
}

#[test]
fn an_interrupt_ends_it_and_its_child() {
    let mut watch = Watch::start(&app());
    let address = watch.address(1);
    let children = watch.children();
    assert_eq!(children.len(), 1);
    watch.interrupt();
    assert_eq!(watch.wait().code(), Some(0));
    assert!(Connection::try_open(address).is_none());
    wait::until("the end of the app", || {
        (!exists(children[0])).then_some(())
    });
}
