//! Payments in memory, with the demo's provider behind them: what a checkout, an order and the
//! staff see. Every order of calls and faults is left to [`books`].

mod books;
mod world;

use kit::api::answer;
use kit::http::Request;
use kit::store::{KeyValue, StoreError};
use serde_json::{Value, json};

use self::world::{Fault, SECRET, World};
use crate::authorization::{AuthorizeError, EXPIRY_MS};
use crate::payment::State;

#[test]
fn a_payment_is_authorized_captured_and_refunded() {
    let world = World::new();
    assert_eq!(world.authorize("p", "tok_ok_"), Ok(()));
    let events = world.take_events();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].topic, events[0].id.as_str()),
        ("payment.expiring", "p")
    );
    let due_ms = world.host.now_ms.get() + EXPIRY_MS;
    assert_eq!(events[0].not_before_ms, Some(due_ms));
    assert_eq!(world.placed("p"), 204);
    assert_eq!(world.asked("payment.capture-requested", "p"), 204);
    let events = world.take_events();
    let data = json!({ "order": "o-p", "checkout": "p", "reason": null });
    assert_eq!(
        (events[0].topic, &events[0].data),
        ("payment.captured", &data)
    );
    assert_eq!(events[0].key.as_deref(), Some("o-p"));
    let refund = |times: u32| {
        for _ in 0..times {
            let (status, body) = world.staff("POST", "/api/payments/p/refund");
            assert_eq!((status, &body["state"]), (200, &json!("refunded")));
            assert_eq!(body["refunded_minor"], json!(500));
        }
    };
    refund(2);
    assert_eq!(world.booked("p"), Some("refunded".to_owned()));
    // An order that is cancelled later finds that it was given back.
    assert_eq!(world.asked("payment.return-requested", "p"), 204);
    let events = world.take_events();
    let data = json!({ "order": "o-p", "checkout": "p", "how": "refunded" });
    assert_eq!(
        (events[0].topic, &events[0].data),
        ("payment.returned", &data)
    );
}

#[test]
fn the_same_id_is_the_same_payment() {
    let world = World::new();
    assert_eq!(world.authorize("p", "tok_ok_"), Ok(()));
    let sent = world.host.sent.borrow().len();
    assert_eq!(world.authorize("p", "tok_ok_"), Ok(()));
    assert_eq!(
        world.host.sent.borrow().len(),
        sent,
        "the provider is asked once"
    );
    let other = world.authorize_amount("p", 501, "tok_ok_");
    assert!(
        matches!(other, Err(AuthorizeError::Invalid(_))),
        "{other:?}"
    );
    for _ in 0..2 {
        let declined = world.authorize("d", "tok_declined_");
        let text = "The card was declined.".to_owned();
        assert_eq!(declined, Err(AuthorizeError::Declined(text)));
    }
}

#[test]
fn a_card_number_leaves_no_trace() {
    let world = World::new();
    let refused = world.authorize("p", "4242424242424242");
    assert!(
        matches!(refused, Err(AuthorizeError::Invalid(_))),
        "{refused:?}"
    );
    assert!(world.host.memory.all_keys().is_empty());
    assert!(world.host.sent.borrow().is_empty() && world.host.lines.borrow().is_empty());
    // Neither does a token.
    assert_eq!(world.authorize("p", "tok_ok_secret"), Ok(()));
    let value = world.host.memory.get("payment/p").unwrap().unwrap();
    assert!(!String::from_utf8(value).unwrap().contains("tok_"));
}

#[test]
fn what_the_provider_did_not_answer_is_let_go() {
    for end in ["order.abandoned", "payment.expiring"] {
        for (fault, booked) in [(Fault::LostAnswer, "voided"), (Fault::Broken, "")] {
            let world = World::new();
            world.fail(fault);
            let answer = world.authorize("p", "tok_ok_");
            assert!(
                matches!(answer, Err(AuthorizeError::Unavailable(_))),
                "{answer:?}"
            );
            assert_eq!(world.known("p"), None, "nothing is final");
            assert_eq!(world.end(end, "p"), 204);
            assert_eq!(world.booked("p").unwrap_or_default(), booked);
            let late = world.authorize("p", "tok_ok_");
            assert!(matches!(late, Err(AuthorizeError::Declined(_))), "{late:?}");
            assert_eq!(world.booked("p").unwrap_or_default(), booked);
        }
    }
}

