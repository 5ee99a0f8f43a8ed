//! Live deploys: the next call takes the new revision, none fails or goes back, what would break
//! others or cannot run is refused, and whoever began with a revision ends with it. What is
//! remembered of it all is in `deploy_history`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kumiki_tests::app::{App, Service};
use kumiki_tests::deploys::{build, guest, line, number};
use kumiki_tests::host::Host;
use kumiki_tests::http::Connection;
use kumiki_tests::wait;
use serde_json::Value;

use crate::links::{WORK, ask, caller, named, provider, unavailable};

/// Build 1 of the service `shop`, whose source lies in the app's folder, and a neighbour.
pub fn app() -> App {
    let shop = Service::new("shop", "build_number").source("\"shop.wasm\"");
    let shop = shop.route("/shop").gated();
    let neighbour = Service::new("neighbour", "hello_two").route("/neighbour");
    let app = App::new([shop, neighbour]).gates("key_value_wasi");
    app.file("shop.wasm", build(1))
}

/// Build 1 of the service `provider`, and a linked caller.
fn linked() -> App {
    let provider = named("provider", "build_number").source("\"provider.wasm\"");
    let app = App::new([caller("caller", "provider"), provider]).gates("key_value_wasi");
    app.file("provider.wasm", build(1))
}

/// Writes bytes beside the manifest, for commands to take.
pub fn file(host: &Host, bytes: &[u8]) -> String {
    let path: PathBuf = host.folder().join("deployed.wasm");
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// Files of revisions in the state directory.
pub fn kept_files(host: &Host) -> usize {
    let folder = host.folder().join(".kumiki/revisions");
    folder.read_dir().unwrap().count()
}

#[test]
fn the_first_answer_after_a_deploy_is_the_new_build() {
    let host = app().start();
    let operator = host.operator();
    assert_eq!(host.build("/shop"), 1);
    for number in 2..=11 {
        assert_eq!(operator.deploy("shop", &build(number)), number);
        assert_eq!(host.build("/shop"), number);
        assert_eq!(operator.live("shop"), [(number, 100)]);
    }
    assert_eq!(ask(&host, "/neighbour"), "hello from 0.2\n");
    assert_eq!(operator.live("neighbour"), [(1, 100)]);
}

/// Asks again and again on one connection until `is_over`, and counts the answers.
fn visit(host: &Host, is_over: &AtomicBool, answered: &AtomicU64) {
    let mut connection = host.connect();
    let mut last = 0;
    while !is_over.load(Ordering::Relaxed) {
        connection.send("GET", "/shop", &[], b"").unwrap();
        let seen = number(&connection.answer("GET").unwrap().expect(200));
        assert!(seen >= last, "build {seen} after build {last}");
        last = seen;
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// Ends the visits also when the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_request_fails_and_no_connection_goes_back_under_load() {
    let host = app().start();
    let operator = host.operator();
    let (is_over, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        let visits = [(); 6].map(|()| scope.spawn(|| visit(&host, &is_over, &answered)));
        for number in 2..=11 {
            let before = answered.load(Ordering::Relaxed);
            wait::until("answers between two deploys", || {
                (answered.load(Ordering::Relaxed) > before + 20).then_some(())
            });
            operator.deploy("shop", &build(number));
            assert_eq!(host.build("/shop"), number);
        }
        drop(over);
        for visit in visits {
            visit.join().unwrap();
        }
    });
    println!("{} answers during ten deploys", answered.into_inner());
}

#[test]
fn the_report_names_the_steps_each_once() {
    let host = app().start();
    let report = host.operator().ask_deploy("shop", "", &build(2)).json();
    let steps = report["steps"].as_array().unwrap();
    let names: Vec<_> = steps
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["upload", "compile", "check", "warm", "switch", "drain"]
    );
    let wasm = file(&host, &build(3));
    let told = host.command(&["deploy", "shop", "--wasm", &wasm]);
    assert!(told.status.success(), "{told}");
    for step in names {
        let lines = told.stdout.lines().filter(|line| line.starts_with(step));
        assert_eq!(lines.count(), 1, "{step}: {told}");
    }
    assert!(told.stdout.contains("shop: revision 3 ("), "{told}");
    assert!(told.stdout.contains("100 % of the calls"), "{told}");
    assert_eq!(host.build("/shop"), 3);
}

