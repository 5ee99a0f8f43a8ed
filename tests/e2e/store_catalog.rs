//! The shop's catalog over HTTP: what people see, and what the staff changes.

use kumiki_tests::store::Store;
use serde_json::{Value, json};

fn draft(store: &Store, id: &str, sku: &str) -> Value {
    let (_, body) = store.get("/api/catalog/categories", "");
    json!({
        "id": id, "title": "Blue pen", "brand": "Ink", "category": body["categories"][0]["slug"],
        "description": "It writes.", "tags": ["pen"],
        "variants": [{ "sku": sku, "label": "blue", "price_minor": 250, "weight_g": 12 }],
        "picture": { "kind": "pen", "color": "#112233", "accent": "#445566", "variant": 0 }
    })
}

#[test]
fn there_are_at_least_150_products_in_ten_categories_each_with_a_picture_of_its_own() {
    let store = Store::start();
    let (_, body) = store.get("/api/catalog/categories", "");
    assert_eq!(body["categories"].as_array().unwrap().len(), 10);
    let (mut pictures, mut after) = (std::collections::BTreeSet::new(), String::new());
    let mut products = 0;
    loop {
        let (status, page) = store.get(&format!("/api/catalog/products?limit=100{after}"), "");
        assert_eq!(status, 200, "{page}");
        for product in page["products"].as_array().unwrap() {
            products += 1;
            let path = product["picture_url"].as_str().unwrap();
            let picture = store.send("GET", path, "", &[], &Value::Null);
            assert_eq!(picture.header("content-type"), Some("image/svg+xml"));
            let picture = picture.expect(200);
            assert!(picture.starts_with("<svg"), "{picture}");
            // The title tells them apart as well, which would be no picture of their own.
            let title = product["title"].as_str().unwrap();
            pictures.insert(picture.replace(title, ""));
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert!(products >= 150, "{products}");
    assert_eq!(pictures.len(), products);
}

#[test]
fn what_the_staff_changes_reaches_search_and_warehouse() {
    let store = Store::start();
    let staff = store.staff();
    let add = draft(&store, "blue-pen", "PEN-1");
    let (status, product) = store.post("/api/catalog/products", &staff.token, &add);
    assert_eq!((status, &product["version"]), (201, &json!(1)));
    let path = "/api/catalog/products/blue-pen";
    let read = store.send("GET", path, "", &[], &Value::Null);
    let etag = read.header("etag").unwrap().to_owned();
    let known = [("if-none-match", etag.as_str())];
    assert_eq!(
        store.send("GET", path, "", &known, &Value::Null).status,
        304
    );

    let mut change = add.clone();
    change["title"] = json!("Zirkonblau");
    let expected = [("if-match", etag.as_str())];
    let changed = store.send("PUT", path, &staff.token, &expected, &change);
    assert_eq!(changed.status, 200, "{changed:?}");
    let again = store.send("PUT", path, &staff.token, &expected, &change);
    assert_eq!(again.status, 412);
    store.host.wait_for_no_lag();
    let (_, found) = store.get("/api/search?q=zirkonblau", "");
    assert_eq!(found["hits"][0]["product"], "blue-pen", "{found}");

    let (status, _) = store.ask("DELETE", path, &staff.token, &Value::Null);
    assert_eq!(status, 204);
    store.host.wait_for_no_lag();
    assert_eq!(store.get("/api/search?q=zirkonblau", "").1["total"], 0);
    assert_eq!(store.get(path, "").0, 404);
}

#[test]
fn what_is_wrong_with_a_product_is_named() {
    let store = Store::start();
    let staff = store.staff();
    let mut bad = draft(&store, "blue-pen", "PEN-1");
    bad["variants"][0]["price_minor"] = json!("cheap");
    bad["colour"] = json!("blue");
    let (status, body) = store.post("/api/catalog/products", &staff.token, &bad);
    assert_eq!(status, 422);
    let errors = body["errors"].as_array().unwrap().iter();
    let fields: Vec<&str> = errors
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["colour", "variants/0/price_minor"]);
    let (status, body) = store.get("/api/catalog/products?limit=1000", "");
    assert_eq!(
        (status, &body["errors"][0]["field"]),
        (422, &json!("limit"))
    );
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let mut store = Store::start();
    let add = draft(&store, "blue-pen", "PEN-1");
    let token = store.staff().token;
    assert_eq!(store.post("/api/catalog/products", &token, &add).0, 201);
    store.host.kill9();
    let store = Store::of(store.host.restart());
    assert_eq!(
        store.get("/api/catalog/products/blue-pen", "").1["title"],
        "Blue pen"
    );
    store.host.wait_for_no_lag();
    assert_eq!(
        store.get("/api/search?q=blue+pen", "").1["hits"][0]["product"],
        "blue-pen"
    );
}
