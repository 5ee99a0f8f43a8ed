//! Logistics in memory, over HTTP requests, events and the schedule.

use std::collections::{BTreeMap, BTreeSet};

use kit::api::answer;
use kit::event::Event;
use kit::http::Request;
use kit::store::StoreError;
use kit::testing::{TestHost, TestIdentity};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};

use crate::service::Logistics;

fn logistics(stage_seconds: Option<&str>) -> (&'static TestHost, Logistics) {
    let mut host = TestHost::default();
    if let Some(text) = stage_seconds {
        host.variables.insert("stage_seconds", text.to_owned());
    }
    // A test's host lives as long as the test program; that is short.
    let host: &'static TestHost = Box::leak(Box::new(host));
    (host, Logistics::new(Box::new(host), Box::new(TestIdentity)))
}

fn ask(logistics: &Logistics, method: &str, path: &str) -> (u16, Value) {
    let request = Request::new(method, path).with_header("authorization", "Bearer staff:anna");
    let answer = answer(logistics, &request);
    (
        answer.status,
        serde_json::from_slice(&answer.body).unwrap_or_default(),
    )
}

fn request(logistics: &Logistics, order: &str) -> u16 {
    let address = json!({ "name": "Ada", "city": "Berlin", "country": "DE" });
    let data = json!({
        "order": order, "address": address, "service": "standard", "weight_g": 1200
    });
    let event = Request::new("POST", "/events/shipment.requested")
        .with_header("ce-id", order)
        .with_header("ce-type", "shipment.requested")
        .with_json(&data);
    answer(logistics, &event).status
}

fn tick(logistics: &Logistics) -> u16 {
    answer(logistics, &Request::new("POST", "/schedules/advance")).status
}

fn pass_seconds(host: &TestHost, seconds: u64) {
    host.now_ms.set(host.now_ms.get() + seconds * 1000);
}

