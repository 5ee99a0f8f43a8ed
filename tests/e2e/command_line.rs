//! The commands of the binary, and what each says about a mistake.

use std::path::Path;

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::{self, Host, command};
use tempfile::TempDir;

fn hello() -> App {
    App::new([Service::new("hello", "hello_two").route("/hello")])
}

#[test]
fn every_mistake_of_a_manifest_is_named_with_its_place_and_mend() {
    let folder = TempDir::new().unwrap();
    let manifest = "spin_manifest_version = 2\n\
                    [application]\n\
                    name = \"broken\"\n\
                    verison = \"1\"\n\
                    [[trigger.http]]\n\
                    route = \"/a\"\n\
                    component = \"missing\"\n\
                    [component.a]\n\
                    source = \"a.wasm\"\n\
                    key_value_store = [\"default\"]\n\
                    [component.a.tool.kumiki]\n\
                    timeout = 3\n";
    std::fs::write(folder.path().join("spin.toml"), manifest).unwrap();
    let refusal = host::run(folder.path(), &["up", "--listen", "127.0.0.1:0"]);
    assert!(!refusal.status.success());
    let expected = [
        "spin.toml:4:1",
        "verison",
        "version",
        "spin.toml:7:",
        "missing",
        "spin.toml:10:1",
        "key_value_stores",
        "spin.toml:12:1",
        "timeout_ms",
    ];
    for text in expected {
        assert!(refusal.stderr.contains(text), "no `{text}` in:\n{refusal}");
    }
}

#[test]
fn a_manifest_that_is_not_toml_is_named_with_its_place() {
    let folder = TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("spin.toml"),
        "spin_manifest_version = 2\nx = = 1\n",
    )
    .unwrap();
    let refusal = host::run(folder.path(), &["up"]);
    assert!(!refusal.status.success());
    assert!(refusal.stderr.contains("spin.toml:2:"), "{refusal}");
}

#[test]
fn a_folder_without_a_manifest_is_named() {
    let folder = TempDir::new().unwrap();
    // Nothing above the folder is searched, whatever lies there.
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let refusal = host::run(folder.path(), &["up"]);
    assert!(!refusal.status.success());
    assert!(refusal.stderr.contains("spin.toml"), "{refusal}");
}

#[test]
fn a_source_that_is_missing_or_no_wasm_is_named() {
    for text in [None, Some("not wasm at all")] {
        let folder = TempDir::new().unwrap();
        let manifest = hello().manifest();
        let source = kumiki_tests::guests::path("hello_two")
            .display()
            .to_string();
        let broken = manifest.replace(&source, "broken.wasm");
        std::fs::write(folder.path().join("spin.toml"), broken).unwrap();
        if let Some(text) = text {
            std::fs::write(folder.path().join("broken.wasm"), text).unwrap();
        }
        let refusal = host::run(folder.path(), &["up", "--listen", "127.0.0.1:0"]);
        assert!(!refusal.status.success());
        assert!(refusal.stderr.contains("broken.wasm"), "{refusal}");
    }
}

#[test]
fn a_second_host_on_the_same_state_is_refused_with_the_firsts_pid() {
    let first = hello().start();
    let refusal = first.second().err().expect("the second host is refused");
    assert!(!refusal.status.success());
    assert!(
        refusal.stderr.contains(&first.pid().to_string()),
        "{refusal}"
    );
    assert_eq!(first.get("/hello").status, 200);
}

#[test]
fn a_state_directory_of_a_newer_format_is_refused() {
    let mut first = hello().start();
    first.kill9();
    let version = find(&first.folder().join(".kumiki"), "version");
    std::fs::write(version, "999999\n").unwrap();
    let refusal = first
        .start_again()
        .err()
        .expect("the newer format is refused");
    assert!(refusal.stderr.contains("999999"), "{refusal}");
}

/// The file in `folder` whose name has this part.
fn find(folder: &Path, part: &str) -> std::path::PathBuf {
    let mut files = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let named = |path: &std::path::PathBuf| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .to_ascii_lowercase()
            .contains(part)
    };
    files
        .find(named)
        .expect("the state directory carries its version")
}

#[test]
fn a_port_that_is_taken_is_named_or_another_is_found() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = TempDir::new().unwrap();
    hello().write(folder.path());
    let refusal = host::run(folder.path(), &["up", "--listen", &address]);
    assert!(!refusal.status.success());
    assert!(refusal.stderr.contains(&address), "{refusal}");
    let app = hello().listen(taken.local_addr().unwrap());
    let found = app.arguments(&["--find-free-port"]).start();
    assert!(found.address().port() > taken.local_addr().unwrap().port());
    assert_eq!(found.get("/hello").status, 200);
    let next = hello().listen(found.address());
    let next = next.arguments(&["--find-free-port"]).start();
    assert!(next.address().port() > found.address().port());
}

