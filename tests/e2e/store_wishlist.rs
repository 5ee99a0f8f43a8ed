//! The service `wishlist` through the real host, with the services that it asks and listens to.

use kumiki_tests::store::{Person, Store};
use kumiki_tests::store_services::{app, cart, catalog, warehouse, wishlist};
use serde_json::{Value, json};

fn start() -> Store {
    let store = Store::of(app([catalog(), cart(), warehouse(), wishlist()]).start());
    store.open();
    store
}

fn wish(store: &Store, person: &Person, sku: &str) {
    let path = format!("/api/wishlist/items/{sku}");
    assert_eq!(store.ask("PUT", &path, &person.token, &Value::Null).0, 204);
}

/// Who was told of a topic, in the order in which they were.
fn told(store: &Store, topic: &str) -> Vec<Value> {
    store.host.wait_for_no_lag();
    let events = store.host.published(topic).into_iter();
    events.map(|event| event["data"]["user"].clone()).collect()
}

fn set_price(store: &Store, staff: &Person, product: &Value, price_minor: u64) {
    let mut draft = product.clone();
    draft["variants"][0]["price_minor"] = json!(price_minor);
    for name in ["currency", "picture_url", "version"] {
        draft.as_object_mut().unwrap().remove(name);
    }
    let path = format!("/api/catalog/products/{}", product["id"].as_str().unwrap());
    let (status, body) = store.ask("PUT", &path, &staff.token, &draft);
    assert_eq!(status, 200, "{body}");
}

fn count(store: &Store, staff: &Person, sku: &str, on_hand: u32) {
    let path = format!("/api/warehouse/items/{sku}");
    let body = json!({ "place": "main", "on_hand": on_hand });
    assert_eq!(store.ask("PUT", &path, &staff.token, &body).0, 200);
}

#[test]
fn wishes_come_true() {
    let mut store = start();
    let (anna, bert, staff) = (store.sign_up(), store.sign_up(), store.staff());
    let (_, page) = store.get("/api/catalog/products", "");
    let product = &page["products"][0];
    let sku = product["variants"][0]["sku"].as_str().unwrap();
    let price = product["variants"][0]["price_minor"].as_u64().unwrap();
    for person in [&anna, &bert] {
        wish(&store, person, sku);
        wish(&store, person, sku);
    }
    let (status, list) = store.get("/api/wishlist", &anna.token);
    let item = &list["items"][0];
    assert_eq!((status, list["items"].as_array().unwrap().len()), (200, 1));
    assert_eq!(
        (&item["price_minor"], &item["saved_price_minor"]),
        (&json!(price), &json!(price))
    );
    assert_eq!(store.get("/api/wishlist", "").0, 401);

    // Cheaper: told once to each, and again only when it is cheaper still.
    for price in [price + 100, price - 1, price, price - 1] {
        set_price(&store, &staff, product, price);
    }
    assert_eq!(told(&store, "wish.cheaper").len(), 2);
    set_price(&store, &staff, product, price - 2);
    let cheaper = told(&store, "wish.cheaper");
    assert_eq!(cheaper.len(), 4);
    assert!(cheaper.contains(&json!(anna.user)) && cheaper.contains(&json!(bert.user)));

    // There again: told once to each who still waits.
    let path = format!("/api/wishlist/items/{sku}");
    assert_eq!(store.ask("DELETE", &path, &bert.token, &Value::Null).0, 204);
    count(&store, &staff, sku, 0);
    store.host.wait_for_no_lag();
    store.host.kill9();
    store = Store::of(store.host.restart());
    assert_eq!(
        store.get("/api/wishlist", &anna.token).1["items"][0]["available"],
        0
    );
    for on_hand in [3, 5] {
        count(&store, &staff, sku, on_hand);
    }
    assert_eq!(told(&store, "wish.available"), [json!(anna.user)]);

    let path = format!("{path}/move-to-cart");
    assert_eq!(store.post(&path, &anna.token, &Value::Null).0, 204);
    assert_eq!(
        store.get("/api/wishlist", &anna.token).1["items"],
        json!([])
    );
    let (_, cart) = store.get("/api/cart", &anna.token);
    assert_eq!(
        (&cart["lines"][0]["sku"], &cart["count"]),
        (&json!(sku), &json!(1))
    );
}

#[test]
fn a_list_is_shared_by_a_secret_until_that_is_taken_back() {
    let store = start();
    let anna = store.sign_up();
    let (_, page) = store.get("/api/catalog/products", "");
    wish(
        &store,
        &anna,
        page["products"][0]["variants"][0]["sku"].as_str().unwrap(),
    );
    let (status, share) = store.post("/api/wishlist/share", &anna.token, &Value::Null);
    assert_eq!(status, 201);
    let path = format!("/api/wishlist/shared/{}", share["share"].as_str().unwrap());
    let (status, shown) = store.get(&path, "");
    assert_eq!((status, shown["items"].as_array().unwrap().len()), (200, 1));
    assert!(!shown.to_string().contains(&anna.user), "{shown}");
    let (status, _) = store.ask("DELETE", "/api/wishlist/share", &anna.token, &Value::Null);
    assert_eq!((status, store.get(&path, "").0), (204, 404));
}
