//! Wishes over requests and events.

use std::cell::RefCell;

use kit::api::answer;
use kit::event::Event;
use kit::http::Request;
use kit::testing::{TestHost, TestIdentity};
use serde_json::{Value, json};

use super::Wishlist;
use crate::peers::{Offer, Peers, Unavailable};

/// What begins with `S` is sold for 100; nothing of what ends with `0` is there.
#[derive(Default)]
struct Store {
    carts: RefCell<Vec<(String, String)>>,
}

impl Peers for &'static Store {
    fn offers(&self, skus: &[String]) -> Result<Vec<Offer>, Unavailable> {
        let sold = skus.iter().filter(|sku| sku.starts_with('S'));
        let offer = |sku: &String| Offer {
            sku: sku.clone(),
            product: "thing".to_owned(),
            title: "Thing".to_owned(),
            label: String::new(),
            price_minor: 100,
            currency: "EUR".to_owned(),
        };
        Ok(sold.map(offer).collect())
    }

    fn levels(&self, skus: &[String]) -> Result<Vec<(String, u32)>, Unavailable> {
        let level = |sku: &String| (sku.clone(), u32::from(!sku.ends_with('0')));
        Ok(skus.iter().map(level).collect())
    }

    fn put_into_cart(&self, user: &str, sku: &str) -> Result<(), Unavailable> {
        let mut carts = self.carts.borrow_mut();
        carts.push((user.to_owned(), sku.to_owned()));
        Ok(())
    }
}

fn wishlist() -> (&'static TestHost, &'static Store, Wishlist) {
    // What a test has lives as long as the test program; that is short.
    let host: &'static TestHost = Box::leak(Box::default());
    let store: &'static Store = Box::leak(Box::default());
    let wishlist = Wishlist::new(Box::new(host), Box::new(TestIdentity), Box::new(store));
    (host, store, wishlist)
}

fn ask(wishlist: &Wishlist, who: &str, method: &str, path: &str) -> (u16, Value) {
    let request = Request::new(method, path);
    let request = request.with_header("authorization", &format!("Bearer {who}"));
    let answer = answer(wishlist, &request);
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, body)
}

const ANNA: &str = "customer:anna";

#[test]
fn wishes_are_saved_shown_and_moved_to_the_cart() {
    let (_, store, wishlist) = wishlist();
    for sku in ["S1", "S0", "S1"] {
        let path = format!("/api/wishlist/items/{sku}");
        assert_eq!(ask(&wishlist, ANNA, "PUT", &path).0, 204);
    }
    assert_eq!(ask(&wishlist, ANNA, "PUT", "/api/wishlist/items/X").0, 404);
    let (_, list) = ask(&wishlist, ANNA, "GET", "/api/wishlist");
    let items = list["items"].as_array().unwrap();
    assert_eq!(
        (items.len(), &items[0]["sku"], &items[0]["available"]),
        (2, &json!("S0"), &json!(0))
    );
    let path = "/api/wishlist/items/S1/move-to-cart";
    assert_eq!(ask(&wishlist, ANNA, "POST", path).0, 204);
    assert_eq!(ask(&wishlist, ANNA, "POST", path).0, 404);
    assert_eq!(
        *store.carts.borrow(),
        [("anna".to_owned(), "S1".to_owned())]
    );
    assert_eq!(
        ask(&wishlist, ANNA, "DELETE", "/api/wishlist/items/S0").0,
        204
    );
    assert_eq!(
        ask(&wishlist, ANNA, "GET", "/api/wishlist").1["items"],
        json!([])
    );
}

