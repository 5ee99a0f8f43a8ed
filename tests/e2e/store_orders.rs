//! Orders through the real host with the whole store around them: what a customer orders is stored
//! once, seen by its owner and the staff, and still there after the power was cut.

use std::thread;

use kumiki_tests::provider::{Behaviour, Provider, Question};
use kumiki_tests::store::{Options, Person, Store, address};
use payment_provider::authorization::Status;
use serde_json::{Value, json};

/// The store with a provider that the test commands.
fn start(provider: &Provider) -> Store {
    let store = Options::default()
        .variable("payment_provider", &provider.origin())
        .variable("stage_seconds", "0")
        .start();
    store.open();
    store
}

/// Places an order for so much of a SKU.
fn order(store: &Store, person: &Person, sku: &str, quantity: u32, token: &str) -> Value {
    store.put_into_cart(person, sku, quantity);
    let body = store.checkout_body(person, token);
    let (status, order) = store.checkout(person, "key", &body);
    assert_eq!(status, 201, "{order}");
    order
}

fn id_of(order: &Value) -> &str {
    order["id"].as_str().unwrap()
}

fn statuses(order: &Value) -> Vec<&str> {
    let history = order["history"].as_array().unwrap().iter();
    history
        .map(|entry| entry["status"].as_str().unwrap())
        .collect()
}

#[test]
fn an_order_goes_from_the_cart_to_the_door() {
    let store = Store::start();
    let sku = &store.skus()[0];
    let (staff, person) = (store.staff(), store.sign_up());
    let before = store.stock(&staff, sku);
    let placed = order(&store, &person, sku, 2, "tok_ok_1");
    assert_eq!(placed["lines"][0]["quantity"], 2);
    assert_eq!(placed["address"], address());
    let delivered = store.wait_for_order(&person, id_of(&placed), "delivered");
    assert_eq!(
        statuses(&delivered),
        ["placed", "paid", "picked", "shipped", "delivered"]
    );
    let tracking = delivered["tracking"].as_str().unwrap();
    let (status, tracked) = store.get(&format!("/api/logistics/tracking/{tracking}"), "");
    assert_eq!((status, &tracked["status"]), (200, &json!("delivered")));
    store.host.wait_for_no_lag();
    let (_, cart) = store.get("/api/cart", &person.token);
    assert_eq!(cart["count"], 0, "the order has emptied it");
    let after = store.stock(&staff, sku);
    let count = |item: &Value, name: &str| item[name].as_u64().unwrap();
    assert_eq!(count(&after, "sold"), count(&before, "sold") + 2);
    assert_eq!(
        (count(&after, "held"), count(&after, "available") + 2),
        (0, count(&before, "available"))
    );
    let checkout = placed["checkout"].as_str().unwrap();
    let (_, payment) = store.get(&format!("/api/payments/{checkout}"), &staff.token);
    assert_eq!(payment["captured_minor"], placed["total_minor"]);
    let path = format!("/api/orders/{}/cancel", id_of(&placed));
    let (status, problem) = store.post(&path, &person.token, &Value::Null);
    assert_eq!((status, &problem["code"]), (409, &json!("too_late")));
}

#[test]
fn orders_are_listed_for_their_owner_and_for_the_staff() {
    let store = Store::start();
    let sku = &store.skus()[0];
    let (staff, person, other) = (store.staff(), store.sign_up(), store.sign_up());
    let mut ids = Vec::new();
    for number in 0..3 {
        store.put_into_cart(&person, sku, 1);
        let body = store.checkout_body(&person, "tok_ok_1");
        let (status, order) = store.checkout(&person, &format!("key-{number}"), &body);
        assert_eq!(status, 201, "{order}");
        ids.insert(0, order["id"].clone());
        // The cart is emptied by an event.
        store.host.wait_for_no_lag();
    }
    for (token, path) in [
        (&person.token, "/api/orders"),
        (&staff.token, "/api/orders/all"),
    ] {
        let (_, first) = store.get(&format!("{path}?limit=2"), token);
        let after = first["next"].as_str().unwrap();
        let (_, second) = store.get(&format!("{path}?limit=2&after={after}"), token);
        assert_eq!(second["next"], Value::Null);
        let pages = [first, second];
        let orders = pages
            .iter()
            .flat_map(|page| page["orders"].as_array().unwrap());
        let listed: Vec<Value> = orders.map(|order| order["id"].clone()).collect();
        assert_eq!(listed, ids, "{path}");
    }
    let path = format!("/api/orders/{}", ids[0].as_str().unwrap());
    assert_eq!(store.get(&path, &staff.token).0, 200);
    assert_eq!(store.get(&path, &other.token).0, 404);
    assert_eq!(store.get(&path, "").0, 401);
    let (_, none) = store.get("/api/orders", &other.token);
    assert_eq!(none, json!({ "orders": [], "next": null }));
}

