//! `kumiki token` against the real host: a token works until it is removed, over restarts, for what
//! its role permits and nothing else.

use std::process::Command;

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::{self, Host};

fn start() -> Host {
    let services =
        ["cart", "shop"].map(|id| Service::new(id, "hello_two").route(&format!("/{id}")));
    App::new(services).start()
}

/// Runs a command with a token in the place of the operator's.
fn run_as(host: &Host, token: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command: Command = host::command(host.folder());
    let output = command
        .args(arguments)
        .env("KUMIKI_TOKEN", token)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn a_token_is_made_used_and_removed() {
    let mut host = start();
    let add = [
        "token",
        "add",
        "ci",
        "--role",
        "deployer",
        "--service",
        "cart",
    ];
    let added = host::run(host.folder(), &add);
    assert_eq!(added.status.code(), Some(0), "{added}");
    let token = added.stdout.trim().to_owned();
    assert!(
        token.starts_with("kumiki_") && !token.contains('\n'),
        "{added}"
    );
    assert!(added.stderr.contains("this once"), "{added}");
    let twice = host::run(host.folder(), &add);
    assert_eq!(twice.status.code(), Some(1), "{twice}");
    assert!(twice.stderr.contains("there is a token `ci`"), "{twice}");

    let (code, text) = run_as(&host, &token, &["services"]);
    assert!(code == Some(0) && text.contains("cart"), "{text}");
    let (code, text) = run_as(&host, &token, &["token", "add", "me", "--role", "operator"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("`ci` has the role deployer of cart"),
        "{text}"
    );
    let (code, text) = run_as(&host, "kumiki_other", &["services"]);
    assert!(code == Some(1) && text.contains("token"), "{text}");

    // Nothing of the token itself is on the disk.
    let secret = token.trim_start_matches("kumiki_").as_bytes();
    for file in ["operations.db", "operations.db-wal"] {
        let bytes = std::fs::read(host.folder().join(".kumiki").join(file)).unwrap_or_default();
        assert!(
            !bytes.windows(secret.len()).any(|part| part == secret),
            "{file}"
        );
    }
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    let host = host.restart();
    let listed = host::run(host.folder(), &["token", "list"]);
    let row = listed.stdout.lines().nth(1).unwrap();
    assert!(
        row.starts_with("ci ") && row.contains("deployer"),
        "{listed}"
    );
    let (code, text) = run_as(&host, &token, &["services"]);
    assert_eq!(code, Some(0), "{text}");
    let removed = host::run(host.folder(), &["token", "remove", "ci"]);
    assert_eq!(removed.status.code(), Some(0), "{removed}");
    let (code, text) = run_as(&host, &token, &["services"]);
    assert_eq!(code, Some(1), "{text}");
    let gone = host::run(host.folder(), &["token", "remove", "ci"]);
    assert!(gone.stderr.contains("there is no token `ci`"), "{gone}");
    let listed = host::run(host.folder(), &["token", "list"]);
    assert!(listed.stdout.contains("no token was added"), "{listed}");
}

#[test]
fn mistakes_are_named_with_their_mend() {
    let host = start();
    for (arguments, code, mend) in [
        (&["add", "ci", "--role", "root"][..], 2, "deployer"),
        (&["add", "ci", "--role", "deployer"], 1, "name at least one"),
        (
            &["add", "ci", "--role", "reader", "--service", "cart"],
            1,
            "make it a deployer",
        ),
        (
            &["add", "ci", "--role", "deployer", "--service", "crat"],
            1,
            "`crat`",
        ),
        (&["add", "operator", "--role", "reader"], 1, "another one"),
        (&["add", "C I", "--role", "reader"], 1, "lowercase"),
        (&["remove", "../registry"], 1, "no token"),
    ] {
        let refused = host::run(host.folder(), &[&["token"], arguments].concat());
        assert_eq!(refused.status.code(), Some(code), "{refused}");
        assert!(refused.stderr.contains(mend), "{refused}");
    }
}
