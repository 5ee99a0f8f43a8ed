//! What the counts say of calls, and how they are shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::{EdgeKind, EdgeMetrics, EdgeStatus, Health, Outcome, ServiceMetrics, ServiceStatus};

#[test]
fn outcomes_have_names_of_their_own_and_their_place_in_the_list() {
    let names: std::collections::BTreeSet<_> = Outcome::ALL.map(Outcome::name).into();
    assert_eq!(names.len(), Outcome::ALL.len());
    for (number, outcome) in Outcome::ALL.into_iter().enumerate() {
        assert_eq!(outcome as usize, number, "{}", outcome.name());
    }
}

#[test]
fn every_outcome_is_counted_as_what_it_is() {
    let edge = EdgeMetrics::new(Arc::default());
    assert!(!edge.is_used());
    for (number, outcome) in Outcome::ALL.into_iter().enumerate() {
        (0..=number).for_each(|_| edge.record(outcome, 1_000));
    }
    assert!(edge.is_used());
    let snapshot = edge.snapshot();
    for (number, outcome) in Outcome::ALL.into_iter().enumerate() {
        assert_eq!(
            snapshot.calls(outcome),
            number as u64 + 1,
            "{}",
            outcome.name()
        );
    }
    let outcomes = Outcome::ALL.len() as u64;
    assert_eq!(snapshot.latency.count(), outcomes * (outcomes + 1) / 2);
}

#[test]
fn a_service_without_room_is_not_one_that_fails() {
    let service = Arc::new(ServiceMetrics::default());
    let edge = EdgeMetrics::new(service.clone());
    (0..32).for_each(|_| edge.record(Outcome::Saturated, 1));
    assert_eq!(Health::of(&service, 2, 2, 2), Health::Saturated);
    assert_eq!(Health::of(&service, 2, 1, 2), Health::Ready);
    assert_eq!(Health::of(&service, 0, 0, 2), Health::Idle);
    (0..4).for_each(|_| edge.record(Outcome::Trapped, 1));
    assert_eq!(Health::of(&service, 2, 1, 2), Health::Failing);
}

#[test]
fn counts_are_shown_by_name_in_microseconds() {
    let callee = Arc::new(ServiceMetrics::default());
    let metrics = Arc::new(EdgeMetrics::new(callee.clone()));
    (0..9).for_each(|_| metrics.record(Outcome::Answered, 1_000));
    metrics.record(Outcome::Trapped, 1_000_000);
    let edge = EdgeStatus {
        caller: String::new(),
        callee: "cart".to_owned(),
        kind: EdgeKind::Http,
        metrics,
    };
    let shown = serde_json::to_value(&edge).unwrap();
    assert_eq!(shown["caller"], json!(null));
    assert_eq!(shown["kind"], "http");
    assert_eq!(shown["calls"], 10);
    assert_eq!(shown["outcomes"], json!({"answered": 9, "trapped": 1}));
    let microseconds = |name: &str| shown["latency_us"][name].as_f64().unwrap();
    assert!((0.8..=1.0).contains(&microseconds("p50")), "{shown}");
    assert!((800.0..=1000.0).contains(&microseconds("p99.9")), "{shown}");

    callee.cold_starts.increment();
    let service = ServiceStatus {
        id: "cart".to_owned(),
        revision: "0123456789ab".to_owned(),
        revisions: Vec::new(),
        health: Health::Idle,
        code_loaded: false,
        last_call_seconds: None,
        instances_max: 4,
        instances_ready: 0,
        instances_busy: 0,
        queue_max: 8,
        queued: 0,
        memory_bytes: 0,
        links: BTreeMap::from([("a:b/c@1.0.0".to_owned(), "catalog".to_owned())]),
        metrics: callee,
    };
    let shown = serde_json::to_value(&service).unwrap();
    assert_eq!(shown["health"], "idle");
    assert_eq!(shown["last_call_seconds"], json!(null));
    assert_eq!(shown["links"], json!({"a:b/c@1.0.0": "catalog"}));
    assert_eq!(shown["counts"]["cold_starts"], 1);
    assert_eq!(
        shown["counts"]["queue_us"],
        json!({"p50": null, "p99": null, "p99.9": null})
    );
}
