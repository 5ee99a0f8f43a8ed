//! Which service a path reaches.

use kumiki_tests::app::{App, Service};

/// A service that answers every request with this text.
fn says(text: &str) -> String {
    format!("static_response = {{ status_code = 200, body = {text:?} }}")
}

fn triggers(routes: &[(&str, &str)]) -> String {
    let trigger = |(route, text): &(&str, &str)| {
        format!("[[trigger.http]]\nroute = {route:?}\n{}\n\n", says(text))
    };
    routes.iter().map(trigger).collect()
}

#[test]
fn exact_wins_then_the_longest_prefix() {
    let host = App::default()
        .text(&triggers(&[
            ("/...", "all"),
            ("/a/...", "below a"),
            ("/a/b/...", "below a/b"),
            ("/a/b", "exactly a/b"),
            ("/users/:id", "one user"),
            ("/users/me", "me"),
            ("/star/*", "below star"),
        ]))
        .start();
    let expected = [
        ("/", "all"),
        ("/elsewhere/x", "all"),
        ("/a", "below a"),
        ("/a/x", "below a"),
        ("/ab", "all"),
        ("/a/b", "exactly a/b"),
        ("/a/b/c/d", "below a/b"),
        ("/users/7", "one user"),
        ("/users/me", "me"),
        ("/users/7/orders", "all"),
        ("/star/x", "below star"),
        ("/a/b?x=/c", "exactly a/b"),
    ];
    for (path, text) in expected {
        assert_eq!(host.get(path).expect(200), text, "{path}");
    }
}

#[test]
fn of_two_identical_routes_the_last_wins() {
    let host = App::default()
        .text(&triggers(&[("/same", "first"), ("/same", "last")]))
        .start();
    assert_eq!(host.get("/same").expect(200), "last");
}

#[test]
fn no_route_is_a_404_that_names_the_request() {
    let host = App::new([Service::new("hello", "hello_two").route("/hello")]).start();
    let answer = host.get("/elsewhere");
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert!(
        answer.json()["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty())
    );
}

#[test]
fn a_private_route_is_not_for_clients() {
    let open = Service::new("open", "hello_two").route("/open");
    let host = App::new([open, Service::new("hidden", "hello_two").private()]).start();
    assert_eq!(host.get("/open").status, 200);
    assert_eq!(host.get("/hidden").status, 404);
    let chained = [("host", "hidden.spin.internal")];
    let status = host.request("GET", "/", &chained, "").status;
    assert!(matches!(status, 400 | 404), "{status}");
}

#[test]
fn static_responses_have_status_headers_and_body() {
    let response = "static_response = { status_code = 302, body = \"gone on\", \
                    headers = { location = \"/new\", x-static = \"yes\" } }\n";
    let text = format!("[[trigger.http]]\nroute = \"/old\"\n{response}");
    let answer = App::default().text(&text).start().get("/old");
    assert_eq!((answer.status, answer.text().as_str()), (302, "gone on"));
    assert_eq!(answer.header("location"), Some("/new"));
    assert_eq!(answer.header("x-static"), Some("yes"));
}

#[test]
fn the_well_known_paths_are_the_hosts() {
    let host = App::new([Service::new("all", "hello_two").route("/...")]).start();
    assert_eq!(host.get("/.well-known/spin/health").expect(200), "OK");
    let info = host.get("/.well-known/spin/info");
    assert_eq!(info.status, 200);
    assert_eq!(info.json()["name"], "test-app");
    assert_eq!(
        host.get("/.well-known/other").expect(200),
        "hello from 0.2\n"
    );
}

#[test]
fn both_versions_of_the_handler_answer_side_by_side() {
    let two = Service::new("two", "hello_two").route("/two");
    let three = Service::new("three", "hello_three").route("/three");
    let host = App::new([two, three]).start();
    for _ in 0..3 {
        assert_eq!(host.get("/two").expect(200), "hello from 0.2\n");
        assert_eq!(host.get("/three").expect(200), "hello from 0.3\n");
    }
    let head = host.request("HEAD", "/two", &[], "");
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn a_connection_serves_many_requests_one_after_the_other() {
    let host = App::new([Service::new("hello", "hello_two").route("/...")]).start();
    let mut connection = host.connect();
    for _ in 0..20 {
        connection.send("GET", "/", &[], b"").unwrap();
        assert_eq!(
            connection.answer("GET").unwrap().expect(200),
            "hello from 0.2\n"
        );
    }
    // Two requests in one write are answered in their order.
    connection
        .write("GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    for _ in 0..2 {
        assert_eq!(connection.answer("GET").unwrap().status, 200);
    }
}
