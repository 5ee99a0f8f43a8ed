//! A checkout that fails leaves nothing behind, whichever step it was: seen through the other
//! services' own interfaces, with a payment provider that the test commands.

use kumiki_tests::provider::{Behaviour, Provider, Question};
use kumiki_tests::store::{Options, Person, Store};
use kumiki_tests::wait;
use payment_provider::authorization::Status;
use serde_json::{Value, json};

/// A customer with two pieces of a SKU in the cart, and everything that shall be as it was.
struct Scene {
    provider: Provider,
    store: Store,
    staff: Person,
    person: Person,
    sku: String,
    before: Value,
}

impl Scene {
    fn open() -> Scene {
        let provider = Provider::start();
        let store = Options::default()
            .variable("payment_provider", &provider.origin())
            .variable("stage_seconds", "0")
            .start();
        store.open();
        let (staff, person) = (store.staff(), store.sign_up());
        let sku = store.skus()[0].clone();
        store.put_into_cart(&person, &sku, 2);
        let before = store.stock(&staff, &sku);
        Scene {
            provider,
            store,
            staff,
            person,
            sku,
            before,
        }
    }

    fn body(&self, token: &str) -> Value {
        self.store.checkout_body(&self.person, token)
    }

    /// Sends a checkout, which fails.
    fn fail(&self, body: &Value, expected: (u16, &str)) -> Value {
        let (status, problem) = self.store.checkout(&self.person, "key", body);
        let code = problem["code"].as_str().unwrap_or_default();
        assert_eq!((status, code), expected, "{problem}");
        problem
    }

    /// Nothing is held, no order is there, no money lies aside, and the cart is as it was.
    fn check_nothing_is_left(&self) {
        let item = wait::until("the reservation to be released", || {
            let item = self.store.stock(&self.staff, &self.sku);
            (item["held"] == 0).then_some(item)
        });
        for name in ["places", "sold", "available"] {
            assert_eq!(item[name], self.before[name], "{name}");
        }
        wait::until("the money to be let go", || {
            let none = (0, 0);
            let is_free = |status| self.provider.sum(status) == none;
            (is_free(Status::Authorized) && is_free(Status::Captured)).then_some(())
        });
        for (path, person) in [
            ("/api/orders", &self.person),
            ("/api/orders/all", &self.staff),
        ] {
            let (_, orders) = self.store.get(path, &person.token);
            assert_eq!(orders["orders"], json!([]), "{path}");
        }
        assert!(self.store.told("order.placed").is_empty());
        let (_, cart) = self.store.get("/api/cart", &self.person.token);
        assert_eq!(cart["count"], 2);
    }

    /// The order's attempts that were given up, by their numbers.
    fn abandoned(&self) -> Vec<String> {
        let told = self.store.told("order.abandoned").into_iter();
        let number = |data: Value| {
            let checkout = data["checkout"].as_str().unwrap();
            let (_, number) = checkout.split_once('.').unwrap();
            number.to_owned()
        };
        told.map(number).collect()
    }

    /// The same key again is an order, in this attempt.
    fn succeed(&self, body: &Value, attempt: &str) {
        let (status, order) = self.store.checkout(&self.person, "key", body);
        assert_eq!(status, 201, "{order}");
        let checkout = order["checkout"].as_str().unwrap();
        assert!(checkout.ends_with(attempt), "{checkout}");
        let id = order["id"].as_str().unwrap();
        self.store.wait_for_order(&self.person, id, "delivered");
        let total_minor = order["total_minor"].as_u64().unwrap();
        assert_eq!(self.provider.sum(Status::Captured), (1, total_minor));
        assert_eq!(self.store.stock(&self.staff, &self.sku)["sold"], 2);
    }
}

#[test]
fn what_is_refused_at_once_reserves_nothing() {
    let scene = Scene::open();
    let good = scene.body("tok_ok_1");
    let with = |member: &str, value: Value| {
        let mut body = good.clone();
        body[member] = value;
        body
    };
    let total_minor = good["expected_total_minor"].as_u64().unwrap();
    let cheaper = with("expected_total_minor", json!(total_minor - 1));
    let problem = scene.fail(&cheaper, (409, "price_changed"));
    assert_eq!(problem["total_minor"], total_minor);
    scene.fail(&with("shipping", json!("balloon")), (422, "not_served"));
    let mut far = good["address"].clone();
    far["country"] = json!("AQ");
    scene.fail(&with("address", far), (422, "not_served"));
    scene.fail(&with("address", json!({})), (422, "invalid"));
    let (status, problem) = scene.store.checkout(&scene.person, "", &good);
    assert_eq!(
        (status, &problem["code"]),
        (400, &json!("idempotency_key_missing"))
    );
    let nobody = Person {
        token: String::new(),
        ..scene.person.clone()
    };
    assert_eq!(scene.store.checkout(&nobody, "key", &good).0, 401);
    let other = scene.store.sign_up();
    let (status, problem) = scene.store.checkout(&other, "key", &good);
    assert_eq!((status, &problem["code"]), (409, &json!("cart_empty")));
    assert!(scene.abandoned().is_empty(), "nothing had begun");
    scene.check_nothing_is_left();
    assert!(scene.provider.authorizations().is_empty());
    scene.succeed(&good, ".0");
}

