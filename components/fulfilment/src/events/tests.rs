//! Single orders over the handlers of events, and what staff sees of them.

use kit::api::answer;
use kit::event::PublishError;
use kit::http::Request;
use kit::testing::{TestHost, TestIdentity};
use serde_json::{Value, json};

use crate::service::Fulfilment;

fn open() -> (&'static TestHost, Fulfilment) {
    // A test's host lives as long as the test program; that is short.
    let host: &'static TestHost = Box::leak(Box::default());
    let service = Fulfilment::new(Box::new(host), Box::new(TestIdentity));
    (host, service)
}

fn deliver(service: &Fulfilment, topic: &str, data: &Value) -> u16 {
    let request = Request::new("POST", &format!("/events/{topic}"))
        .with_header("ce-id", "1")
        .with_header("ce-type", topic)
        .with_json(data);
    answer(service, &request).status
}

fn get(service: &Fulfilment, token: &str, path: &str) -> (u16, Value) {
    let request =
        Request::new("GET", path).with_header("authorization", &format!("Bearer {token}"));
    let answer = answer(service, &request);
    (
        answer.status,
        serde_json::from_slice(&answer.body).unwrap_or_default(),
    )
}

fn order(id: &str) -> Value {
    let line = |sku: &str, quantity: u32, weight_g: u32| {
        json!({
            "sku": sku, "product": "p", "title": "T", "label": "", "quantity": quantity,
            "price_minor": 100, "weight_g": weight_g
        })
    };
    json!({
        "id": id, "user": "ada", "status": "placed", "checkout": "1.0",
        "lines": [line("CUP", 2, 300), line("POT", 1, 1000)],
        "address": { "city": "Berlin" },
        "shipping": { "service": "express", "label": "Express", "days": 1 }
    })
}

fn published(host: &TestHost) -> Vec<(&'static str, String, Value)> {
    let events = host.take_events().into_iter();
    events
        .map(|event| {
            assert_eq!(event.key.as_deref(), Some("o-1"));
            (event.topic, event.id, event.data)
        })
        .collect()
}

#[test]
fn each_request_says_what_its_taker_needs() {
    let (host, service) = open();
    let of_order = json!({ "order": "o-1", "checkout": "1.0" });
    assert_eq!(deliver(&service, "order.placed", &order("o-1")), 204);
    let due_ms = host.now_ms.get() + 120_000;
    let deadline = json!({ "order": "o-1", "state": "placed", "due_ms": due_ms });
    assert_eq!(
        published(host),
        [
            (
                "payment.capture-requested",
                "o-1".to_owned(),
                of_order.clone()
            ),
            ("fulfilment.deadline", format!("o-1.{due_ms}"), deadline),
        ]
    );
    assert_eq!(deliver(&service, "payment.captured", &of_order), 204);
    let lines = json!([{ "sku": "CUP", "quantity": 2 }, { "sku": "POT", "quantity": 1 }]);
    let pick = json!({ "order": "o-1", "checkout": "1.0", "lines": lines });
    let news = json!({
        "order": "o-1", "user": "ada", "status": "paid", "text": "Your payment has arrived.",
        "tracking": null, "reason": null, "at": "2027-01-15T08:00:00.000Z"
    });
    assert_eq!(
        published(host),
        [
            ("order.changed", "o-1.paid".to_owned(), news),
            ("stock.pick-requested", "o-1".to_owned(), pick.clone()),
        ]
    );
    deliver(&service, "stock.picked", &of_order);
    let shipment = json!({
        "order": "o-1", "address": { "city": "Berlin" }, "service": "express", "weight_g": 1600
    });
    let expected = ("shipment.requested", "o-1".to_owned(), shipment);
    assert_eq!(published(host)[1], expected);
}

#[test]
fn an_order_that_is_cancelled_tells_why() {
    let (host, service) = open();
    deliver(&service, "order.placed", &order("o-1"));
    let cancel = json!({ "order": "o-1", "by": "ada" });
    host.take_events();
    assert_eq!(deliver(&service, "order.cancel-requested", &cancel), 204);
    let ids: Vec<(&str, String)> = published(host)
        .into_iter()
        .map(|(topic, id, _)| (topic, id))
        .collect();
    assert_eq!(ids[1], ("stock.return-requested", "o-1.0".to_owned()));
    assert_eq!(ids[2], ("payment.return-requested", "o-1.0".to_owned()));
    let of_order = json!({ "order": "o-1", "checkout": "1.0" });
    deliver(&service, "stock.returned", &of_order);
    deliver(&service, "payment.returned", &of_order);
    let (topic, id, news) = published(host).remove(0);
    assert_eq!((topic, id.as_str()), ("order.changed", "o-1.cancelled"));
    assert_eq!(news["reason"], "You cancelled it.");
    assert_eq!(news["status"], "cancelled");
}

