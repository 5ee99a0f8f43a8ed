//! `kumiki events` and the pages behind it, on a host with a bus: who takes what, what is given up,
//! and how it is mended.

use std::io::{BufRead, BufReader};

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::{self, Host, Refusal};
use kumiki_tests::http::{self, Answer};
use kumiki_tests::wait;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// A bus, and a service that takes `order.#` and gives up after two attempts.
fn app() -> App {
    let bus = Service::new("events", "hello_two").private();
    let taker = Service::new("taker", "break_and_mend").route("/taker/...");
    App::new([
        bus.setting("builtin = \"events\""),
        taker.key_value_stores(&["default"]),
    ])
    .text(
        "[[component.taker.tool.kumiki.subscriptions]]\n\
         topic = \"order.#\"\npath = \"/taker/order\"\n\
         attempts_max = 2\nbackoff_ms = 1\nbackoff_max_ms = 1\n",
    )
}

fn events(host: &Host, arguments: &[&str]) -> Refusal {
    let all: Vec<&str> = ["events"].iter().chain(arguments).copied().collect();
    host::run(host.folder(), &all)
}

/// What a command prints.
fn said(host: &Host, arguments: &[&str]) -> String {
    let outcome = events(host, arguments);
    assert_eq!(outcome.status.code(), Some(0), "{arguments:?}: {outcome}");
    outcome.stdout
}

fn answered(host: &Host, arguments: &[&str]) -> Value {
    let all: Vec<&str> = arguments.iter().chain(&["--json"]).copied().collect();
    let text = said(host, &all);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn refused(host: &Host, arguments: &[&str], text: &str) {
    let outcome = events(host, arguments);
    assert_eq!(outcome.status.code(), Some(1), "{arguments:?}: {outcome}");
    assert!(outcome.stderr.contains(text), "no `{text}` in {outcome}");
}

fn taken(host: &Host) -> Vec<String> {
    let text = host.get("/taker/x?op=taken").expect(200);
    text.lines().map(str::to_owned).collect()
}

fn wait_for_taken(host: &Host, count: usize) -> Vec<String> {
    wait::until(&format!("{count} events to be taken"), || {
        Some(taken(host)).filter(|taken| taken.len() == count)
    })
}

/// The first subscriber, when it is as wanted.
fn wait_for_subscriber(host: &Host, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    wait::until(what, || {
        let all = answered(host, &["subscribers"]);
        Some(all[0].clone()).filter(&wanted)
    })
}

/// One request to the admin API.
fn ask(host: &Host, method: &str, path: &str, kind: &str, body: &str) -> Answer {
    let state = host.folder().join(".kumiki");
    let read = |name: &str| std::fs::read_to_string(state.join(name)).unwrap();
    let announced: Value = serde_json::from_str(&read("admin")).unwrap();
    let address = announced["address"].as_str().unwrap();
    let address = address.strip_prefix("http://").unwrap().parse().unwrap();
    let token = format!("Bearer {}", read("admin-token").trim());
    let mut headers = vec![("authorization", token.as_str())];
    if !kind.is_empty() {
        headers.push(("content-type", kind));
    }
    http::request(address, method, path, &headers, body.as_bytes())
}

#[test]
fn an_event_goes_from_the_command_to_its_subscriber() {
    let host = app().start();
    assert_eq!(said(&host, &["topics"]), "no event was published yet\n");
    assert_eq!(
        said(&host, &["dead", "list"]),
        "there are no dead letters\n"
    );
    let order = "{\"order\": 7.50}";
    let told = said(
        &host,
        &[
            "publish",
            "order.placed",
            order,
            "--id",
            "one",
            "--key",
            "7",
        ],
    );
    assert_eq!(told, "one was published on order.placed\n");
    assert_eq!(wait_for_taken(&host, 1), [format!("one {order}")]);
    let again = said(&host, &["publish", "order.placed", order, "--id", "one"]);
    assert!(again.contains("before; nothing was stored"), "{again}");
    std::fs::write(host.folder().join("data"), "plain text").unwrap();
    let published = answered(&host, &["publish", "order", "@data", "--id", "two"]);
    assert_eq!(published, json!({"ids": ["two"], "new": [true]}));
    // Nobody subscribes to it.
    said(&host, &["publish", "stock.low", "--source", "shelf"]);
    assert_eq!(wait_for_taken(&host, 2)[1], "two plain text");
    let topics = answered(&host, &["topics"]);
    let names: Vec<_> = topics
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["name"])
        .collect();
    assert_eq!(names, ["order", "order.placed", "stock.low"]);
    assert_eq!(topics[1]["published"], 1);
    let subscriber = wait_for_subscriber(&host, "all to be acknowledged", |subscriber| {
        subscriber["lag"] == 0 && subscriber["delivered"] == 2
    });
    assert_eq!(subscriber["topic"], "order.#");
    assert_eq!(subscriber["kind"], "subscription");
    assert_eq!(subscriber["oldest"], Value::Null);
    let table = said(&host, &["subscribers"]);
    assert!(
        table.starts_with("SERVICE") && table.contains("\ntaker "),
        "{table}"
    );
}

