//! Events become messages once, on the ways that their users want.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use kit::api::answer;
use kit::event::{Event, PublishError};
use kit::host::{Host, Incoming};
use kit::http::Request;
use kit::testing::{TestHost, TestIdentity};
use serde_json::{Value, json};

use super::Notifications;
use crate::contacts::{Channels, Contact, Contacts, ContactsError};

const PROVIDER: &str = "http://mail.example/send";
const HOOK: &str = "https://ada.example/hook";

/// Users in memory.
#[derive(Default)]
struct Users {
    known: RefCell<BTreeMap<String, Contact>>,
    is_down: RefCell<bool>,
}

impl Contacts for Rc<Users> {
    fn contact(&self, user: &str) -> Result<Option<Contact>, ContactsError> {
        match *self.is_down.borrow() {
            true => Err(ContactsError("users is down".to_owned())),
            false => Ok(self.known.borrow().get(user).cloned()),
        }
    }
}

const ALL: Channels = Channels {
    inbox: true,
    email: true,
    webhook: true,
};
const NONE: Channels = Channels {
    inbox: false,
    email: false,
    webhook: false,
};

struct Desk {
    service: Notifications,
    host: Rc<TestHost>,
    users: Rc<Users>,
}

impl Desk {
    /// With Ada, who wants everything by every way.
    fn new() -> Desk {
        let mut host = TestHost::default();
        let url = PROVIDER.to_owned();
        host.variables.insert("email_provider_url", url);
        let host = Rc::new(host);
        let users = Rc::<Users>::default();
        let service = Notifications::new(
            Rc::clone(&host) as Rc<dyn Host>,
            Box::new(TestIdentity),
            Box::new(Rc::clone(&users)),
        );
        let desk = Desk {
            service,
            host,
            users,
        };
        desk.set_ada(|_| {});
        desk.answer_with(200);
        desk
    }

    fn set_ada(&self, change: impl FnOnce(&mut Contact)) {
        let mut ada = Contact {
            name: "Ada".to_owned(),
            email: "ada@example.com".to_owned(),
            webhook_url: Some(HOOK.to_owned()),
            order_updates: ALL,
            offers: ALL,
        };
        change(&mut ada);
        self.users.known.borrow_mut().insert("ada".to_owned(), ada);
    }

    fn answer_with(&self, status: u16) {
        let body = Vec::new();
        let answer = Incoming { status, body };
        *self.host.server.borrow_mut() = Box::new(move |_| Ok(answer.clone()));
    }

    /// Delivers an event as the bus does.
    fn deliver(&self, topic: &str, id: &str, data: &Value) -> u16 {
        let request = Request::new("POST", &format!("/events/{topic}"))
            .with_header("ce-id", id)
            .with_header("ce-type", topic)
            .with_json(data);
        answer(&self.service, &request).status
    }

    /// Delivers what was published until nothing more is; each must be taken.
    fn run_bus(&self) {
        loop {
            let events = self.host.take_events();
            if events.is_empty() {
                return;
            }
            for Event {
                topic, id, data, ..
            } in events
            {
                assert_eq!(self.deliver(topic, &id, &data), 204, "{topic} {id}");
            }
        }
    }

    fn ask(&self, token: &str, request: Request) -> (u16, Value) {
        let request = request.with_header("authorization", &format!("Bearer {token}"));
        let answer = answer(&self.service, &request);
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, body)
    }

    fn inbox(&self, user: &str) -> Value {
        let request = Request::new("GET", "/api/notifications");
        let (status, body) = self.ask(&format!("customer:{user}"), request);
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Where something was sent, and what.
    fn sent(&self) -> Vec<(String, Value)> {
        let sent = self.host.sent.take().into_iter();
        sent.map(|one| (one.url, serde_json::from_slice(&one.body).unwrap()))
            .collect()
    }
}

fn shipped() -> Value {
    json!({
        "order": "o-1", "user": "ada", "status": "shipped", "text": "Handed over",
        "tracking": "t-9", "reason": null, "at": "2027-01-15T08:00:00.000Z",
    })
}

