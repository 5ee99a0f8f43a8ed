//! Quotes, shipments and tracking, over requests, events and the schedule.

use kit::api::answer;
use kit::event::{Event, PublishError};
use kit::http::Request;
use kit::testing::{TestHost, TestIdentity};
use serde_json::{Value, json};

use super::Logistics;

fn logistics() -> (&'static TestHost, Logistics) {
    // A test's host lives as long as the test program; that is short.
    let host: &'static TestHost = Box::leak(Box::default());
    (host, Logistics::new(Box::new(host), Box::new(TestIdentity)))
}

fn ask(logistics: &Logistics, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::new(method, path)
        .with_header("authorization", "Bearer staff:anna")
        .with_json(body);
    let answer = answer(logistics, &request);
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, body)
}

fn request(logistics: &Logistics, order: &str) {
    let data = json!({
        "order": order, "address": { "name": "Ada" }, "service": "standard", "weight_g": 700
    });
    let event = Event::new("shipment.requested", order, data);
    logistics
        .requested(&TestHost::deliver(&event, "fulfilment"))
        .unwrap();
}

fn topics(host: &TestHost) -> Vec<&'static str> {
    host.take_events().iter().map(|event| event.topic).collect()
}

#[test]
fn a_shipment_goes_from_stage_to_stage_by_the_schedule() {
    let (host, logistics) = logistics();
    for _ in 0..2 {
        request(&logistics, "o-1");
    }
    let created = host.take_events();
    assert_eq!(created[0], created[1]);
    let tracking = created[0].data["tracking"].as_str().unwrap().to_owned();
    let path = format!("/api/logistics/tracking/{tracking}");
    let mut told = Vec::new();
    for _ in 0..5 {
        logistics.advance_all().unwrap();
        assert!(topics(host).is_empty(), "it is too early");
        host.now_ms.set(host.now_ms.get() + 3000);
        logistics.advance_all().unwrap();
        told.extend(topics(host));
    }
    assert_eq!(
        told,
        ["shipment.moved", "shipment.moved", "shipment.delivered"]
    );
    let (status, seen) = ask(&logistics, "GET", &path, &Value::Null);
    assert_eq!((status, &seen["status"]), (200, &json!("delivered")));
    assert_eq!(seen["history"].as_array().unwrap().len(), 4);
    assert!(!seen.to_string().contains("Ada"), "{seen}");
    let (_, list) = ask(&logistics, "GET", "/api/logistics/shipments", &Value::Null);
    assert_eq!(list["shipments"], json!([]));
}

#[test]
fn a_step_that_was_not_told_is_not_taken() {
    let (host, logistics) = logistics();
    request(&logistics, "o-1");
    host.take_events();
    *host.publish_failure.borrow_mut() = Some(PublishError("full".to_owned()));
    let path = "/api/logistics/shipments/s-1/advance";
    assert_eq!(ask(&logistics, "POST", path, &Value::Null).0, 503);
    *host.publish_failure.borrow_mut() = None;
    let (status, shipment) = ask(&logistics, "POST", path, &Value::Null);
    assert_eq!((status, &shipment["status"]), (200, &json!("in_transit")));
    assert_eq!(
        ask(
            &logistics,
            "POST",
            "/api/logistics/shipments/s-9/advance",
            &Value::Null
        )
        .0,
        404
    );
}

#[test]
fn shipments_are_listed_in_pages() {
    let (_, logistics) = logistics();
    for number in 0..5 {
        request(&logistics, &format!("o-{number}"));
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/logistics/shipments?limit=2{after}");
        let (_, page) = ask(&logistics, "GET", &path, &Value::Null);
        let page_ids = page["shipments"].as_array().unwrap().iter();
        seen.extend(page_ids.map(|one| one["order"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["o-0", "o-1", "o-2", "o-3", "o-4"]);
}

#[test]
fn quotes_are_asked_for_with_a_place_and_a_weight() {
    let (_, logistics) = logistics();
    let quote = |body: Value| ask(&logistics, "POST", "/api/logistics/quotes", &body);
    let (status, body) = quote(json!({ "country": "DE", "postcode": "10115", "weight_g": 700 }));
    assert_eq!(
        (status, &body["quotes"][0]["service"]),
        (200, &json!("standard"))
    );
    let (status, body) = quote(json!({ "country": "ZZ", "postcode": "10115", "weight_g": 700 }));
    assert_eq!((status, &body["code"]), (422, &json!("not_served")));
    let (status, body) = quote(json!({ "country": "DE", "weight_g": 700 }));
    assert_eq!(
        (status, &body["errors"][0]["field"]),
        (422, &json!("postcode"))
    );
}
