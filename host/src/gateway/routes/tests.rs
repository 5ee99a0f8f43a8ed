//! The routing rules, compared with what Spin does.

use proptest::prelude::*;

use super::{RouteError, Router, Shadowed};

fn router(patterns: &[&str]) -> Router {
    Router::new(
        patterns
            .iter()
            .enumerate()
            .map(|(index, pattern)| (*pattern, index)),
    )
    .unwrap()
}

/// The pattern that answers `path`.
fn winner<'a>(router: &'a Router, path: &str) -> Option<&'a str> {
    Some(router.route(path)?.pattern())
}

fn path_info(pattern: &str, path: &str) -> String {
    router(&[pattern])
        .route(path)
        .unwrap()
        .path_info()
        .to_owned()
}

fn captures(pattern: &str, path: &str) -> Vec<(String, String)> {
    let router = router(&[pattern]);
    let matched = router.route(path).unwrap();
    matched
        .captures()
        .map(|(name, value)| (name.to_string(), value.to_owned()))
        .collect()
}

#[test]
fn exact_routes_match_with_and_without_a_slash_at_the_end() {
    let router = router(&["/foo", "/foo/bar", "/"]);
    assert_eq!(winner(&router, "/foo"), Some("/foo"));
    assert_eq!(winner(&router, "/foo/"), Some("/foo"));
    assert_eq!(winner(&router, "/foo/bar"), Some("/foo/bar"));
    assert_eq!(winner(&router, "/"), Some("/"));
    assert_eq!(winner(&router, "/foobar"), None);
    assert_eq!(winner(&router, "/foo/bar/baz"), None);
    assert_eq!(winner(&router, "/FOO"), None);
}

#[test]
fn exact_beats_capture_beats_wildcard_whatever_the_order() {
    for patterns in [["/...", "/:a", "/one"], ["/one", "/:a", "/..."]] {
        let router = router(&patterns);
        assert_eq!(winner(&router, "/one"), Some("/one"));
        assert_eq!(winner(&router, "/two"), Some("/:a"));
        assert_eq!(winner(&router, "/one/two"), Some("/..."));
    }
}

#[test]
fn the_longest_prefix_wins_whatever_the_order() {
    for patterns in [
        ["/one/...", "/one/two/...", "/one/two/three/..."],
        ["/one/two/three/...", "/one/two/...", "/one/..."],
    ] {
        let router = router(&patterns);
        assert_eq!(
            winner(&router, "/one/two/three/four"),
            Some("/one/two/three/...")
        );
        assert_eq!(
            winner(&router, "/one/two/three"),
            Some("/one/two/three/...")
        );
        assert_eq!(winner(&router, "/one/two"), Some("/one/two/..."));
        assert_eq!(winner(&router, "/one"), Some("/one/..."));
    }
}

#[test]
fn of_identical_patterns_the_last_wins_and_is_reported() {
    let router = router(&["/foo", "/bar", "/foo"]);
    assert_eq!(router.route("/foo").unwrap().trigger(), 2);
    let expected = Shadowed {
        pattern: "/foo".to_owned(),
        hidden: 0,
        effective: 2,
    };
    assert_eq!(router.shadowed(), [expected]);
}

#[test]
fn of_patterns_of_one_shape_the_first_wins() {
    let router = router(&["/:a", "/:b"]);
    assert_eq!(winner(&router, "/x"), Some("/:a"));
}

#[test]
fn path_info_keeps_the_slash_at_the_end() {
    assert_eq!(path_info("/test/...", "/test"), "");
    assert_eq!(path_info("/test/...", "/test/"), "/");
    assert_eq!(path_info("/test/...", "/test/hello"), "/hello");
    assert_eq!(path_info("/test/...", "/test/hello/"), "/hello/");
    assert_eq!(path_info("/...", "/1/2/3"), "/1/2/3");
    assert_eq!(path_info("/...", "/"), "/");
    assert_eq!(path_info("/test/*", "/test/hello"), "/hello");
    assert_eq!(path_info("/test", "/test"), "");
}