#[test]
fn news_of_an_order_take_every_way_once() {
    let desk = Desk::new();
    assert_eq!(desk.deliver("order.changed", "e-1", &shipped()), 204);
    let events = desk.host.take_events();
    let topics: Vec<&str> = events.iter().map(|event| event.topic).collect();
    assert_eq!(topics, ["message.email", "message.webhook"]);
    assert!(
        events
            .iter()
            .all(|event| event.key.as_deref() == Some("ada"))
    );
    for event in &events {
        assert!(!event.data.to_string().contains("example"), "no address");
        desk.host.events.borrow_mut().push(event.clone());
    }
    // Delivered again, it publishes what the bus knows by the same ids.
    assert_eq!(desk.deliver("order.changed", "e-1", &shipped()), 204);
    let again = desk.host.take_events().split_off(2);
    assert_eq!(again, events);

    let inbox = desk.inbox("ada");
    let text = "Your order o-1 has left our warehouse.\nIts tracking number is t-9.";
    let id = inbox["messages"][0]["id"].clone();
    let message = json!({
        "id": id, "kind": "order", "title": "Your order is on its way", "text": text,
        "link": "/orders/o-1", "at": "2027-01-15T08:00:00.000Z",
    });
    let mut entry = message.clone();
    entry["read"] = json!(false);
    assert_eq!(
        inbox,
        json!({ "messages": [entry], "unread": 1, "next": null })
    );

    desk.host.events.borrow_mut().extend(events);
    desk.run_bus();
    for sent in desk.host.sent.borrow().iter() {
        assert_eq!(
            sent.headers[1],
            ("idempotency-key", id.as_str().unwrap().to_owned())
        );
    }
    let sent = desk.sent();
    assert_eq!(sent[0].0, PROVIDER);
    assert_eq!(sent[0].1["to"], "ada@example.com");
    assert_eq!(sent[0].1["subject"], "Your order is on its way");
    let body = sent[0].1["text"].as_str().unwrap();
    assert!(
        body.starts_with("Hello Ada,\n\n") && body.contains(text),
        "{body}"
    );
    assert_eq!(sent[1], (HOOK.to_owned(), message));
}

#[test]
fn a_way_that_fails_takes_nothing_from_the_others() {
    let desk = Desk::new();
    desk.answer_with(500);
    assert_eq!(desk.deliver("order.changed", "e-1", &shipped()), 204);
    let events = desk.host.take_events();
    for Event {
        topic, id, data, ..
    } in &events
    {
        assert_eq!(desk.deliver(topic, id, data), 503, "{topic}");
    }
    assert_eq!(desk.inbox("ada")["unread"], 1);
    desk.answer_with(204);
    desk.host.events.borrow_mut().extend(events);
    desk.run_bus();
    assert_eq!(desk.inbox("ada")["messages"].as_array().unwrap().len(), 1);
    let lines = desk.host.lines.borrow();
    assert!(
        lines[0].contains("e-mail provider: it answered 500"),
        "{lines:?}"
    );
}

#[test]
fn preferences_are_kept() {
    let desk = Desk::new();
    let wish = json!({
        "user": "ada", "sku": "L-1", "product": "lamp", "title": "Lamp",
        "price_minor": 1999, "currency": "EUR",
    });
    desk.set_ada(|ada| ada.offers = NONE);
    assert_eq!(desk.deliver("wish.cheaper", "e-1", &wish), 204);
    assert_eq!(
        (
            desk.host.take_events(),
            desk.inbox("ada")["unread"].as_u64()
        ),
        (vec![], Some(0))
    );

    desk.set_ada(|ada| ada.webhook_url = None);
    assert_eq!(desk.deliver("wish.cheaper", "e-2", &wish), 204);
    assert_eq!(desk.deliver("wish.available", "e-3", &wish), 204);
    let inbox = desk.inbox("ada");
    assert_eq!(inbox["messages"][1]["title"], "Lamp is cheaper now");
    assert_eq!(
        inbox["messages"][1]["text"],
        "Lamp from your wishlist costs 19.99 EUR now."
    );
    assert_eq!(inbox["messages"][0]["title"], "Lamp is available again");
    assert_eq!(inbox["messages"][0]["link"], "/p/lamp");
    // No more mails, said after the message was handed over.
    desk.set_ada(|ada| ada.offers.email = false);
    desk.run_bus();
    assert_eq!(desk.sent(), []);
}

#[test]
fn without_a_provider_there_is_no_mail() {
    let desk = Desk::new();
    let Desk {
        service,
        host,
        users,
    } = desk;
    drop(service);
    let mut host = Rc::into_inner(host).unwrap();
    host.variables.insert("email_provider_url", String::new());
    let host = Rc::new(host);
    let desk = Desk {
        service: Notifications::new(
            Rc::clone(&host) as Rc<dyn Host>,
            Box::new(TestIdentity),
            Box::new(Rc::clone(&users)),
        ),
        host,
        users,
    };
    assert_eq!(desk.deliver("order.changed", "e-1", &shipped()), 204);
    let topics: Vec<&str> = desk
        .host
        .take_events()
        .iter()
        .map(|one| one.topic)
        .collect();
    assert_eq!(topics, ["message.webhook"]);
}

