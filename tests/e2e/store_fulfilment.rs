//! The service `fulfilment` through the real host, with a test in the place of all who work for it:
//! each answer moves an order on, whoever is late is not waited for, and nothing is forgotten when
//! the host is killed.

use kumiki_tests::app::App;
use kumiki_tests::store::{Store, service};
use kumiki_tests::store_services::app;
use kumiki_tests::wait;
use serde_json::{Value, json};

const TOPICS: [&str; 12] = [
    "order.placed",
    "order.cancel-requested",
    "payment.captured",
    "payment.capture-failed",
    "payment.returned",
    "stock.picked",
    "stock.short",
    "stock.returned",
    "shipment.created",
    "shipment.moved",
    "shipment.delivered",
    "fulfilment.deadline",
];

/// Fulfilment and its bus; each deadline comes after so many seconds.
fn store(deadline_seconds: &str) -> Store {
    let table = |topic: &&str| format!("{{ topic = {topic:?}, path = \"/events/{topic}\" }}");
    let tables: Vec<String> = TOPICS.iter().map(table).collect();
    let fulfilment = service("fulfilment")
        .route("/api/fulfilment/...")
        .key_value_stores(&["fulfilment"])
        .allowed_outbound_hosts(&["http://events.spin.internal"])
        .line(format!(
            "variables = {{ deadline_seconds = {deadline_seconds:?} }}"
        ))
        .link("store:users/identity@1.0.0", "users")
        .setting("atomic = [\"/events/...\"]")
        .setting(format!("subscriptions = [{}]", tables.join(", ")));
    let app: App = app([fulfilment]);
    Store::of(app.start())
}

/// Tells of an order; the id of the event makes it another one.
fn tell(store: &Store, topic: &str, id: &str, more: &Value) {
    let mut data = json!({ "order": "o-1", "checkout": "1.0" });
    let members = data.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    assert!(
        store.host.publish_event(topic, id, "o-1", &data),
        "{topic} {id} is known"
    );
}

fn place(store: &Store) {
    let order = json!({
        "id": "o-1", "user": "u-ada", "status": "placed", "checkout": "1.0",
        "lines": [{ "sku": "CUP", "quantity": 2, "weight_g": 300 }],
        "address": { "city": "Berlin" }, "shipping": { "service": "standard" }
    });
    assert!(
        store
            .host
            .publish_event("order.placed", "o-1", "o-1", &order)
    );
}

fn wait_for_state(store: &Store, state: &str) -> Value {
    let token = store.staff().token;
    wait::until(&format!("the saga to be {state}"), || {
        let (status, saga) = store.get("/api/fulfilment/o-1", &token);
        (status == 200 && saga["state"] == state).then_some(saga)
    })
}

/// The ids of what was published of a topic.
fn ids(store: &Store, topic: &str) -> Vec<String> {
    let events = store.host.published(topic).into_iter();
    events
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect()
}

fn statuses(store: &Store) -> Vec<Value> {
    let events = store.host.published("order.changed").into_iter();
    events
        .map(|event| event["data"]["status"].clone())
        .collect()
}

#[test]
fn each_answer_moves_an_order_on_once() {
    let store = store("");
    place(&store);
    let saga = wait_for_state(&store, "placed");
    assert_eq!(saga["waiting_for"], json!(["payment.captured"]));
    for (topic, state) in [
        ("payment.captured", "paid"),
        ("stock.picked", "picked"),
        ("shipment.created", "shipped"),
        ("shipment.delivered", "delivered"),
    ] {
        for id in ["1", "2"] {
            tell(&store, topic, id, &json!({ "tracking": "t-1" }));
        }
        wait_for_state(&store, state);
    }
    store.host.wait_for_no_lag();
    assert_eq!(statuses(&store), ["paid", "picked", "shipped", "delivered"]);
    for topic in [
        "payment.capture-requested",
        "stock.pick-requested",
        "shipment.requested",
    ] {
        assert_eq!(ids(&store, topic), ["o-1"], "{topic}");
    }
    let (_, page) = store.get("/api/fulfilment", &store.staff().token);
    assert_eq!(
        page,
        json!({ "sagas": [], "next": null }),
        "nothing is under way"
    );
    let person = store.sign_up();
    assert_eq!(store.get("/api/fulfilment", &person.token).0, 403);
    assert_eq!(store.get("/api/fulfilment/o-1", &person.token).0, 403);
}

#[test]
fn who_does_not_answer_is_not_waited_for_even_if_the_host_is_killed() {
    let mut store = store("1");
    place(&store);
    wait_for_state(&store, "placed");
    store.host.kill9();
    let store = Store::of(store.host.restart());
    let saga = wait_for_state(&store, "cancelling");
    assert_eq!(
        saga["waiting_for"],
        json!(["stock.returned", "payment.returned"])
    );
    // Asked again, each time under an id that the bus does not know.
    wait::until("three requests", || {
        let asked = ids(&store, "payment.return-requested");
        (asked.starts_with(&["o-1.0", "o-1.1", "o-1.2"].map(str::to_owned))).then_some(())
    });
    tell(&store, "stock.returned", "1", &json!({}));
    tell(&store, "payment.returned", "1", &json!({ "how": "voided" }));
    wait_for_state(&store, "cancelled");
    let news = store.host.published("order.changed").remove(0);
    assert_eq!(
        news["data"]["reason"],
        "The payment did not arrive in time."
    );
    assert_eq!(news["partitionkey"], "o-1");
}

#[test]
fn a_late_deadline_of_an_earlier_state_changes_nothing() {
    let store = store("1");
    place(&store);
    wait_for_state(&store, "placed");
    for topic in ["payment.captured", "stock.picked", "shipment.created"] {
        tell(&store, topic, "1", &json!({ "tracking": "t-1" }));
    }
    wait::until("the deadline to be delivered", || {
        let subscribers = store.host.events(&["subscribers"]);
        let all = subscribers.as_array().unwrap().iter();
        let mut deadlines = all.filter(|one| one["topic"] == "fulfilment.deadline");
        let delivered = deadlines.next()?["delivered"].as_u64()?;
        (delivered >= 1).then_some(())
    });
    tell(
        &store,
        "shipment.delivered",
        "1",
        &json!({ "tracking": "t-1" }),
    );
    wait_for_state(&store, "delivered");
    assert!(ids(&store, "payment.return-requested").is_empty());
}

#[test]
fn a_cancel_that_overtakes_its_order_cancels_it() {
    let store = store("");
    tell(
        &store,
        "order.cancel-requested",
        "1",
        &json!({ "by": "u-ada" }),
    );
    store.host.wait_for_no_lag();
    place(&store);
    wait_for_state(&store, "cancelling");
    tell(&store, "payment.returned", "1", &json!({}));
    tell(&store, "stock.returned", "1", &json!({}));
    wait_for_state(&store, "cancelled");
    assert_eq!(statuses(&store), ["cancelled"]);
}
