//! Requests and events through the whole service.

use kit::api::answer;
use kit::event::PublishError;
use kit::http::Request;
use kit::store::{KeyValue, StoreError};
use kit::testing::{TestHost, TestIdentity};
use serde_json::{Value, json};

use super::Recommendations;

struct Shop {
    service: Recommendations,
    host: &'static TestHost,
}

impl Shop {
    fn new() -> Shop {
        let host: &'static TestHost = Box::leak(Box::default());
        let service = Recommendations::new(Box::new(host), Box::new(TestIdentity));
        Shop { service, host }
    }

    fn ask(&self, request: Request, token: &str) -> (u16, Value) {
        let request = match token {
            "" => request,
            token => request.with_header("authorization", &format!("Bearer {token}")),
        };
        let answer = answer(&self.service, &request);
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, body)
    }

    fn products(&self, path: &str, token: &str) -> Vec<String> {
        let request = Request::new("GET", &format!("/api/recommendations/{path}"));
        let (status, body) = self.ask(request, token);
        assert_eq!(status, 200, "{body}");
        serde_json::from_value(body["products"].clone()).unwrap()
    }

    fn deliver(&self, topic: &str, data: &Value) -> u16 {
        let event = Request::new("POST", &format!("/events/{topic}"))
            .with_header("ce-id", "1")
            .with_header("ce-type", topic)
            .with_json(data);
        self.ask(event, "").0
    }

    fn order(&self, id: &str, user: &str, products: &[&str]) {
        let line = |product: &&str| json!({ "sku": "S", "product": product, "quantity": 1 });
        let lines: Vec<Value> = products.iter().map(line).collect();
        let order = json!({ "id": id, "user": user, "lines": lines, "status": "placed" });
        assert_eq!(self.deliver("order.placed", &order), 204);
    }

    /// Someone looks at a product, and the event of it is delivered.
    fn view(&self, product: &str, token: &str) {
        let request = Request::new("POST", "/api/recommendations/views");
        let request = request.with_json(&json!({ "product": product }));
        assert_eq!(self.ask(request, token).0, 202);
        for event in self.host.take_events() {
            assert_eq!(self.deliver(event.topic, &event.data), 204);
        }
    }

    /// All values, so that two stores can be compared.
    fn values(&self) -> Vec<(String, Option<Vec<u8>>)> {
        let keys = self.host.memory.all_keys().into_iter();
        keys.map(|key| (key.clone(), self.host.memory.get(&key).unwrap()))
            .collect()
    }
}

/// Campers buy tents with bags, writers buy pens with paper, everybody buys batteries.
fn shop() -> Shop {
    let shop = Shop::new();
    for number in 0..3 {
        let order = |name: &str, products: &[&str]| {
            shop.order(
                &format!("{name}-{number}"),
                &format!("{name}-{number}"),
                products,
            );
        };
        order("camper", &["tent", "sleeping-bag", "battery"]);
        order("writer", &["pen", "paper", "battery"]);
        for again in 0..4 {
            order(&format!("other-{again}"), &["battery"]);
        }
    }
    for number in 0..2 {
        let name = format!("cook-{number}");
        shop.order(&name, &name, &["tent", "stove", "tent"]);
    }
    shop
}

#[test]
fn what_was_bought_together_is_recommended() {
    let shop = shop();
    let expected = ["sleeping-bag", "stove", "battery"];
    assert_eq!(shop.products("products/tent", ""), expected);
    assert_eq!(shop.products("products/pen", ""), ["paper", "battery"]);
    assert_eq!(shop.products("products/unknown", ""), [""; 0]);
}

#[test]
fn who_is_not_known_gets_what_sells_best() {
    let shop = shop();
    let best = ["battery", "tent", "paper", "pen", "sleeping-bag", "stove"];
    assert_eq!(shop.products("for-me", ""), best);
    assert_eq!(shop.products("for-me", "customer:new"), best);
    assert_eq!(Shop::new().products("for-me", ""), [""; 0]);
}

