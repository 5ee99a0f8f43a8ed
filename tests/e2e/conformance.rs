//! The behaviours of Spin's conformance suite, as request and expected answer, on a fresh state
//! directory each. Redis and sockets stand in their own modules with the rest of their tests.

use kumiki_tests::app::{App, Service};
use kumiki_tests::http::Answer;
use kumiki_tests::peers::HttpPeer;

/// The answer has no header that the suite does not list.
fn without_extra_headers(answer: &Answer) {
    for (name, value) in &answer.headers {
        let listed = ["date", "content-length", "transfer-encoding"].contains(&name.as_str());
        assert!(listed, "unlisted header {name}: {value}");
    }
}

#[test]
fn key_value_on_an_empty_store() {
    let service = Service::new("test", "core_key_value")
        .route("/")
        .key_value_stores(&["default"]);
    let answer = App::new([service]).start().get("/");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-length"), Some("0"));
    without_extra_headers(&answer);
}

#[test]
fn key_value_without_permission() {
    let service = Service::new("test", "key_value_spin_two").route("/");
    let answer = App::new([service])
        .start()
        .get("/?op=get&store=default&key=a");
    assert_eq!(answer.clone().expect(422), "Error::AccessDenied");
    without_extra_headers(&answer);
}

#[test]
fn request_shape() {
    let shape = Service::new("test", "request_shape").route("/base/:path_segment/:path_end/...");
    let host = App::new([shape]).start();
    let path = "/base/path/end/rest?key=value";
    let shape = host
        .request("POST", path, &[("host", "example.com")], "")
        .json();
    assert_eq!(shape["method"], "POST");
    assert_eq!(shape["authority"], "example.com");
    let headers: Vec<(&str, &str)> = shape["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| (header[0].as_str().unwrap(), header[1].as_str().unwrap()))
        .collect();
    let expected = [
        (
            "spin-raw-component-route",
            "/base/:path_segment/:path_end/...",
        ),
        (
            "spin-full-url",
            "http://example.com/base/path/end/rest?key=value",
        ),
        ("spin-path-info", "/rest"),
        ("spin-base-path", "/"),
        ("spin-component-route", "/base/:path_segment/:path_end"),
        ("spin-path-match-path-segment", "path"),
        ("spin-path-match-path-end", "end"),
        ("spin-matched-route", "/base/:path_segment/:path_end/..."),
    ];
    for pair in expected {
        assert!(headers.contains(&pair), "{pair:?} is not in {headers:?}");
    }
    assert!(headers.iter().any(|(name, _)| *name == "spin-client-addr"));
    let known = |name: &str| {
        expected.iter().any(|(other, _)| *other == name)
            || ["host", "spin-client-addr", "content-length"].contains(&name)
    };
    for (name, _) in &headers {
        assert!(known(name), "{name} is not known: {headers:?}");
    }
}

#[test]
fn sqlite_and_without_permission() {
    let service = Service::new("test", "sqlite_spin_two").route("/");
    let host = App::new([service.clone().sqlite_databases(&["default"])]).start();
    let run = |statement: &str| host.post("/?database=default", statement).expect(200);
    run("CREATE TABLE test_data(key TEXT NOT NULL, value TEXT NOT NULL)");
    run("INSERT INTO test_data(key, value) VALUES('my_key', 'my_value')");
    assert_eq!(
        run("SELECT * FROM test_data"),
        "key, value\nValue::Text(\"my_key\"), Value::Text(\"my_value\")"
    );
    let denied = App::new([service])
        .start()
        .post("/?database=default", "SELECT 1");
    assert_eq!(denied.expect(422), "Error::AccessDenied");
}

#[test]
fn variables() {
    let service = Service::new("test", "variables_spin_two").route("/");
    let service = service.line("variables = { variable = \"value\" }");
    let host = App::new([service]).start();
    assert_eq!(host.get("/?name=variable").expect(200), "value");
    assert!(host.get("/?name=unknown").expect(422).contains("Undefined"));
    assert!(
        host.get("/?name=invalid!name")
            .expect(422)
            .contains("InvalidName")
    );
}

#[test]
fn outbound_http_and_without_permission() {
    let peer = HttpPeer::start();
    let service = Service::new("test", "http_out_two").route("/");
    let allowed = service
        .clone()
        .allowed_outbound_hosts(&[format!("http://{}", peer.address())]);
    let path = format!("/?url={}", peer.url("/"));
    assert_eq!(
        App::new([allowed])
            .start()
            .post(&path, "Hello, world!")
            .expect(200),
        "200\nHello, world!"
    );
    let denied = App::new([service]).start().get(&path).expect(422);
    assert_eq!(denied, "future: ErrorCode::HttpRequestDenied");
}