#[test]
fn a_dead_letter_is_shown_retried_and_dropped() {
    let host = app().start();
    host.get("/taker/x?op=break").expect(200);
    for id in ["a", "b", "c"] {
        said(
            &host,
            &["publish", "order.placed", "{\"n\": 1}", "--id", id],
        );
    }
    let dead = wait::until("three dead letters", || {
        let dead = answered(&host, &["dead", "list"]);
        Some(dead).filter(|dead| dead.as_array().unwrap().len() == 3)
    });
    let letter = |id: &str| {
        let mut all = dead.as_array().unwrap().iter();
        let found = all.find(|letter| letter["event"]["id"] == id).unwrap();
        assert_eq!(found["attempts"], 2);
        assert_eq!(found["status"], 500);
        assert_eq!(found["subscription"], "order.#");
        found["id"].to_string()
    };
    let [a, b, c] = ["a", "b", "c"].map(letter);
    let table = said(&host, &["dead", "list", "--service", "taker"]);
    assert_eq!(table.lines().count(), 4, "{table}");
    let none = said(&host, &["dead", "list", "--service", "events"]);
    assert_eq!(none, "there are no dead letters\n");
    let shown = said(&host, &["dead", "show", &a]);
    for text in [
        "order.placed",
        "status 500",
        "it is broken",
        "\"data\":{\"n\": 1}",
    ] {
        assert!(shown.contains(text), "no `{text}` in {shown}");
    }
    said(&host, &["dead", "drop", &c]);
    refused(&host, &["dead", "show", &c], "there is no dead letter");
    refused(&host, &["dead", "drop", &c], "there is no dead letter");
    refused(&host, &["dead", "retry", "999"], "there is no dead letter");
    host.get("/taker/x?op=mend").expect(200);
    said(&host, &["dead", "retry", &a]);
    assert_eq!(wait_for_taken(&host, 1), ["a {\"n\": 1}"]);
    let told = said(&host, &["dead", "retry", "--all", "--service", "taker"]);
    assert!(told.contains(&format!("{b} is tried again")), "{told}");
    wait_for_taken(&host, 2);
    wait_for_subscriber(&host, "no dead letter to be left", |subscriber| {
        subscriber["dead"] == 0
    });
}