#[test]
fn the_same_bytes_make_no_revision() {
    let host = app().start();
    let operator = host.operator();
    let before = (
        operator.revisions("shop"),
        operator.audit(),
        kept_files(&host),
    );
    let report = operator.ask_deploy("shop", "", &build(1)).json();
    assert_eq!(report["outcome"], "unchanged", "{report}");
    assert_eq!(report["revision"], 1);
    // Without a file it is the source of the manifest.
    let told = host.command(&["deploy", "shop"]);
    assert!(told.status.success(), "{told}");
    assert!(told.stdout.contains("unchanged; revision 1"), "{told}");
    assert_eq!(
        before,
        (
            operator.revisions("shop"),
            operator.audit(),
            kept_files(&host)
        )
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let host = app().start();
    let operator = host.operator();
    let before = (
        operator.revisions("shop"),
        operator.audit(),
        kept_files(&host),
    );
    let report = operator
        .ask_deploy("shop", "dry_run=true", &build(2))
        .json();
    assert_eq!(report["outcome"], "checked", "{report}");
    assert_eq!(report["revision"], Value::Null);
    let wasm = file(&host, &build(2));
    let told = host.command(&["deploy", "shop", "--dry-run", "--wasm", &wasm]);
    assert!(told.status.success(), "{told}");
    assert!(told.stdout.contains("can be deployed"), "{told}");
    assert_eq!(
        before,
        (
            operator.revisions("shop"),
            operator.audit(),
            kept_files(&host)
        )
    );
    assert_eq!(host.build("/shop"), 1);
}

#[test]
fn what_would_break_a_caller_is_refused_with_the_functions() {
    let app = App::new([caller("caller", "provider"), provider("provider")]);
    let host = app.gates("key_value_wasi").start();
    let operator = host.operator();
    let before = (
        operator.revisions("provider"),
        operator.audit(),
        kept_files(&host),
    );
    let wasm = file(&host, &guest("link_provider_differs"));
    let told = host.command(&["deploy", "provider", "--wasm", &wasm]);
    assert_eq!(told.status.code(), Some(2), "{told}");
    let header: Vec<_> = told
        .stdout
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(
        header,
        ["CONSUMER", "FUNCTION", "WAS", "IS", "WHY"],
        "{told}"
    );
    let row = |function: &str| {
        let name = format!("{WORK}#{function}");
        let mut rows = told.stdout.lines();
        rows.find(|row| row.split_whitespace().nth(1) == Some(&name))
    };
    let whoami = row("whoami").unwrap_or_else(|| panic!("no row of `whoami`: {told}"));
    assert!(whoami.starts_with("caller "), "{whoami}");
    assert!(whoami.contains(" func() -> "), "{whoami}");
    assert!(whoami.ends_with("the function is gone"), "{whoami}");
    for differs in ["fail", "sized", "take", "count", "ticket", "bare-fail"] {
        assert!(row(differs).is_some(), "no row of `{differs}`: {told}");
    }
    assert_eq!(row("remember"), None);
    let answer = operator.ask_deploy("provider", "", &guest("link_provider_differs"));
    assert_eq!(answer.status, 409, "{}", answer.text());
    let breaks = answer.json()["breaks"].as_array().unwrap().clone();
    assert!(
        breaks.iter().all(|it| it["consumer"] == "caller"),
        "{breaks:?}"
    );
    assert_eq!(
        before,
        (
            operator.revisions("provider"),
            operator.audit(),
            kept_files(&host)
        )
    );
    assert_eq!(ask(&host, "/caller?call=whoami"), "ok provider");
}

#[test]
fn callers_take_a_newer_minor_version_without_a_restart() {
    let app = App::new([caller("caller", "provider"), provider("provider")]);
    let host = app.gates("key_value_wasi").start();
    let operator = host.operator();
    assert_eq!(ask(&host, "/caller?call=whoami"), "ok provider");
    let newer = guest("link_provider_newer");
    assert_eq!(operator.deploy("provider", &newer), 2);
    assert_eq!(operator.live("provider"), [(2, 100)]);
    assert_eq!(ask(&host, "/caller?call=whoami"), "ok provider");
    unavailable(&ask(&host, "/caller?call=fail&how=trap"));
    // What the manifest has no link for cannot be imported, whoever exports it by now.
    let answer = operator.ask_deploy("caller", "", &guest("link_caller_newer"));
    assert_eq!(answer.status, 409, "{}", answer.text());
    let text = answer.text();
    assert!(text.contains("test:chain/work@1.1.0"), "{text}");
    assert_eq!(ask(&host, "/caller?call=whoami"), "ok provider");
}

#[test]
fn a_revision_that_cannot_start_never_gets_a_call() {
    let shop = Service::new("shop", "hello_two").route("/shop");
    let shop = shop
        .setting("timeout_ms = 2000")
        .setting("cpu_ms_max = 300");
    let app = App::new([shop, caller("caller", "provider"), provider("provider")]);
    let host = app.gates("key_value_wasi").start();
    let operator = host.operator();
    let before = kept_files(&host);
    for (service, start) in [("shop", "start_loop"), ("provider", "link_provider_start")] {
        let answer = operator.ask_deploy(service, "", &guest(start));
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert!(
            answer.text().contains("revision 2 cannot be started"),
            "{}",
            answer.text()
        );
        let wasm = file(&host, &guest(start));
        let told = host.command(&["deploy", service, "--wasm", &wasm]);
        assert_eq!(told.status.code(), Some(1), "{told}");
        assert_eq!(operator.live(service), [(1, 100)]);
        assert_eq!(operator.revisions(service).len(), 1);
    }
    assert_eq!(ask(&host, "/shop"), "hello from 0.2\n");
    assert_eq!(ask(&host, "/caller?call=whoami"), "ok provider");
    assert_eq!(kept_files(&host), before, "what was refused is not kept");
    // The number is not lost.
    assert_eq!(operator.deploy("shop", &build(2)), 2);
}

#[test]
fn what_is_no_component_is_refused_as_such() {
    let host = app().start();
    let operator = host.operator();
    let whole = build(2);
    let cases: [&[u8]; 3] = [b"no wasm", b"\0asm\x01\0\0\0", &whole[..whole.len() / 2]];
    for sent in cases {
        let answer = operator.ask_deploy("shop", "", sent);
        assert_eq!(answer.status, 400, "{}", answer.text());
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("is no WebAssembly component"), "{detail}");
        assert!(!detail.contains("revisions/"), "{detail}");
        assert!(!detail.contains(".kumiki"), "{detail}");
    }
    assert_eq!(host.build("/shop"), 1);
    assert_eq!(operator.revisions("shop").len(), 1);
    // A component without a handler is not what requests could be given.
    let silent = operator.ask_deploy("shop", "", &guest("link_provider"));
    assert_eq!(silent.status, 422, "{}", silent.text());
    assert!(
        silent.text().contains("no HTTP handler"),
        "{}",
        silent.text()
    );
    assert!(!silent.text().contains("revisions/"), "{}", silent.text());
    assert_eq!(host.build("/shop"), 1);
}