#[test]
fn paths_are_not_decoded() {
    assert_eq!(path_info("/a/...", "/a/%2e%2e/b%2Fc"), "/%2e%2e/b%2Fc");
    assert_eq!(path_info("/a/...", "/a/../secret"), "/../secret");
    assert_eq!(winner(&router(&["/a b"]), "/a%20b"), None);
}

#[test]
fn captures_become_headers() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        captures("/1/:two/3", "/1/2/3"),
        [pair("spin-path-match-two", "2")]
    );
    assert_eq!(
        captures("/base/:path_segment/:path_END/...", "/base/path/end/rest"),
        [
            pair("spin-path-match-path-segment", "path"),
            pair("spin-path-match-path-end", "end")
        ]
    );
    assert_eq!(
        captures("/:file.json", "/data.json"),
        [pair("spin-path-match-file", "data")]
    );
    assert_eq!(winner(&router(&["/:file.json"]), "/data.xml"), None);
    assert_eq!(
        router(&["/:any", "/:file.json"])
            .route("/data.json")
            .unwrap()
            .trigger(),
        1
    );
    assert_eq!(
        winner(&router(&["/.hidden/v1.2"]), "/.hidden/v1.2"),
        Some("/.hidden/v1.2")
    );
}

#[test]
fn the_route_headers_are_those_of_spin() {
    let router = router(&["/base/:a/...", "/", "plain/"]);
    let headers = router.route("/base/x/y").unwrap().headers().clone();
    assert_eq!(headers.raw, "/base/:a/...");
    assert_eq!(headers.component, "/base/:a");
    assert_eq!(headers.matched, "/base/:a/...");
    assert_eq!(router.route("/").unwrap().headers().matched, "");
    let headers = router.route("/plain").unwrap().headers().clone();
    assert_eq!(
        (headers.raw, headers.matched),
        ("plain/".parse().unwrap(), "/plain".parse().unwrap())
    );
}

#[test]
fn impossible_patterns_are_refused() {
    let error = |pattern| Router::new([(pattern, 0)]).unwrap_err();
    assert_eq!(
        error("/a/.../b"),
        RouteError::WildcardNotLast("/a/.../b".to_owned())
    );
    assert_eq!(
        error("/a/*/b"),
        RouteError::WildcardNotLast("/a/*/b".to_owned())
    );
    assert_eq!(
        error("/*rest"),
        RouteError::WildcardNotLast("/*rest".to_owned())
    );
    assert_eq!(error("/a/:"), RouteError::UnnamedCapture("/a/:".to_owned()));
    assert_eq!(
        error("/a\u{7}"),
        RouteError::NotPrintable("/a\u{7}".to_owned())
    );
}

proptest! {
    #[test]
    fn any_pattern_and_any_path_are_survived(
        patterns in prop::collection::vec("[/:.*a-bé ]{0,12}|\\PC{0,8}", 0..6),
        path in "/[/:.*a-bé%]{0,16}|\\PC{0,12}",
    ) {
        let pairs = patterns.iter().enumerate().map(|(index, text)| (text.as_str(), index));
        if let Ok(router) = Router::new(pairs)
            && let Some(matched) = router.route(&path)
        {
            prop_assert!(matched.trigger() < patterns.len());
            prop_assert!(matched.captures().count() <= path.len());
        }
    }

    #[test]
    fn exact_beats_every_other_pattern(
        path in "(/[a-c]{1,2}){1,4}",
        others in prop::collection::vec("(/([a-c]{1,2}|:[a-c])){0,3}(/\\.\\.\\.)?", 0..6),
        position in 0usize..6,
    ) {
        let mut patterns: Vec<&str> = others.iter().map(String::as_str).collect();
        patterns.insert(position.min(patterns.len()), &path);
        let router = router(&patterns);
        prop_assert_eq!(winner(&router, &path), Some(path.as_str()));
    }

    #[test]
    fn a_wildcard_loses_nothing_of_the_path(
        prefix in "(/[a-c]{1,2}){0,2}",
        rest in "(/[a-z%]{1,4}){1,3}/?",
    ) {
        let path = format!("{prefix}{rest}");
        prop_assert_eq!(path_info(&format!("{prefix}/..."), &path), rest);
    }
}
