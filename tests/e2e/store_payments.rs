//! The service `payments` through the real host: a checkout sets money aside by a link, events take
//! it or give it back, and whatever the provider or the host does in between, the books agree.

use std::thread;

use kumiki_tests::app::{App, Service};
use kumiki_tests::events::bus;
use kumiki_tests::http::Answer;
use kumiki_tests::provider::{Behaviour, Provider, Question};
use kumiki_tests::store::{Store, service};
use kumiki_tests::wait;
use payment_provider::authorization::Status;
use serde_json::{Value, json};

const SECRET: &str = "demo-secret";

/// Who the staff is.
pub fn users() -> Service {
    service("users")
        .route("/api/users/...")
        .key_value_stores(&["users"])
        .allowed_outbound_hosts(&["http://events.spin.internal"])
        .line(
            "variables = { staff_email = \"staff@example.com\", \
             staff_password = \"staff-demo-password\" }",
        )
}

/// Calls what a checkout calls, as the query says.
pub fn checkout() -> Service {
    Service::new("checkout", "checkout_links")
        .route("/checkout")
        .link("store:payments/payments@1.0.0", "payments")
        .link("store:logistics/shipping@1.0.0", "logistics")
}

/// Payments with the provider at this origin, someone who checks out, and the staff.
fn app(provider: &str, timeout_ms: u32) -> App {
    app_with(provider, timeout_ms, [])
}

fn app_with(provider: &str, timeout_ms: u32, more: impl IntoIterator<Item = Service>) -> App {
    let subscription = |topic: &str| {
        format!(
            "{{ topic = {topic:?}, path = \"/events/{topic}\", attempts_max = 1000, \
             backoff_ms = 1, backoff_max_ms = 20 }}"
        )
    };
    let subscriptions = [
        "order.placed",
        "order.abandoned",
        "payment.capture-requested",
        "payment.return-requested",
        "payment.expiring",
    ]
    .map(subscription);
    let payments = service("payments")
        .route("/api/payments/...")
        .key_value_stores(&["payments"])
        .allowed_outbound_hosts(&["http://events.spin.internal", provider])
        .line(format!(
            "variables = {{ payment_provider_url = \"{provider}/payment-provider\", \
             payment_provider_key = \"demo-key\", payment_webhook_secret = {SECRET:?}, \
             payment_timeout_ms = \"{timeout_ms}\" }}"
        ))
        .link("store:users/identity@1.0.0", "users")
        .setting("atomic = [\"/events/...\"]")
        .setting("atomic_attempts_max = 100")
        .setting("reuse_max = 100")
        .setting(format!("subscriptions = [{}]", subscriptions.join(", ")));
    let logistics = service("logistics")
        .key_value_stores(&["logistics"])
        .link("store:users/identity@1.0.0", "users");
    let services = [payments, users(), logistics, checkout()];
    App::new(bus(&[]).into_iter().chain(services).chain(more))
        .key_value_store("payments")
        .key_value_store("users")
        .key_value_store("logistics")
        .observed()
}

fn start(provider: &Provider) -> Store {
    Store::of(app(&provider.origin(), 20_000).start())
}

fn authorize(store: &Store, id: &str, token: &str) -> Answer {
    let path = format!("/checkout?call=authorize&id={id}&amount=500&token={token}");
    store.host.get(&path)
}

/// The order of a payment asks for something.
fn ask(store: &Store, topic: &str, id: &str) {
    let data = json!({ "order": format!("o-{id}"), "checkout": id });
    store.publish(topic, id, &format!("o-{id}"), &data);
}

fn place(store: &Store, id: &str) {
    assert_eq!(authorize(store, id, "tok_ok_1").expect(200), "authorized");
    let order = json!({ "id": format!("o-{id}"), "checkout": id, "status": "placed" });
    store.publish("order.placed", id, &format!("o-{id}"), &order);
}

