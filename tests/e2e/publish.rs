//! Publishing to the bus through a real guest, and the component that stands in its place under a
//! stock engine.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::Answer;
use kumiki_tests::wait;
use serde_json::{Value, json};

const GUESTS: [&str; 2] = ["relay_two", "relay_three"];

const REQUIRED: [(&str, &str); 3] = [
    ("ce-specversion", "1.0"),
    ("ce-id", "7"),
    ("ce-type", "placed"),
];

fn publisher(guest: &str) -> Service {
    Service::new("cart", guest)
        .route("/publish")
        .allowed_outbound_hosts(&["http://events.spin.internal"])
}

fn bus(settings: &str) -> Service {
    Service::new("events", "events")
        .private()
        .setting("builtin = \"events\"")
        .setting(settings)
}

fn host(guest: &str, settings: &str) -> Host {
    let other = Service::new("other", guest).route("/other");
    App::new([publisher(guest), other, bus(settings).route("/bus/...")]).start()
}

fn publish(host: &Host, topic: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
    let path = format!("/publish?url=http://events.spin.internal/{topic}");
    host.request("POST", &path, headers, body)
}

#[test]
fn events_are_accepted_in_every_mode() {
    for guest in GUESTS {
        let host = host(guest, "");
        let answer = publish(&host, "order.placed", &REQUIRED, "data");
        assert_eq!(answer.status, 202, "{guest}: {answer:?}");
        assert_eq!(answer.json(), json!({ "ids": ["7"] }));
        // This is the bus, not the component that it replaces; and nothing waits for a commit.
        assert_eq!(answer.header("kumiki-delivery"), None);
        assert_eq!(answer.header("kumiki-pending"), None);
        let event = |id: &str| json!({ "specversion": "1.0", "id": id, "type": "t", "data": 1 });
        let structured = [("content-type", "application/cloudevents+json")];
        let answer = publish(&host, "a", &structured, event("ä").to_string());
        assert_eq!(
            (answer.status, answer.json()),
            (202, json!({ "ids": ["ä"] })),
            "{guest}"
        );
        let batch = [("content-type", "application/cloudevents-batch+json")];
        let events = json!([event("1"), event("2")]).to_string();
        let answer = publish(&host, "a", &batch, events);
        assert_eq!(
            (answer.status, answer.json()),
            (202, json!({ "ids": ["1", "2"] })),
            "{guest}"
        );
        // The same event once more is accepted as well.
        assert_eq!(
            publish(&host, "order.placed", &REQUIRED, "data").status,
            202
        );
    }
}

#[test]
fn what_is_no_event_is_named() {
    for guest in GUESTS {
        let host = host(guest, "event_bytes_max = 1024");
        let detail = |answer: Answer, status: u16| {
            assert_eq!(answer.status, status, "{guest}: {answer:?}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json")
            );
            let problem = answer.json();
            let request_id = answer.header("x-request-id").unwrap();
            assert_eq!(problem["request_id"], request_id);
            problem["detail"].as_str().unwrap().to_owned()
        };
        let text = detail(publish(&host, "a", &REQUIRED[..2], ""), 400);
        assert!(text.contains("`type` is missing"), "{text}");
        let text = detail(publish(&host, "Order", &REQUIRED, ""), 400);
        assert!(text.contains("no topic"), "{text}");
        detail(publish(&host, "a/b", &REQUIRED, ""), 404);
        let text = detail(publish(&host, "a", &REQUIRED, "x".repeat(1025)), 413);
        assert!(text.contains("1024 bytes"), "{text}");
        let path = "/publish?url=http://events.spin.internal/a";
        let answer = host.request("PUT", path, &REQUIRED, "");
        assert_eq!(answer.header("allow"), Some("POST"));
        detail(answer, 405);
    }
}

#[test]
fn a_topic_with_too_many_waiting_events_says_so() {
    let subscriber = Service::new("slow", "trap")
        .setting("subscriptions = [{ topic = \"full\", path = \"/take\" }]");
    let app = [publisher("relay_two"), bus("backlog_max = 1"), subscriber];
    let host = App::new(app).start();
    let mut answers = ["1", "2", "3"].map(|id| {
        let headers = [("ce-specversion", "1.0"), ("ce-id", id), ("ce-type", "t")];
        publish(&host, "full", &headers, "")
    });
    answers.sort_by_key(|answer| answer.status);
    let last = &answers[2];
    assert_eq!(last.status, 429, "{answers:?}");
    assert_eq!(last.header("retry-after"), Some("1"));
}