#[test]
fn an_authorization_that_comes_after_its_void_is_voided() {
    let world = World::new();
    // The request is on its way for so long that the shop gives up, and voids nothing.
    world.fail(Fault::Held);
    assert!(world.authorize("p", "tok_ok_").is_err());
    assert_eq!(world.end("order.abandoned", "p"), 204);
    world.deliver_held();
    assert_eq!(world.booked("p").unwrap(), "authorized");
    assert_eq!(world.end("payment.expiring", "p"), 204);
    assert_eq!(world.booked("p").unwrap(), "voided");
    // It is given up while the provider works on it.
    world.fail(Fault::AbandonedMeanwhile("q".to_owned()));
    let answer = world.authorize("q", "tok_ok_");
    assert!(
        matches!(answer, Err(AuthorizeError::Declined(_))),
        "{answer:?}"
    );
    assert_eq!(world.booked("q").unwrap(), "voided");
}

#[test]
fn an_order_keeps_its_payment() {
    let world = World::new();
    world.authorize("p", "tok_ok_").unwrap();
    assert_eq!(world.placed("p"), 204);
    assert_eq!(world.end("payment.expiring", "p"), 204);
    assert_eq!(world.booked("p").unwrap(), "authorized");
    // So does one that is heard of before the payment.
    assert_eq!(world.placed("q"), 204);
    assert_eq!(world.staff("GET", "/api/payments/q").0, 404);
    world.authorize("q", "tok_ok_").unwrap();
    assert_eq!(world.end("payment.expiring", "q"), 204);
    assert_eq!(world.booked("q").unwrap(), "authorized");
}

#[test]
fn an_expiry_waits_for_its_time_and_for_a_host_that_comes_back() {
    let world = World::new();
    world.authorize("p", "tok_ok_").unwrap();
    let expiring = world.take_events().remove(0);
    assert_eq!(world.deliver(&expiring), 204);
    assert_eq!(world.booked("p").unwrap(), "authorized", "it is early");
    world
        .host
        .now_ms
        .set(expiring.not_before_ms.unwrap() + 120_000);
    assert_eq!(world.deliver(&expiring), 204);
    assert_eq!(world.booked("p").unwrap(), "authorized", "it is very late");
    let again = world.take_events().remove(0);
    assert_ne!(again.id, expiring.id);
    world.host.now_ms.set(again.not_before_ms.unwrap());
    assert_eq!(world.deliver(&again), 204);
    assert_eq!(world.booked("p").unwrap(), "voided");
}

#[test]
fn a_capture_that_is_refused_is_told_once_and_for_all() {
    let world = World::new();
    world.authorize("p", "tok_uncapturable_").unwrap();
    world.placed("p");
    world.take_events();
    for _ in 0..2 {
        assert_eq!(world.asked("payment.capture-requested", "p"), 204);
        let event = world.take_events().remove(0);
        assert_eq!(
            (event.topic, event.id.as_str()),
            ("payment.capture-failed", "p")
        );
        assert_eq!(event.data["reason"], json!("The card's bank does not pay."));
    }
    let sent = world.host.sent.take();
    let captures = sent.iter().filter(|one| one.url.ends_with("/captures"));
    assert_eq!(captures.count(), 1);
    assert_eq!(world.asked("payment.return-requested", "p"), 204);
    assert_eq!(world.take_events()[0].data["how"], json!("voided"));
    assert_eq!(world.booked("p").unwrap(), "voided");
    // A payment that nobody knows fails too, and is not taken.
    assert_eq!(world.asked("payment.capture-requested", "x"), 204);
    assert_eq!(world.take_events()[0].topic, "payment.capture-failed");
}

#[test]
fn a_provider_that_is_silent_is_asked_again() {
    let world = World::new();
    world.authorize("p", "tok_ok_").unwrap();
    world.placed("p");
    world.take_events();
    for fault in [Fault::LostRequest, Fault::LostAnswer, Fault::Broken] {
        world.fail(fault);
        assert_eq!(world.asked("payment.capture-requested", "p"), 503);
        assert!(world.take_events().is_empty());
    }
    assert_eq!(world.asked("payment.capture-requested", "p"), 204);
    assert_eq!(world.take_events()[0].topic, "payment.captured");
    world.fail(Fault::LostAnswer);
    assert_eq!(world.asked("payment.return-requested", "p"), 503);
    assert_eq!(world.asked("payment.return-requested", "p"), 204);
    assert_eq!(world.take_events()[0].data["how"], json!("refunded"));
}

