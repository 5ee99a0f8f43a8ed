//! Carts of guests and of users, over requests and events.

use kit::api::answer;
use kit::event::Event;
use kit::http::Request;
use kit::store::KeyValue;
use kit::testing::{TestHost, TestIdentity};
use serde_json::{Value, json};

use super::Carts;
use crate::contents::Contents;
use crate::priced::{Offer, Offers, Unavailable};

/// A catalog that sells what begins with `S`, for 100 each, while it answers.
struct Catalog {
    answers: bool,
}

impl Offers for Catalog {
    fn offers(&self, skus: &[String]) -> Result<Vec<Offer>, Unavailable> {
        if !self.answers {
            return Err(Unavailable("down".to_owned()));
        }
        let sold = skus.iter().filter(|sku| sku.starts_with('S'));
        let offer = |sku: &String| Offer {
            sku: sku.clone(),
            product: format!("product-{sku}"),
            title: "Thing".to_owned(),
            label: String::new(),
            price_minor: 100,
            currency: "EUR".to_owned(),
            weight_g: 10,
        };
        Ok(sold.map(offer).collect())
    }
}

fn carts(answers: bool) -> (&'static TestHost, Carts) {
    // A test's host lives as long as the test program; that is short.
    let host: &'static TestHost = Box::leak(Box::default());
    let catalog = Box::new(Catalog { answers });
    (
        host,
        Carts::new(Box::new(host), Box::new(TestIdentity), catalog),
    )
}

fn ask(carts: &Carts, who: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::new(method, path).with_json(body);
    let bearer = format!("Bearer {who}");
    let request = match who.starts_with("g-") {
        true => request.with_header("cart-id", who),
        false if who.is_empty() => request,
        false => request.with_header("authorization", &bearer),
    };
    let answer = answer(carts, &request);
    (
        answer.status,
        serde_json::from_slice(&answer.body).unwrap_or_default(),
    )
}

fn guest(carts: &Carts) -> String {
    let (status, body) = ask(carts, "", "POST", "/api/cart/guests", &Value::Null);
    assert_eq!(status, 201);
    body["cart"].as_str().unwrap().to_owned()
}

const ANNA: &str = "customer:anna";

#[test]
fn a_cart_is_filled_changed_and_priced() {
    let (_, carts) = carts(true);
    let item = json!({ "sku": "S1", "quantity": 2 });
    assert_eq!(ask(&carts, ANNA, "POST", "/api/cart/items", &item).0, 200);
    let (_, cart) = ask(&carts, ANNA, "POST", "/api/cart/items", &item);
    assert_eq!(
        (&cart["goods_minor"], &cart["count"], &cart["weight_g"]),
        (&json!(400), &json!(4), &json!(40))
    );
    let (_, cart) = ask(
        &carts,
        ANNA,
        "PUT",
        "/api/cart/items/S1",
        &json!({ "quantity": 1 }),
    );
    assert_eq!(cart["lines"][0]["total_minor"], json!(100));
    let (_, cart) = ask(&carts, ANNA, "DELETE", "/api/cart/items/S1", &Value::Null);
    assert_eq!(cart["count"], json!(0));
    let (status, body) = ask(
        &carts,
        ANNA,
        "PUT",
        "/api/cart/items/X",
        &json!({ "quantity": 1 }),
    );
    assert_eq!((status, &body["code"]), (404, &json!("unknown_sku")));
    let none = json!({ "sku": "S1", "quantity": 0 });
    let (status, body) = ask(&carts, ANNA, "POST", "/api/cart/items", &none);
    assert_eq!(
        (status, &body["errors"][0]["field"]),
        (422, &json!("quantity"))
    );
}

