//! From the cart to an order that is on its way.

use serde_json::{Value, from_slice, json};

use super::services::Recorded;
use super::{cookies, get, html, post, signed_in, visit};

const ADDRESS: &str = "name=Ada&street=Main+St+1&postcode=10115&city=Berlin&country=DE";

fn order_form() -> String {
    format!(
        "{ADDRESS}&key=key-1&payment_token=tok_ok_1&card_ends=4242&shipping=express\
         &total%3Astandard=260290&total%3Aexpress=260790"
    )
}

#[test]
fn a_guest_gets_a_cart_with_the_first_thing() {
    let services = Recorded::shop();
    let answer = visit(&services, &post("/cart", "sku=D1&quantity=2"));
    assert_eq!(answer.header("location"), Some("/cart?added=D1"));
    let added = services.call("POST cart/items");
    assert_eq!(added.header("cart-id"), Some("g-1"));
    assert_eq!(added.json(), json!({ "sku": "D1", "quantity": 2 }));
    let kept = cookies(&answer);
    assert!(kept.contains(&"shop-cart=g%2D1".to_owned()), "{kept:?}");

    let services = Recorded::shop();
    let again = post("/cart", "sku=D1&quantity=1").with_header("cookie", "shop-cart=g-7");
    visit(&services, &again);
    assert_eq!(services.calls().len(), 1);
    assert_eq!(services.calls()[0].header("cart-id"), Some("g-7"));
}

