//! The service `search` in an app of its own: what events tell of is found, whoever asks first, and
//! the index can be thrown away.

use std::thread;

use kumiki_tests::app::App;
use kumiki_tests::events::bus;
use kumiki_tests::store::{Store, event, service, users};
use kumiki_tests::wait;
use serde_json::{Value, json};

fn app() -> App {
    let taken = ["product.changed", "product.removed", "stock.changed"].map(|topic| {
        let path = format!("/events/{topic}");
        format!("{{ topic = {topic:?}, path = {path:?}, from = \"beginning\", concurrency = 1 }}")
    });
    let search = service("search")
        .route("/api/search/...")
        .sqlite_databases(&["search"])
        .link("store:users/identity@1.0.0", "users")
        .setting("reuse_max = 1000")
        .setting(format!("subscriptions = [{}]", taken.join(", ")));
    App::new(bus(&[]).into_iter().chain([users(), search]))
        .key_value_store("users")
        .sqlite_database("search")
        .observed()
}

/// With two laptops, a keyboard and a lamp; there is no stock of the keyboard.
fn start() -> Store {
    let store = Store::of(app().start());
    let goods = [
        changed("swift", "Swift 14 Laptop", "computers", 129_900),
        changed("tower", "Gaming Laptop Tower", "computers", 219_900),
        changed("keys", "Mechanical Keyboard", "computers", 9_900),
        changed("lamp", "Café Lamp", "furniture", 3_900),
    ];
    let levels = ["SWIFT", "TOWER", "LAMP"].map(|sku| {
        let data = json!({ "sku": sku, "available": 3 });
        event("stock.changed", &format!("{sku}-3"), sku, &data)
    });
    store.host.publish("stock.changed", &levels);
    store.host.publish("product.changed", &goods);
    store.host.wait_for_no_lag();
    store
}

fn changed(id: &str, title: &str, category: &str, price_minor: u64) -> Value {
    version(1, id, title, category, price_minor)
}

fn version(version: u64, id: &str, title: &str, category: &str, price_minor: u64) -> Value {
    let sku = id.to_uppercase();
    let data = json!({
        "id": id, "title": title, "brand": "Norrland", "category": category,
        "category_title": format!("All {category}"), "description": "", "tags": ["new"],
        "currency": "EUR", "picture_url": format!("/api/catalog/pictures/{id}.svg"),
        "picture": { "kind": "x", "color": "#000000", "accent": "#ffffff", "variant": 0 },
        "variants": [{ "sku": sku, "label": "", "price_minor": price_minor, "weight_g": 1 }],
        "version": version
    });
    event("product.changed", &format!("{id}-{version}"), id, &data)
}

fn search(store: &Store, query: &str) -> Value {
    let (status, body) = store.get(&format!("/api/search?{query}"), "");
    assert_eq!(status, 200, "{query}: {body}");
    body
}

fn ids(found: &Value) -> Vec<&str> {
    let hits = found["hits"].as_array().unwrap().iter();
    hits.map(|hit| hit["product"].as_str().unwrap()).collect()
}

#[test]
fn what_events_tell_of_is_found() {
    let store = start();
    let found = search(&store, "q=laptop&sort=price");
    assert_eq!(ids(&found), ["swift", "tower"]);
    assert_eq!(found["hits"][0]["in_stock"], json!(true));
    let categories = json!([{ "value": "computers", "title": "All computers", "count": 2 }]);
    assert_eq!(found["facets"]["category"], categories);
    let found = search(&store, "q=CAFE+lam&in_stock=true&price_max=3900");
    assert_eq!(ids(&found), ["lamp"]);
    let found = search(&store, "q=mechancial+keyboard");
    assert_eq!(
        (ids(&found), &found["corrected"]),
        (vec!["keys"], &json!("mechanical keyboard"))
    );
    let all = search(&store, "");
    assert_eq!(all["facets"]["in_stock"], json!({ "yes": 3, "no": 1 }));
    let (_, suggested) = store.get("/api/search/suggest?q=la", "");
    assert_eq!(suggested, json!({ "suggestions": ["laptop", "lamp"] }));

    let sold_out = json!({ "sku": "LAMP", "available": 0 });
    let sold_out = event("stock.changed", "LAMP-0", "LAMP", &sold_out);
    store.host.publish("stock.changed", &[sold_out]);
    let renamed = version(2, "swift", "Swift Notebook", "computers", 99_900);
    store.host.publish("product.changed", &[renamed]);
    store.host.wait_for_no_lag();
    assert_eq!(ids(&search(&store, "q=laptop")), ["tower"]);
    assert_eq!(ids(&search(&store, "q=swift&price_max=99900")), ["swift"]);
    assert_eq!(
        search(&store, "q=lamp")["hits"][0]["in_stock"],
        json!(false)
    );
}

#[test]
fn pages_have_every_product_once() {
    let store = start();
    let mut seen = Vec::new();
    let mut query = "limit=1&sort=-price".to_owned();
    loop {
        let page = search(&store, &query);
        assert_eq!(page["total"], json!(4));
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => query = format!("limit=1&sort=-price&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["tower", "swift", "keys", "lamp"]);
}

#[test]
fn no_text_is_syntax() {
    let store = start();
    for text in [
        "%22",
        "AND+OR",
        "title%3Alaptop",
        "%28%5E*",
        "NEAR%28a%2C+b%29",
        "%F0%9F%92%A1",
        "%FF",
    ] {
        search(&store, &format!("q={text}"));
        let (status, _) = store.get(&format!("/api/search/suggest?q={text}"), "");
        assert_eq!(status, 200, "{text}");
    }
    for (query, field) in [
        ("after=1", "after"),
        ("sort=x", "sort"),
        ("limit=101", "limit"),
    ] {
        let (status, problem) = store.get(&format!("/api/search?{query}"), "");
        assert_eq!(
            (status, &problem["errors"][0]["field"]),
            (422, &json!(field))
        );
    }
}

/// Nobody has made the tables before: those who ask first at the same moment all get an answer.
#[test]
fn many_may_be_the_first() {
    let store = Store::of(app().start());
    let ask = || search(&store, "q=lamp")["total"].clone();
    thread::scope(|scope| {
        let asking: Vec<_> = (0..12).map(|_| scope.spawn(ask)).collect();
        for one in asking {
            assert_eq!(one.join().unwrap(), json!(0));
        }
    });
}

#[test]
fn an_index_that_was_thrown_away_is_filled_again_from_the_bus() {
    let mut store = start();
    let removed = json!({ "id": "tower", "version": 2 });
    let removed = event("product.removed", "tower-2", "tower", &removed);
    store.host.publish("product.removed", &[removed]);
    store.host.wait_for_no_lag();
    store.host.kill9();
    let store = Store::of(store.host.restart());
    let before = search(&store, "sort=title");
    assert_eq!(before["total"], json!(3));

    assert_eq!(store.post("/api/search/rebuild", "", &Value::Null).0, 401);
    let customer = store.sign_up();
    assert_eq!(
        store
            .post("/api/search/rebuild", &customer.token, &Value::Null)
            .0,
        403
    );
    let staff = store.staff();
    assert_eq!(
        store
            .post("/api/search/rebuild", &staff.token, &Value::Null)
            .0,
        204
    );
    assert_eq!(search(&store, "")["total"], json!(0));

    store
        .host
        .events(&["replay", "search", "--from", "beginning"]);
    wait::until("the index to be what it was", || {
        (search(&store, "sort=title") == before).then_some(())
    });
    store.host.wait_for_no_lag();
    assert_eq!(search(&store, "sort=title"), before);
}