#[test]
fn a_guests_cart_is_secret_and_moves_to_its_owner_once() {
    let (host, carts) = carts(true);
    let guest = guest(&carts);
    let item = json!({ "sku": "S1", "quantity": 2 });
    assert_eq!(ask(&carts, &guest, "POST", "/api/cart/items", &item).0, 200);
    assert_eq!(ask(&carts, "", "POST", "/api/cart/items", &item).0, 400);
    assert_eq!(
        ask(&carts, "g-short", "POST", "/api/cart/items", &item).0,
        400
    );
    let merge = json!({ "cart": guest });
    for _ in 0..2 {
        let (status, cart) = ask(&carts, ANNA, "POST", "/api/cart/merge", &merge);
        assert_eq!((status, &cart["count"]), (200, &json!(2)));
    }
    assert_eq!(
        ask(&carts, &guest, "GET", "/api/cart", &Value::Null).1["count"],
        json!(0)
    );
    let left = host.memory.get(&format!("guest/{guest}")).unwrap().unwrap();
    assert_eq!(left, br#"{"lines":[]}"#);
    // Nobody else finds it any more.
    let (_, other) = ask(&carts, "customer:bert", "POST", "/api/cart/merge", &merge);
    assert_eq!(other["count"], json!(0));
}

#[test]
fn a_merge_that_breaks_off_is_completed_and_later_lines_move_too() {
    let (host, carts) = carts(true);
    let guest = guest(&carts);
    let merge = json!({ "cart": guest });
    let item = json!({ "sku": "S1", "quantity": 2 });
    ask(&carts, &guest, "POST", "/api/cart/items", &item);
    // The process ends after the first write: what lies there is on its way.
    let key = format!("guest/{guest}");
    let store: &dyn KeyValue = &host.memory;
    let mut cart: Contents = store.get_json(&key).unwrap().unwrap();
    cart.leave("m-1", "anna");
    store.set_json(&key, &cart).unwrap();
    ask(&carts, &guest, "POST", "/api/cart/items", &item);
    let (_, cart) = ask(&carts, ANNA, "POST", "/api/cart/merge", &merge);
    assert_eq!(cart["count"], json!(4));
    // The same guest may come back.
    ask(&carts, &guest, "POST", "/api/cart/items", &item);
    let (_, cart) = ask(&carts, ANNA, "POST", "/api/cart/merge", &merge);
    assert_eq!(cart["count"], json!(6));
}

#[test]
fn someone_without_a_cart_has_an_empty_one() {
    let (_, carts) = carts(true);
    for who in ["", ANNA] {
        let (status, cart) = ask(&carts, who, "GET", "/api/cart", &Value::Null);
        assert_eq!((status, &cart["lines"]), (200, &json!([])));
    }
    assert_eq!(
        ask(&carts, "nonsense", "GET", "/api/cart", &Value::Null).0,
        401
    );
}

#[test]
fn what_was_ordered_leaves_the_cart_once() {
    let (_, carts) = carts(true);
    for sku in ["S1", "S2"] {
        let item = json!({ "sku": sku, "quantity": 3 });
        ask(&carts, ANNA, "POST", "/api/cart/items", &item);
    }
    let order = json!({ "id": "o-1", "user": "anna", "lines": [
        { "sku": "S1", "quantity": 3, "title": "Thing" }, { "sku": "S2", "quantity": 1 }
    ] });
    let delivery = TestHost::deliver(&Event::new("order.placed", "o-1", order), "orders");
    for _ in 0..2 {
        carts.order_placed(&delivery).unwrap();
    }
    let lines = carts.lines("anna").unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].sku.as_str(), lines[0].quantity), ("S2", 2));
}

#[test]
fn without_the_catalog_nothing_is_lost_and_nothing_is_said_wrongly() {
    let (_, carts) = carts(false);
    let item = json!({ "sku": "S1", "quantity": 1 });
    assert_eq!(ask(&carts, ANNA, "POST", "/api/cart/items", &item).0, 503);
    let line = crate::contents::Line {
        sku: "S1".to_owned(),
        quantity: 1,
    };
    carts.add_line("anna", &line).unwrap();
    assert_eq!(ask(&carts, ANNA, "GET", "/api/cart", &Value::Null).0, 503);
    assert_eq!(carts.lines("anna").unwrap().len(), 1);
}
