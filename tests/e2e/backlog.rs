//! Many events that nobody has taken yet: memory stays as it is, publishers are told when it is too
//! much, and all of it is delivered in the end.

use std::fs;

use kumiki_tests::app::App;
use kumiki_tests::events::{app, bus, event, taker, taking};
use kumiki_tests::host::Host;
use serde_json::Value;

const BATCH: usize = 1000;

fn publish_many(host: &Host, from: usize, count: usize) {
    for start in (from..from + count).step_by(BATCH) {
        let event = |id: usize| event(&id.to_string(), &(id % 100).to_string(), "ok");
        let batch: Vec<Value> = (start..start + BATCH).map(event).collect();
        host.publish("t", &batch);
    }
}

/// Memory of the host that is its own, without files.
fn anonymous_kib(host: &Host) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon"));
    let digits: String = line.unwrap().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// It takes most of a minute, because a hundred thousand handlers run.
#[test]
fn a_hundred_thousand_events_take_no_memory() {
    let mut host = app(&[], []).start();
    publish_many(&host, 0, 10_000);
    let before_kib = anonymous_kib(&host);
    publish_many(&host, 10_000, 90_000);
    let after_kib = anonymous_kib(&host);
    assert!(
        after_kib < before_kib + 48 * 1024,
        "{before_kib} KiB, then {after_kib}"
    );
    host.terminate();
    host.wait();
    let subscription = "subscriptions = [{ topic = \"t\", path = \"/silent\", \
                        from = \"beginning\", concurrency = 16 }]";
    let late = taking("late")
        .setting(subscription)
        .setting("reuse_max = 1000000");
    app(&[], [late]).write(host.folder());
    let host = host.restart();
    let mut most_kib = 0;
    loop {
        most_kib = anonymous_kib(&host).max(most_kib);
        let subscribers = host.events(&["subscribers"]);
        if subscribers[0]["lag"] == 0 {
            break;
        }
    }
    assert!(
        most_kib < before_kib + 64 * 1024,
        "{before_kib} KiB, then {most_kib}"
    );
    let subscribers = host.events(&["subscribers"]);
    assert_eq!(subscribers[0]["delivered"], 100_000);
}

#[test]
fn publishers_are_refused_while_the_slowest_subscriber_has_too_much_before_it() {
    let slow = taker(
        "slow",
        "t",
        "/in",
        ", concurrency = 1, backoff_ms = 3600000, backoff_max_ms = 3600000",
    );
    let host = app(&["backlog_max = 3"], [slow]).start();
    host.publish("t", &[event("1", "k", "fail ok"), event("2", "k", "ok")]);
    host.publish("t", &[event("3", "k", "ok")]);
    let headers = [("content-type", "application/cloudevents-batch+json")];
    let one_more = Value::from(vec![event("4", "k", "ok")]).to_string();
    let path = "/publish?url=http://events.spin.internal/t";
    let answer = host.request("POST", path, &headers, &one_more);
    assert_eq!(answer.status, 429, "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.text().contains("`t`"), "{answer:?}");
    // Another topic is none of its business.
    host.publish("u", &[event("1", "k", "ok")]);
}

#[test]
fn an_app_whose_bus_is_gone_says_what_to_add() {
    let taker = taker("a", "t", "/in", "");
    let [publisher, _] = bus(&[]);
    let refusal = App::new([publisher, taker]).key_value_store("a").refused();
    assert!(refusal.stderr.contains("builtin = \"events\""), "{refusal}");
}