#[test]
fn a_shared_list_shows_wishes_and_nobodys_name() {
    let (_, _, wishlist) = wishlist();
    ask(&wishlist, ANNA, "PUT", "/api/wishlist/items/S1");
    let (status, share) = ask(&wishlist, ANNA, "POST", "/api/wishlist/share");
    assert_eq!(status, 201);
    assert_eq!(ask(&wishlist, ANNA, "POST", "/api/wishlist/share").1, share);
    let path = format!("/api/wishlist/shared/{}", share["share"].as_str().unwrap());
    let (status, shown) = ask(&wishlist, "nobody", "GET", &path);
    assert_eq!((status, &shown["items"][0]["sku"]), (200, &json!("S1")));
    assert!(!shown.to_string().contains("anna"), "{shown}");
    assert_eq!(ask(&wishlist, ANNA, "DELETE", "/api/wishlist/share").0, 204);
    assert_eq!(ask(&wishlist, "nobody", "GET", &path).0, 404);
    assert_ne!(ask(&wishlist, ANNA, "POST", "/api/wishlist/share").1, share);
}

#[test]
fn those_who_wait_are_told_once() {
    let (host, _, wishlist) = wishlist();
    ask(&wishlist, ANNA, "PUT", "/api/wishlist/items/S0");
    ask(&wishlist, "customer:bert", "PUT", "/api/wishlist/items/S1");
    let stocked = |available: u32, id: &str| {
        let data = json!({ "sku": "S0", "available": available });
        TestHost::deliver(&Event::new("stock.changed", id, data), "warehouse")
    };
    for _ in 0..2 {
        wishlist.stock_changed(&stocked(4, "a")).unwrap();
    }
    let events = host.take_events();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].topic, &events[0].data["user"]),
        ("wish.available", &json!("anna"))
    );

    let changed = |price: u64, id: &str| {
        let data = json!({ "id": "thing", "title": "Thing", "currency": "EUR", "variants": [
            { "sku": "S1", "price_minor": price }, { "sku": "S2", "price_minor": 1 }
        ] });
        TestHost::deliver(&Event::new("product.changed", id, data), "catalog")
    };
    for (price, id) in [(120, "b"), (90, "c"), (90, "d")] {
        wishlist.product_changed(&changed(price, id)).unwrap();
    }
    let events = host.take_events();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].topic, &events[0].data["user"]),
        ("wish.cheaper", &json!("bert"))
    );
    assert_eq!(events[0].data["price_minor"], json!(90));
    // Nothing is kept of what nobody wishes.
    assert!(!host.memory.all_keys().contains(&"sku/S2".to_owned()));
}

#[test]
fn many_are_told_in_parts() {
    let (host, _, wishlist) = wishlist();
    for number in 0..1200 {
        let who = format!("customer:{number}");
        assert_eq!(ask(&wishlist, &who, "PUT", "/api/wishlist/items/S0").0, 204);
    }
    let data = json!({ "sku": "S0", "available": 3 });
    let stocked = TestHost::deliver(&Event::new("stock.changed", "a", data), "warehouse");
    wishlist.stock_changed(&stocked).unwrap();
    let parts = host.take_events();
    assert_eq!(parts.len(), 3);
    let mut told = Vec::new();
    for part in &parts {
        assert_eq!(part.topic, "wish.due");
        let request = Request::new("POST", "/events/wish.due")
            .with_header("ce-id", &part.id)
            .with_header("ce-type", part.topic)
            .with_json(&part.data);
        assert_eq!(answer(&wishlist, &request).status, 204);
        let events = host.take_events();
        assert!(events.len() <= 500);
        told.extend(events.into_iter().map(|event| {
            assert_eq!(
                (event.topic, event.data["price_minor"].as_u64()),
                ("wish.available", Some(100))
            );
            event.data["user"].as_str().unwrap().to_owned()
        }));
    }
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 1200);
}

#[test]
fn what_is_no_sku_and_no_secret_is_not_found() {
    let (_, _, wishlist) = wishlist();
    let long = "S".repeat(2000);
    for (method, path, status) in [
        ("PUT", format!("/api/wishlist/items/{long}"), 404),
        ("DELETE", format!("/api/wishlist/items/{long}"), 204),
        ("GET", format!("/api/wishlist/shared/{long}"), 404),
    ] {
        assert_eq!(ask(&wishlist, ANNA, method, &path).0, status, "{method}");
    }
}
