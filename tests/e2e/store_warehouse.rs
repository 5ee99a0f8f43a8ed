//! The service `warehouse` through the real host: what is sold is there, once, whoever comes at the
//! same moment and whenever the host is killed.

use std::collections::BTreeMap;

use kumiki_tests::store::{Person, Store};
use kumiki_tests::store_services::{app, catalog, warehouse};
use kumiki_tests::wait;
use serde_json::{Value, json};

fn start() -> Store {
    Store::of(app([warehouse()]).start())
}

fn begin(store: &Store, sku: &str, quantity: u32) {
    let data = json!({ "id": "p", "first_stock": { sku: quantity } });
    assert!(store.host.publish_event("product.changed", sku, "p", &data));
    wait::until("the first goods", || {
        (available(store, sku) == quantity).then_some(())
    });
}

fn available(store: &Store, sku: &str) -> u32 {
    let (status, body) = store.get(&format!("/api/warehouse/stock?skus={sku}"), "");
    assert_eq!(status, 200, "{body}");
    body["levels"][0]["available"]
        .as_u64()
        .unwrap()
        .try_into()
        .unwrap()
}

fn request(order: &str, quantity: u32) -> Value {
    let lines = json!([{ "sku": "A-1", "quantity": quantity }]);
    json!({ "order": order, "checkout": format!("{order}.0"), "lines": lines })
}

/// What was answered to each order.
fn answers(store: &Store) -> BTreeMap<String, Vec<String>> {
    let mut answers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for topic in ["stock.picked", "stock.short", "stock.returned"] {
        for event in store.host.published(topic) {
            let order = event["data"]["order"].as_str().unwrap().to_owned();
            answers.entry(order).or_default().push(topic.to_owned());
        }
    }
    answers
}

#[test]
fn the_staff_counts_and_receives_and_everybody_sees_it() {
    let mut store = start();
    begin(&store, "A-1", 5);
    let staff = store.staff();
    let person = store.sign_up();
    let path = "/api/warehouse/items/A-1";
    assert_eq!(store.get(path, "").0, 401);
    assert_eq!(store.get(path, &person.token).0, 403);
    let count = json!({ "place": "north", "on_hand": 3 });
    assert_eq!(store.ask("PUT", path, &staff.token, &count).0, 200);
    let delivery = json!({ "place": "main", "quantity": 10 });
    let (status, item) = store.post(&format!("{path}/receive"), &staff.token, &delivery);
    assert_eq!((status, &item["available"]), (200, &json!(18)));
    store.host.kill9();
    let store = Store::of(store.host.restart());
    assert_eq!(store.get(path, &staff.token).1, item);
    // What was told last is so.
    let told = store.host.published("stock.changed");
    assert_eq!(
        told.last().unwrap()["data"],
        json!({ "sku": "A-1", "available": 18 })
    );
    let (_, page) = store.get("/api/warehouse/items?limit=1", &staff.token);
    assert_eq!((&page["items"][0], &page["next"]), (&item, &Value::Null));
    let (status, problem) = store.ask("PUT", path, &staff.token, &json!({ "place": "" }));
    assert_eq!(
        (status, problem["errors"].as_array().unwrap().len()),
        (422, 2)
    );
}

#[test]
fn the_first_goods_of_the_catalog_are_in_stock() {
    let store = Store::of(app([catalog(), warehouse()]).start());
    store.open();
    let (_, page) = store.get("/api/catalog/products?limit=100", "");
    let products = page["products"].as_array().unwrap();
    let skus = products
        .iter()
        .flat_map(|product| product["variants"].as_array().unwrap());
    let skus: Vec<&str> = skus
        .map(|variant| variant["sku"].as_str().unwrap())
        .collect();
    let staff = store.staff();
    for sku in skus.iter().take(20) {
        let item = store.stock(&staff, sku);
        assert_eq!(item["places"][0]["place"], "main", "{item}");
    }
    let told = store.host.published("stock.changed");
    assert!(told.len() >= skus.len(), "{} of {}", told.len(), skus.len());
}

/// Forty orders want one each of twenty, and some ask twice; the host is killed in their midst.
#[test]
fn twenty_are_sold_to_twenty_through_kill_9() {
    let mut store = start();
    begin(&store, "A-1", 20);
    for number in 0..40 {
        let order = format!("o-{number}");
        let data = request(&order, 1);
        store
            .host
            .publish_event("stock.pick-requested", &order, &order, &data);
        if number % 8 == 0 {
            let again = format!("{order}-again");
            store
                .host
                .publish_event("stock.pick-requested", &again, &order, &data);
        }
        if number % 15 == 14 {
            store.host.kill9();
            store = Store::of(store.host.restart());
        }
    }
    store.host.wait_for_no_lag();
    let answers = answers(&store);
    assert_eq!(answers.len(), 40, "{answers:?}");
    let picked: Vec<&String> = answers
        .iter()
        .filter(|(_, topics)| topics.iter().all(|topic| topic == "stock.picked"))
        .map(|(order, _)| order)
        .collect();
    assert_eq!(picked.len(), 20, "{answers:?}");
    let staff = store.staff();
    let item = store.stock(&staff, "A-1");
    assert_eq!(item["places"], json!([{ "place": "main", "on_hand": 0 }]));
    assert_eq!((&item["held"], &item["sold"]), (&json!(0), &json!(20)));
    give_back(store, &staff);
}

/// All of them are given back, most twice, and the host is killed again.
fn give_back(mut store: Store, staff: &Person) {
    for number in 0..40 {
        let order = format!("o-{number}");
        for id in [format!("{order}-r1"), format!("{order}-r2")] {
            let data = request(&order, 1);
            store
                .host
                .publish_event("stock.return-requested", &id, &order, &data);
        }
        if number == 20 {
            store.host.kill9();
            store = Store::of(store.host.restart());
        }
    }
    store.host.wait_for_no_lag();
    let item = store.stock(staff, "A-1");
    assert_eq!(item["places"], json!([{ "place": "main", "on_hand": 20 }]));
    assert_eq!((&item["held"], &item["sold"]), (&json!(0), &json!(0)));
    wait::until("everybody to know that it is there again", || {
        let told = store.host.published("stock.changed");
        (told.last()?["data"]["available"] != 0).then_some(())
    });
}
