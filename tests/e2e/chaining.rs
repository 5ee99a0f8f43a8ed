//! Service chaining: a request to `http://ID.spin.internal` is answered in process.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;

const GUESTS: [&str; 2] = ["http_out_two", "http_out_three"];

fn host(guest: &str, allowed: &[&str]) -> Host {
    let caller = Service::new("caller", guest)
        .route("/call")
        .allowed_outbound_hosts(allowed);
    let shape = Service::new("shape", "request_shape").private();
    let hello = Service::new("hello-three", "hello_three").private();
    let echo = Service::new("echo", "echo_three").route("/echo");
    let trap = Service::new("trap", "trap").private();
    let unrouted = Service::new("unrouted", "hello_two");
    App::new([caller, shape, hello, echo, trap, unrouted]).start()
}

#[test]
fn a_private_service_answers_with_the_whole_path() {
    for guest in GUESTS {
        let host = host(guest, &["http://shape.spin.internal"]);
        let answer = host
            .get("/call?url=http://shape.spin.internal/a/b")
            .expect(200);
        let (status, shape) = answer.split_once('\n').unwrap();
        let shape: serde_json::Value = serde_json::from_str(shape).unwrap();
        assert_eq!(status, "200");
        assert_eq!(shape["path_with_query"], "/a/b");
        let header = |name: &str| {
            let headers = shape["headers"].as_array().unwrap();
            headers
                .iter()
                .find(|header| header[0] == name)
                .map(|header| header[1].clone())
        };
        assert_eq!(header("spin-path-info").unwrap(), "/a/b", "{guest}");
        assert_eq!(header("spin-client-addr").unwrap(), "0.0.0.0:0", "{guest}");
    }
}

#[test]
fn both_versions_call_each_other_and_bodies_pass() {
    for guest in GUESTS {
        let host = host(guest, &["http://*.spin.internal"]);
        let answer = host.get("/call?url=http://hello-three.spin.internal/");
        assert_eq!(answer.expect(200), "200\nhello from 0.3\n", "{guest}");
        let body = "x".repeat(300_000);
        let answer = host.post("/call?url=http://echo.spin.internal/", &body);
        assert_eq!(answer.expect(200), format!("200\n{body}"), "{guest}");
    }
}

#[test]
fn chaining_is_denied_without_a_grant() {
    for guest in GUESTS {
        for allowed in [
            &[][..],
            &["http://other.spin.internal"],
            &["http://example.com"],
        ] {
            let host = host(guest, allowed);
            let text = host
                .get("/call?url=http://shape.spin.internal/")
                .expect(422);
            assert!(
                text.contains("HttpRequestDenied"),
                "{guest} {allowed:?}: {text}"
            );
        }
    }
}

#[test]
fn a_callee_that_fails_answers_as_over_a_socket() {
    for guest in GUESTS {
        let host = host(guest, &["http://*.spin.internal"]);
        let text = host.get("/call?url=http://trap.spin.internal/").expect(200);
        assert!(text.starts_with("500\n"), "{guest}: {text}");
        assert!(!text.contains("internal detail"), "{guest}: {text}");
        for nobody in ["unrouted", "unheard-of"] {
            let answer = host.get(&format!("/call?url=http://{nobody}.spin.internal/"));
            assert!(
                answer.status == 422 || answer.text().starts_with("404"),
                "{answer:?}"
            );
        }
    }
}

#[test]
fn one_invocation_calls_as_often_as_it_likes() {
    let caller = Service::new("caller", "call_often")
        .route("/call")
        .allowed_outbound_hosts(&["http://hello.spin.internal"]);
    let hello = Service::new("hello", "hello_two").private();
    let host = App::new([caller, hello]).start();
    // More than an instance may have handles, so each call gives back its own.
    let answer = host.get("/call?url=http://hello.spin.internal/&count=3000");
    let nanoseconds: Vec<u64> = answer
        .expect(200)
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    assert_eq!(nanoseconds.len(), 3000);
    assert!(nanoseconds.iter().all(|&nanoseconds| nanoseconds > 0));
}

#[test]
fn a_service_that_calls_itself_without_end_is_stopped() {
    let again = Service::new("again", "call_again").route("/again");
    let again = again.allowed_outbound_hosts(&["http://again.spin.internal"]);
    let mut host = App::new([again, Service::new("hello", "hello_two").route("/hello")]).start();
    let text = host.get("/again").expect(200);
    let levels = text
        .lines()
        .filter(|line| line.starts_with("level "))
        .count();
    assert!((1..=16).contains(&levels), "{levels} levels: {text}");
    assert_eq!(host.get("/hello").status, 200);
    assert!(host.runs());
}
