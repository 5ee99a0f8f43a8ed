//! Heads that are refused, and what a guest sees of those that are not.

use http::request::Parts;
use http::uri::Scheme;
use http::{Request, Version};

use super::{accept, describe};
use crate::gateway::routes::Router;

fn head(target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut builder = Request::get(target);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn accepted(mut head: Parts) -> Result<String, u16> {
    match accept(&mut head, &Scheme::HTTP) {
        Ok(()) => Ok(head.uri.to_string()),
        Err(refusal) => Err(refusal.status().as_u16()),
    }
}

/// All headers that a guest sees, for a request that is routed by `pattern`.
fn described(pattern: &str, target: &str, headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut head = head(target, headers);
    accept(&mut head, &Scheme::HTTP).unwrap();
    let router = Router::new([(pattern, 0)]).unwrap();
    let path = head.uri.path().to_owned();
    describe(
        &mut head,
        &router.route(&path).unwrap(),
        "10.0.0.1:4711".parse().unwrap(),
    );
    let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
    let mut all: Vec<_> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    all.sort();
    all
}

#[test]
fn the_uri_becomes_absolute() {
    let host = [("host", "example.com:3000")];
    assert_eq!(
        accepted(head("/a?b=c", &host)).unwrap(),
        "http://example.com:3000/a?b=c"
    );
    let absolute = head("https://example.com:3000/a", &host);
    assert_eq!(accepted(absolute).unwrap(), "http://example.com:3000/a");
}

#[test]
fn a_host_must_be_named_once() {
    assert_eq!(accepted(head("/", &[])), Err(400));
    assert_eq!(accepted(head("http://a/", &[])), Err(400));
    assert_eq!(
        accepted(head("/", &[("host", "a"), ("host", "a")])),
        Err(400)
    );
    assert_eq!(accepted(head("http://a/", &[("host", "b")])), Err(400));
    assert_eq!(accepted(head("/", &[("host", "a b")])), Err(400));
    assert_eq!(accepted(head("/", &[("host", "")])), Err(400));
    assert_eq!(accepted(head("/", &[("host", "user@a")])), Err(400));
    let mut old = head("/", &[]);
    old.version = Version::HTTP_10;
    assert_eq!(accepted(old).unwrap(), "http://localhost/");
    let mut http2 = head("https://a/", &[]);
    http2.version = Version::HTTP_2;
    assert_eq!(accepted(http2).unwrap(), "http://a/");
}

#[test]
fn nobody_pretends_to_call_from_inside() {
    for host in [
        "cart.spin.internal",
        "CART.Spin.Internal:80",
        "cart.spin.internal.",
    ] {
        assert_eq!(accepted(head("/", &[("host", host)])), Err(400), "{host}");
    }
    assert!(accepted(head("/", &[("host", "spin.internal.example.com")])).is_ok());
}

#[test]
fn targets_that_are_no_path_are_refused() {
    assert_eq!(accepted(head("*", &[("host", "a")])), Err(400));
    assert_eq!(accepted(head("a:80", &[("host", "a:80")])), Err(400));
    let mut connect = head("a:80", &[("host", "a:80")]);
    connect.method = http::Method::CONNECT;
    assert_eq!(accepted(connect), Err(501));
}

#[test]
fn only_chunked_is_understood() {
    let coded = |coding| accepted(head("/", &[("host", "a"), ("transfer-encoding", coding)]));
    assert!(coded("Chunked").is_ok());
    assert_eq!(coded("gzip, chunked"), Err(501));
    let twice = [
        ("host", "a"),
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "chunked"),
    ];
    assert_eq!(accepted(head("/", &twice)), Err(501));
}

#[test]
fn the_guest_sees_what_spin_shows_and_none_of_the_forgeries() {
    let forged = [
        ("host", "example.com"),
        ("spin-client-addr", "6.6.6.6:6"),
        ("Spin-Path-Match-Admin", "yes"),
        ("spin_full_url", "http://evil/"),
        ("spin-anything", "x"),
        ("Kumiki-Attempt", "1"),
        ("kumiki-invocation-id", "1-2-3"),
        ("kumiki_scheduled_time", "2026-01-31T12:00:00Z"),
        ("accept", "*/*"),
    ];
    let pattern = "/base/:path_segment/:path_end/...";
    let seen = described(pattern, "/base/path/end/rest?key=value", &forged);
    let expected = [
        ("accept", "*/*"),
        ("host", "example.com"),
        ("spin-base-path", "/"),
        ("spin-client-addr", "10.0.0.1:4711"),
        ("spin-component-route", "/base/:path_segment/:path_end"),
        (
            "spin-full-url",
            "http://example.com/base/path/end/rest?key=value",
        ),
        ("spin-matched-route", "/base/:path_segment/:path_end/..."),
        ("spin-path-info", "/rest"),
        ("spin-path-match-path-end", "end"),
        ("spin-path-match-path-segment", "path"),
        (
            "spin-raw-component-route",
            "/base/:path_segment/:path_end/...",
        ),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn path_info_is_there_even_when_it_is_empty() {
    let seen = described("/exact", "/exact", &[("host", "a")]);
    assert!(seen.contains(&("spin-path-info".to_owned(), String::new())));
}