#[test]
fn the_routes_are_printed_and_quiet_says_less() {
    let host = hello().start();
    let stdout = host.stdout();
    assert!(stdout.contains("Available Routes:"), "{stdout}");
    assert!(
        stdout.contains(&format!("hello: http://{}/hello", host.address())),
        "{stdout}"
    );
}

#[test]
fn up_takes_the_manifest_and_the_state_from_elsewhere() {
    let folder = TempDir::new().unwrap();
    let app = folder.path().join("app");
    std::fs::create_dir(&app).unwrap();
    hello().write(&app);
    let elsewhere = hello().arguments(&["-f", app.join("spin.toml").to_str().unwrap()]);
    let host = elsewhere
        .arguments(&["--state-dir", "chosen-state"])
        .start();
    assert_eq!(host.get("/hello").status, 200);
    assert!(host.folder().join("chosen-state").is_dir());
    assert!(!app.join(".kumiki").exists());
}

#[test]
fn stock_ignores_our_tables() {
    let missing = Service::new("hello", "hello_two").route("/hello");
    let app = App::new([missing.setting("source = \"no-such-artifact.wasm\"")]);
    assert!(
        app.clone()
            .refused()
            .stderr
            .contains("no-such-artifact.wasm")
    );
    assert_eq!(
        app.arguments(&["--stock"]).start().get("/hello").status,
        200
    );
}

#[test]
fn only_the_named_components_run() {
    let hello = |id: &str| Service::new(id, "hello_two").route(&format!("/{id}"));
    let unbuilt = hello("unbuilt").source("\"not-built.wasm\"");
    let app = App::new([hello("one"), hello("two"), unbuilt])
        .text("[[trigger.http]]\nroute = \"/static\"\nstatic_response = { status_code = 200 }\n");
    let host = app
        .clone()
        .arguments(&["-c", "one", "--component-id", "two"]);
    let host = host.start();
    for (path, status) in [
        ("/one", 200),
        ("/two", 200),
        ("/unbuilt", 404),
        ("/static", 404),
    ] {
        assert_eq!(host.get(path).status, status, "{path}");
    }
    let refusal = app.arguments(&["-c", "three"]).refused();
    for text in ["three", "one", "two", "unbuilt"] {
        assert!(refusal.stderr.contains(text), "no `{text}` in {refusal}");
    }
}

#[test]
fn a_profile_replaces_source_and_environment_of_those_that_have_it() {
    let three = kumiki_tests::guests::path("hello_three");
    let with = Service::new("with", "hello_two").route("/with");
    let with = with.line(format!("profile.other.source = {three:?}"));
    let environment = Service::new("environment", "environment")
        .route("/environment")
        .line("environment = { KEPT = \"1\", CHANGED = \"1\" }")
        .line("profile.other.environment = { CHANGED = \"2\" }");
    let without = Service::new("without", "hello_two").route("/without");
    let app = App::new([with, environment, without]);
    let host = app.clone().arguments(&["--profile", "other"]).start();
    assert_eq!(host.get("/with").expect(200), "hello from 0.3\n");
    assert_eq!(host.get("/without").expect(200), "hello from 0.2\n");
    let text = host.get("/environment").expect(200);
    assert!(text.contains("CHANGED=2"), "{text}");
    let host = app.start();
    assert_eq!(host.get("/with").expect(200), "hello from 0.2\n");
    let text = host.get("/environment").expect(200);
    assert!(
        text.contains("CHANGED=1") && text.contains("KEPT=1"),
        "{text}"
    );
}

#[test]
fn the_environment_of_the_command_line_goes_over_the_manifests() {
    let service = Service::new("environment", "environment").route("/...");
    let service = service.line("environment = { COLOUR = \"green\" }");
    let app = App::new([service]);
    let host = app
        .clone()
        .arguments(&["--env", "COLOUR=a=b", "-e", "EMPTY="]);
    let text = host.start().get("/").expect(200);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines.contains(&"COLOUR=a=b"), "{text}");
    assert!(lines.contains(&"EMPTY="), "{text}");
    for mistake in ["COLOUR", "=green"] {
        let refusal = app.clone().arguments(&["--env", mistake]).refused();
        assert_eq!(refusal.status.code(), Some(2), "{refusal}");
        assert!(refusal.stderr.contains("KEY=VALUE"), "{refusal}");
    }
}

