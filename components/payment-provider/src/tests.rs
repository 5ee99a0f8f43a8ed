//! The provider over HTTP requests, with its store in memory.

use kit::api::answer;
use kit::host::Incoming;
use kit::http::Request;
use kit::testing::TestHost;
use serde_json::{Value, json};

use crate::service::PaymentProvider;

fn provider() -> (&'static TestHost, PaymentProvider) {
    let mut host = TestHost::default();
    host.variables
        .insert("payment_provider_key", "key".to_owned());
    // A test's host lives as long as the test program; that is short.
    let host: &'static TestHost = Box::leak(Box::new(host));
    (host, PaymentProvider::new(Box::new(host), |_| {}))
}

fn ask(provider: &PaymentProvider, request: &Request) -> (u16, Value) {
    let answer = answer(provider, request);
    (
        answer.status,
        serde_json::from_slice(&answer.body).unwrap_or_default(),
    )
}

fn post(provider: &PaymentProvider, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::new("POST", &format!("/payment-provider/{path}"))
        .with_header("authorization", "Bearer key")
        .with_header("idempotency-key", "any")
        .with_json(body);
    ask(provider, &request)
}

fn authorize(provider: &PaymentProvider, reference: &str, token: &str) -> (u16, Value) {
    let body = json!({
        "reference": reference, "amount_minor": 500, "currency": "EUR", "token": token
    });
    post(provider, "authorizations", &body)
}

fn act(provider: &PaymentProvider, reference: &str, what: &str) -> (u16, Value) {
    post(
        provider,
        &format!("authorizations/{reference}/{what}"),
        &json!({}),
    )
}

#[test]
fn a_card_becomes_a_token_and_nothing_of_it_is_kept() {
    let (host, provider) = provider();
    let card = json!({ "card_number": "4242 4242 4242 4242", "expiry": "12/30", "cvc": "123" });
    let (status, body) = post(&provider, "tokens", &card);
    let token = body["token"].as_str().unwrap();
    assert_eq!((status, &token[..7], token.len()), (201, "tok_ok_", 33));
    assert_eq!(authorize(&provider, "r", token).0, 201);
    for key in host.memory.all_keys() {
        let value = kit::store::KeyValue::get(&host.memory, &key)
            .unwrap()
            .unwrap();
        let text = String::from_utf8(value).unwrap();
        assert!(!text.contains("4242") && !text.contains("tok_"), "{text}");
    }
    for (field, value) in [
        ("card_number", "4242424242424241"),
        ("expiry", "1/20"),
        ("cvc", "1"),
    ] {
        let mut wrong = card.clone();
        wrong[field] = json!(value);
        let (status, body) = post(&provider, "tokens", &wrong);
        assert_eq!((status, &body["errors"][0]["field"]), (422, &json!(field)));
        assert!(!body.to_string().contains("424242424242"), "{body}");
    }
    assert!(host.lines.borrow().is_empty());
}

#[test]
fn the_same_reference_is_authorized_once() {
    let (_, provider) = provider();
    let good = (
        201,
        json!({ "authorization": "a-r", "status": "authorized" }),
    );
    assert_eq!(authorize(&provider, "r", "tok_ok_1"), good);
    assert_eq!(authorize(&provider, "r", "tok_ok_2"), good);
    let body = json!({
        "reference": "r", "amount_minor": 501, "currency": "EUR", "token": "tok_ok_1"
    });
    assert_eq!(post(&provider, "authorizations", &body).0, 402);
    let (status, body) = authorize(&provider, "d", "tok_declined_1");
    assert_eq!(
        (status, &body["reason"]),
        (402, &json!("The card was declined."))
    );
    assert_eq!(authorize(&provider, "d", "tok_ok_1").0, 402);
    assert_eq!(authorize(&provider, "u", "4242").0, 402);
    assert_eq!(act(&provider, "r", "voids").0, 201);
    assert_eq!(authorize(&provider, "r", "tok_ok_1").0, 402);
}

#[test]
fn the_book_says_where_everything_is() {
    let (_, provider) = provider();
    for (reference, token, actions) in [
        ("a", "tok_ok_", &[][..]),
        ("b", "tok_timeout_", &["captures", "captures"]),
        ("c", "tok_ok_", &["voids"]),
        ("d", "tok_ok_", &["captures", "refunds"]),
        ("e", "tok_uncapturable_", &[]),
    ] {
        assert_eq!(authorize(&provider, reference, token).0, 201);
        for action in actions {
            assert_eq!(act(&provider, reference, action).0, 201);
        }
    }
    assert_eq!(act(&provider, "e", "captures").0, 402);
    assert_eq!(act(&provider, "a", "refunds").0, 409);
    assert_eq!(act(&provider, "none", "voids").0, 404);
    authorize(&provider, "f", "tok_declined_");
    let (status, book) = ask(&provider, &Request::new("GET", "/payment-provider/book"));
    let sum = |count: u64| json!({ "count": count, "amount_minor": count * 500 });
    let expected = json!({
        "authorized": sum(2), "captured": sum(1), "voided": sum(1), "refunded": sum(1)
    });
    assert_eq!((status, book), (200, expected));
}

#[test]
fn only_who_has_the_key_moves_money() {
    let (_, provider) = provider();
    let body =
        json!({ "reference": "r", "amount_minor": 1, "currency": "EUR", "token": "tok_ok_" });
    for key in [
        "",
        "Bearer",
        "Bearer ke",
        "Bearer kex",
        "Bearer keyy",
        "Basic key",
    ] {
        let request = Request::new("POST", "/payment-provider/authorizations")
            .with_header("authorization", key)
            .with_header("idempotency-key", "r")
            .with_json(&body);
        assert_eq!(ask(&provider, &request).0, 401, "{key}");
        let path = "/payment-provider/authorizations/r/captures";
        let request = Request::new("POST", path).with_header("authorization", key);
        assert_eq!(ask(&provider, &request).0, 401, "{key}");
    }
}

#[test]
fn a_shop_that_wants_it_is_told_once_and_a_silent_one_harms_nobody() {
    let mut host = TestHost::default();
    for (name, value) in [
        ("payment_provider_key", "key"),
        ("payment_webhook_secret", "secret"),
        ("webhook_url", "http://shop/hook"),
    ] {
        host.variables.insert(name, value.to_owned());
    }
    let host: &'static TestHost = Box::leak(Box::new(host));
    let provider = PaymentProvider::new(Box::new(host), |_| {});
    authorize(&provider, "r", "tok_ok_");
    assert!(host.sent.borrow().is_empty());
    assert_eq!(act(&provider, "r", "captures").0, 201);
    assert_eq!(host.lines.borrow().len(), 1, "nobody answered");
    *host.server.borrow_mut() = Box::new(|_| {
        Ok(Incoming {
            status: 204,
            body: Vec::new(),
        })
    });
    act(&provider, "r", "captures");
    act(&provider, "r", "refunds");
    let sent = host.sent.borrow();
    let events: Vec<Value> = sent
        .iter()
        .map(|one| serde_json::from_slice::<Value>(&one.body).unwrap()["event"].clone())
        .collect();
    assert_eq!(
        events,
        [json!("capture.succeeded"), json!("refund.succeeded")]
    );
    let signature = sent[0]
        .headers
        .iter()
        .find(|(name, _)| *name == "provider-signature");
    assert!(signature.unwrap().1.starts_with("t=1800000000,v1="));
}
