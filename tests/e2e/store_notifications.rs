//! The service `notifications` with `users` and the bus: each event is one message, on the ways
//! that its user wants, whatever fails and however often it comes.

use kumiki_tests::app::App;
use kumiki_tests::events::bus;
use kumiki_tests::peers::HttpPeer;
use kumiki_tests::store::{Person, Shop, Store, event, service, users};
use kumiki_tests::wait;
use serde_json::{Value, json};

const TOPICS: [&str; 8] = [
    "user.registered",
    "order.changed",
    "wish.available",
    "wish.cheaper",
    "offer.announced",
    "offer.delivery",
    "message.email",
    "message.webhook",
];

/// The services, and where they send messages to.
struct Desk {
    store: Store,
    mail: HttpPeer,
    hook: HttpPeer,
}

impl Desk {
    fn start(atomic: &str) -> Desk {
        let (mail, hook) = (HttpPeer::start(), HttpPeer::start());
        let taken = TOPICS.map(|topic| {
            let path = format!("/events/{topic}");
            format!(
                "{{ topic = {topic:?}, path = {path:?}, backoff_ms = 1, backoff_max_ms = 20, \
                 attempts_max = 1000 }}"
            )
        });
        let url = mail.url("/send");
        let notifications = service("notifications")
            .route("/api/notifications/...")
            .key_value_stores(&["notifications"])
            .allowed_outbound_hosts(&["http://events.spin.internal", "http://127.0.0.1:*"])
            .line(format!("variables = {{ email_provider_url = {url:?} }}"))
            .link("store:users/identity@1.0.0", "users")
            .link("store:users/contacts@1.0.0", "users")
            .setting("reuse_max = 100")
            .setting(format!("atomic = [{atomic}]"))
            .setting(format!("subscriptions = [{}]", taken.join(", ")));
        let app = App::new(bus(&[]).into_iter().chain([users(), notifications]))
            .key_value_store("users")
            .key_value_store("notifications")
            .observed();
        let store = Store::of(app.start());
        Desk { store, mail, hook }
    }

    /// Somebody new who wants everything by every way.
    fn sign_up(&self) -> Person {
        let person = self.store.sign_up();
        let all = json!({ "inbox": true, "email": true, "webhook": true });
        let url = self.hook.url("/hook");
        prefer(&self.store, &person, &all, &all, Some(&url));
        person
    }

    /// Publishes that an order of someone has been paid.
    fn publish_paid(&self, person: &Person, orders: impl Iterator<Item = usize>) {
        let paid = |number| {
            let order = format!("o-{number}");
            let data = json!({
                "order": order, "user": person.user, "status": "paid", "text": "Paid",
                "tracking": null, "reason": null, "at": "2026-11-22T10:00:00.000Z",
            });
            event("order.changed", &format!("{order}-paid"), &order, &data)
        };
        let events: Vec<Value> = orders.map(paid).collect();
        self.store.host.publish("order.changed", &events);
    }
}

fn prefer(shop: &Shop, person: &Person, orders: &Value, offers: &Value, url: Option<&str>) {
    let body = json!({ "order_updates": orders, "offers": offers, "webhook_url": url });
    let path = "/api/users/me/preferences";
    assert_eq!(shop.ask("PUT", path, &person.token, &body).0, 200);
}

fn inbox(shop: &Shop, person: &Person) -> Vec<Value> {
    let (status, page) = shop.get("/api/notifications?limit=100", &person.token);
    assert_eq!(status, 200, "{page}");
    page["messages"].as_array().unwrap().clone()
}

fn wait_for_messages(shop: &Shop, person: &Person, count: usize) -> Vec<Value> {
    wait::until(&format!("{count} messages"), || {
        let messages = inbox(shop, person);
        (messages.len() >= count).then_some(messages)
    })
}

fn wait_for_bodies(peer: &HttpPeer, count: usize) -> Vec<Value> {
    wait::until(&format!("{count} requests"), || {
        let bodies = peer.bodies();
        let parse = |body: &Vec<u8>| serde_json::from_slice(body).unwrap();
        (bodies.len() >= count).then(|| bodies.iter().map(parse).collect())
    })
}

#[test]
fn news_take_every_way_once() {
    for atomic in ["\"/events/...\"", ""] {
        let desk = Desk::start(atomic);
        let person = desk.sign_up();
        desk.publish_paid(&person, 0..1);
        let message = wait_for_messages(&desk.store, &person, 1).remove(0);
        assert_eq!(message["title"], "Your order is paid");
        assert_eq!(message["link"], "/orders/o-0");
        let mails = wait_for_bodies(&desk.mail, 1);
        assert_eq!(mails[0]["to"], json!(person.email));
        assert_eq!(mails[0]["subject"], "Your order is paid");
        let hooks = wait_for_bodies(&desk.hook, 1);
        assert_eq!(hooks[0]["id"], message["id"]);
        // The bus brings it all again.
        desk.store
            .host
            .events(&["replay", "notifications", "--from", "beginning"]);
        desk.store.host.wait_for_no_lag();
        assert_eq!(inbox(&desk.store, &person).len(), 1, "{atomic}");
    }
}

