//! The app that this repository is: the catalog answers, validates, and keeps what it acknowledged.

use std::sync::OnceLock;

use kumiki_tests::app::App;
use kumiki_tests::guests::workspace;
use kumiki_tests::host::{Host, run};

/// The root app, built once, with a state directory of its own.
fn start() -> Host {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        if std::env::var_os("KUMIKI_GUESTS_BUILT").is_none() {
            let built = run(&workspace(), &["build"]);
            assert!(built.status.success(), "{built}");
        }
    });
    let manifest = workspace().join("spin.toml");
    App::default()
        .arguments(&["-f", manifest.to_str().unwrap(), "--state-dir", ".kumiki"])
        .start()
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[test]
fn the_seeded_products_are_there() {
    let host = start();
    let laptop = host.get("/products/101");
    assert_eq!(laptop.status, 200);
    assert_eq!(laptop.text(), r#"{"name":"Laptop","price":1200}"#);
    assert_eq!(laptop.header("content-type"), Some("application/json"));
    assert_eq!(
        host.get("/products/102").text(),
        r#"{"name":"Mouse","price":25}"#
    );
    let unknown = host.get("/products/999");
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.text(), r#"{"error":"Product not found"}"#);
}

#[test]
fn what_was_written_survives_kill_9() {
    let mut host = start();
    let put = host.request(
        "PUT",
        "/products/201",
        &JSON,
        r#"{"name":"Desk","price":300}"#,
    );
    assert!((200..300).contains(&put.status), "{put:?}");
    assert!((200..300).contains(&host.request("DELETE", "/products/102", &[], "").status));
    host.kill9();
    let host = host.restart();
    assert_eq!(
        host.get("/products/101").text(),
        r#"{"name":"Laptop","price":1200}"#
    );
    assert_eq!(
        host.get("/products/201").text(),
        r#"{"name":"Desk","price":300}"#
    );
    assert_eq!(
        host.get("/products/102").status,
        404,
        "the seed does not come back"
    );
}

#[test]
fn mistakes_are_problems() {
    let host = start();
    let problem = |method: &str, path: &str, body: &str, status: u16| {
        let answer = host.request(method, path, &JSON, body);
        assert_eq!(
            answer.status,
            status,
            "{method} {path} {body}: {}",
            answer.text()
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{answer:?}"
        );
    };
    problem("PUT", "/products/301", "not json", 400);
    problem("PUT", "/products/301", r#"{"name":"","price":1}"#, 422);
    problem("PUT", "/products/301", r#"{"name":"Lamp","price":-1}"#, 422);
    assert_eq!(host.get("/products/301").status, 404);
}

#[test]
fn the_list_has_pages() {
    let host = start();
    for id in 500..530 {
        let body = format!(r#"{{"name":"Item {id}","price":{id}}}"#);
        let put = host.request("PUT", &format!("/products/{id}"), &JSON, body);
        assert!((200..300).contains(&put.status), "{put:?}");
    }
    let first = host.get("/products?limit=10");
    assert_eq!(first.status, 200, "{}", first.text());
    let text = first.text();
    assert!(
        text.contains("Laptop") && !text.contains("Item 529"),
        "{text}"
    );
}