fn seen(store: &Store, id: &str) -> Value {
    let token = store.staff().token;
    let (status, payment) = store.get(&format!("/api/payments/{id}"), &token);
    assert_eq!(status, 200, "{payment}");
    payment
}

fn wait_for_status(provider: &Provider, id: &str, status: Status) {
    wait::until(&format!("{id} to be {status:?}"), || {
        (provider.status(id) == Some(status)).then_some(())
    });
}

#[test]
fn a_payment_goes_its_way() {
    let provider = Provider::start();
    let store = start(&provider);
    place(&store, "a.1");
    // The same id again asks nobody.
    authorize(&store, "a.1", "tok_ok_1").expect(200);
    assert_eq!(provider.asked(Question::Authorize, "a.1"), 1);
    assert_eq!(provider.keys(), ["Bearer demo-key"]);
    ask(&store, "payment.capture-requested", "a.1");
    let told = store.wait_for_told("payment.captured", 1);
    let expected = json!({ "order": "o-a.1", "checkout": "a.1", "reason": null });
    assert_eq!(told, [expected]);
    assert_eq!(provider.status("a.1"), Some(Status::Captured));
    let staff = store.staff().token;
    let customer = store.sign_up().token;
    let refund = "/api/payments/a.1/refund";
    assert_eq!(store.post(refund, &customer, &Value::Null).0, 403);
    let (status, payment) = store.post(refund, &staff, &Value::Null);
    assert_eq!((status, &payment["state"]), (200, &json!("refunded")));
    assert_eq!(store.post(refund, &staff, &Value::Null), (200, payment));
    assert_eq!(provider.status("a.1"), Some(Status::Refunded));
    ask(&store, "payment.return-requested", "a.1");
    let told = store.wait_for_told("payment.returned", 1);
    assert_eq!(told[0]["how"], "refunded");
    let (_, list) = store.get("/api/payments", &staff);
    assert_eq!(list["payments"][0]["order"], "o-a.1");
    assert_eq!(list["next"], Value::Null);
}

#[test]
fn a_card_number_and_a_declined_card_are_told_apart() {
    let provider = Provider::start();
    let store = start(&provider);
    let refused = authorize(&store, "a.1", "4242424242424242").expect(422);
    assert!(
        refused.starts_with("Error::Invalid") && !refused.contains("4242"),
        "{refused}"
    );
    assert!(provider.authorizations().is_empty());
    let declined = authorize(&store, "a.2", "tok_declined_1").expect(422);
    assert!(declined.starts_with("Error::Declined"), "{declined}");
    assert_eq!(seen(&store, "a.2")["reason"], "The card was declined.");
    assert!(!store.host.logs().contains("424242424242"));
}

#[test]
fn money_that_a_silent_provider_set_aside_is_let_go() {
    let provider = Provider::start();
    let store = Store::of(app(&provider.origin(), 300).start());
    for (id, behaviour) in [
        ("a.1", Behaviour::HoldAfter),
        ("b.1", Behaviour::HoldBefore),
    ] {
        provider.behave(Question::Authorize, behaviour);
        let silent = authorize(&store, id, "tok_ok_1").expect(422);
        assert!(silent.starts_with("Error::Unavailable"), "{silent}");
        provider.recover();
        ask(&store, "order.abandoned", id);
        store.host.wait_for_no_lag();
        let late = authorize(&store, id, "tok_ok_1").expect(422);
        assert!(late.starts_with("Error::Declined"), "{late}");
    }
    assert_eq!(provider.status("a.1"), Some(Status::Voided));
    // The other request arrives when it was given up long ago, and its expiry ends it.
    assert_eq!(provider.status("b.1"), None);
    provider.release();
    wait_for_status(&provider, "b.1", Status::Authorized);
    expire(&store, "b.1");
    wait_for_status(&provider, "b.1", Status::Voided);
}