#[test]
fn a_capture_whose_answer_was_lost_is_refunded_when_it_is_to_be_returned() {
    let world = World::new();
    world.authorize("p", "tok_ok_").unwrap();
    world.placed("p");
    world.fail(Fault::LostAnswer);
    assert_eq!(world.asked("payment.capture-requested", "p"), 503);
    assert_eq!(world.asked("payment.return-requested", "p"), 204);
    assert_eq!(world.booked("p").unwrap(), "refunded");
    assert_eq!(world.known("p").unwrap().state, State::Refunded);
    assert_eq!(world.asked("payment.capture-requested", "p"), 204);
    assert_eq!(world.booked("p").unwrap(), "refunded");
}

#[test]
fn the_provider_is_believed_when_it_signs() {
    let world = World::new();
    world.authorize("p", "tok_ok_").unwrap();
    world.placed("p");
    world.take_events();
    world.fail(Fault::LostAnswer);
    world.asked("payment.capture-requested", "p");
    let told = world.told.borrow().clone();
    assert_eq!(told.len(), 1);
    for _ in 0..2 {
        assert_eq!(world.webhook(&told[0]), 204);
        assert_eq!(world.take_events()[0].topic, "payment.captured");
    }
    assert_eq!(world.known("p").unwrap().state, State::Captured);
    let unsigned = Request::new("POST", "/api/payments/webhooks/provider")
        .with_json(&json!({ "event": "refund.succeeded", "reference": "p" }));
    let (status, body) = world.ask(&unsigned);
    assert_eq!((status, &body["code"]), (401, &json!("wrong_signature")));
    let forged = unsigned.with_header("provider-signature", "t=1800000000,v1=00");
    assert_eq!(world.ask(&forged).0, 401);
    world.host.now_ms.set(world.host.now_ms.get() + 301_000);
    assert_eq!(world.webhook(&told[0]), 401, "it is too old");
    assert_eq!(world.known("p").unwrap().state, State::Captured);
    let strange = json!({ "event": "cardholder.sneezed", "reference": "p" });
    let request = Request::new("POST", "/api/payments/webhooks/provider").with_json(&strange);
    let body = request.body.clone().unwrap();
    let seconds = world.host.now_ms.get() / 1000;
    let signature = payment_provider::signature::sign(SECRET, seconds, &body).unwrap();
    let request = request.with_header("provider-signature", &signature);
    assert_eq!(world.ask(&request).0, 204);
}

#[test]
fn the_staff_sees_every_payment_in_pages() {
    let world = World::new();
    for number in 0..25 {
        world.authorize(&format!("p{number}"), "tok_ok_").unwrap();
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let (status, body) = world.staff("GET", &format!("/api/payments?limit=10{after}"));
        assert_eq!(status, 200);
        let page = body["payments"].as_array().unwrap();
        assert!(page.len() <= 10);
        seen.extend(
            page.iter()
                .map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        match body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((seen.len(), unique.len()), (25, 25));
    let (status, one) = world.staff("GET", "/api/payments/p7");
    assert_eq!(status, 200);
    assert_eq!(
        one,
        json!({
            "id": "p7", "order": null, "amount_minor": 500, "captured_minor": 0,
            "refunded_minor": 0, "currency": "EUR", "state": "authorized",
            "created_at": "2027-01-15T08:00:00.000Z", "reason": null
        })
    );
    assert_eq!(world.staff("GET", "/api/payments/none").0, 404);
    assert_eq!(world.staff("GET", "/api/payments/%2e%2e").0, 404);
    let (status, body) = world.staff("POST", "/api/payments/p7/refund");
    assert_eq!((status, &body["code"]), (409, &json!("not_captured")));
    let customer =
        Request::new("GET", "/api/payments").with_header("authorization", "Bearer customer:a");
    assert_eq!(answer(&world.payments, &customer).status, 403);
}

#[test]
fn a_store_or_a_bus_that_fails_sets_nothing_aside() {
    let world = World::new();
    *world.host.memory.failure.borrow_mut() = Some(StoreError::Failed("disk".to_owned()));
    let answer = world.authorize("p", "tok_ok_");
    assert!(
        matches!(answer, Err(AuthorizeError::Unavailable(_))),
        "{answer:?}"
    );
    *world.host.memory.failure.borrow_mut() = None;
    let failure = kit::event::PublishError("full".to_owned());
    *world.host.publish_failure.borrow_mut() = Some(failure);
    let answer = world.authorize("p", "tok_ok_");
    assert!(
        matches!(answer, Err(AuthorizeError::Unavailable(_))),
        "{answer:?}"
    );
    assert!(world.host.sent.borrow().is_empty());
    assert_eq!(world.deliver_data("order.placed", &Value::Null), 400);
}