#[test]
fn what_cannot_be_done_now_is_tried_again() {
    let desk = Desk::new();
    *desk.users.is_down.borrow_mut() = true;
    assert_eq!(desk.deliver("order.changed", "e-1", &shipped()), 503);
    *desk.users.is_down.borrow_mut() = false;
    *desk.host.publish_failure.borrow_mut() = Some(PublishError("down".to_owned()));
    assert_eq!(desk.deliver("order.changed", "e-1", &shipped()), 503);
    *desk.host.publish_failure.borrow_mut() = None;
    assert_eq!(desk.deliver("order.changed", "e-1", &shipped()), 204);
    assert_eq!(desk.inbox("ada")["messages"].as_array().unwrap().len(), 1);
    let mut stranger = shipped();
    stranger["user"] = json!("nobody");
    assert_eq!(desk.deliver("order.changed", "e-2", &stranger), 204);
    assert_eq!(desk.inbox("nobody")["unread"], 0);
    assert_eq!(
        desk.deliver("order.changed", "e-3", &json!({ "order": 1 })),
        400
    );
}

#[test]
fn a_status_that_nobody_wrote_words_for_is_told_all_the_same() {
    let desk = Desk::new();
    let mut news = shipped();
    news["status"] = json!("weighed");
    assert_eq!(desk.deliver("order.changed", "e-1", &news), 204);
    let message = &desk.inbox("ada")["messages"][0];
    assert_eq!(
        message["text"],
        "There is news of your order o-1.\nHanded over"
    );
}

#[test]
fn an_offer_reaches_everyone_who_wants_it_once() {
    let desk = Desk::new();
    let count = 1200;
    for number in 0..count {
        let user = format!("u-{number}");
        desk.set_ada(|_| {});
        let mut contact = desk.users.known.borrow()["ada"].clone();
        contact.offers = Channels {
            inbox: number % 3 != 0,
            ..NONE
        };
        desk.users.known.borrow_mut().insert(user.clone(), contact);
        let data = json!({ "user": user, "name": "x" });
        assert_eq!(desk.deliver("user.registered", &user, &data), 204);
    }
    let offer = |link: &Value| json!({ "title": "Sale", "text": "Now.", "link": link });
    let announce = |token: &str, body: &Value| {
        let request = Request::new("POST", "/api/notifications/offers").with_json(body);
        desk.ask(token, request).0
    };
    assert_eq!(announce("customer:ada", &offer(&Value::Null)), 403);
    for link in [
        "https://elsewhere.example",
        "//elsewhere.example",
        "javascript:x",
        "/\\x",
    ] {
        assert_eq!(announce("staff:s", &offer(&json!(link))), 422, "{link}");
    }
    assert_eq!(announce("staff:s", &offer(&json!("/c/sale"))), 202);
    let announced = desk.host.events.borrow()[0].clone();
    desk.run_bus();
    // The whole of it again.
    desk.host.events.borrow_mut().push(announced);
    desk.run_bus();
    for number in 0..count {
        let messages = desk.inbox(&format!("u-{number}"))["messages"].clone();
        let expected = usize::from(number % 3 != 0);
        assert_eq!(messages.as_array().unwrap().len(), expected, "{number}");
    }
    assert_eq!(desk.inbox("u-1")["messages"][0]["link"], "/c/sale");
}

#[test]
fn only_the_owner_reads_a_message() {
    let desk = Desk::new();
    desk.deliver("order.changed", "e-1", &shipped());
    let id = desk.inbox("ada")["messages"][0]["id"].clone();
    let read = |token: &str| {
        let path = format!("/api/notifications/{}/read", id.as_str().unwrap());
        desk.ask(token, Request::new("POST", &path)).0
    };
    assert_eq!(read("customer:bob"), 404);
    assert_eq!(read("staff:s"), 404);
    assert_eq!(read("wrong"), 401);
    assert_eq!(desk.inbox("ada")["unread"], 1);
    assert_eq!(read("customer:ada"), 204);
    assert_eq!(read("customer:ada"), 204);
    assert_eq!(desk.inbox("ada")["unread"], 0);
}