#[test]
fn a_way_that_fails_is_tried_again_and_touches_no_other() {
    let desk = Desk::start("\"/events/...\"");
    let person = desk.sign_up();
    desk.mail.answer_with(500);
    desk.publish_paid(&person, 0..3);
    wait_for_messages(&desk.store, &person, 3);
    assert_eq!(wait_for_bodies(&desk.hook, 3).len(), 3);
    let refused = wait_for_bodies(&desk.mail, 5);
    // One user's mails stay in their order, so only the first was tried.
    assert!(
        refused.iter().all(|mail| *mail == refused[0]),
        "{refused:?}"
    );
    desk.mail.answer_with(200);
    let mails = wait::until("three mails", || {
        let mut mails = desk.mail.bodies();
        mails.dedup();
        (mails.len() >= 3).then_some(mails)
    });
    desk.store.host.wait_for_no_lag();
    assert_eq!(mails.len(), 3);
    assert_eq!(inbox(&desk.store, &person).len(), 3);
    assert_eq!(desk.hook.bodies().len(), 3);
}

#[test]
fn no_message_is_lost_or_doubled_by_kill_9() {
    for atomic in ["\"/events/...\"", ""] {
        let mut desk = Desk::start(atomic);
        let person = desk.sign_up();
        for round in 0..3 {
            desk.publish_paid(&person, round * 20..(round + 1) * 20);
            wait_for_messages(&desk.store, &person, round * 20 + 3);
            desk.store.host.kill9();
            desk.store = Store::of(desk.store.host.restart());
        }
        let messages = wait_for_messages(&desk.store, &person, 60);
        desk.store.host.wait_for_no_lag();
        assert_eq!(messages.len(), 60);
        assert_eq!(inbox(&desk.store, &person).len(), 60, "{atomic}");
        // Mails may come twice, and say so by their keys.
        let keys = || {
            let heads = desk.mail.requests();
            let keys = heads.iter().flat_map(|head| head.lines());
            let keys =
                keys.filter(|line| line.to_ascii_lowercase().starts_with("idempotency-key:"));
            let mut keys: Vec<String> = keys.map(str::to_owned).collect();
            keys.sort();
            keys.dedup();
            keys
        };
        wait::until("60 mails", || (keys().len() >= 60).then_some(()));
        assert_eq!(keys().len(), 60);
    }
}

#[test]
fn offers_and_wishes_go_to_those_who_want_them() {
    let desk = Desk::start("\"/events/...\"");
    let people: Vec<Person> = (0..4).map(|_| desk.sign_up()).collect();
    let (none, inbox_only) = (
        json!({ "inbox": false, "email": false, "webhook": false }),
        json!({ "inbox": true, "email": false, "webhook": false }),
    );
    prefer(&desk.store, &people[0], &inbox_only, &none, None);
    prefer(&desk.store, &people[1], &none, &inbox_only, None);
    desk.store.host.wait_for_no_lag();
    let offer = json!({ "title": "Sale", "text": "Everything.", "link": "/c/sale" });
    let announce = |person: &Person| {
        desk.store
            .post("/api/notifications/offers", &person.token, &offer)
            .0
    };
    assert_eq!(announce(&people[1]), 403);
    let staff = desk.store.staff();
    assert_eq!(announce(&staff), 202);
    for person in &people[1..] {
        let messages = wait_for_messages(&desk.store, person, 1);
        assert_eq!(
            (&messages[0]["kind"], &messages[0]["link"]),
            (&json!("offer"), &json!("/c/sale"))
        );
    }
    assert_eq!(wait_for_bodies(&desk.mail, 2).len(), 2);

    let wish = |person: &Person| {
        let data = json!({
            "user": person.user, "sku": "L-1", "product": "lamp", "title": "Lamp",
            "price_minor": 1999, "currency": "EUR",
        });
        event(
            "wish.cheaper",
            &format!("e-{}", person.user),
            &person.user,
            &data,
        )
    };
    let wishes: Vec<Value> = people.iter().map(wish).collect();
    desk.store.host.publish("wish.cheaper", &wishes);
    let messages = wait_for_messages(&desk.store, &people[1], 2);
    assert_eq!(
        messages[0]["text"],
        "Lamp from your wishlist costs 19.99 EUR now."
    );
    desk.store.host.wait_for_no_lag();
    assert_eq!(inbox(&desk.store, &people[0]), Vec::<Value>::new());
}

#[test]
fn messages_are_their_users_own() {
    let desk = Desk::start("\"/events/...\"");
    let (person, other) = (desk.sign_up(), desk.sign_up());
    desk.publish_paid(&person, 0..5);
    wait_for_messages(&desk.store, &person, 5);
    assert_eq!(desk.store.get("/api/notifications", "").0, 401);
    assert_eq!(inbox(&desk.store, &other), Vec::<Value>::new());

    let (_, first) = desk.store.get("/api/notifications?limit=3", &person.token);
    let after = first["next"].as_str().unwrap();
    let path = format!("/api/notifications?limit=3&after={after}");
    let (_, second) = desk.store.get(&path, &person.token);
    assert_eq!(
        (
            second["messages"].as_array().unwrap().len(),
            &second["next"]
        ),
        (2, &Value::Null)
    );

    let path = format!(
        "/api/notifications/{}/read",
        first["messages"][0]["id"].as_str().unwrap()
    );
    assert_eq!(desk.store.post(&path, &other.token, &Value::Null).0, 404);
    assert_eq!(desk.store.post(&path, &person.token, &Value::Null).0, 204);
    let (_, page) = desk.store.get("/api/notifications", &person.token);
    assert_eq!(page["unread"], 4);
    let outside = desk.store.post("/events/order.changed", "", &json!({}));
    assert_eq!(outside.0, 404);
}
