//! Events reach their subscribers: at least once, in order per key, again after a failure, and as
//! dead letters after too many; and no subscriber or key holds up another.

use kumiki_tests::events::{app, event, taker};
use kumiki_tests::wait;
use serde_json::Value;

/// Failures are over soon.
const QUICK: &str = ", backoff_ms = 1, backoff_max_ms = 2, attempts_max = 3";

fn ids(taken: &[(String, u32)]) -> Vec<&str> {
    taken.iter().map(|(id, _)| id.as_str()).collect()
}

fn of_key<'a>(taken: &'a [(String, u32)], key: &str) -> Vec<(&'a str, u32)> {
    let of_key = taken.iter().filter(|(id, _)| id.starts_with(key));
    of_key
        .map(|(id, attempt)| (id.as_str(), *attempt))
        .collect()
}

#[test]
fn every_matching_subscription_gets_an_event_with_its_attributes() {
    let takers = [
        taker("all", "#", "/all-in", ""),
        taker("one", "order.*", "/one-in", ""),
        taker("none", "order", "/none-in", ""),
    ];
    let host = app(&[], takers).start();
    let mut first = event("1", "k", "some data");
    first["subject"] = "ä \"quoted\" 100%".into();
    first["tries"] = 7.into();
    host.publish("order.placed", &[first]);
    host.wait_for_no_lag();
    let last = host.get("/one?last=yes").expect(200);
    let (headers, data) = last.split_once("\n\n").unwrap();
    for line in [
        "ce-id: 1",
        "ce-source: publisher",
        "ce-specversion: 1.0",
        "ce-type: test",
        "ce-partitionkey: k",
        "ce-subject: %C3%A4%20%22quoted%22%20100%25",
        "ce-tries: 7",
        "content-type: text/plain",
        "kumiki-attempt: 1",
        "spin-path-info: /one-in",
    ] {
        assert!(
            headers.lines().any(|known| known == line),
            "{line} in\n{headers}"
        );
    }
    assert!(
        headers.contains("ce-time: 20"),
        "the host says when:\n{headers}"
    );
    assert_eq!(data, "some data");
    host.publish("stock", &[event("2", "", "ok")]);
    assert_eq!(ids(&host.wait_for_taken("all", 2)), ["1", "2"]);
    host.wait_for_no_lag();
    assert_eq!(ids(&host.wait_for_taken("one", 1)), ["1"]);
    assert!(host.taken("none").is_empty());
}

#[test]
fn events_of_a_key_come_in_order_and_a_failing_one_holds_its_key_alone() {
    let host = app(&[], [taker("a", "order.*", "/in", QUICK)]).start();
    host.publish(
        "order.placed",
        &[event("x1", "x", "fail fail ok"), event("y1", "y", "ok")],
    );
    host.publish(
        "order.paid",
        &[event("x2", "x", "ok"), event("free", "", "ok")],
    );
    host.publish("order.placed", &[event("x3", "x", "ok")]);
    let taken = host.wait_for_taken("a", 7);
    let expected = [("x1", 1), ("x1", 2), ("x1", 3), ("x2", 1), ("x3", 1)];
    assert_eq!(of_key(&taken, "x"), expected);
    host.wait_for_no_lag();
    // Each attempt of one delivery has the same invocation id, another delivery another one.
    let invocations = |id: &str| {
        let lines = host.taken("a");
        let of_id = lines.iter().filter(|line| line[1] == id);
        let mut all: Vec<String> = of_id.map(|line| line[3].clone()).collect();
        all.dedup();
        all
    };
    assert_eq!(invocations("x1").len(), 1);
    assert_ne!(invocations("x1"), invocations("x2"));
}

