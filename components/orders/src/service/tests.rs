//! Orders after they are placed: who sees them, who cancels them, and what news do to them.

use kit::api::answer;
use kit::http::Request;
use kit::store::StoreError;
use serde_json::{Value, json};

use super::Orders;
use crate::fakes::{Fault, Shop, signed_in, wish};

/// A shop, and the id of Ada's order.
fn with_order() -> (Shop, String) {
    let shop = Shop::open();
    let (_, order) = shop.check_out("k", &wish());
    let id = order["id"].as_str().unwrap().to_owned();
    shop.take_events();
    (shop, id)
}

fn news(order: &str, status: &str) -> Value {
    json!({
        "order": order, "user": "ada", "status": status, "text": format!("It is {status}."),
        "tracking": null, "reason": null, "at": "2027-01-15T09:00:00.000Z"
    })
}

fn statuses(order: &Value) -> Vec<&str> {
    let history = order["history"].as_array().unwrap().iter();
    history
        .map(|entry| entry["status"].as_str().unwrap())
        .collect()
}

#[test]
fn an_order_is_its_owners_and_the_staffs() {
    let (shop, id) = with_order();
    let path = format!("/api/orders/{id}");
    for (token, status) in [
        ("customer:ada", 200),
        ("staff:eve", 200),
        ("customer:bob", 404),
    ] {
        assert_eq!(shop.get(token, &path).0, status, "{token}");
    }
    assert_eq!(shop.get("customer:ada", "/api/orders/o-none").0, 404);
    assert_eq!(shop.send(&Request::new("GET", &path)).0, 401);
}

#[test]
fn a_client_that_knows_the_order_is_told_so() {
    let (shop, id) = with_order();
    let get = signed_in("GET", "customer:ada", &format!("/api/orders/{id}"));
    let orders = Orders::new(
        Box::new(shop.host),
        Box::new(kit::testing::TestIdentity),
        Box::new(shop.peers),
    );
    let etag = answer(&orders, &get).header("etag").unwrap().to_owned();
    let again = get.clone().with_header("if-none-match", &etag);
    assert_eq!(answer(&orders, &again).status, 304);
    shop.deliver("order.changed", &news(&id, "paid"));
    assert_eq!(answer(&orders, &again).status, 200);
}

#[test]
fn lists_are_ones_own_or_the_staffs() {
    let shop = Shop::open();
    let mut ids: Vec<Value> = Vec::new();
    for number in 0..5 {
        let (_, order) = shop.check_out(&number.to_string(), &wish());
        ids.insert(0, order["id"].clone());
    }
    for (_, _, order) in shop.take_events() {
        assert_eq!(shop.deliver("order.placed", &order), 204);
        assert_eq!(shop.deliver("order.placed", &order), 204, "twice");
    }
    let page = |token: &str, path: &str| {
        let (status, page) = shop.get(token, path);
        assert_eq!(status, 200, "{page}");
        let orders = page["orders"].as_array().unwrap().iter();
        let ids: Vec<Value> = orders.map(|order| order["id"].clone()).collect();
        (ids, page["next"].clone())
    };
    for (token, path) in [
        ("customer:ada", "/api/orders"),
        ("staff:eve", "/api/orders/all"),
    ] {
        assert_eq!(page(token, path), (ids.clone(), Value::Null));
        let (first, next) = page(token, &format!("{path}?limit=3"));
        assert_eq!(first, ids[..3]);
        let after = next.as_str().unwrap();
        let (rest, next) = page(token, &format!("{path}?limit=3&after={after}"));
        assert_eq!((rest.as_slice(), next), (&ids[3..], Value::Null));
    }
    assert_eq!(page("customer:bob", "/api/orders").0, Vec::<Value>::new());
    assert_eq!(shop.get("customer:ada", "/api/orders/all").0, 403);
    for wrong in ["limit=0", "limit=101", "after=0", "after=x"] {
        assert_eq!(
            shop.get("customer:ada", &format!("/api/orders?{wrong}")).0,
            422,
            "{wrong}"
        );
    }
}

