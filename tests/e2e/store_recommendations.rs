//! The service `recommendations` in an app of its own: it learns from orders and views, each once,
//! also when many come at once and the host is killed meanwhile.

use kumiki_tests::app::App;
use kumiki_tests::events::bus;
use kumiki_tests::store::{Store, event, service, users};
use kumiki_tests::wait;
use serde_json::{Value, json};

fn app() -> App {
    let taken = ["order.placed", "product.viewed"].map(|topic| {
        let path = format!("/events/{topic}");
        format!("{{ topic = {topic:?}, path = {path:?}, from = \"beginning\", concurrency = 1 }}")
    });
    let recommendations = service("recommendations")
        .route("/api/recommendations/...")
        .key_value_stores(&["recommendations"])
        .allowed_outbound_hosts(&["http://events.spin.internal"])
        .link("store:users/identity@1.0.0", "users")
        .setting("reuse_max = 1000")
        .setting("atomic = [\"/events/...\"]")
        .setting(format!("subscriptions = [{}]", taken.join(", ")));
    App::new(bus(&[]).into_iter().chain([users(), recommendations]))
        .key_value_store("users")
        .key_value_store("recommendations")
        .observed()
}

fn order(id: &str, user: &str, products: &[&str]) -> Value {
    let line = |product: &&str| json!({ "sku": "S", "product": product, "quantity": 1 });
    let lines: Vec<Value> = products.iter().map(line).collect();
    let data = json!({ "id": id, "user": user, "lines": lines, "status": "placed" });
    event("order.placed", id, id, &data)
}

/// So many campers, and as many writers; everybody buys batteries.
fn orders(count: u32) -> Vec<Value> {
    let of_number = |number| {
        let camper = format!("camper-{number}");
        let writer = format!("writer-{number}");
        [
            order(&camper, &camper, &["tent", "sleeping-bag", "battery"]),
            order(&writer, &writer, &["pen", "paper", "battery"]),
        ]
    };
    (0..count).flat_map(of_number).collect()
}

fn products(store: &Store, path: &str, token: &str) -> Vec<String> {
    let (status, body) = store.get(&format!("/api/recommendations/{path}"), token);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_value(body["products"].clone()).unwrap()
}

#[test]
fn orders_and_views_are_learned_from() {
    let store = Store::of(app().start());
    assert_eq!(products(&store, "for-me", ""), [""; 0]);
    let ada = store.sign_up();
    store.host.publish("order.placed", &orders(3));
    let of_ada = order("o-ada", &ada.user, &["tent", "stove"]);
    store.host.publish("order.placed", &[of_ada]);
    store.host.wait_for_no_lag();
    let of_pen = products(&store, "products/pen", "");
    assert_eq!(of_pen, ["paper", "battery"]);
    let best = ["battery", "tent", "paper", "pen", "sleeping-bag", "stove"];
    assert_eq!(products(&store, "for-me", ""), best);
    let for_ada = ["sleeping-bag", "battery", "paper", "pen"];
    assert_eq!(products(&store, "for-me", &ada.token), for_ada);

    let ben = store.sign_up();
    assert_eq!(products(&store, "for-me", &ben.token), best);
    let view = |token: &str, product: &str| {
        let body = json!({ "product": product });
        store.post("/api/recommendations/views", token, &body)
    };
    assert_eq!(view("", "tent").0, 202);
    assert_eq!(view(&ben.token, "pen").0, 202);
    assert_eq!(view(&ben.token, "of-nobody").0, 202);
    wait::until("the view to be learned", || {
        let first = products(&store, "for-me", &ben.token).remove(0);
        (first == "paper").then_some(())
    });
    assert_eq!(view("forged", "pen").0, 401);
    assert_eq!(view(&ben.token, "").0, 422);
}

/// What sells best shows every order that counts twice or is lost: a product overtakes the one
/// above it with the very order that it must.
#[test]
fn orders_count_once_through_kill_9_and_a_replay() {
    let mut store = Store::of(app().start());
    // The first is in 60 orders, each of the others in 10 fewer.
    let names = ["a", "b", "c", "d", "e", "f"];
    let all: Vec<Value> = (0..60)
        .map(|number| {
            let kept = names.len() - number % names.len();
            let id = format!("o-{number}");
            order(&id, &format!("u-{number}"), &names[..kept])
        })
        .collect();
    for part in all.chunks(20) {
        store.host.publish("order.placed", part);
        store.host.kill9();
        store = Store::of(store.host.restart());
    }
    store.host.wait_for_no_lag();
    assert_eq!(products(&store, "for-me", ""), names);
    let before: Vec<_> = names
        .map(|name| products(&store, &format!("products/{name}"), ""))
        .into();
    assert_eq!(before[0], ["b", "c", "d", "e", "f"]);

    store
        .host
        .events(&["replay", "recommendations", "--from", "beginning"]);
    let tipping = |count: u32, expected: [&str; 6]| {
        let single = |number| order(&format!("t-{number}"), "u-last", &["f"]);
        let orders: Vec<Value> = (0..count).map(single).collect();
        store.host.publish("order.placed", &orders);
        store.host.wait_for_no_lag();
        assert_eq!(products(&store, "for-me", ""), expected);
    };
    tipping(9, names);
    // Nine of them are known.
    tipping(11, ["a", "b", "c", "d", "f", "e"]);
    for (name, before) in names.iter().zip(before).take(5) {
        let now = products(&store, &format!("products/{name}"), "");
        assert_eq!(now, before, "{name}");
    }
}