#[test]
fn a_cancel_that_overtakes_its_order_is_not_lost() {
    let (host, service) = open();
    let cancel = json!({ "order": "o-1", "by": "ada" });
    assert_eq!(deliver(&service, "order.cancel-requested", &cancel), 204);
    assert!(host.take_events().is_empty());
    deliver(&service, "order.placed", &order("o-1"));
    let (_, saga) = get(&service, "staff:eve", "/api/fulfilment/o-1");
    assert_eq!(saga["state"], "cancelling");
    assert_eq!(host.memory.all_keys(), ["active/o-1"]);
}

#[test]
fn what_concerns_another_checkout_changes_nothing() {
    let (host, service) = open();
    deliver(&service, "order.placed", &order("o-1"));
    deliver(
        &service,
        "order.cancel-requested",
        &json!({ "order": "o-1", "by": "ada" }),
    );
    host.take_events();
    let abandoned = json!({ "order": "o-1", "checkout": "1.9" });
    for topic in ["payment.returned", "stock.returned"] {
        assert_eq!(deliver(&service, topic, &abandoned), 204);
    }
    let (_, saga) = get(&service, "staff:eve", "/api/fulfilment/o-1");
    assert_eq!(
        saga["waiting_for"],
        json!(["stock.returned", "payment.returned"])
    );
    let unknown = json!({ "order": "o-none", "checkout": "1.9" });
    assert_eq!(deliver(&service, "payment.returned", &unknown), 204);
    assert!(host.take_events().is_empty());
}

#[test]
fn a_deadline_that_did_not_wait_changes_nothing() {
    let (host, service) = open();
    deliver(&service, "order.placed", &order("o-1"));
    let (_, _, data) = published(host).remove(1);
    assert_eq!(deliver(&service, "fulfilment.deadline", &data), 204);
    assert!(host.take_events().is_empty());
    host.now_ms.set(data["due_ms"].as_u64().unwrap());
    assert_eq!(deliver(&service, "fulfilment.deadline", &data), 204);
    let (_, saga) = get(&service, "staff:eve", "/api/fulfilment/o-1");
    assert_eq!(saga["state"], "cancelling");
}

#[test]
fn the_variable_shortens_deadlines() {
    let mut host = TestHost::default();
    host.variables.insert("deadline_seconds", "3".to_owned());
    let host: &'static TestHost = Box::leak(Box::new(host));
    let service = Fulfilment::new(Box::new(host), Box::new(TestIdentity));
    deliver(&service, "order.placed", &order("o-1"));
    let event = host.take_events().remove(1);
    assert_eq!(event.not_before_ms, Some(host.now_ms.get() + 3000));
}

#[test]
fn an_event_that_cannot_be_handled_comes_again() {
    let (host, service) = open();
    *host.publish_failure.borrow_mut() = Some(PublishError("full".to_owned()));
    assert_eq!(deliver(&service, "order.placed", &order("o-1")), 503);
    assert_eq!(
        deliver(&service, "order.placed", &json!({ "id": "o-1" })),
        400
    );
}

#[test]
fn staff_sees_what_is_under_way() {
    let (_, service) = open();
    for number in 0..7 {
        deliver(&service, "order.placed", &order(&format!("o-{number}")));
    }
    let of_order = |topic: &str, order: &str| {
        let data = json!({ "order": order, "checkout": "1.0", "tracking": "t" });
        assert_eq!(deliver(&service, topic, &data), 204);
    };
    for topic in ["payment.captured", "stock.picked", "shipment.delivered"] {
        of_order(topic, "o-3");
    }
    of_order("payment.captured", "o-4");
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/fulfilment?limit=4{after}");
        let (status, page) = get(&service, "staff:eve", &path);
        assert_eq!(status, 200, "{page}");
        let sagas = page["sagas"].as_array().unwrap();
        found.extend(sagas.iter().map(|saga| {
            let text = |name: &str| saga[name].as_str().unwrap().to_owned();
            format!("{} {}", text("order"), text("state"))
        }));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let expected = [
        "o-0 placed",
        "o-1 placed",
        "o-2 placed",
        "o-4 paid",
        "o-5 placed",
        "o-6 placed",
    ];
    assert_eq!(found, expected);
    let (_, ended) = get(&service, "staff:eve", "/api/fulfilment/o-3");
    assert_eq!(
        (&ended["state"], &ended["waiting_for"]),
        (&json!("delivered"), &json!([]))
    );
    for (token, path, status) in [
        ("customer:ada", "/api/fulfilment", 403),
        ("customer:ada", "/api/fulfilment/o-3", 403),
        ("staff:eve", "/api/fulfilment/o-none", 404),
        ("staff:eve", "/api/fulfilment?after=x", 422),
    ] {
        assert_eq!(get(&service, token, path).0, status, "{path}");
    }
}
