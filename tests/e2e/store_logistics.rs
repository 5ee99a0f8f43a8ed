//! The service `logistics` through the real host: a checkout asks for quotes by a link, and parcels
//! go their way by the clock, each stage once, whenever the host is killed.

use std::collections::BTreeMap;

use kumiki_tests::app::App;
use kumiki_tests::events::bus;
use kumiki_tests::store::{Store, address, service};
use serde_json::{Value, json};

use crate::store_payments::{checkout, users};

/// Logistics, whose parcels stay so long in a stage, someone who checks out, and the staff.
fn app(stage_seconds: u32) -> App {
    let logistics = service("logistics")
        .route("/api/logistics/...")
        .key_value_stores(&["logistics"])
        .allowed_outbound_hosts(&["http://events.spin.internal"])
        .line(format!(
            "variables = {{ stage_seconds = \"{stage_seconds}\" }}"
        ))
        .link("store:users/identity@1.0.0", "users")
        .setting("reuse_max = 100")
        .setting("atomic = [\"/events/...\", \"/schedules/...\"]")
        .setting("atomic_attempts_max = 100")
        .setting(
            "subscriptions = [{ topic = \"shipment.requested\", \
             path = \"/events/shipment.requested\", backoff_ms = 1 }]",
        )
        .setting("schedules = [{ cron = \"* * * * * *\", path = \"/schedules/advance\" }]");
    let payments = service("payments")
        .key_value_stores(&["payments"])
        .link("store:users/identity@1.0.0", "users");
    let services = [logistics, payments, users(), checkout()];
    App::new(bus(&[]).into_iter().chain(services))
        .key_value_store("logistics")
        .key_value_store("payments")
        .key_value_store("users")
        .observed()
}

fn request(store: &Store, order: &str) {
    let data = json!({
        "order": order, "address": address(), "service": "standard", "weight_g": 1200
    });
    store.publish("shipment.requested", order, order, &data);
}

/// The stages of each order's parcel, in the order in which they were told.
fn stages(store: &Store) -> BTreeMap<String, Vec<String>> {
    let mut stages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in store.told("shipment.*") {
        if event["status"].is_string() {
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            stages
                .entry(text("order"))
                .or_default()
                .push(text("status"));
        }
    }
    stages
}

const STAGES: [&str; 4] = ["accepted", "in_transit", "out_for_delivery", "delivered"];

#[test]
fn a_checkout_is_quoted_what_everyone_is_quoted() {
    let store = Store::of(app(3600).start());
    let linked = "/checkout?call=quotes&country=DE&postcode=10115&weight=1200";
    let linked = store.host.get(linked).expect(200);
    let body = json!({ "country": "DE", "postcode": "10115", "weight_g": 1200 });
    let (status, quotes) = store.post("/api/logistics/quotes", "", &body);
    assert_eq!(status, 200, "{quotes}");
    let quotes = quotes["quotes"].as_array().unwrap();
    assert_eq!(quotes.len(), 2);
    for quote in quotes {
        let price = format!("price_minor: {}", quote["price_minor"]);
        let service = format!("service: {}", quote["service"]);
        assert!(linked.contains(&price.replace('_', "-")), "{linked}");
        assert!(linked.contains(&service), "{linked}");
    }
    let far = store
        .host
        .get("/checkout?call=quotes&country=AQ&postcode=1&weight=1");
    assert!(far.expect(422).starts_with("Error::NotServed"));
    let wrong = store
        .host
        .get("/checkout?call=quotes&country=de&postcode=1&weight=1");
    assert!(wrong.expect(422).starts_with("Error::Invalid"));
}

#[test]
fn parcels_arrive_by_the_clock() {
    let store = Store::of(app(1).start());
    for number in 0..20 {
        request(&store, &format!("o-{number}"));
    }
    // Asked for twice, it is one.
    store.publish(
        "shipment.requested",
        "again",
        "o-0",
        &json!({
            "order": "o-0", "address": address(), "service": "express", "weight_g": 1
        }),
    );
    store.wait_for_told("shipment.delivered", 20);
    store.host.wait_for_no_lag();
    let stages = stages(&store);
    assert_eq!(stages.len(), 20);
    assert!(
        stages.values().all(|stages| stages == &STAGES),
        "{stages:?}"
    );
    let created = store.told("shipment.created");
    let tracking = created[0]["tracking"].as_str().unwrap();
    let (status, seen) = store.get(&format!("/api/logistics/tracking/{tracking}"), "");
    assert_eq!((status, &seen["status"]), (200, &json!("delivered")));
    assert_eq!(store.get("/api/logistics/tracking/t-guess", "").0, 404);
    // Only the bus and the clock reach what is theirs.
    for path in ["/events/shipment.requested", "/schedules/advance"] {
        assert_eq!(store.post(path, "", &Value::Null).0, 404);
    }
}

#[test]
fn the_staff_moves_a_parcel_by_hand() {
    let store = Store::of(app(3600).start());
    request(&store, "o-1");
    request(&store, "o-2");
    store.wait_for_told("shipment.created", 2);
    let staff = store.staff().token;
    let list = || store.get("/api/logistics/shipments", &staff).1["shipments"].clone();
    assert_eq!(list().as_array().unwrap().len(), 2);
    let path = "/api/logistics/shipments/s-1/advance";
    assert_eq!(
        store.post(path, &store.sign_up().token, &Value::Null).0,
        403
    );
    for stage in &STAGES[1..] {
        let (status, shipment) = store.post(path, &staff, &Value::Null);
        assert_eq!((status, &shipment["status"]), (200, &json!(stage)));
    }
    assert_eq!(store.post(path, &staff, &Value::Null).0, 409);
    store.wait_for_told("shipment.delivered", 1);
    assert_eq!(stages(&store)["o-1"], STAGES);
    assert_eq!(list().as_array().unwrap().len(), 1);
}

#[test]
fn no_stage_is_lost_or_told_twice_through_kill_9() {
    let mut store = Store::of(app(1).start());
    for round in 0..3 {
        for number in 0..15 {
            request(&store, &format!("o-{round}-{number}"));
        }
        store.wait_for_told("shipment.moved", 10 * round + 1);
        store.host.kill9();
        store = Store::of(store.host.restart());
    }
    store.wait_for_told("shipment.delivered", 45);
    store.host.wait_for_no_lag();
    let stages = stages(&store);
    assert_eq!(stages.len(), 45);
    assert!(
        stages.values().all(|stages| stages == &STAGES),
        "{stages:?}"
    );
}
