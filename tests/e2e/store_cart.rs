//! The service `cart` through the real host, with the catalog whose prices it shows.

use std::thread;

use kumiki_tests::store::{Shop, Store};
use kumiki_tests::store_services::{app, cart, catalog};
use serde_json::{Value, json};

fn start() -> Store {
    let store = Store::of(app([catalog(), cart()]).start());
    store.open();
    store
}

/// A product and the SKU of its first variant.
fn product(store: &Shop, number: usize) -> (Value, String) {
    let (_, page) = store.get("/api/catalog/products", "");
    let product = page["products"][number].clone();
    let sku = product["variants"][0]["sku"].as_str().unwrap().to_owned();
    (product, sku)
}

/// A request of a guest.
fn as_guest(store: &Shop, guest: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let answer = store.send(method, path, "", &[("cart-id", guest)], body);
    (answer.status, answer.json())
}

fn new_guest(store: &Shop) -> String {
    let (status, guest) = store.post("/api/cart/guests", "", &Value::Null);
    assert_eq!(status, 201);
    guest["cart"].as_str().unwrap().to_owned()
}

#[test]
fn a_guests_cart_becomes_that_of_the_one_who_signs_in_once() {
    let mut store = start();
    let (product, sku) = product(&store, 0);
    let price = product["variants"][0]["price_minor"].as_u64().unwrap();
    let (guest, other) = (new_guest(&store), new_guest(&store));
    assert_ne!(guest, other);
    let item = json!({ "sku": sku, "quantity": 2 });
    let (status, cart) = as_guest(&store, &guest, "POST", "/api/cart/items", &item);
    assert_eq!((status, &cart["goods_minor"]), (200, &json!(2 * price)));
    let line = &cart["lines"][0];
    let picture = format!(
        "/api/catalog/pictures/{}.svg",
        product["id"].as_str().unwrap()
    );
    assert_eq!(
        (&line["title"], &line["picture_url"]),
        (&product["title"], &json!(picture))
    );
    assert_eq!(
        as_guest(&store, &other, "GET", "/api/cart", &Value::Null).1["count"],
        0
    );
    assert_eq!(store.get(&picture, "").0, 200);

    // The host is killed between the guest's request and the customer's.
    store.host.kill9();
    let store = Store::of(store.host.restart());
    let person = store.sign_up();
    store.put_into_cart(&person, &sku, 1);
    let merge = json!({ "cart": guest });
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let (status, body) = store.post("/api/cart/merge", &person.token, &merge);
                assert_eq!(status, 200, "{body}");
            });
        }
    });
    assert_eq!(store.get("/api/cart", &person.token).1["count"], 3);
    assert_eq!(
        as_guest(&store, &guest, "GET", "/api/cart", &Value::Null).1["count"],
        0
    );
}

#[test]
fn what_is_added_at_once_is_all_there() {
    let store = start();
    let person = store.sign_up();
    let (_, sku) = product(&store, 0);
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| store.put_into_cart(&person, &sku, 1));
        }
    });
    assert_eq!(store.get("/api/cart", &person.token).1["count"], 20);
    let (status, problem) = store.post(
        "/api/cart/items",
        &person.token,
        &json!({ "sku": "NOT-SOLD", "quantity": 1 }),
    );
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_sku")));
}

#[test]
fn prices_are_the_catalogs_and_what_is_not_sold_counts_nothing() {
    let store = start();
    let (person, staff) = (store.sign_up(), store.staff());
    let (cheap, sku) = product(&store, 0);
    let (gone, gone_sku) = product(&store, 1);
    store.put_into_cart(&person, &sku, 2);
    store.put_into_cart(&person, &gone_sku, 1);
    let mut draft = cheap.clone();
    draft["variants"][0]["price_minor"] = json!(123);
    for name in ["currency", "picture_url", "version"] {
        draft.as_object_mut().unwrap().remove(name);
    }
    let path = format!("/api/catalog/products/{}", cheap["id"].as_str().unwrap());
    let (status, body) = store.ask("PUT", &path, &staff.token, &draft);
    assert_eq!(status, 200, "{body}");
    let path = format!("/api/catalog/products/{}", gone["id"].as_str().unwrap());
    assert_eq!(
        store.ask("DELETE", &path, &staff.token, &Value::Null).0,
        204
    );
    let (_, cart) = store.get("/api/cart", &person.token);
    assert_eq!(
        (&cart["goods_minor"], &cart["count"]),
        (&json!(246), &json!(2))
    );
    assert_eq!(cart["unavailable"], json!([gone_sku]));
}

#[test]
fn an_order_leaves_the_cart_once_whatever_was_added_since() {
    let store = start();
    let person = store.sign_up();
    let (_, sku) = product(&store, 0);
    store.put_into_cart(&person, &sku, 2);
    let order = json!({
        "id": "o-1", "user": person.user, "lines": [{ "sku": sku, "quantity": 2 }]
    });
    for id in ["o-1", "o-1-again"] {
        assert!(store.host.publish_event("order.placed", id, "o-1", &order));
    }
    store.host.wait_for_no_lag();
    assert_eq!(store.get("/api/cart", &person.token).1["lines"], json!([]));
    store.put_into_cart(&person, &sku, 1);
    assert!(
        store
            .host
            .publish_event("order.placed", "o-1-late", "o-1", &order)
    );
    store.host.wait_for_no_lag();
    assert_eq!(store.get("/api/cart", &person.token).1["count"], 1);
}
