//! The goods in a store in memory, over HTTP requests and as offers.

use kit::api::answer;
use kit::http::Request;
use kit::problem::Problem;
use kit::store::StoreError;
use kit::testing::{TestHost, TestIdentity};
use serde_json::{Value, json};

use super::Assortment;
use super::service::Shelves;
use crate::goods::Goods;

/// A host that the test and the service both hold.
fn shelves() -> (&'static TestHost, Shelves) {
    // A test's host lives as long as the test program; that is short.
    let host: &'static TestHost = Box::leak(Box::default());
    (host, Shelves::new(Box::new(host), Box::new(TestIdentity)))
}

fn ask(shelves: &Shelves, request: &Request) -> (u16, Value) {
    let answer = answer(shelves, request);
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, body)
}

fn get(shelves: &Shelves, path: &str) -> (u16, Value) {
    ask(shelves, &Request::new("GET", path))
}

fn staff(method: &str, path: &str, body: &Value) -> Request {
    Request::new(method, path)
        .with_header("authorization", "Bearer staff:anna")
        .with_json(body)
}

fn draft(id: &str, sku: &str) -> Value {
    let goods = Goods::embedded().unwrap();
    let category = &goods.categories().next().unwrap().slug;
    json!({
        "id": id, "title": "Pen", "brand": "Ink", "category": category, "description": "It writes.",
        "tags": ["pen"],
        "variants": [{ "sku": sku, "label": "blue", "price_minor": 250, "weight_g": 12 }],
        "picture": { "kind": "pen", "color": "#112233", "accent": "#445566", "variant": 0 }
    })
}

#[test]
fn the_first_goods_are_loaded_once_and_announced_with_their_stock() {
    let (host, shelves) = shelves();
    let (status, body) = get(&shelves, "/api/catalog/categories");
    assert_eq!(status, 200);
    let first = Goods::embedded().unwrap();
    let products = first.products().count();
    assert_eq!(
        body["categories"].as_array().unwrap().len(),
        first.categories().count()
    );
    let counts = body["categories"].as_array().unwrap().iter();
    let count: u64 = counts.map(|one| one["products"].as_u64().unwrap()).sum();
    assert_eq!(count, products as u64);
    let events = host.take_events();
    assert_eq!(events.len(), products);
    assert!(events.iter().all(|event| event.topic == "product.changed"));
    assert!(events[0].data["first_stock"].is_object(), "{:?}", events[0]);
    get(&shelves, "/api/catalog/categories");
    assert!(host.take_events().is_empty());
}

#[test]
fn loading_that_broke_off_begins_again() {
    let (host, shelves) = shelves();
    *host.publish_failure.borrow_mut() = Some(kit::event::PublishError("full".to_owned()));
    assert_eq!(get(&shelves, "/api/catalog/categories").0, 503);
    *host.publish_failure.borrow_mut() = None;
    assert_eq!(get(&shelves, "/api/catalog/categories").0, 200);
    let products = Goods::embedded().unwrap().products().count();
    assert_eq!(host.take_events().len(), products);
}

#[test]
fn pages_hold_every_product_once() {
    let (_, shelves) = shelves();
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let (status, body) = get(&shelves, &format!("/api/catalog/products?limit=5{after}"));
        assert_eq!(status, 200);
        for product in body["products"].as_array().unwrap() {
            seen.push(product["id"].as_str().unwrap().to_owned());
        }
        match body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(
        (seen.len(), all),
        (all, Goods::embedded().unwrap().products().count())
    );
    assert_eq!(get(&shelves, "/api/catalog/products?category=none").0, 404);
    assert_eq!(get(&shelves, "/api/catalog/products?after=none").0, 422);
    assert_eq!(get(&shelves, "/api/catalog/products?limit=0").0, 422);
}