#[test]
fn a_customer_gets_what_goes_with_what_he_bought_and_looked_at() {
    let shop = shop();
    // She has a tent and a stove: a bag goes with the tent, and batteries with everything.
    let for_cook = shop.products("for-me", "customer:cook-1");
    assert_eq!(for_cook, ["sleeping-bag", "battery", "paper", "pen"]);
    let before = shop.products("for-me", "customer:new");
    shop.view("pen", "customer:new");
    let after = shop.products("for-me", "customer:new");
    assert_eq!(after[..2], ["paper", "battery"]);
    assert_eq!(after.len(), before.len());
    // What is seen later counts more.
    shop.view("tent", "customer:new");
    let place = |name: &str| {
        let products = shop.products("for-me", "customer:new");
        products.iter().position(|product| product == name).unwrap()
    };
    assert!(place("sleeping-bag") < place("stove"));
}

#[test]
fn at_most_eight_are_recommended_and_none_twice() {
    let shop = Shop::new();
    let names: Vec<String> = (0..20).map(|number| format!("p-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    shop.order("o", "u", &names);
    assert_eq!(shop.products("products/p-1", "").len(), 8);
    for token in ["", "customer:other"] {
        shop.view("p-3", token);
        let mut products = shop.products("for-me", token);
        assert_eq!(products.len(), 8);
        products.sort();
        products.dedup();
        assert_eq!(products.len(), 8);
    }
    assert_eq!(shop.products("for-me", "customer:u"), [""; 0]);
}

#[test]
fn an_event_that_comes_again_counts_once() {
    let shop = shop();
    let before = shop.values();
    shop.order("camper-1", "camper-1", &["tent", "sleeping-bag", "battery"]);
    assert_eq!(shop.values(), before);
    let view = json!({ "product": "pen", "user": "camper-1" });
    assert_eq!(shop.deliver("product.viewed", &view), 204);
    let before = shop.values();
    assert_eq!(shop.deliver("product.viewed", &view), 204);
    assert_eq!(shop.values(), before);
}

#[test]
fn a_view_is_told_once_a_minute_and_of_guests_nothing_is_kept() {
    let shop = Shop::new();
    let view = |token: &str| {
        let request = Request::new("POST", "/api/recommendations/views");
        let request = request.with_json(&json!({ "product": "pen" }));
        assert_eq!(shop.ask(request, token), (202, Value::Null));
        shop.host.take_events().remove(0)
    };
    let first = view("customer:u-1");
    assert_eq!(first.data, json!({ "product": "pen", "user": "u-1" }));
    assert_eq!(
        (first.topic, first.key.as_deref()),
        ("product.viewed", Some("u-1"))
    );
    assert_eq!(view("customer:u-1").id, first.id);
    assert_ne!(view("customer:u-2").id, first.id);
    shop.host.now_ms.set(shop.host.now_ms.get() + 60_000);
    assert_ne!(view("customer:u-1").id, first.id);
    let guest = view("");
    assert_eq!(guest.data, json!({ "product": "pen", "user": null }));
    assert_ne!(view("").id, guest.id);
    assert_eq!(shop.deliver("product.viewed", &guest.data), 204);
    assert_eq!(shop.values(), []);
}

#[test]
fn what_is_wrong_is_named() {
    let shop = shop();
    let view = |body: &Value, token: &str| {
        let request = Request::new("POST", "/api/recommendations/views").with_json(body);
        shop.ask(request, token)
    };
    assert_eq!(view(&json!({}), "").0, 422);
    assert_eq!(view(&json!({ "product": "x".repeat(101) }), "").0, 422);
    assert_eq!(view(&json!({ "product": "pen" }), "forged").0, 401);
    assert_eq!(view(&json!({ "product": "pen" }), "unavailable").0, 503);
    assert_eq!(shop.deliver("order.placed", &json!({ "id": "o" })), 400);
    *shop.host.publish_failure.borrow_mut() = Some(PublishError("the disk is full".to_owned()));
    assert_eq!(view(&json!({ "product": "pen" }), "").0, 503);
    *shop.host.memory.failure.borrow_mut() = Some(StoreError::Failed("down".to_owned()));
    let request = Request::new("GET", "/api/recommendations/for-me");
    assert_eq!(shop.ask(request, "").0, 503);
}