/// What the bus does a quarter of an hour after the authorization.
fn expire(store: &Store, id: &str) {
    let topics = store.host.events(&["topics"]);
    let topics = topics.as_array().unwrap();
    let expiring = topics
        .iter()
        .find(|topic| topic["name"] == "payment.expiring");
    assert!(
        expiring.unwrap()["delayed"].as_u64() > Some(0),
        "{topics:?}"
    );
    let due_ms = chrono::Utc::now().timestamp_millis();
    let data = json!({ "checkout": id, "due_ms": due_ms });
    store.publish("payment.expiring", &format!("{id}-{due_ms}"), id, &data);
}

#[test]
fn only_what_no_order_names_expires() {
    let provider = Provider::start();
    let store = start(&provider);
    place(&store, "kept.1");
    authorize(&store, "lost.1", "tok_ok_1").expect(200);
    store.host.wait_for_no_lag();
    expire(&store, "kept.1");
    expire(&store, "lost.1");
    wait_for_status(&provider, "lost.1", Status::Voided);
    store.host.wait_for_no_lag();
    assert_eq!(provider.status("kept.1"), Some(Status::Authorized));
    assert_eq!(seen(&store, "lost.1")["state"], "voided");
}

#[test]
fn a_refused_capture_is_told_and_the_money_returned() {
    let provider = Provider::start();
    let store = start(&provider);
    provider.behave(Question::Capture, Behaviour::Refuse);
    place(&store, "a.1");
    ask(&store, "payment.capture-requested", "a.1");
    let told = store.wait_for_told("payment.capture-failed", 1);
    assert_eq!(told[0]["reason"], "The test refuses it.");
    ask(&store, "payment.return-requested", "a.1");
    let told = store.wait_for_told("payment.returned", 1);
    assert_eq!(told[0]["how"], "voided");
    assert_eq!(provider.status("a.1"), Some(Status::Voided));
}

#[test]
fn a_provider_that_fails_is_asked_until_it_answers() {
    let provider = Provider::start();
    let store = start(&provider);
    provider.behave(Question::Capture, Behaviour::Fail);
    place(&store, "a.1");
    ask(&store, "payment.capture-requested", "a.1");
    wait::until("some attempts", || {
        (provider.asked(Question::Capture, "a.1") >= 3).then_some(())
    });
    assert_eq!(provider.status("a.1"), Some(Status::Authorized));
    provider.recover();
    store.wait_for_told("payment.captured", 1);
    store.host.wait_for_no_lag();
    assert_eq!(store.told("payment.captured").len(), 1);
    assert!(store.told("payment.capture-failed").is_empty());
}

#[test]
fn webhooks_that_are_signed_tell_what_an_answer_did_not() {
    let provider = Provider::start();
    let store = Store::of(app(&provider.origin(), 200).start());
    place(&store, "a.1");
    store.host.wait_for_no_lag();
    provider.behave(Question::Capture, Behaviour::HoldAfter);
    ask(&store, "payment.capture-requested", "a.1");
    wait_for_status(&provider, "a.1", Status::Captured);
    assert_eq!(seen(&store, "a.1")["state"], "authorized");
    let tell = |secret: &str| {
        provider
            .tell(store.address, secret, "capture.succeeded", "a.1")
            .status
    };
    assert_eq!(tell("another secret"), 401);
    assert_eq!((tell(SECRET), tell(SECRET)), (204, 204));
    assert_eq!(seen(&store, "a.1")["state"], "captured");
    store.wait_for_told("payment.captured", 1);
    // By now the handler that still asked has found it too, and said the same.
    provider.recover();
    store.host.wait_for_no_lag();
    assert_eq!(store.told("payment.captured").len(), 1);
}

