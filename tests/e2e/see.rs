//! What an operator sees of a running host with the real binary: `ps`, `logs`, `inspect`, and how
//! the commands find their host.

use std::io::{BufRead, BufReader};
use std::process::Output;

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::{self, Host, Refusal};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::links;

fn app() -> App {
    App::new([
        Service::new("talker", "logs").route("/talk/..."),
        Service::new("quiet", "hello_three").private(),
    ])
}

/// What a command prints that succeeds.
fn said(host: &Host, arguments: &[&str]) -> String {
    let outcome = host::run(host.folder(), arguments);
    assert_eq!(outcome.status.code(), Some(0), "{arguments:?}: {outcome}");
    outcome.stdout
}

fn answered(host: &Host, arguments: &[&str]) -> Value {
    let text = said(host, arguments);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn refused(outcome: &Refusal, code: i32, texts: &[&str]) {
    assert_eq!(outcome.status.code(), Some(code), "{outcome}");
    for text in texts {
        assert!(outcome.stderr.contains(text), "no `{text}` in {outcome}");
    }
}

/// A file of the state directory.
fn state_file(host: &Host, name: &str) -> String {
    let path = host.folder().join(".kumiki").join(name);
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}

fn address(host: &Host) -> String {
    let announced: Value = serde_json::from_str(&state_file(host, "admin")).unwrap();
    announced["address"].as_str().unwrap().to_owned()
}

#[test]
fn ps_has_a_line_for_each_service() {
    let host = app().start();
    for _ in 0..20 {
        host.post("/talk/", "x").expect(200);
    }
    let table = said(&host, &["ps"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    let header: Vec<&str> = lines[0].split_whitespace().collect();
    let columns = [
        "SERVICE",
        "REVISION",
        "HEALTH",
        "INSTANCES",
        "CALLS/S",
        "FAILED",
        "P50",
        "P99",
        "MEMORY",
        "DEPLOYED",
    ];
    assert_eq!(header, columns);
    assert!(
        lines[1].starts_with("quiet ") && lines[2].starts_with("talker "),
        "{table}"
    );
    assert!(
        lines[1].contains(" idle ") && lines[2].contains(" ready "),
        "{table}"
    );
    let once = said(&host, &["services", "--once"]);
    assert_eq!(once.lines().next(), Some(lines[0]), "{once}");
    let registry = answered(&host, &["ps", "--json"]);
    assert_eq!(registry["name"], "test-app");
    let talker = &registry["services"][1];
    assert_eq!(talker["calls"], 20, "{registry}");
    assert_eq!(talker["failed"], 0);
    assert!(
        talker["latency_us"]["p50"].as_f64().unwrap() > 0.0,
        "{talker}"
    );
    assert!(
        registry["services"][0]["latency_us"]["p50"].is_null(),
        "{registry}"
    );
}

#[test]
fn logs_are_printed_followed_and_chosen() {
    let host = app().start();
    assert_eq!(said(&host, &["logs"]), "");
    host.post("/talk/", "first\u{1b}[2J").expect(200);
    let text = said(&host, &["logs"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].ends_with("  talker  out  out: first\\u{1b}[2J"),
        "{text}"
    );
    assert!(
        lines[1].ends_with("  talker  err  err: first\\u{1b}[2J"),
        "{text}"
    );
    let follow = ["logs", "talker", "-f", "--json", "--grep", "^out: "];
    let mut following = host::command(host.folder()).args(follow).spawn().unwrap();
    let mut following_lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next =
        || -> Value { serde_json::from_str(&following_lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["number"], 1);
    host.post("/talk/?times=1500", "second").expect(200);
    let second = next();
    assert_eq!(second["text"], "out: second");
    assert_eq!(second["service"], "talker");
    assert_eq!(second["stream"], "stdout");
    // The rest comes over several pages, each line once.
    let numbers: Vec<i64> = (1..1500)
        .map(|_| next()["number"].as_i64().unwrap())
        .collect();
    let expected: Vec<i64> = (1..1500).map(|index| 3 + 2 * index).collect();
    assert_eq!(numbers, expected);
    kill_process(Pid::from_child(&following), Signal::INT).unwrap();
    assert_eq!(following.wait().unwrap().code(), Some(0));
    assert_eq!(said(&host, &["logs", "quiet"]), "");
    let none = said(&host, &["logs", "--since", "2999-01-01T00:00:00Z"]);
    assert_eq!(none, "");
    let all = said(&host, &["logs", "--since", "1h"]);
    assert_eq!(all.lines().count(), 3002);
    refused(
        &host::run(host.folder(), &["logs", "none"]),
        1,
        &["no service `none`"],
    );
    for (flag, wrong) in [("--since", "yesterday"), ("--grep", "(")] {
        refused(
            &host::run(host.folder(), &["logs", flag, wrong]),
            2,
            &[flag],
        );
    }
}

#[test]
fn inspect_shows_one_service_and_no_secret() {
    let host = links::app([
        links::caller("caller", "provider"),
        links::provider("provider"),
        Service::new("keeper", "break_and_mend")
            .route("/keeper/...")
            .key_value_stores(&["default"])
            .line("environment = { SECRET = \"hush\" }")
            .setting("cpu_ms_max = 1234"),
    ])
    .start();
    let text = said(&host, &["inspect", "keeper"]);
    for part in [
        "/keeper/...",
        "cpu 1234 ms",
        "default",
        "SECRET",
        "EXPORTS",
        "wasi:http/",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    assert!(!text.contains("hush"), "{text}");
    let page = answered(&host, &["inspect", "keeper", "--json"]);
    assert_eq!(page["grants"]["key_value_stores"][0], "default");
    assert!(!page.to_string().contains("hush"), "{page}");
    let text = said(&host, &["inspect", "caller"]);
    assert!(
        text.contains("LINKS TO") && text.contains(" -> provider"),
        "{text}"
    );
    let page = answered(&host, &["inspect", "provider", "--json"]);
    assert_eq!(page["links_from"][0]["service"], "caller", "{page}");
    assert!(page["exports"].to_string().contains("func("), "{page}");
    let none = host::run(host.folder(), &["inspect", "none"]);
    refused(&none, 1, &["no service `none`"]);
}

#[test]
fn a_host_is_named_by_a_flag_the_environment_or_its_directory() {
    let host = app().start();
    let elsewhere = tempfile::tempdir().unwrap();
    // No manifest above this folder is taken.
    std::fs::create_dir(elsewhere.path().join(".git")).unwrap();
    let (admin, token) = (address(&host), state_file(&host, "admin-token"));
    let run = |arguments: &[&str], environment: &[(&str, &str)]| -> Refusal {
        let mut command = host::command(elsewhere.path());
        command.envs(environment.iter().copied());
        let Output {
            status,
            stdout,
            stderr,
        } = command.args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Refusal {
            status,
            stdout: text(stdout),
            stderr: text(stderr),
        }
    };
    let name = |outcome: Refusal| -> Value {
        assert_eq!(outcome.status.code(), Some(0), "{outcome}");
        serde_json::from_str::<Value>(&outcome.stdout).unwrap()["name"].take()
    };
    let ps = ["ps", "--json"];
    let environment = [("KUMIKI_ADMIN", admin.as_str()), ("KUMIKI_TOKEN", &token)];
    assert_eq!(name(run(&ps, &environment)), "test-app");
    // The flag goes before the environment.
    let wrong_admin = [("KUMIKI_ADMIN", "unix:/none"), ("KUMIKI_TOKEN", &token)];
    let flag = ["ps", "--json", "--admin", &admin];
    assert_eq!(name(run(&flag, &wrong_admin)), "test-app");
    refused(
        &run(&ps, &wrong_admin),
        1,
        &["nothing listens on unix:/none"],
    );
    let state = host.folder().join(".kumiki").display().to_string();
    let by_state = ["ps", "--json", "--state-dir", &state];
    assert_eq!(name(run(&by_state, &[])), "test-app");
    let all = ["ps", "--json", "--state-dir", &state, "--admin", &admin];
    assert_eq!(name(run(&all, &[])), "test-app");
    // What is missing or wrong is named.
    refused(
        &run(&ps, &[]),
        1,
        &["--state-dir", "--admin", "KUMIKI_TOKEN"],
    );
    let no_token = ["ps", "--admin", &admin, "--state-dir", "none"];
    refused(
        &run(&no_token, &[]),
        1,
        &["there is no token", "KUMIKI_TOKEN"],
    );
    let wrong_token = [("KUMIKI_TOKEN", "wrong")];
    refused(&run(&flag, &wrong_token), 1, &["refused", "token"]);
    for wrong in ["3001", "https://127.0.0.1:1", "off", ""] {
        let environment = [("KUMIKI_ADMIN", wrong)];
        refused(
            &run(&ps, &environment),
            2,
            &["KUMIKI_ADMIN", "http://127.0.0.1:PORT"],
        );
        let flag = ["events", "topics", "--admin", wrong];
        refused(&run(&flag, &[]), 2, &["--admin", "unix:/PATH"]);
    }
    let far = ["backup", "copy", "--admin", "http://192.0.2.1:3001"];
    refused(&run(&far, &[]), 2, &["loopback", "ssh -L"]);
}

#[test]
fn top_needs_a_terminal_and_history_a_host_that_keeps_it() {
    let host = app().start();
    refused(
        &host::run(host.folder(), &["top"]),
        1,
        &["no terminal", "kumiki ps"],
    );
    let unknown = host::run(host.folder(), &["history", "none"]);
    refused(&unknown, 1, &["refused"]);
}