fn statuses(events: &[Event]) -> Vec<(&str, &str)> {
    events
        .iter()
        .map(|event| (event.topic, event.data["status"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_shipment_goes_its_way_by_the_clock() {
    let (host, logistics) = logistics(None);
    assert_eq!(request(&logistics, "o-abc"), 204);
    let mut events = host.take_events();
    assert_eq!(events.len(), 1);
    let created = events[0].data.clone();
    assert_eq!(created["order"], "o-abc");
    assert_eq!(created["shipment"], "s-abc");
    assert_eq!(events[0].key.as_deref(), Some("o-abc"));
    let path = format!(
        "/api/logistics/tracking/{}",
        created["tracking"].as_str().unwrap()
    );
    for second in 0..9 {
        assert_eq!(tick(&logistics), 204);
        let (status, seen) = ask(&logistics, "GET", &path);
        let stages = ["accepted", "in_transit", "out_for_delivery"];
        assert_eq!((status, &seen["status"]), (200, &json!(stages[second / 3])));
        pass_seconds(host, 1);
    }
    assert_eq!(tick(&logistics), 204);
    events.extend(host.take_events());
    assert_eq!(
        statuses(&events),
        [
            ("shipment.created", "accepted"),
            ("shipment.moved", "in_transit"),
            ("shipment.moved", "out_for_delivery"),
            ("shipment.delivered", "delivered"),
        ]
    );
    let (_, seen) = ask(&logistics, "GET", &path);
    assert_eq!(seen["history"].as_array().unwrap().len(), 4);
    assert_eq!(seen["history"][1]["at"], "2027-01-15T08:00:03.000Z");
    assert_eq!(
        seen.get("address"),
        None,
        "a tracking id tells nobody where someone lives"
    );
    let (_, list) = ask(&logistics, "GET", "/api/logistics/shipments");
    assert_eq!(list, json!({ "shipments": [], "next": null }));
}

#[test]
fn an_order_has_one_shipment() {
    let (host, logistics) = logistics(None);
    assert_eq!(
        (request(&logistics, "o-1"), request(&logistics, "o-1")),
        (204, 204)
    );
    let events = host.take_events();
    // Said twice where nothing is atomic, and stored once: it is the same event.
    assert_eq!(events[0], events[1]);
    let (_, list) = ask(&logistics, "GET", "/api/logistics/shipments");
    assert_eq!(list["shipments"].as_array().unwrap().len(), 1);
    pass_seconds(host, 3);
    tick(&logistics);
    request(&logistics, "o-1");
    assert_eq!(
        statuses(&host.take_events()),
        [("shipment.moved", "in_transit")]
    );
}

#[test]
fn the_staff_lists_and_moves_shipments() {
    let (host, logistics) = logistics(Some("3600"));
    for number in 0..25 {
        request(&logistics, &format!("o-{number}"));
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/logistics/shipments?limit=10{after}");
        let (status, body) = ask(&logistics, "GET", &path);
        assert_eq!(status, 200);
        for shipment in body["shipments"].as_array().unwrap() {
            seen.push(shipment["shipment"].as_str().unwrap().to_owned());
        }
        match body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted_by(|one, other| one < other), "{seen:?}");
    host.take_events();
    let path = "/api/logistics/shipments/s-7/advance";
    for status in ["in_transit", "out_for_delivery", "delivered"] {
        let (code, body) = ask(&logistics, "POST", path);
        assert_eq!((code, &body["status"]), (200, &json!(status)));
        assert_eq!(body["address"]["city"], "Berlin");
    }
    let (code, body) = ask(&logistics, "POST", path);
    assert_eq!((code, &body["code"]), (409, &json!("delivered")));
    let none = ask(&logistics, "POST", "/api/logistics/shipments/s-x/advance");
    assert_eq!(none.0, 404);
    assert_eq!(host.take_events().len(), 3);
    let (_, list) = ask(&logistics, "GET", "/api/logistics/shipments?limit=100");
    assert_eq!(list["shipments"].as_array().unwrap().len(), 24);
    // What stood in the wheel for it is no reason to move again.
    pass_seconds(host, 3600);
    tick(&logistics);
    assert_eq!(host.take_events().len(), 24);
}

#[test]
fn quotes_and_their_errors_are_told() {
    let (_, logistics) = logistics(None);
    let quote = |body: Value| {
        let request = Request::new("POST", "/api/logistics/quotes").with_json(&body);
        let answer = answer(&logistics, &request);
        (
            answer.status,
            serde_json::from_slice::<Value>(&answer.body).unwrap(),
        )
    };
    let (status, body) = quote(json!({ "country": "DE", "postcode": "10115", "weight_g": 1200 }));
    let standard = json!({
        "service": "standard", "label": "Standard", "price_minor": 549, "currency": "EUR", "days": 2
    });
    assert_eq!((status, &body["quotes"][0]), (200, &standard));
    assert_eq!(body["quotes"].as_array().unwrap().len(), 2);
    let (status, body) = quote(json!({ "country": "AQ", "postcode": "1", "weight_g": 1 }));
    assert_eq!((status, &body["code"]), (422, &json!("not_served")));
    let (status, body) = quote(json!({ "country": "de", "postcode": "1", "weight_g": 1 }));
    assert_eq!((status, &body["code"]), (422, &json!("invalid")));
    assert_eq!(quote(json!({ "country": "DE" })).0, 422);
}

#[test]
fn who_may_not_and_what_fails_is_said() {
    let (host, logistics) = logistics(Some("soon"));
    assert_eq!(
        ask(&logistics, "GET", "/api/logistics/tracking/t-guess").0,
        404
    );
    assert_eq!(request(&logistics, "o-1"), 500);
    assert!(host.lines.borrow()[0].contains("`stage_seconds` is `soon`"));
    let request = Request::new("GET", "/api/logistics/shipments");
    let customer = request.with_header("authorization", "Bearer customer:bob");
    assert_eq!(answer(&logistics, &customer).status, 403);
    let (host, logistics) = self::logistics(None);
    *host.memory.failure.borrow_mut() = Some(StoreError::Failed("disk".to_owned()));
    assert_eq!(tick(&logistics), 503);
    assert_eq!(self::request(&logistics, "o-1"), 503);
}

#[derive(Clone, Debug)]
enum Step {
    Request(u8),
    Advance(u8),
    /// The schedule runs after so many seconds.
    Tick(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u8..12).prop_map(Step::Request),
        1 => (0u8..12).prop_map(Step::Advance),
        4 => prop_oneof![4 => Just(1u64), 1 => 0u64..200].prop_map(Step::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is asked for when: each order's parcel goes through every stage once, and arrives.
    #[test]
    fn every_parcel_arrives(stage_seconds in 0u64..70, steps in vec(step(), 1..80)) {
        let (host, logistics) = logistics(Some(&stage_seconds.to_string()));
        let mut requested = BTreeSet::new();
        for step in steps {
            match step {
                Step::Request(order) => {
                    prop_assert_eq!(request(&logistics, &format!("o-{order}")), 204);
                    requested.insert(format!("o-{order}"));
                }
                Step::Advance(order) => {
                    let path = format!("/api/logistics/shipments/s-{order}/advance");
                    ask(&logistics, "POST", &path);
                }
                Step::Tick(seconds) => {
                    pass_seconds(host, seconds);
                    prop_assert_eq!(tick(&logistics), 204);
                }
            }
        }
        // Three stages, and a round of the wheel for each that missed its second.
        for _ in 0..3 * (stage_seconds + 65) {
            pass_seconds(host, 1);
            prop_assert_eq!(tick(&logistics), 204);
        }
        let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for event in host.take_events() {
            if ids.insert((event.topic, event.id.clone())) {
                let stages = told.entry(event.key.clone().unwrap()).or_default();
                stages.push(event.data["status"].as_str().unwrap().to_owned());
            }
        }
        prop_assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), requested);
        for (order, stages) in told {
            let all = ["accepted", "in_transit", "out_for_delivery", "delivered"];
            prop_assert_eq!(stages, all, "{}", order);
        }
        let (_, list) = ask(&logistics, "GET", "/api/logistics/shipments");
        prop_assert_eq!(list, json!({ "shipments": [], "next": null }));
    }
}
