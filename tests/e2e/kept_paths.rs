//! Paths of subscriptions and schedules: nobody but the bus reaches them, in whatever dress.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;

const GUESTS: [&str; 2] = ["relay_two", "relay_three"];

/// An app whose `shape` takes events at `/events/order` and runs at `/nightly`; `caller` may call
/// it, and the app itself by `self`.
fn host(guest: &str) -> Host {
    let caller = Service::new("caller", guest)
        .route("/call")
        .allowed_outbound_hosts(&["http://*.spin.internal", "http://self"]);
    let shape = Service::new("shape", "request_shape")
        .route("/...")
        .setting("subscriptions = [{ topic = \"order.*\", path = \"/events/order\" }]")
        .setting("schedules = [{ cron = \"0 3 1 1 *\", path = \"/nightly\" }]");
    let below = Service::new("below", "request_shape")
        .route("/below/...")
        .setting("subscriptions = [{ topic = \"order.*\", path = \"/events/order\" }]");
    App::new([caller, shape, below, bus()]).start()
}

/// The bus; nothing is at its source, because nobody loads it.
fn bus() -> Service {
    Service::new("events", "hello_two")
        .source("\"no-such-file.wasm\"")
        .private()
        .setting("builtin = \"events\"")
}

const KEPT: [&str; 8] = [
    "/events/order",
    "/nightly",
    "/nightly?x=y",
    "/events%2Forder",
    "/%65vents/order",
    "/events/order/",
    "//events//order",
    "/x/../events/%6Frder",
];

const OPEN: [&str; 4] = ["/events", "/events/order/7", "/%2565vents/order", "/daily"];

#[test]
fn clients_do_not_reach_what_is_kept_for_the_bus() {
    let host = host("relay_two");
    for path in KEPT {
        let answer = host.post(path, "");
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
    }
    // A guest below a route may look at its path-info alone.
    assert_eq!(host.post("/below/events/order", "").status, 404);
    assert_eq!(host.post("/below/events/orders", "").status, 200);
    for path in OPEN {
        assert_eq!(host.post(path, "").json()["path_with_query"], path);
    }
}

#[test]
fn services_do_not_reach_it_by_chaining_or_by_self() {
    for guest in GUESTS {
        let host = host(guest);
        for base in ["http://shape.spin.internal", "http://self"] {
            let call = |path: &str| {
                let url = format!("{base}{path}")
                    .replace('%', "%25")
                    .replace('?', "%3F");
                host.post(&format!("/call?url={url}"), "")
            };
            for path in KEPT {
                let answer = call(path);
                assert_eq!(answer.status, 404, "{guest} {base}{path}: {answer:?}");
            }
            for path in OPEN {
                let answer = call(path);
                assert_eq!(
                    answer.json()["path_with_query"],
                    path,
                    "{guest} {base}{path}"
                );
            }
        }
    }
}

#[test]
fn headers_of_the_host_cannot_be_forged() {
    for guest in GUESTS {
        let host = host(guest);
        let forged = [
            ("kumiki-attempt", "1"),
            ("kumiki-invocation-id", "x"),
            ("ce-id", "7"),
        ];
        for path in ["/daily", "/call?url=http://shape.spin.internal/"] {
            let shape = host.request("POST", path, &forged, "").json();
            let names: Vec<&str> = shape["headers"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|header| header[0].as_str())
                .collect();
            assert!(names.contains(&"ce-id"), "{names:?}");
            assert!(
                !names.iter().any(|name| name.starts_with("kumiki")),
                "{names:?}"
            );
        }
    }
}

#[test]
fn a_service_that_only_takes_events_is_checked_and_not_called() {
    let worker = |guest: &str| {
        let worker = Service::new("worker", guest);
        worker.setting("subscriptions = [{ topic = \"order.*\", path = \"/events/order\" }]")
    };
    let caller = |guest| {
        let caller = Service::new("caller", guest).route("/call");
        caller.allowed_outbound_hosts(&["http://worker.spin.internal"])
    };
    for guest in GUESTS {
        let host = App::new([caller(guest), worker("hello_two"), bus()]).start();
        for path in ["/", "/events/order"] {
            let url = format!("/call?url=http://worker.spin.internal{path}");
            let answer = host.post(&url, "");
            assert_eq!(answer.status, 422, "{guest}: {answer:?}");
        }
    }
    let refusal = App::new([caller("relay_two"), worker("link_provider"), bus()]).refused();
    assert!(refusal.stderr.contains("component `worker`"), "{refusal}");
    assert!(
        refusal.stderr.contains("exports no HTTP handler"),
        "{refusal}"
    );
}