#[test]
fn one_key_sent_many_times_at_once_is_one_order() {
    let provider = Provider::start();
    let store = start(&provider);
    let person = store.sign_up();
    store.put_into_cart(&person, &store.skus()[0], 1);
    let body = store.checkout_body(&person, "tok_ok_1");
    let answers: Vec<(u16, Value)> = thread::scope(|scope| {
        let send = || store.checkout(&person, "key", &body);
        let threads: Vec<_> = (0..12).map(|_| scope.spawn(send)).collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap());
        joined.collect()
    });
    let created = answers.iter().filter(|(status, _)| *status == 201).count();
    let known = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!((created, known), (1, 11), "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|(_, order)| order["id"] == answers[0].1["id"])
    );
    assert_eq!(store.told("order.placed").len(), 1);
    assert_eq!(store.told("order.abandoned").len(), 0);
    assert_eq!(provider.authorizations().len(), 1);
    let mut other = body.clone();
    other["payment_token"] = json!("tok_ok_2");
    let (status, problem) = store.checkout(&person, "key", &other);
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("idempotency_key_reused"))
    );
}

#[test]
fn an_order_that_was_acknowledged_survives_a_power_cut() {
    let provider = Provider::start();
    provider.behave(Question::Capture, Behaviour::HoldBefore);
    let mut store = start(&provider);
    let person = store.sign_up();
    let sku = store.skus()[0].clone();
    let placed = order(&store, &person, &sku, 1, "tok_ok_1");
    provider.wait_for_held(1);
    store.host.kill9();
    provider.recover();
    provider.release();
    let store = Store::of(store.host.restart());
    let delivered = store.wait_for_order(&person, id_of(&placed), "delivered");
    assert_eq!(delivered["lines"], placed["lines"]);
    let total_minor = placed["total_minor"].as_u64().unwrap();
    assert_eq!(provider.sum(Status::Captured), (1, total_minor));
}

#[test]
fn a_checkout_whose_host_was_killed_is_sent_again() {
    let provider = Provider::start();
    provider.behave(Question::Authorize, Behaviour::HoldAfter);
    let mut store = start(&provider);
    let person = store.sign_up();
    let sku = store.skus()[0].clone();
    store.put_into_cart(&person, &sku, 1);
    let body = store.checkout_body(&person, "tok_ok_1");
    let headers = [
        ("authorization", format!("Bearer {}", person.token)),
        ("content-type", "application/json".to_owned()),
        ("idempotency-key", "key".to_owned()),
    ];
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut connection = kumiki_tests::http::Connection::open(store.host.address());
    let body_text = body.to_string();
    connection
        .send("POST", "/api/orders", &headers, body_text.as_bytes())
        .unwrap();
    // The stock is reserved and the money set aside, and nobody has heard of it.
    provider.wait_for_held(1);
    store.host.kill9();
    provider.recover();
    provider.release();
    let store = Store::of(store.host.restart());
    let (status, order) = store.checkout(&person, "key", &body);
    assert_eq!(status, 201, "{order}");
    assert!(
        order["checkout"].as_str().unwrap().ends_with(".0"),
        "{order}"
    );
    store.wait_for_order(&person, id_of(&order), "delivered");
    assert_eq!(provider.authorizations().len(), 1, "with the same ids");
    let item = store.stock(&store.staff(), &sku);
    assert_eq!((&item["held"], &item["sold"]), (&json!(0), &json!(1)));
}