/// Whenever the host is killed, each payment is captured and told of once.
#[test]
fn captures_outlive_the_host() {
    let provider = Provider::start();
    let mut store = start(&provider);
    let ids: Vec<String> = (0..12).map(|number| format!("a{number}.1")).collect();
    for id in &ids {
        place(&store, id);
    }
    provider.behave(Question::Capture, Behaviour::HoldAfter);
    for id in &ids {
        ask(&store, "payment.capture-requested", id);
    }
    provider.wait_for_held(3);
    store.host.kill9();
    provider.recover();
    provider.release();
    let store = Store::of(store.host.restart());
    store.wait_for_told("payment.captured", ids.len());
    store.host.wait_for_no_lag();
    let told = store.told("payment.captured");
    let mut told: Vec<_> = told.iter().map(|one| one["checkout"].to_string()).collect();
    told.sort();
    told.dedup();
    assert_eq!(
        (told.len(), store.told("payment.captured").len()),
        (ids.len(), ids.len())
    );
    assert_eq!(
        provider.sum(Status::Captured),
        (ids.len(), 500 * ids.len() as u64)
    );
}

/// Many authorize at once, many of them the same payment.
#[test]
fn one_payment_at_once_is_one_payment() {
    let provider = Provider::start();
    let store = start(&provider);
    thread::scope(|scope| {
        for number in 0..24 {
            let store = &store;
            scope.spawn(move || {
                let id = format!("a{}.1", number % 6);
                authorize(store, &id, "tok_ok_1").expect(200);
            });
        }
    });
    assert_eq!(provider.sum(Status::Authorized), (6, 3000));
    let (_, list) = store.get("/api/payments?limit=4", &store.staff().token);
    assert_eq!(list["payments"].as_array().unwrap().len(), 4);
    let path = format!(
        "/api/payments?limit=4&after={}",
        list["next"].as_str().unwrap()
    );
    let (_, list) = store.get(&path, &store.staff().token);
    assert_eq!(list["payments"].as_array().unwrap().len(), 2, "{list}");
    assert_eq!(list["next"], Value::Null);
}

/// The provider of the demo has the same protocol.
#[test]
fn the_provider_of_the_demo_does_as_its_cards_say() {
    let provider = service("payment-provider")
        .route("/payment-provider/...")
        .key_value_stores(&["payment-provider"])
        .allowed_outbound_hosts(&["http://payments.spin.internal"])
        .line(format!(
            "variables = {{ payment_provider_key = \"demo-key\", \
             payment_webhook_secret = {SECRET:?}, \
             webhook_url = \"http://payments.spin.internal/api/payments/webhooks/provider\" }}"
        ));
    let app = app_with("http://payment-provider.spin.internal", 1500, [provider]);
    let store = Store::of(app.key_value_store("payment-provider").start());
    let token = |card: &str| {
        let card = json!({ "card_number": card, "expiry": "12/39", "cvc": "123" });
        let (status, body) = store.post("/payment-provider/tokens", "", &card);
        assert_eq!(status, 201, "{body}");
        body["token"].as_str().unwrap().to_owned()
    };
    let good = token("4242 4242 4242 4242");
    authorize(&store, "good.1", &good).expect(200);
    let declined = authorize(&store, "declined.1", &token("4000 0000 0000 0002")).expect(422);
    assert!(declined.starts_with("Error::Declined"), "{declined}");
    let late = authorize(&store, "late.1", &token("4000 0000 0000 0119")).expect(422);
    assert!(late.starts_with("Error::Unavailable"), "{late}");
    authorize(&store, "hard.1", &token("4000 0000 0000 0259")).expect(200);
    ask(&store, "order.abandoned", "late.1");
    ask(&store, "payment.capture-requested", "good.1");
    ask(&store, "payment.capture-requested", "hard.1");
    store.wait_for_told("payment.captured", 1);
    store.wait_for_told("payment.capture-failed", 1);
    store.host.wait_for_no_lag();
    let sum = |count: u64| json!({ "count": count, "amount_minor": 500 * count });
    let (_, book) = store.get("/payment-provider/book", "");
    let expected = json!({
        "authorized": sum(1), "captured": sum(1), "voided": sum(1), "refunded": sum(0)
    });
    assert_eq!(book, expected);
    let body = json!({ "reference": "x", "amount_minor": 1, "currency": "EUR", "token": good });
    assert_eq!(
        store.post("/payment-provider/authorizations", "", &body).0,
        401
    );
}