#[test]
fn a_service_that_is_not_there_is_named() {
    let host = app().start();
    let operator = host.operator();
    let answer = operator.ask_deploy("shpo", "", &build(2));
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert!(answer.text().contains("`shpo`"), "{}", answer.text());
    let told = host.command(&["deploy", "shpo", "--wasm", &file(&host, &build(2))]);
    assert_eq!(told.status.code(), Some(1), "{told}");
    assert!(told.stderr.contains("`shpo`"), "{told}");
    // Without a file the manifest is asked, which knows the others.
    let told = host.command(&["deploy", "shpo"]);
    assert!(told.stderr.contains("`shpo`"), "{told}");
    assert!(told.stderr.contains("shop"), "{told}");
    for what in ["promote", "rollback"] {
        let answer = operator.ask("POST", &format!("/services/shpo/{what}"), b"");
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
    assert_eq!(kept_files(&host), 3, "one of each service");
}

/// Begins an answer that streams until the gate is open.
fn begin_stream(host: &Host, gate: &str, expected: u64) -> Connection {
    let mut connection = host.connect();
    let path = format!("/shop?stream={gate}");
    connection.send("GET", &path, &[], b"").unwrap();
    assert_eq!(connection.head().unwrap().0, 200);
    let first = connection.next_chunk().unwrap().unwrap();
    assert_eq!(first, format!("{}\n", line(expected)).into_bytes());
    connection
}

/// Reads the end of an answer that streams, now that the gate is open.
fn end_stream(mut connection: Connection, expected: u64) {
    let last = connection.next_chunk().unwrap().unwrap();
    assert_eq!(last, format!("{}\n", line(expected)).into_bytes());
    assert_eq!(connection.next_chunk().unwrap(), None);
}

#[test]
fn an_answer_that_streams_ends_with_the_build_that_began_it() {
    let host = app().start();
    let operator = host.operator();
    let stream = begin_stream(&host, "g", 1);
    std::thread::scope(|scope| {
        let deploy = scope.spawn(|| operator.deploy("shop", &build(2)));
        wait::until("the switch", || (host.build("/shop") == 2).then_some(()));
        let before = &operator.revisions("shop")[1];
        assert_eq!(before["state"], "draining", "{before}");
        assert!(!deploy.is_finished(), "the deploy waits for the answer");
        host.open("g");
        end_stream(stream, 1);
        assert_eq!(deploy.join().unwrap(), 2);
    });
    assert_eq!(operator.revisions("shop")[1]["state"], "warm");
}

#[test]
fn an_answer_that_streams_for_too_long_is_cut_off() {
    let host = app().start();
    let mut stream = begin_stream(&host, "never", 1);
    let wasm = file(&host, &build(2));
    let arguments = ["deploy", "shop", "--drain-timeout", "0", "--wasm", &wasm];
    let told = host.command(&arguments);
    assert!(told.status.success(), "{told}");
    stream.next_chunk().unwrap_err();
    assert_eq!(host.build("/shop"), 2);
    // The cut was for those of that time alone.
    let told = host.command(&["rollback", "shop"]);
    assert!(told.status.success(), "{told}");
    let stream = begin_stream(&host, "g", 1);
    host.open("g");
    end_stream(stream, 1);
}

#[test]
fn a_drain_does_not_cut_what_begins_after_a_rollback() {
    let host = app().start();
    let operator = host.operator();
    let old = begin_stream(&host, "old", 1);
    std::thread::scope(|scope| {
        let query = "drain_timeout_ms=4000";
        let deploy = scope.spawn(|| operator.deploy_with("shop", query, &build(2)));
        wait::until("the switch", || (host.build("/shop") == 2).then_some(()));
        let told = host.command(&["rollback", "shop"]);
        assert!(told.status.success(), "{told}");
        let stream = begin_stream(&host, "g", 1);
        deploy.join().unwrap();
        host.open("g");
        end_stream(stream, 1);
    });
    old.close();
}

#[test]
fn a_request_tree_sees_one_revision() {
    let host = linked().start();
    let operator = host.operator();
    let once = "/caller?call=chain";
    assert_eq!(ask(&host, once), format!("ok {}", line(1)));
    std::thread::scope(|scope| {
        let twice = scope.spawn(|| ask(&host, "/caller?call=chain&steps=1&times=2"));
        host.wait_for_held("build", 1);
        let deploy = scope.spawn(|| operator.deploy("provider", &build(2)));
        let answer = format!("ok {}", line(2));
        wait::until("the switch", || (ask(&host, once) == answer).then_some(()));
        host.open("build");
        let both = format!("ok {0}\nok {0}", line(1));
        assert_eq!(
            twice.join().unwrap(),
            both,
            "the second call takes what the first one took"
        );
        assert_eq!(deploy.join().unwrap(), 2);
    });
    let answer = format!("ok {0}\nok {0}", line(2));
    assert_eq!(ask(&host, "/caller?call=chain&steps=1&times=2"), answer);
}
