//! Every way that a checkout may end, with what it leaves behind; and any sequence of them.

use std::collections::BTreeSet;

use kit::event::PublishError;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use serde_json::{Value, json};

use crate::fakes::{Fault, Shop, TOTAL_MINOR, checkout, wish};

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}

#[test]
fn an_order_says_what_was_bought_and_is_published() {
    let shop = Shop::open();
    let (status, order) = shop.check_out("k", &wish());
    assert_eq!(status, 201, "{order}");
    let id = order["id"].as_str().unwrap();
    assert!(id.starts_with("o-") && id.len() == 34, "{id}");
    let checkout = format!("{}.0", &id[2..]);
    let line = |sku: &str, quantity: u32| {
        json!({
            "sku": sku, "product": sku.to_lowercase(), "title": format!("The {sku}"), "label": "",
            "quantity": quantity, "price_minor": 1000, "weight_g": 500
        })
    };
    let at = "2027-01-15T08:00:00.000Z";
    let expected = json!({
        "id": id, "user": "ada", "status": "placed", "placed_at": at, "currency": "EUR",
        "lines": [line("CUP", 2), line("POT", 1)],
        "goods_minor": 3000, "shipping_minor": 115, "total_minor": TOTAL_MINOR,
        "address": wish()["address"],
        "shipping": { "service": "standard", "label": "standard", "days": 3 },
        "checkout": checkout, "tracking": null, "reason": null,
        "history": [{ "status": "placed", "at": at, "text": "We have your order." }]
    });
    assert_eq!(order, expected);
    let reserved: Vec<_> = shop.peers.reserved.borrow().iter().cloned().collect();
    assert_eq!(reserved, [checkout.as_str()]);
    assert_eq!(
        *shop.peers.authorized.borrow(),
        *shop.peers.reserved.borrow()
    );
    let event = &shop.host.events.borrow()[0];
    assert_eq!(event.key.as_deref(), Some(id));
    assert_eq!((event.topic, event.id.as_str()), ("order.placed", id));
    assert_eq!(event.data, expected);
    assert_eq!(shop.host.events.borrow().len(), 1);
    assert_eq!(shop.stored().len(), 3, "no more than is needed");
}

#[test]
fn the_same_key_is_the_same_order() {
    let shop = Shop::open();
    let (_, order) = shop.check_out("k", &wish());
    shop.take_events();
    let stored = shop.stored();
    // The order has emptied the cart meanwhile, and prices have changed.
    shop.peers.cart.borrow_mut().clear();
    shop.peers.price_minor.set(1);
    assert_eq!(shop.check_out("k", &wish()), (200, order.clone()));
    shop.peers.fault.set(Some(Fault::CartDown));
    assert_eq!(shop.check_out("k", &wish()), (200, order));
    assert_eq!(shop.stored(), stored);
    assert!(shop.take_events().is_empty());
}

#[test]
fn another_key_or_user_is_another_order() {
    let shop = Shop::open();
    let (_, first) = shop.check_out("k", &wish());
    let (_, second) = shop.check_out("K", &wish());
    let other = crate::fakes::signed_in("POST", "customer:bob", "/api/orders")
        .with_header("idempotency-key", "k")
        .with_json(&wish());
    let (status, third) = shop.send(&other);
    assert_eq!(status, 201);
    let ids = [first, second, third].map(|order| order["id"].to_string());
    assert_eq!(BTreeSet::from(ids).len(), 3);
}

#[test]
fn a_key_belongs_to_one_body() {
    let shop = Shop::open();
    let mut other = wish();
    other["payment_token"] = json!("tok_ok_2");
    shop.peers.fault.set(Some(Fault::Declined));
    assert_eq!(shop.check_out("k", &wish()).0, 402);
    assert_eq!(
        code(&shop.check_out("k", &other)),
        (422, "idempotency_key_reused")
    );
    shop.peers.fault.set(None);
    assert_eq!(shop.check_out("k", &wish()).0, 201);
    assert_eq!(
        code(&shop.check_out("k", &other)),
        (422, "idempotency_key_reused")
    );
}

fn wrong(member: &str, value: Value) -> Value {
    let mut wish = wish();
    wish[member] = value;
    wish
}