#[test]
fn the_cart_says_what_cannot_be_had() {
    let services = Recorded::shop();
    let request = get("/cart?added=D1").with_header("cookie", "shop-cart=g-1");
    let answer = visit(&services, &request);
    let page = html(&answer);
    for text in [
        "Oak desk is in your cart.",
        "€2,598.00",
        "not sold any more",
        "Sold out.",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn a_quantity_that_no_cart_holds_is_explained() {
    let errors = json!([{ "field": "quantity", "detail": "must be at most 99" }]);
    let refused = json!({ "code": "invalid", "errors": errors });
    let services = Recorded::shop().with("PUT cart/items/D1", 422, refused);
    let form = post("/cart/quantity", "sku=D1&quantity=many");
    let answer = visit(&services, &form.with_header("cookie", "shop-cart=g-1"));
    assert_eq!(answer.status, 422);
    assert!(html(&answer).contains("must be a number from 1 to 99"));
}

#[test]
fn the_checkout_needs_someone_who_is_signed_in() {
    let answer = visit(&Recorded::shop(), &get("/checkout"));
    assert_eq!(answer.header("location"), Some("/sign-in?next=%2Fcheckout"));
}

#[test]
fn the_checkout_shows_what_it_will_cost_before_anything_is_paid() {
    let answer = visit(&Recorded::shop(), &signed_in(get("/checkout")));
    let page = html(&answer);
    for text in [
        "Main St 1",
        "Standard",
        "€2,602.90",
        "value=\"secret-1\"",
        "JavaScript",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    // A field without a name is never sent to the shop.
    for field in ["card-number", "card-expiry", "card-cvc"] {
        let start = page.find(&format!("<input id=\"{field}\"")).unwrap();
        let input = &page[start..start + page[start..].find('>').unwrap()];
        assert!(!input.contains(" name="), "{input}");
    }
}

#[test]
fn an_order_is_sent_with_what_the_customer_saw() {
    let services = Recorded::shop();
    let answer = visit(&services, &signed_in(post("/checkout", &order_form())));
    assert_eq!(answer.header("location"), Some("/orders/o-1?placed"));
    let order = services.call("POST orders");
    assert_eq!(order.header("idempotency-key"), Some("key-1"));
    assert_eq!(
        order.json(),
        json!({
            "address": {
                "name": "Ada", "street": "Main St 1", "postcode": "10115", "city": "Berlin",
                "country": "DE",
            },
            "shipping": "express",
            "payment_token": "tok_ok_1",
            "expected_total_minor": 260_790,
        })
    );
}

/// The page that comes back after an order that was not taken.
fn refused(services: &Recorded) -> (u16, String) {
    let answer = visit(services, &signed_in(post("/checkout", &order_form())));
    (answer.status, html(&answer))
}

fn ordering(status: u16, body: Value) -> Recorded {
    Recorded::shop().with("POST orders", status, body)
}

#[test]
fn a_price_that_changed_costs_neither_the_card_nor_the_choice() {
    let (status, page) = refused(&ordering(409, json!({ "code": "price_changed" })));
    assert_eq!(status, 409);
    assert!(page.contains("A price has changed"));
    assert!(page.contains("value=\"tok_ok_1\"") && page.contains("<strong>4242</strong>"));
    assert!(
        page.contains("name=\"key\" value=\"secret-1\""),
        "another order, another key"
    );
    let express = page.find("value=\"express\"").unwrap();
    assert!(page[express..express + 120].contains(" checked"));
}

#[test]
fn a_declined_card_is_asked_for_again() {
    let (status, page) = refused(&ordering(402, json!({ "code": "payment_declined" })));
    assert_eq!(status, 402);
    assert!(page.contains("Your card was declined"));
    assert!(!page.contains("tok_ok_1") && page.contains("name=\"key\" value=\"secret-1\""));
}

#[test]
fn an_order_of_which_nobody_knows_is_sent_again_under_the_same_key() {
    let (status, page) = refused(&ordering(503, json!({ "code": "unavailable" })));
    assert_eq!(status, 503);
    assert!(page.contains("never taken twice"));
    assert!(page.contains("name=\"key\" value=\"key-1\"") && page.contains("tok_ok_1"));
}

#[test]
fn without_a_token_nothing_is_ordered() {
    let services = Recorded::shop();
    let form = order_form().replace("tok_ok_1", "");
    let answer = visit(&services, &signed_in(post("/checkout", &form)));
    assert_eq!(answer.status, 422);
    assert!(html(&answer).contains("Paying needs JavaScript"));
    let orders = services.calls().into_iter();
    let mut orders = orders.filter(|call| call.path_with_query == "/api/orders");
    assert!(orders.next().is_none());
}

#[test]
fn an_address_is_kept_and_used() {
    let services = Recorded::shop();
    let answer = visit(&services, &signed_in(post("/checkout/address", ADDRESS)));
    assert_eq!(answer.header("location"), Some("/checkout"));
    let body = services.call("PUT users/me/addresses").json();
    assert_eq!(
        body["addresses"].as_array().unwrap().len(),
        1,
        "it was there before"
    );
    let elsewhere = ADDRESS.replace("Berlin", "Bonn");
    visit(&services, &signed_in(post("/checkout/address", &elsewhere)));
    let body = services.call("PUT users/me/addresses").json();
    assert_eq!(body["addresses"][0]["city"], "Bonn");
    assert_eq!(body["addresses"][1]["city"], "Berlin");
}

#[test]
fn the_status_of_an_order_is_the_same_in_the_page_and_for_its_script() {
    let services = Recorded::shop();
    let page = html(&visit(&services, &signed_in(get("/orders/o-1"))));
    let answer = visit(&services, &signed_in(get("/orders/o-1/status")));
    let status: Value = from_slice(&answer.body).unwrap();
    assert_eq!(status["status"], "shipped");
    assert_eq!(status["final"], false);
    let part = status["html"].as_str().unwrap();
    assert!(page.contains(part), "{part} in {page}");
    let [placed, shipped] = ["We have your order", "It is on its way"].map(|text| part.find(text));
    assert!(shipped < placed, "the newest first: {part}");
    assert!(page.contains("data-live=\"/orders/o-1/status\""));
    let answer = visit(
        &services.down("orders"),
        &signed_in(get("/orders/o-1/status")),
    );
    assert_eq!(answer.status, 503);
}

#[test]
fn an_order_that_left_cannot_be_cancelled() {
    let late = json!({ "code": "too_late", "detail": "…" });
    let services = Recorded::shop().with("POST orders/o-1/cancel", 409, late);
    let answer = visit(&services, &signed_in(post("/orders/o-1/cancel", "")));
    assert_eq!(answer.status, 409);
    assert!(html(&answer).contains("It is too late"));
}

#[test]
fn someone_else_s_order_is_not_there() {
    let answer = visit(&Recorded::shop(), &signed_in(get("/orders/o-2")));
    assert_eq!(answer.status, 404);
}