#[test]
fn the_bus_is_for_services_with_a_grant() {
    let host = host("relay_two", "");
    for path in ["/bus/order", "/bus/"] {
        assert_eq!(host.request("POST", path, &REQUIRED, "").status, 404);
    }
    let path = "/other?url=http://events.spin.internal/order";
    let answer = host.request("POST", path, &REQUIRED, "");
    assert_eq!(answer.status, 422, "{answer:?}");
}

/// An app that a stock engine runs as well: `recorder` takes what `events` forwards.
fn shop(guest: &str, arguments: &[&str]) -> Host {
    let subscriptions = "order.*=http://recorder.spin.internal/events/order\n\
                         #=http://trap.spin.internal/events/any";
    let bus = bus("")
        .allowed_outbound_hosts(&["http://*.spin.internal"])
        .line(format!(
            "variables = {{ subscriptions = {subscriptions:?} }}"
        ));
    let recorder = Service::new("recorder", "record_events")
        .route("/recorded")
        .key_value_stores(&["recorded"])
        .setting("subscriptions = [{ topic = \"order.*\", path = \"/events/order\" }]");
    let trap = Service::new("trap", "trap").private();
    App::new([publisher(guest), bus, recorder, trap])
        .key_value_store("recorded")
        .arguments(arguments)
        .start()
}

fn recorded(host: &Host) -> Vec<Value> {
    let text = host.get("/recorded").expect(200);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn under_a_stock_engine_the_component_forwards() {
    for guest in GUESTS {
        let host = shop(guest, &["--stock"]);
        let headers = [&REQUIRED[..], &[("content-type", "text/plain")]].concat();
        let answer = publish(&host, "order.placed", &headers, "hello");
        assert_eq!(answer.status, 202, "{guest}: {answer:?}");
        assert_eq!(answer.json(), json!({ "ids": ["7"] }));
        assert_eq!(answer.header("kumiki-delivery"), Some("best-effort"));
        let batch = [("content-type", "application/cloudevents-batch+json")];
        let event = |id: &str, data: Value| {
            let event = json!({ "specversion": "1.0", "id": id, "type": "t", "data": data });
            event
        };
        let events = json!([event("ä", json!({ "n": 1 })), event("9", json!("x"))]);
        assert_eq!(
            publish(&host, "order.paid", &batch, events.to_string()).status,
            202
        );
        // Nobody but the one that fails takes this one.
        assert_eq!(publish(&host, "stock", &REQUIRED, "").status, 202);
        assert_eq!(
            publish(&host, "order.placed", &REQUIRED[..2], "").status,
            400
        );

        let events = recorded(&host);
        let summary: Vec<_> = events
            .iter()
            .map(|event| (event["headers"]["ce-id"].clone(), event["body"].clone()))
            .collect();
        let pair = |id: &str, body: &str| (Value::from(id), Value::from(body));
        let expected = [
            pair("7", "hello"),
            pair("%C3%A4", "{\"n\":1}"),
            pair("9", "\"x\""),
        ];
        assert_eq!(summary, expected, "{guest}");
        assert_eq!(events[0]["path"], "/events/order");
        assert_eq!(events[0]["headers"]["content-type"], "text/plain");
        assert_eq!(events[1]["headers"]["content-type"], "application/json");
    }
}

#[test]
fn without_the_flag_the_bus_takes_the_components_place() {
    let host = shop("relay_two", &[]);
    let answer = publish(&host, "order.placed", &REQUIRED, "hello");
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.header("kumiki-delivery"), None);
    // Delivered as the component forwards it, with the bus's own headers besides.
    let events = wait::until("the delivery", || {
        Some(recorded(&host)).filter(|events| !events.is_empty())
    });
    let (headers, body) = (&events[0]["headers"], &events[0]["body"]);
    assert_eq!(
        (headers["ce-id"].as_str(), body.as_str()),
        (Some("7"), Some("hello"))
    );
    assert_eq!(headers["ce-source"], "cart");
    assert_eq!(headers["kumiki-attempt"], "1");
}