type Refusal = (fn(&Shop), Value, (u16, &'static str));

/// What is refused, and how it is answered.
#[rustfmt::skip]
fn refusals() -> Vec<Refusal> {
    vec![
        (|shop| shop.peers.cart.borrow_mut().clear(), wish(), (409, "cart_empty")),
        (|shop| shop.peers.unsold.borrow_mut().push("POT"), wish(), (409, "out_of_stock")),
        (|shop| shop.peers.price_minor.set(1001), wish(), (409, "price_changed")),
        (|shop| shop.peers.fault.set(Some(Fault::NotServed)), wish(), (422, "not_served")),
        (|_| (), wrong("shipping", json!("balloon")), (422, "not_served")),
        (|_| (), wrong("payment_token", json!("")), (422, "invalid")),
        (|_| (), wrong("address", json!({})), (422, "invalid")),
        (|shop| shop.peers.fault.set(Some(Fault::CartDown)), wish(), (503, "unavailable")),
        (|shop| shop.peers.fault.set(Some(Fault::CatalogDown)), wish(), (503, "unavailable")),
        (|shop| shop.peers.fault.set(Some(Fault::ShippingDown)), wish(), (503, "unavailable")),
    ]
}

#[test]
fn what_is_refused_leaves_nothing() {
    for (prepare, wish, expected) in refusals() {
        let shop = Shop::open();
        prepare(&shop);
        let answer = shop.check_out("k", &wish);
        assert_eq!(code(&answer), expected, "{}", answer.1);
        assert!(shop.stored().is_empty(), "{expected:?}");
        assert!(shop.take_events().is_empty(), "{expected:?}");
        assert!(shop.peers.reserved.borrow().is_empty(), "{expected:?}");
    }
    for key in ["", &"k".repeat(101)] {
        let answer = Shop::open().check_out(key, &wish());
        assert_eq!(code(&answer), (400, "idempotency_key_missing"));
    }
}

#[test]
fn a_refusal_says_what_the_customer_has_to_know() {
    let shop = Shop::open();
    shop.peers.price_minor.set(1001);
    assert_eq!(
        shop.check_out("k", &wish()).1["total_minor"],
        TOTAL_MINOR + 3
    );
    shop.peers.unsold.borrow_mut().push("POT");
    assert_eq!(shop.check_out("k", &wish()).1["skus"], json!(["POT"]));
    let (_, quoted) = shop.check_out("k", &{
        let mut wish = wish();
        wish["shipping"] = json!("balloon");
        shop.peers.unsold.borrow_mut().clear();
        wish
    });
    let detail = quoted["detail"].as_str().unwrap();
    assert!(detail.contains("standard, express"), "{detail}");
}

#[test]
fn what_fails_after_the_reservation_began_is_undone_and_may_be_tried_again() {
    for (fault, expected) in [
        (Fault::WarehouseDown, (503, "unavailable")),
        (Fault::ReservationLost, (503, "unavailable")),
        (Fault::OutOfStock, (409, "out_of_stock")),
        (Fault::PaymentsDown, (503, "unavailable")),
        (Fault::AuthorizationLost, (503, "unavailable")),
        (Fault::Declined, (402, "payment_declined")),
    ] {
        let shop = Shop::open();
        shop.peers.fault.set(Some(fault));
        let answer = shop.check_out("k", &wish());
        assert_eq!(code(&answer), expected, "{fault:?}: {}", answer.1);
        let events = shop.take_events();
        let [(topic, id, data)] = events.as_slice() else {
            panic!("{fault:?}: {events:?}");
        };
        let order = data["order"].as_str().unwrap();
        let checkout = format!("{}.0", &order[2..]);
        assert_eq!((*topic, id), ("order.abandoned", &checkout));
        assert_eq!(*data, json!({ "order": order, "checkout": checkout }));
        let (status, _) = shop.get("customer:ada", &format!("/api/orders/{order}"));
        assert_eq!(status, 404, "{fault:?}");
        shop.peers.fault.set(None);
        let (status, placed) = shop.check_out("k", &wish());
        assert_eq!(status, 201, "{fault:?}: {placed}");
        assert_eq!(placed["id"], order, "{fault:?}");
        assert_eq!(
            placed["checkout"],
            format!("{}.1", &order[2..]),
            "{fault:?}"
        );
    }
}

#[test]
fn nothing_is_stored_when_the_bus_takes_no_events() {
    for fault in [None, Some(Fault::Declined)] {
        let shop = Shop::open();
        shop.peers.fault.set(fault);
        let failure = PublishError("429".to_owned());
        *shop.host.publish_failure.borrow_mut() = Some(failure);
        assert_eq!(shop.check_out("k", &wish()).0, 500);
        assert!(shop.stored().is_empty());
        *shop.host.publish_failure.borrow_mut() = None;
        shop.peers.fault.set(None);
        let (status, order) = shop.check_out("k", &wish());
        assert_eq!(status, 201);
        let checkout = order["checkout"].as_str().unwrap();
        assert!(
            checkout.ends_with(".0"),
            "the attempt was not spent: {checkout}"
        );
    }
}

#[test]
fn without_atomic_handlers_a_checkout_that_broke_off_can_be_sent_again() {
    let shop = Shop::open();
    *shop.host.publish_failure.borrow_mut() = Some(PublishError("killed here".to_owned()));
    // Nothing is undone: the order is written, and no more happens.
    let orders = crate::service::Orders::new(
        Box::new(shop.host),
        Box::new(kit::testing::TestIdentity),
        Box::new(shop.peers),
    );
    assert_eq!(
        kit::api::answer(&orders, &checkout("k", &wish())).status,
        500
    );
    *shop.host.publish_failure.borrow_mut() = None;
    let (status, order) = shop.check_out("k", &wish());
    assert_eq!(status, 201);
    let (_, mine) = shop.get("customer:ada", "/api/orders");
    assert_eq!(mine["orders"], json!([order]));
    assert_eq!(shop.take_events().len(), 1);
}

/// What happens to one sending of a checkout.
#[derive(Clone, Debug)]
enum Sending {
    Answered(Option<Fault>),
    /// The host is killed before the commit.
    Killed(Option<Fault>),
}

fn sending() -> impl Strategy<Value = Sending> {
    let fault = prop_oneof![
        Just(Fault::CartDown),
        Just(Fault::CatalogDown),
        Just(Fault::ShippingDown),
        Just(Fault::NotServed),
        Just(Fault::WarehouseDown),
        Just(Fault::ReservationLost),
        Just(Fault::OutOfStock),
        Just(Fault::PaymentsDown),
        Just(Fault::AuthorizationLost),
        Just(Fault::Declined),
    ];
    let fault = prop::option::weighted(0.8, fault);
    (fault, any::<bool>()).prop_map(|(fault, is_killed)| match is_killed {
        true => Sending::Killed(fault),
        false => Sending::Answered(fault),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn a_key_gives_one_order_and_what_is_not_the_orders_is_undone(
        sendings in prop::collection::vec((0_usize..2, sending()), 1..24),
    ) {
        let shop = Shop::open();
        let keys = ["one", "two"];
        let mut placed = 0;
        for (key, sending) in sendings {
            let request = checkout(keys[key], &wish());
            let (Sending::Answered(fault) | Sending::Killed(fault)) = sending;
            shop.peers.fault.set(fault);
            match sending {
                Sending::Answered(_) => placed += usize::from(shop.send(&request).0 == 201),
                Sending::Killed(_) => shop.crash(&request),
            }
        }
        // Whoever was killed in the midst asks again, as the customer would.
        shop.peers.fault.set(None);
        for key in keys {
            placed += usize::from(shop.check_out(key, &wish()).0 == 201);
        }
        assert_eq!(placed, 2, "each key places its order once");
        let events = shop.take_events();
        let named = |topic: &str| -> BTreeSet<String> {
            let events = events.iter().filter(|(one, _, _)| *one == topic);
            events.map(|(_, _, data)| data["checkout"].as_str().unwrap().to_owned()).collect()
        };
        let (kept, undone) = (named("order.placed"), named("order.abandoned"));
        assert_eq!(events.len(), kept.len() + undone.len(), "no event twice");
        assert_eq!(kept.len(), 2);
        assert!(kept.is_disjoint(&undone));
        let settled: BTreeSet<String> = kept.union(&undone).cloned().collect();
        assert!(shop.peers.reserved.borrow().is_subset(&settled));
        assert!(shop.peers.authorized.borrow().is_subset(&settled));
        assert!(kept.is_subset(&shop.peers.authorized.borrow()));
        assert!(kept.is_subset(&shop.peers.reserved.borrow()));
    }
}