#[test]
fn what_is_not_sold_any_more_is_named() {
    let scene = Scene::open();
    let body = scene.body("tok_ok_1");
    let product = scene.store.product_of(&scene.sku);
    let path = format!("/api/catalog/products/{product}");
    let seen = scene.store.send("GET", &path, "", &[], &Value::Null);
    let version = seen.header("etag").unwrap();
    let headers = [("if-match", version)];
    let token = &scene.staff.token;
    let removed = scene
        .store
        .send("DELETE", &path, token, &headers, &Value::Null);
    assert!((200..300).contains(&removed.status), "{removed:?}");
    let problem = scene.fail(&body, (409, "out_of_stock"));
    assert_eq!(problem["skus"], json!([scene.sku]));
    assert!(scene.abandoned().is_empty(), "nothing had begun");
}

#[test]
fn what_is_out_of_stock_can_be_ordered_when_it_is_back() {
    let scene = Scene::open();
    let body = scene.body("tok_ok_1");
    let place = scene.before["places"][0]["place"].clone();
    let path = format!("/api/warehouse/items/{}", scene.sku);
    let count = |on_hand: &Value| {
        let counted = json!({ "place": place, "on_hand": on_hand });
        let (status, item) = scene.store.ask("PUT", &path, &scene.staff.token, &counted);
        assert_eq!(status, 200, "{item}");
    };
    count(&json!(1));
    let problem = scene.fail(&body, (409, "out_of_stock"));
    assert_eq!(problem["skus"], json!([scene.sku]));
    count(&scene.before["places"][0]["on_hand"]);
    scene.check_nothing_is_left();
    assert!(scene.provider.authorizations().is_empty());
    assert_eq!(scene.abandoned(), ["0"]);
    scene.succeed(&body, ".1");
}

#[test]
fn a_declined_card_leaves_nothing() {
    let scene = Scene::open();
    let body = scene.body("tok_declined_1");
    scene.fail(&body, (402, "payment_declined"));
    scene.check_nothing_is_left();
    // A card that is good needs another key, because the body is another.
    let better = scene.body("tok_ok_1");
    scene.fail(&better, (422, "idempotency_key_reused"));
    scene.fail(&body, (402, "payment_declined"));
    assert_eq!(scene.abandoned(), ["0", "1"]);
    scene.check_nothing_is_left();
}

#[test]
fn a_provider_that_is_down_leaves_nothing() {
    let scene = Scene::open();
    let body = scene.body("tok_ok_1");
    scene.provider.behave(Question::Authorize, Behaviour::Fail);
    scene.fail(&body, (503, "unavailable"));
    scene.provider.recover();
    scene.check_nothing_is_left();
    assert_eq!(scene.abandoned(), ["0"]);
    scene.succeed(&body, ".1");
}

#[test]
fn money_that_was_set_aside_without_an_answer_is_let_go() {
    let scene = Scene::open();
    let body = scene.body("tok_ok_1");
    scene
        .provider
        .behave(Question::Authorize, Behaviour::HoldAfter);
    scene.fail(&body, (503, "unavailable"));
    assert_eq!(scene.provider.authorizations().len(), 1);
    scene.provider.recover();
    scene.provider.release();
    scene.check_nothing_is_left();
    assert_eq!(scene.provider.sum(Status::Voided).0, 1);
    scene.succeed(&body, ".1");
}

#[test]
fn an_undo_waits_for_a_host_that_was_killed() {
    let mut scene = Scene::open();
    let body = scene.body("tok_ok_1");
    scene
        .provider
        .behave(Question::Authorize, Behaviour::HoldAfter);
    scene.provider.behave(Question::Void, Behaviour::Fail);
    scene.fail(&body, (503, "unavailable"));
    // The attempt is given up, and the money cannot be let go yet.
    scene.store.host.kill9();
    scene.store = Store::of(scene.store.host.restart());
    scene.provider.recover();
    scene.provider.release();
    scene.check_nothing_is_left();
    scene.succeed(&body, ".1");
}