#[test]
fn staff_adds_changes_and_removes() {
    let (host, shelves) = shelves();
    get(&shelves, "/api/catalog/categories");
    host.take_events();
    let add = staff("POST", "/api/catalog/products", &draft("blue-pen", "PEN-1"));
    let (status, added) = ask(&shelves, &add);
    assert_eq!((status, &added["version"]), (201, &json!(1)));
    assert_eq!(ask(&shelves, &add).0, 409);
    let other = staff("POST", "/api/catalog/products", &draft("red-pen", "PEN-1"));
    assert_eq!(ask(&shelves, &other).1["code"], json!("sku_taken"));

    let path = "/api/catalog/products/blue-pen";
    let etag = answer(&shelves, &Request::new("GET", path));
    let etag = etag.header("etag").unwrap().to_owned();
    let change = staff("PUT", path, &draft("blue-pen", "PEN-2")).with_header("if-match", &etag);
    let (status, changed) = ask(&shelves, &change);
    assert_eq!((status, &changed["version"]), (200, &json!(2)));
    assert_eq!(ask(&shelves, &change).0, 412);
    // Its first SKU is free again.
    assert_eq!(ask(&shelves, &other).0, 201);

    assert_eq!(ask(&shelves, &staff("DELETE", path, &Value::Null)).0, 204);
    assert_eq!(get(&shelves, path).0, 404);
    assert_eq!(ask(&shelves, &staff("DELETE", path, &Value::Null)).0, 404);
    let topics: Vec<_> = host.take_events().iter().map(|event| event.topic).collect();
    let changed = "product.changed";
    assert_eq!(topics, [changed, changed, changed, "product.removed"]);
    // It may come back, and is newer than it ever was.
    assert_eq!(
        ask(
            &shelves,
            &staff("POST", "/api/catalog/products", &draft("blue-pen", "PEN-2"))
        )
        .1["version"],
        json!(4)
    );
}

#[test]
fn what_is_wrong_with_a_product_is_named() {
    let (_, shelves) = shelves();
    let mut bad = draft("Blue Pen", "pen 1");
    bad["variants"][0]["price_minor"] = json!(-1);
    let (status, body) = ask(&shelves, &staff("POST", "/api/catalog/products", &bad));
    assert_eq!(
        (status, &body["errors"][0]["field"]),
        (422, &json!("variants/0/price_minor"))
    );
    bad["variants"][0]["price_minor"] = json!(1);
    let (_, body) = ask(&shelves, &staff("POST", "/api/catalog/products", &bad));
    let fields: Vec<_> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["field"])
        .collect();
    assert_eq!(fields, [&json!("id"), &json!("variants/0/sku")]);
    let mut lost = draft("pen", "PEN");
    lost["category"] = json!("nowhere");
    let (status, body) = ask(&shelves, &staff("POST", "/api/catalog/products", &lost));
    assert_eq!(
        (status, &body["errors"][0]["field"]),
        (422, &json!("category"))
    );
}

#[test]
fn offers_are_those_of_what_is_sold_now() {
    let (_, shelves) = shelves();
    get(&shelves, "/api/catalog/categories");
    ask(
        &shelves,
        &staff("POST", "/api/catalog/products", &draft("blue-pen", "PEN-1")),
    );
    let asked = ["PEN-1".to_owned(), "NONE".to_owned()];
    let offers = shelves.offers(&asked).unwrap();
    assert_eq!(offers.len(), 1);
    assert_eq!((offers[0].price_minor, offers[0].currency), (250, "EUR"));
    ask(
        &shelves,
        &staff("DELETE", "/api/catalog/products/blue-pen", &Value::Null),
    );
    assert!(shelves.offers(&asked).unwrap().is_empty());
    let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    assert_eq!(shelves.offers(&many).unwrap_err().status, 422);
}

#[test]
fn a_store_that_fails_is_said() {
    let (host, shelves) = shelves();
    *host.memory.failure.borrow_mut() = Some(StoreError::Failed("disk".to_owned()));
    assert_eq!(get(&shelves, "/api/catalog/products").0, 503);
    let opened = Assortment::open(host)
        .map(|_| ())
        .map_err(|problem: Problem| problem.status);
    assert_eq!(opened, Err(503));
}

#[test]
fn pictures_are_svg() {
    let (_, shelves) = shelves();
    let goods = Goods::embedded().unwrap();
    let id = &goods.products().next().unwrap().id;
    let path = format!("/api/catalog/pictures/{id}.svg");
    let picture = answer(&shelves, &Request::new("GET", &path));
    assert_eq!(
        (picture.status, picture.header("content-type")),
        (200, Some("image/svg+xml"))
    );
    assert_eq!(get(&shelves, "/api/catalog/pictures/none.svg").0, 404);
    assert_eq!(get(&shelves, "/api/catalog/pictures/none").0, 404);
}