#[test]
fn a_poison_event_is_put_aside_with_its_last_answer_and_can_be_tried_again() {
    let host = app(&[], [taker("a", "t", "/in", QUICK)]).start();
    host.publish("t", &[event("poison", "k", "fail fail fail ok")]);
    host.publish(
        "t",
        &[
            event("trap", "k", "trap trap trap ok"),
            event("next", "k", "ok"),
        ],
    );
    let taken = host.wait_for_taken("a", 7);
    assert_eq!(ids(&taken).last(), Some(&"next"));
    host.wait_for_no_lag();
    let dead = host.events(&["dead", "list"]);
    let dead = dead.as_array().unwrap();
    assert_eq!(dead.len(), 2, "{dead:?}");
    assert_eq!(
        (&dead[0]["status"], &dead[0]["attempts"]),
        (&500.into(), &3.into())
    );
    assert_eq!(dead[1]["status"], Value::Null, "a trap has no status");
    let shown = host.events(&["dead", "show", &dead[0]["id"].to_string()]);
    assert_eq!(shown["answer"], "told to fail");
    // The attempts begin anew, and with them the words.
    host.events(&["dead", "drop", &dead[1]["id"].to_string()]);
    host.events(&["dead", "retry", &dead[0]["id"].to_string()]);
    wait::until("the letter to be dead again", || {
        let dead = host.events(&["dead", "list"]);
        (dead[0]["attempts"] == 6).then_some(())
    });
    assert_eq!(host.events(&["dead", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn one_that_never_answers_costs_its_own_events_alone() {
    let deaf = taker(
        "deaf",
        "t",
        "/in",
        ", attempts_max = 2, backoff_ms = 1, concurrency = 1",
    );
    let quick = taker("quick", "t", "/in", "");
    let host = app(&[], [deaf.setting("timeout_ms = 200"), quick]).start();
    host.publish("t", &[event("1", "k", "hang"), event("2", "k", "ok")]);
    assert_eq!(ids(&host.wait_for_taken("quick", 1))[0], "1");
    let taken = host.wait_for_taken("deaf", 3);
    assert_eq!(of_key(&taken, ""), [("1", 1), ("1", 2), ("2", 1)]);
    let dead = wait::until("the dead letter", || {
        let dead = host.events(&["dead", "list", "--service", "deaf"]);
        dead.as_array().unwrap().first().cloned()
    });
    assert!(
        dead["reason"].as_str().unwrap().contains("200 ms"),
        "{dead}"
    );
}

#[test]
fn what_is_not_acknowledged_comes_again_after_a_kill() {
    let slow = ", backoff_ms = 3600000, backoff_max_ms = 3600000";
    let mut host = app(&[], [taker("a", "t", "/in", slow)]).start();
    host.publish(
        "t",
        &[
            event("1", "k", "fail ok"),
            event("2", "k", "ok"),
            event("3", "l", "ok"),
        ],
    );
    let taken = host.wait_for_taken("a", 2);
    let mut first = ids(&taken);
    first.sort_unstable();
    assert_eq!(first, ["1", "3"]);
    wait::until("the failure and the acknowledgement to be on disk", || {
        let subscribers = host.events(&["subscribers"]);
        let known = &subscribers[0];
        (known["failing"] == 1 && known["lag"] == 2).then_some(())
    });
    host.kill9();
    let host = host.restart();
    let taken = host.wait_for_taken("a", 4);
    // The attempts are counted on, and what was acknowledged does not come again.
    assert_eq!(taken[2..], [("1".to_owned(), 2), ("2".to_owned(), 1)]);
    host.wait_for_no_lag();
    assert_eq!(host.taken("a").len(), 4);
}

#[test]
fn a_subscriber_that_comes_later_begins_where_it_says() {
    let mut host = app(&[], []).start();
    host.publish("t", &[event("1", "k", "ok")]);
    host.terminate();
    host.wait();
    let late = [
        taker("now", "t", "/in", ""),
        taker("beginning", "t", "/in", ", from = \"beginning\""),
    ];
    app(&[], late).write(host.folder());
    let host = host.restart();
    host.publish("t", &[event("2", "k", "ok")]);
    let taken = host.wait_for_taken("beginning", 2);
    assert_eq!(ids(&taken), ["1", "2"]);
    assert_eq!(ids(&host.wait_for_taken("now", 1)), ["2"]);
    // A replay gives them again as new deliveries.
    host.events(&["replay", "beginning", "--from", "beginning"]);
    let lines = wait::until("the replay", || {
        let lines = host.taken("beginning");
        (lines.len() == 4).then_some(lines)
    });
    assert_ne!(lines[0][3], lines[2][3]);
}

#[test]
fn a_saturated_subscriber_loses_no_attempt() {
    let busy = taker(
        "a",
        "t",
        "/in",
        ", attempts_max = 1, backoff_ms = 1, backoff_max_ms = 5",
    );
    let busy = busy.setting("instances_max = 1").setting("queue_max = 0");
    let host = app(&[], [busy]).start();
    let events: Vec<_> = (0..20)
        .map(|id| event(&format!("e{id}"), "", "ok"))
        .collect();
    host.publish("t", &events);
    host.wait_for_no_lag();
    let mut all: Vec<String> = host.taken("a").iter().map(|line| line[1].clone()).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 20);
    assert_eq!(host.events(&["dead", "list"]), Value::Array(Vec::new()));
}