#[test]
fn a_cancelled_order_gives_everything_back() {
    let provider = Provider::start();
    provider.behave(Question::Capture, Behaviour::HoldBefore);
    let store = start(&provider);
    let (staff, person) = (store.staff(), store.sign_up());
    let sku = store.skus()[0].clone();
    let before = store.stock(&staff, &sku);
    let placed = order(&store, &person, &sku, 2, "tok_ok_1");
    provider.wait_for_held(1);
    assert_eq!(store.stock(&staff, &sku)["held"], 2);
    let path = format!("/api/orders/{}/cancel", id_of(&placed));
    let other = store.sign_up();
    assert_eq!(store.post(&path, &other.token, &Value::Null).0, 404);
    assert_eq!(store.post(&path, &person.token, &Value::Null).0, 202);
    provider.recover();
    provider.release();
    let cancelled = store.wait_for_order(&person, id_of(&placed), "cancelled");
    assert_eq!(cancelled["reason"], "You cancelled it.");
    store.host.wait_for_no_lag();
    let after = store.stock(&staff, &sku);
    assert_eq!(after["places"], before["places"]);
    assert_eq!(
        (&after["held"], &after["sold"]),
        (&json!(0), &before["sold"])
    );
    let checkout = placed["checkout"].as_str().unwrap();
    let status = provider.status(checkout).unwrap();
    assert!(
        matches!(status, Status::Voided | Status::Refunded),
        "{status:?}"
    );
    let (_, saga) = store.get(&format!("/api/fulfilment/{}", id_of(&placed)), &staff.token);
    assert_eq!(
        (&saga["state"], &saga["waiting_for"]),
        (&json!("cancelled"), &json!([]))
    );
}

#[test]
fn an_order_that_cannot_be_paid_is_cancelled() {
    let provider = Provider::start();
    let store = start(&provider);
    let (staff, person) = (store.staff(), store.sign_up());
    let sku = store.skus()[0].clone();
    let before = store.stock(&staff, &sku);
    let placed = order(&store, &person, &sku, 1, "tok_uncapturable_1");
    let cancelled = store.wait_for_order(&person, id_of(&placed), "cancelled");
    let reason = cancelled["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("The payment could not be taken"),
        "{reason}"
    );
    assert_eq!(statuses(&cancelled), ["placed", "cancelled"]);
    store.host.wait_for_no_lag();
    assert_eq!(store.stock(&staff, &sku)["available"], before["available"]);
    let checkout = placed["checkout"].as_str().unwrap();
    assert_eq!(provider.status(checkout), Some(Status::Voided));
}

#[test]
fn an_order_whose_goods_are_gone_is_paid_back() {
    let provider = Provider::start();
    provider.behave(Question::Capture, Behaviour::HoldBefore);
    let store = start(&provider);
    let (staff, person) = (store.staff(), store.sign_up());
    let sku = store.skus()[0].clone();
    let placed = order(&store, &person, &sku, 1, "tok_ok_1");
    provider.wait_for_held(1);
    // Somebody counts, and there is nothing.
    let path = format!("/api/warehouse/items/{sku}");
    let place = store.stock(&staff, &sku)["places"][0]["place"].clone();
    let counted = json!({ "place": place, "on_hand": 0 });
    let (status, item) = store.ask("PUT", &path, &staff.token, &counted);
    assert_eq!(status, 200, "{item}");
    provider.recover();
    provider.release();
    let cancelled = store.wait_for_order(&person, id_of(&placed), "cancelled");
    let reason = cancelled["reason"].as_str().unwrap();
    assert!(reason.starts_with("Not in stock any more"), "{reason}");
    assert_eq!(statuses(&cancelled), ["placed", "paid", "cancelled"]);
    let checkout = placed["checkout"].as_str().unwrap();
    assert_eq!(provider.status(checkout), Some(Status::Refunded));
}
