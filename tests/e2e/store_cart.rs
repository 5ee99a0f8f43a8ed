//! Carts over HTTP: a guest's, a customer's, and one that becomes the other.

use std::thread;

use kumiki_tests::store::Store;
use kumiki_tests::store_services::{app, cart, catalog};
use serde_json::{Value, json};

/// Two variants that are sold, with their prices.
fn goods(store: &Store) -> [(String, u64); 2] {
    let (_, body) = store.get("/api/catalog/products?limit=2", "");
    [0, 1].map(|number: usize| {
        let variant = &body["products"][number]["variants"][0];
        let sku = variant["sku"].as_str().unwrap().to_owned();
        (sku, variant["price_minor"].as_u64().unwrap())
    })
}

#[test]
fn a_guest_fills_a_cart_and_takes_it_along_at_sign_in() {
    let store = Store::start();
    let [(one, one_price), (two, two_price)] = goods(&store);
    let (status, guest) = store.post("/api/cart/guests", "", &Value::Null);
    assert_eq!(status, 201);
    let guest = guest["cart"].as_str().unwrap().to_owned();
    let as_guest = [("cart-id", guest.as_str())];
    let item = json!({ "sku": one, "quantity": 2 });
    let filled = store.send("POST", "/api/cart/items", "", &as_guest, &item);
    assert_eq!(filled.json()["goods_minor"], one_price * 2, "{filled:?}");

    let person = store.sign_up();
    store.put_into_cart(&person, &two, 1);
    let merge = json!({ "cart": guest });
    for _ in 0..2 {
        let (status, cart) = store.post("/api/cart/merge", &person.token, &merge);
        assert_eq!(status, 200);
        assert_eq!(cart["goods_minor"], one_price * 2 + two_price, "{cart}");
    }
    let left = store.send("GET", "/api/cart", "", &as_guest, &Value::Null);
    assert_eq!(left.json()["count"], 0);
    // Another one who knows the id finds nothing in it.
    let other = store.sign_up();
    assert_eq!(
        store.post("/api/cart/merge", &other.token, &merge).1["count"],
        0
    );
}

#[test]
fn prices_are_those_of_the_moment() {
    let store = Store::start();
    let staff = store.staff();
    let person = store.sign_up();
    let (_, body) = store.get("/api/catalog/products?limit=1", "");
    let mut product = body["products"][0].clone();
    let sku = product["variants"][0]["sku"].as_str().unwrap().to_owned();
    store.put_into_cart(&person, &sku, 1);
    product["variants"][0]["price_minor"] = json!(4242);
    let path = format!("/api/catalog/products/{}", product["id"].as_str().unwrap());
    for name in ["currency", "picture_url", "version"] {
        product.as_object_mut().unwrap().remove(name);
    }
    let (status, changed) = store.ask("PUT", &path, &staff.token, &product);
    assert_eq!(status, 200, "{changed}");
    assert_eq!(store.get("/api/cart", &person.token).1["goods_minor"], 4242);
    // What is not sold any more counts nothing, and is said.
    assert_eq!(
        store.ask("DELETE", &path, &staff.token, &Value::Null).0,
        204
    );
    let (_, cart) = store.get("/api/cart", &person.token);
    assert_eq!(
        (&cart["unavailable"], &cart["goods_minor"]),
        (&json!([sku]), &json!(0))
    );
}

#[test]
fn what_cannot_lie_in_a_cart_is_refused() {
    let store = Store::start();
    let person = store.sign_up();
    let [(sku, _), _] = goods(&store);
    let add = |body: Value| store.post("/api/cart/items", &person.token, &body);
    assert_eq!(
        add(json!({ "sku": "NONE", "quantity": 1 })).1["code"],
        "unknown_sku"
    );
    assert_eq!(
        add(json!({ "sku": sku, "quantity": 100 })).1["errors"][0]["field"],
        "quantity"
    );
    assert_eq!(
        add(json!({ "sku": sku })).1["errors"][0]["field"],
        "quantity"
    );
    let (status, problem) =
        store.post("/api/cart/items", "", &json!({ "sku": sku, "quantity": 1 }));
    assert_eq!((status, &problem["code"]), (400, &json!("no_cart")));
}

#[test]
fn a_cart_survives_kill_9() {
    let mut store = Store::start();
    let person = store.sign_up();
    let [(sku, price), _] = goods(&store);
    store.put_into_cart(&person, &sku, 3);
    store.host.kill9();
    let store = Store::of(store.host.restart());
    assert_eq!(
        store.get("/api/cart", &person.token).1["goods_minor"],
        price * 3
    );
}

/// The cart and the catalog alone, so that a test says itself what was ordered.
fn alone() -> Store {
    let store = Store::of(app([catalog(), cart()]).start());
    store.open();
    store
}

#[test]
fn what_is_added_and_merged_at_once_is_there_once() {
    let store = alone();
    let [(sku, _), _] = goods(&store);
    let (_, guest) = store.post("/api/cart/guests", "", &Value::Null);
    let as_guest = [("cart-id", guest["cart"].as_str().unwrap())];
    let item = json!({ "sku": sku, "quantity": 2 });
    let filled = store.send("POST", "/api/cart/items", "", &as_guest, &item);
    assert_eq!(filled.status, 200);
    let person = store.sign_up();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let (status, body) = store.post("/api/cart/merge", &person.token, &guest);
                assert_eq!(status, 200, "{body}");
            });
            scope.spawn(|| store.put_into_cart(&person, &sku, 1));
        }
    });
    assert_eq!(store.get("/api/cart", &person.token).1["count"], 10);
}

#[test]
fn an_order_leaves_the_cart_once_whatever_was_added_since() {
    let store = alone();
    let person = store.sign_up();
    let [(sku, _), _] = goods(&store);
    store.put_into_cart(&person, &sku, 2);
    let order = json!({
        "id": "o-1", "user": person.user, "lines": [{ "sku": sku, "quantity": 2 }]
    });
    for id in ["o-1", "o-1-again"] {
        let host = &store.host;
        assert!(host.publish_event("order.placed", id, "o-1", &order));
    }
    store.host.wait_for_no_lag();
    assert_eq!(store.get("/api/cart", &person.token).1["lines"], json!([]));
    store.put_into_cart(&person, &sku, 1);
    let host = &store.host;
    assert!(host.publish_event("order.placed", "o-1-late", "o-1", &order));
    store.host.wait_for_no_lag();
    assert_eq!(store.get("/api/cart", &person.token).1["count"], 1);
}
