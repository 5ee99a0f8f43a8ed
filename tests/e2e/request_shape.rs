//! What a guest sees of a request: Spin's headers, and nothing that a client made up.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use serde_json::Value;

fn host() -> Host {
    let shape = Service::new("shape", "request_shape")
        .route("/api/:user/...")
        .route("/exact");
    App::new([shape]).start()
}

/// All values of a header that the guest saw.
fn seen<'a>(shape: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = shape["headers"].as_array().unwrap();
    let of_name = headers.iter().filter(|header| header[0] == name);
    of_name.map(|header| header[1].as_str().unwrap()).collect()
}

#[test]
fn a_guest_sees_spins_headers() {
    let host = host();
    let shape = host.get("/api/ada/x/y?q=1%202").json();
    let address = host.address().to_string();
    assert_eq!(shape["method"], "GET");
    assert_eq!(shape["authority"], address.as_str());
    assert_eq!(shape["path_with_query"], "/api/ada/x/y?q=1%202");
    let full_url = format!("http://{address}/api/ada/x/y?q=1%202");
    let expected = [
        ("spin-path-info", "/x/y"),
        ("spin-full-url", full_url.as_str()),
        ("spin-matched-route", "/api/:user/..."),
        ("spin-base-path", "/"),
        ("spin-raw-component-route", "/api/:user/..."),
        ("spin-component-route", "/api/:user"),
        ("spin-path-match-user", "ada"),
    ];
    for (name, value) in expected {
        assert_eq!(seen(&shape, name), [value], "{name} in {shape}");
    }
    let client = seen(&shape, "spin-client-addr");
    assert!(
        client.len() == 1 && client[0].starts_with("127.0.0.1:"),
        "{client:?}"
    );
    let ours = shape["headers"].as_array().unwrap().iter();
    let spins = ours
        .filter(|header| header[0].as_str().unwrap().starts_with("spin-"))
        .count();
    assert_eq!(
        spins,
        expected.len() + 1,
        "a spin header besides the known ones: {shape}"
    );
}

#[test]
fn an_exact_route_has_an_empty_path_info() {
    let shape = host().get("/exact").json();
    assert_eq!(seen(&shape, "spin-path-info"), [""]);
    assert_eq!(seen(&shape, "spin-component-route"), ["/exact"]);
}

#[test]
fn headers_that_a_client_makes_up_do_not_arrive() {
    let spoofed = [
        ("spin-client-addr", "10.0.0.1:1"),
        ("Spin-Path-Info", "/admin"),
        ("spin-path-match-user", "root"),
        ("spin-made-up", "yes"),
        ("x-kept", "yes"),
    ];
    let shape = host().request("GET", "/api/ada/x", &spoofed, "").json();
    assert!(seen(&shape, "spin-client-addr")[0].starts_with("127.0.0.1:"));
    assert_eq!(seen(&shape, "spin-client-addr").len(), 1);
    assert_eq!(seen(&shape, "spin-path-info"), ["/x"]);
    assert_eq!(seen(&shape, "spin-path-match-user"), ["ada"]);
    assert!(seen(&shape, "spin-made-up").is_empty());
    assert_eq!(seen(&shape, "x-kept"), ["yes"]);
}

#[test]
fn methods_authority_and_repeated_headers_arrive_as_sent() {
    let host = host();
    let headers = [
        ("host", "shop.example:81"),
        ("x-twice", "one"),
        ("x-twice", "two"),
    ];
    for method in [
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
    ] {
        let shape = host.request(method, "/exact", &headers, "").json();
        assert_eq!(shape["method"], method);
        assert_eq!(shape["authority"], "shop.example:81");
        assert_eq!(seen(&shape, "x-twice"), ["one", "two"]);
    }
}

#[test]
fn an_answer_has_few_headers_that_the_guest_did_not_set() {
    let status = Service::new("status", "status").route("/...");
    let host = App::new([status]).start();
    let answer = host.get("/?status=418&header=x-mine:1&header=x-mine:2&header=etag:abc&body=tea");
    assert_eq!((answer.status, answer.text().as_str()), (418, "tea"));
    let allowed = [
        "date",
        "content-length",
        "transfer-encoding",
        "x-mine",
        "etag",
    ];
    for (name, _) in &answer.headers {
        assert!(
            allowed.contains(&name.as_str()),
            "{name} was added: {answer:?}"
        );
    }
    let mine: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "x-mine")
        .collect();
    assert_eq!(mine.len(), 2);
}