#[test]
fn news_move_an_order_on_and_never_back() {
    let (shop, id) = with_order();
    let mut shipped = news(&id, "shipped");
    shipped["tracking"] = json!("t-1");
    for change in [
        news(&id, "paid"),
        news(&id, "paid"),
        shipped.clone(),
        news(&id, "picked"),
    ] {
        assert_eq!(shop.deliver("order.changed", &change), 204);
    }
    assert_eq!(shop.deliver("order.changed", &news(&id, "delivered")), 204);
    for late in ["cancelled", "shipped", "delivered"] {
        assert_eq!(shop.deliver("order.changed", &news(&id, late)), 204);
    }
    let (_, order) = shop.get("customer:ada", &format!("/api/orders/{id}"));
    assert_eq!(statuses(&order), ["placed", "paid", "shipped", "delivered"]);
    assert_eq!(
        (&order["status"], &order["tracking"]),
        (&json!("delivered"), &json!("t-1"))
    );
    assert_eq!(order["history"][1]["text"], "It is paid.");
}

#[test]
fn a_cancelled_order_says_why() {
    let (shop, id) = with_order();
    let mut cancelled = news(&id, "cancelled");
    cancelled["reason"] = json!("You cancelled it.");
    shop.deliver("order.changed", &cancelled);
    let (_, order) = shop.get("customer:ada", &format!("/api/orders/{id}"));
    assert_eq!(order["reason"], "You cancelled it.");
    assert_eq!(statuses(&order), ["placed", "cancelled"]);
}

#[test]
fn only_the_owner_cancels_and_only_in_time() {
    let (shop, id) = with_order();
    let path = format!("/api/orders/{id}/cancel");
    let cancel = |token: &str| shop.send(&signed_in("POST", token, &path));
    assert_eq!(cancel("customer:bob").0, 404);
    assert_eq!(cancel("staff:eve").0, 404);
    for status in ["placed", "paid", "picked"] {
        shop.deliver("order.changed", &news(&id, status));
        let (answered, order) = cancel("customer:ada");
        assert_eq!((answered, &order["status"]), (202, &json!(status)));
        let data = json!({ "order": id, "by": "ada" });
        let expected = ("order.cancel-requested", id.clone(), data);
        assert_eq!(shop.take_events(), [expected]);
    }
    shop.deliver("order.changed", &news(&id, "shipped"));
    let (status, problem) = cancel("customer:ada");
    assert_eq!((status, &problem["code"]), (409, &json!("too_late")));
    assert!(shop.take_events().is_empty());
}

#[test]
fn an_event_that_cannot_be_handled_is_not_committed_as_handled() {
    let (shop, id) = with_order();
    // With 503, which commits, the host would take the event for handled.
    assert_eq!(shop.deliver("order.changed", &news("o-none", "paid")), 500);
    assert_eq!(shop.deliver("order.changed", &json!({ "order": id })), 400);
    let failure = StoreError::Failed("full".to_owned());
    *shop.host.memory.failure.borrow_mut() = Some(failure);
    let change = Request::new("POST", "/events/order.changed")
        .with_header("ce-id", "1")
        .with_header("ce-type", "order.changed")
        .with_json(&news(&id, "paid"));
    let orders = Orders::new(
        Box::new(shop.host),
        Box::new(kit::testing::TestIdentity),
        Box::new(shop.peers),
    );
    assert_eq!(answer(&orders, &change).status, 500);
}

#[test]
fn a_quote_says_what_the_cart_costs_there() {
    let shop = Shop::open();
    let ask = |address: Value| {
        let request = signed_in("POST", "customer:ada", "/api/orders/quotes");
        shop.send(&request.with_json(&json!({ "address": address })))
    };
    let (status, quote) = ask(wish()["address"].clone());
    assert_eq!(status, 200, "{quote}");
    assert_eq!(
        (&quote["goods_minor"], &quote["currency"]),
        (&json!(3000), &json!("EUR"))
    );
    assert_eq!(quote["lines"].as_array().unwrap().len(), 2);
    let shipping = json!([
        { "service": "standard", "label": "standard", "price_minor": 115, "days": 3 },
        { "service": "express", "label": "express", "price_minor": 900, "days": 1 },
    ]);
    assert_eq!(quote["shipping"], shipping);
    assert_eq!(ask(json!({ "name": "" })).0, 422);
    shop.peers.fault.set(Some(Fault::NotServed));
    let (status, problem) = ask(wish()["address"].clone());
    assert_eq!((status, &problem["code"]), (422, &json!("not_served")));
    assert!(shop.stored().is_empty() && shop.take_events().is_empty());
}