#[test]
fn a_replay_delivers_again_from_where_it_is_told() {
    let host = app().start();
    for id in ["a", "b", "c"] {
        said(
            &host,
            &["publish", "order.placed", "--id", id, "--key", "same"],
        );
    }
    wait_for_taken(&host, 3);
    let told = said(&host, &["replay", "taker", "--from", "beginning"]);
    assert_eq!(told, "1 subscription of taker went back\n");
    let ids = |taken: Vec<String>| {
        let ids = taken.iter().map(|line| line.trim().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(
        ids(wait_for_taken(&host, 6)),
        ["a", "b", "c", "a", "b", "c"]
    );
    let replayed = answered(
        &host,
        &["replay", "taker", "--from", "3", "--topic", "order.#"],
    );
    assert_eq!(replayed["subscriptions"], 1);
    assert_eq!(ids(wait_for_taken(&host, 7))[6], "c");
    let later = [
        "replay",
        "taker",
        "--path",
        "/taker/order",
        "--from",
        "2999-01-01T00:00:00Z",
    ];
    assert_eq!(answered(&host, &later)["subscriptions"], 1);
    refused(
        &host,
        &["replay", "taker", "--from", "yesterday"],
        "`beginning`",
    );
    let other = ["replay", "taker", "--topic", "stock", "--from", "1"];
    refused(&host, &other, "no such subscription");
    assert_eq!(taken(&host).len(), 7);
}

#[test]
fn a_tail_prints_the_newest_and_follows() {
    let host = app().start();
    assert_eq!(
        said(&host, &["tail", "#", "--no-follow"]),
        "no event of #\n"
    );
    for number in 1..=12 {
        let topic = if number % 2 == 0 {
            "order.even"
        } else {
            "order.odd"
        };
        said(&host, &["publish", topic, &number.to_string()]);
    }
    let positions = |arguments: &[&str]| -> Vec<String> {
        let text = said(&host, arguments);
        let first = |line: &str| line.split(' ').next().unwrap().to_owned();
        text.lines().map(first).collect()
    };
    let newest = positions(&["tail", "order.#", "--no-follow", "-n", "3"]);
    assert_eq!(newest, ["10", "11", "12"]);
    let newest = positions(&["tail", "order.odd", "--no-follow", "-n", "2"]);
    assert_eq!(newest, ["9", "11"]);
    let all = positions(&["tail", "order.*", "--no-follow", "--from", "beginning"]);
    assert_eq!(all.len(), 12);
    assert_eq!(
        positions(&["tail", "#", "--no-follow", "--from", "12"]),
        ["12"]
    );
    assert_eq!(
        positions(&["tail", "order.odd", "--no-follow", "-n", "100"]).len(),
        6
    );
    refused(&host, &["tail", "Order"], "is no topic");
    let mut following = host::command(host.folder())
        .args(["events", "tail", "order.#", "-n", "1", "--json"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["position"], 12);
    said(
        &host,
        &["publish", "order.late", "{\"a\":1}", "--source", "till"],
    );
    let late = next();
    assert_eq!(late["topic"], "order.late");
    assert_eq!(late["event"]["data"], json!({"a": 1}));
    assert_eq!(late["event"]["source"], "till");
    kill_process(Pid::from_child(&following), Signal::INT).unwrap();
    assert_eq!(following.wait().unwrap().code(), Some(0));
}

#[test]
fn events_come_in_the_three_modes_and_what_is_wrong_is_named() {
    let host = app().start();
    let structured = "application/cloudevents+json";
    let post = |kind, body: &str| ask(&host, "POST", "/events/topics/order.x", kind, body);
    let answer = post(structured, r#"{"specversion":"1.0","id":"1","type":"t"}"#);
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.json(), json!({"ids": ["1"], "new": [true]}));
    let batch = r#"[{"specversion":"1.0","id":"2","type":"t","source":"a"},
        {"specversion":"1.0","id":"2","type":"t","source":"b"}]"#;
    let answer = post("application/cloudevents-batch+json", batch);
    assert_eq!(answer.json()["new"], json!([true, true]));
    wait_for_taken(&host, 3);
    assert_eq!(post(structured, "{").status, 400);
    let missing = post(structured, r#"{"specversion":"1.0","type":"t"}"#);
    assert_eq!(missing.status, 400);
    assert!(missing.text().contains("`id`"), "{}", missing.text());
    let large = format!(
        r#"{{"specversion":"1.0","id":"3","type":"t","data":"{}"}}"#,
        "x".repeat(300_000)
    );
    assert_eq!(post(structured, &large).status, 413);
    assert_eq!(post(structured, &"x".repeat(1_100_000)).status, 413);
    let status = |method, path: &str| ask(&host, method, path, "", "").status;
    for (method, path, expected) in [
        ("GET", "/events/topics?x=1", 200),
        ("GET", "/events/topics/order.x?x=1", 400),
        ("GET", "/events/topics/order.x?limit=-1", 400),
        ("GET", "/events/topics/order.x?limit=1&limit=1", 400),
        ("GET", "/events/topics/a%2Fb", 422),
        ("GET", "/events/topics/%ff", 404),
        ("POST", "/events/topics/order.*", 422),
        ("DELETE", "/events/topics/order.x", 405),
        ("GET", "/events/dead/0", 404),
        ("GET", "/events/dead/x", 404),
        ("GET", "/events/dead/1/retry", 405),
        ("POST", "/events/dead/1/retry", 404),
        ("DELETE", "/events/dead/1", 404),
        ("POST", "/events/replay", 400),
        ("GET", "/events/", 404),
    ] {
        assert_eq!(status(method, path), expected, "{method} {path}");
    }
    let page = ask(&host, "GET", "/events/topics/order.x?limit=2", "", "").json();
    assert_eq!(page["more"], true);
    assert_eq!(page["events"][0]["event"]["source"], "kumiki-cli");
    assert_eq!(page["events"][1]["event"]["source"], "a");
}

#[test]
fn the_metrics_count_what_became_of_events() {
    let host = app().start();
    for id in ["a", "b"] {
        said(&host, &["publish", "order.placed", "--id", id]);
    }
    wait_for_taken(&host, 2);
    host.get("/taker/x?op=break").expect(200);
    said(&host, &["publish", "order.placed", "--id", "c"]);
    let labels = r#"{service="taker",topic="order.#",path="/taker/order"}"#;
    let expected = [
        r#"kumiki_events_published_total{topic="order.placed"} 3"#.to_owned(),
        format!("kumiki_events_delivered_total{labels} 2"),
        format!("kumiki_events_failed_total{labels} 2"),
        format!("kumiki_events_dead_total{labels} 1"),
        format!("kumiki_events_dead_letters{labels} 1.0"),
        format!("kumiki_events_lag{labels} 0.0"),
        format!("kumiki_events_oldest_age_seconds{labels} 0.0"),
    ];
    wait::until("the metrics to say it", || {
        let page = ask(&host, "GET", "/metrics", "", "").text();
        let has = |line: &String| page.lines().any(|found| found == line);
        expected.iter().all(has).then_some(())
    });
}

#[test]
fn a_host_without_a_bus_and_no_host_at_all_are_said() {
    let hello = Service::new("hello", "hello_two").route("/hello");
    let mut host = App::new([hello]).start();
    refused(&host, &["topics"], "the app has no bus");
    host.kill9();
    refused(&host, &["subscribers"], "no host answers");
}