#[test]
fn a_stock_run_knows_no_limits_of_ours() {
    let service = Service::new("hello", "environment").route("/...");
    let app = App::new([service.setting("memory_max_mib = 1")])
        .setting("header_bytes_max = 8192")
        .arguments(&["--stock"]);
    let long = "h".repeat(20_000);
    let answer = app.start().request("GET", "/", &[("x-long", &long)], "");
    assert_eq!(answer.status, 200);
}

#[test]
fn an_import_that_nobody_has_is_named_with_its_component() {
    let orders = Service::new("orders", "unknown_import").route("/orders");
    let hello = Service::new("hello", "hello_two").route("/hello");
    let refusal = App::new([orders, hello]).refused();
    assert_eq!(refusal.status.code(), Some(1));
    for text in ["`orders`", "`nobody:has/this@1.0.0`"] {
        assert!(refusal.stderr.contains(text), "no `{text}` in {refusal}");
    }
}

#[test]
fn an_interface_of_spin_that_is_not_offered_fails_when_it_is_called() {
    let orders = Service::new("orders", "postgres").route("/orders");
    let host = App::new([orders.allowed_outbound_hosts(&["postgres://here:5432"])]).start();
    host.wait_for_output("spin:postgres/postgres@4.0.0");
    let denied = host
        .get("/orders?address=postgres://there:5432")
        .expect(200);
    assert!(
        denied.contains("address postgres://there:5432 is not permitted"),
        "{denied}"
    );
    let absent = host.get("/orders?address=postgres://here:5432").expect(200);
    assert!(
        absent.contains("kumiki does not offer this interface"),
        "{absent}"
    );
    assert_eq!(host.get("/orders?op=version").status, 500);
    host.wait_for_output("spin:postgres/postgres@4.0.0#version");
}

#[test]
fn doctor_finds_nothing_wrong_with_a_good_app_and_names_what_is() {
    let folder = TempDir::new().unwrap();
    hello().write(folder.path());
    let good = host::run(folder.path(), &["doctor"]);
    assert!(good.status.success(), "{good}");
    let manifest = hello().manifest();
    let source = kumiki_tests::guests::path("hello_two")
        .display()
        .to_string();
    std::fs::write(
        folder.path().join("spin.toml"),
        manifest.replace(&source, "gone.wasm"),
    )
    .unwrap();
    let bad = host::run(folder.path(), &["doctor"]);
    assert!(!bad.status.success(), "{bad}");
    assert!(format!("{bad}").contains("gone.wasm"), "{bad}");
}

#[test]
fn build_runs_the_build_commands_and_fails_by_name() {
    let good = Service::new("good", "hello_two").route("/hello");
    let good = good.line("build = { command = \"echo built > built.txt\" }");
    let folder = TempDir::new().unwrap();
    App::new([good.clone()]).write(folder.path());
    let built = host::run(folder.path(), &["build"]);
    assert!(built.status.success(), "{built}");
    assert!(folder.path().join("built.txt").exists());
    let bad = Service::new("bad", "hello_two").line("build = { command = \"exit 3\" }");
    App::new([good, bad]).write(folder.path());
    let failed = host::run(folder.path(), &["build"]);
    assert!(!failed.status.success());
    assert!(failed.stderr.contains("bad"), "{failed}");
    let up = App::new([Service::new("built", "hello_two")
        .route("/hello")
        .line("build = { command = \"echo built > built.txt\" }")]);
    let host = up.arguments(&["--build"]).start();
    assert!(host.folder().join("built.txt").exists());
}

#[test]
fn completions_are_printed() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let printed = host::run(folder.path(), &["completions", shell]);
        assert!(
            printed.status.success() && printed.stdout.contains("kumiki"),
            "{printed}"
        );
    }
}

/// Makes an app from a template (the first run compiles its SDK, a minute), builds it with its own
/// build command, and asks it.
fn made_from(template: &str) {
    let folder = TempDir::new().unwrap();
    let made = host::run(folder.path(), &["new", "-t", template, "made"]);
    assert!(made.status.success(), "{made}");
    let app = folder.path().join("made");
    // The target folder is shared between runs, so that only the first compiles the dependencies.
    let target = kumiki_tests::guests::target_directory()
        .join("templates")
        .join(template);
    std::fs::create_dir_all(&target).unwrap();
    std::os::unix::fs::symlink(&target, app.join("target")).unwrap();
    let built = command(&app)
        .env_remove("CARGO_TARGET_DIR")
        .arg("build")
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let manifest = app.join("spin.toml");
    let host = App::default().arguments(&["-f", manifest.to_str().unwrap()]);
    let host: Host = host.start();
    let answer = host.get("/");
    assert!(answer.status < 500, "{answer:?}");
}

#[test]
fn the_http_template_builds_and_answers() {
    made_from("http-rust");
}

#[test]
fn the_key_value_template_builds_and_answers() {
    made_from("http-rust-kv");
}
