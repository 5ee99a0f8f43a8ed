//! Accounts, sessions and the lockout through the HTTP interface, by the test's clock.

use std::rc::Rc;

use kit::api::answer;
use kit::event::PublishError;
use kit::host::Host;
use kit::http::{Answer, Request};
use kit::identity::Role;
use kit::testing::TestHost;
use serde_json::{Value, json};

use super::Users;

const MINUTE_MS: u64 = 60_000;
const PASSWORD: &str = "correct horse";

/// The service, and the surroundings that a test looks at.
struct Store {
    users: Users,
    host: Rc<TestHost>,
}

impl Store {
    fn new() -> Store {
        Store::with_staff("", "")
    }

    fn with_staff(email: &str, password: &str) -> Store {
        let mut host = TestHost::default();
        host.variables.insert("staff_email", email.to_owned());
        host.variables.insert("staff_password", password.to_owned());
        Store::on(Rc::new(host))
    }

    fn on(host: Rc<TestHost>) -> Store {
        let users = Users::new(Rc::clone(&host) as Rc<dyn Host>, Rc::default());
        Store { users, host }
    }

    /// The same store with other variables, as after a restart.
    fn restarted_with_staff(self, email: &str, password: &str) -> Store {
        let Store { users, host } = self;
        drop(users);
        let mut host = Rc::into_inner(host).unwrap();
        host.variables.insert("staff_email", email.to_owned());
        host.variables.insert("staff_password", password.to_owned());
        Store::on(Rc::new(host))
    }

    fn ask(&self, request: Request) -> (Answer, Value) {
        let answer = answer(&self.users, &request);
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer, body)
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let (answer, body) = self.ask(Request::new("POST", path).with_json(body));
        (answer.status, body)
    }

    fn with_token(&self, session: &Value, request: Request) -> (u16, Value) {
        let token = session["access_token"].as_str().unwrap();
        let request = request.with_header("authorization", &format!("Bearer {token}"));
        let (answer, body) = self.ask(request);
        (answer.status, body)
    }

    fn sign_up(&self, email: &str) -> (u16, Value) {
        let body = json!({ "email": email, "password": PASSWORD, "name": "Ada" });
        self.post("/api/users", &body)
    }

    fn sign_in(&self, email: &str, password: &str) -> (u16, Value) {
        let body = json!({ "email": email, "password": password });
        self.post("/api/users/sessions", &body)
    }

    fn refresh(&self, token: &Value) -> (u16, Value) {
        let body = json!({ "refresh_token": token });
        self.post("/api/users/sessions/refresh", &body)
    }

    fn pass_minutes(&self, minutes: u64) {
        let now_ms = self.host.now_ms();
        self.host.now_ms.set(now_ms + minutes * MINUTE_MS);
    }
}

#[test]
fn who_signs_up_is_signed_in_and_announced() {
    let store = Store::new();
    let (status, session) = store.sign_up(" Ada@Example.com ");
    assert_eq!(status, 201, "{session}");
    assert_eq!(session["token_type"], "Bearer");
    assert_eq!(
        (&session["name"], &session["role"]),
        (&json!("Ada"), &json!("customer"))
    );
    let (status, me) = store.with_token(&session, Request::new("GET", "/api/users/me"));
    assert_eq!(status, 200);
    let expected = json!({
        "user": session["user"], "email": "Ada@Example.com", "name": "Ada",
        "role": "customer", "created_at": "2027-01-15T08:00:00.000Z",
    });
    assert_eq!(me, expected);
    let events = store.host.take_events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].topic, "user.registered");
    assert_eq!(events[0].key.as_deref(), session["user"].as_str());
    assert_eq!(
        events[0].data,
        json!({ "user": session["user"], "name": "Ada" })
    );
}

#[test]
fn an_address_has_one_account_in_whatever_case() {
    let store = Store::new();
    assert_eq!(store.sign_up("ada@example.com").0, 201);
    let (status, problem) = store.sign_up("ADA@EXAMPLE.COM");
    assert_eq!((status, &problem["code"]), (409, &json!("email_taken")));
    assert_eq!(store.sign_in("Ada@Example.com", PASSWORD).0, 201);
    for wrong in [
        "ada",
        "@example.com",
        "ada@",
        "a b@example.com",
        "a@b@c.d",
        "a@b",
        "a@.b",
    ] {
        assert_eq!(store.sign_up(wrong).0, 422, "{wrong}");
    }
}

#[test]
fn a_sign_up_that_ended_half_way_is_repeated() {
    let store = Store::new();
    *store.host.publish_failure.borrow_mut() = Some(PublishError("down".to_owned()));
    assert_eq!(store.sign_up("ada@example.com").0, 503);
    assert_eq!(store.sign_in("ada@example.com", PASSWORD).0, 401);
    *store.host.publish_failure.borrow_mut() = None;
    assert_eq!(store.sign_up("ada@example.com").0, 201);
    assert_eq!(store.sign_in("ada@example.com", PASSWORD).0, 201);
    assert_eq!(store.host.take_events().len(), 1);
}

#[test]
fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let store = Store::new();
    store.sign_up("ada@example.com");
    let known = store.sign_in("ada@example.com", "wrong horse");
    assert_eq!(known, store.sign_in("nobody@example.com", "wrong horse"));
    assert_eq!(
        (known.0, &known.1["code"]),
        (401, &json!("wrong_credentials"))
    );
}

#[test]
fn five_failures_in_a_row_lock_for_longer_and_longer() {
    for email in ["ada@example.com", "nobody@example.com"] {
        let store = Store::new();
        store.sign_up("ada@example.com");
        for _ in 0..5 {
            assert_eq!(store.sign_in(email, "wrong horse").0, 401);
        }
        for minutes in [1, 2, 4, 8, 15, 15] {
            let body = json!({ "email": email.to_uppercase(), "password": PASSWORD });
            let request = Request::new("POST", "/api/users/sessions").with_json(&body);
            let (answer, problem) = store.ask(request);
            assert_eq!((answer.status, &problem["code"]), (429, &json!("locked")));
            let seconds = (minutes * 60).to_string();
            assert_eq!(answer.header("retry-after"), Some(seconds.as_str()));
            store.pass_minutes(minutes);
            assert_eq!(store.sign_in(email, "wrong horse").0, 401);
        }
    }
}

#[test]
fn a_success_and_a_day_forget_failures() {
    let store = Store::new();
    store.sign_up("ada@example.com");
    let fail = |times: u32| {
        for _ in 0..times {
            assert_eq!(store.sign_in("ada@example.com", "wrong horse").0, 401);
        }
    };
    fail(4);
    assert_eq!(store.sign_in("ada@example.com", PASSWORD).0, 201);
    fail(4);
    store.pass_minutes(24 * 60);
    fail(5);
    assert_eq!(store.sign_in("ada@example.com", PASSWORD).0, 429);
    assert_eq!(store.sign_in("bob@example.com", PASSWORD).0, 401);
    store.pass_minutes(1);
    assert_eq!(store.sign_in("ada@example.com", PASSWORD).0, 201);
}

#[test]
fn refresh_tokens_rotate_and_a_spent_one_ends_the_session() {
    let store = Store::new();
    let (_, first) = store.sign_up("ada@example.com");
    let (_, other) = store.sign_in("ada@example.com", PASSWORD);
    store.pass_minutes(60);
    let me = || Request::new("GET", "/api/users/me");
    assert_eq!(store.with_token(&first, me()).0, 401, "it has expired");
    let (status, second) = store.refresh(&first["refresh_token"]);
    assert_eq!(status, 200, "{second}");
    assert_eq!(store.with_token(&second, me()).0, 200);
    let (_, third) = store.refresh(&second["refresh_token"]);
    assert_ne!(third["refresh_token"], second["refresh_token"]);
    // The first comes again: whoever has it, or whoever has the third, is a thief.
    assert_eq!(store.refresh(&first["refresh_token"]).0, 401);
    assert_eq!(store.refresh(&third["refresh_token"]).0, 401);
    assert_eq!(
        store.refresh(&other["refresh_token"]).0,
        200,
        "another session"
    );
}

#[test]
fn the_manifest_says_how_long_a_token_is_good() {
    for (text, status) in [("60", 201), ("a minute", 500)] {
        let mut host = TestHost::default();
        host.variables
            .insert("access_token_seconds", text.to_owned());
        let store = Store::on(Rc::new(host));
        let (got, session) = store.sign_up("ada@example.com");
        assert_eq!(got, status, "{session}");
        if status == 201 {
            assert_eq!(session["expires_in"], 60);
            store.pass_minutes(1);
            let me = Request::new("GET", "/api/users/me");
            assert_eq!(store.with_token(&session, me).0, 401);
        } else {
            assert!(store.host.lines.borrow()[0].contains("`access_token_seconds`"));
        }
    }
}

#[test]
fn sessions_end_when_asked_and_when_idle() {
    let store = Store::new();
    let (_, first) = store.sign_up("ada@example.com");
    let (_, second) = store.sign_in("ada@example.com", PASSWORD);
    let end = |token: &Value| {
        let body = json!({ "refresh_token": token });
        store.post("/api/users/sessions/end", &body).0
    };
    assert_eq!(end(&first["refresh_token"]), 204);
    assert_eq!(end(&first["refresh_token"]), 204);
    assert_eq!(end(&json!("u-1.s-1")), 204);
    assert_eq!(store.refresh(&first["refresh_token"]).0, 401);
    store.pass_minutes(30 * 24 * 60);
    assert_eq!(store.refresh(&second["refresh_token"]).0, 401);
    for wrong in ["x", "..", "u-1.s-1.x"] {
        assert_eq!(store.refresh(&json!(wrong)).0, 401, "{wrong}");
    }
}

#[test]
fn the_oldest_sessions_give_way() {
    let store = Store::new();
    let (_, first) = store.sign_up("ada@example.com");
    let user = first["user"].as_str().unwrap();
    let tokens: Vec<String> = (0..20)
        .map(|_| crate::session::start(&*store.host, user).unwrap())
        .collect();
    assert_eq!(store.refresh(&first["refresh_token"]).0, 401);
    assert_eq!(store.refresh(&json!(tokens[0])).0, 200);
}

#[test]
fn the_store_keeps_no_secret_that_a_client_has() {
    let store = Store::new();
    let (_, session) = store.sign_up("ada@example.com");
    let refresh_token = session["refresh_token"].as_str().unwrap();
    let secret = refresh_token.rsplit('.').next().unwrap();
    for key in store.host.memory.all_keys() {
        let value = store.host.store().get(&key).unwrap().unwrap();
        let value = String::from_utf8(value).unwrap();
        assert!(
            !value.contains(PASSWORD) && !value.contains(secret),
            "{key}"
        );
    }
}

#[test]
fn name_addresses_and_preferences_are_ones_own() {
    let store = Store::new();
    let (_, session) = store.sign_up("ada@example.com");
    let ask = |method: &str, path: &str, body: &Value| {
        let request = Request::new(method, path).with_json(body);
        store.with_token(&session, request)
    };
    let (status, me) = ask("PUT", "/api/users/me", &json!({ "name": " Ada L. " }));
    assert_eq!((status, &me["name"]), (200, &json!("Ada L.")));
    assert_eq!(ask("PUT", "/api/users/me", &json!({ "name": " " })).0, 422);

    let address = |country: &str| {
        json!({ "name": "Ada", "street": "Hauptstr. 1", "postcode": "10115",
            "city": "Berlin", "country": country })
    };
    let path = "/api/users/me/addresses";
    assert_eq!(ask("GET", path, &Value::Null).1, json!({ "addresses": [] }));
    let good = json!({ "addresses": [address("DE"), address("AT")] });
    assert_eq!(ask("PUT", path, &good), (200, good.clone()));
    for country in ["de", "DEU", "D", "Ä1"] {
        let (status, problem) = ask("PUT", path, &json!({ "addresses": [address(country)] }));
        assert_eq!(status, 422, "{country}");
        assert_eq!(problem["errors"][0]["field"], "addresses/0/country");
    }
    let many = vec![address("DE"); 11];
    assert_eq!(ask("PUT", path, &json!({ "addresses": many })).0, 422);
    assert_eq!(ask("GET", path, &Value::Null).1, good);

    let path = "/api/users/me/preferences";
    let (_, mut preferences) = ask("GET", path, &Value::Null);
    let updates = json!({ "inbox": true, "email": true, "webhook": false });
    assert_eq!(preferences["order_updates"], updates);
    preferences["webhook_url"] = json!("https://example.com/hook");
    preferences["offers"]["email"] = json!(true);
    assert_eq!(ask("PUT", path, &preferences), (200, preferences.clone()));
    assert_eq!(ask("GET", path, &Value::Null).1, preferences);
    preferences["webhook_url"] = json!("http://events.spin.internal/order.placed");
    let (status, problem) = ask("PUT", path, &preferences);
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (422, &json!("webhook_url"))
    );
}

#[test]
fn the_staff_signs_in_as_the_variables_say() {
    let store = Store::with_staff("Staff@example.com", "staff-password");
    assert_eq!(store.sign_up("staff@example.com").0, 409);
    assert_eq!(store.sign_in("staff@example.com", PASSWORD).0, 401);
    let (status, staff) = store.sign_in("staff@example.com", "staff-password");
    assert_eq!((status, &staff["role"]), (201, &json!("staff")));
    let (_, ada) = store.sign_up("ada@example.com");
    let path = format!("/api/users/{}", ada["user"].as_str().unwrap());
    let (status, user) = store.with_token(&staff, Request::new("GET", &path));
    assert_eq!((status, &user["email"]), (200, &json!("ada@example.com")));
    assert_eq!(store.with_token(&ada, Request::new("GET", &path)).0, 403);
    let nobody = Request::new("GET", "/api/users/u-0");
    assert_eq!(store.with_token(&staff, nobody).0, 404);

    // Another password: the old one and its sessions end.
    let (_, session) = store.sign_in("staff@example.com", "staff-password");
    let store = store.restarted_with_staff("staff@example.com", "another-password");
    assert_eq!(store.sign_in("staff@example.com", "staff-password").0, 401);
    let (_, again) = store.sign_in("staff@example.com", "another-password");
    assert_eq!(again["user"], session["user"]);
    assert_eq!(store.refresh(&session["refresh_token"]).0, 401);

    // No password: nobody is staff.
    let store = store.restarted_with_staff("staff@example.com", "");
    let (_, refreshed) = store.refresh(&again["refresh_token"]);
    assert_eq!(refreshed["role"], "customer");
}

#[test]
fn a_customer_who_had_the_staffs_address_does_not_become_staff() {
    let store = Store::new();
    let (_, customer) = store.sign_up("staff@example.com");
    let store = store.restarted_with_staff("staff@example.com", "staff-password");
    let (_, refreshed) = store.refresh(&customer["refresh_token"]);
    assert_eq!(refreshed["role"], "customer");
    let (status, staff) = store.sign_in("staff@example.com", "staff-password");
    assert_eq!((status, &staff["role"]), (201, &json!("staff")));
    assert_eq!(store.refresh(&refreshed["refresh_token"]).0, 401);
    assert_eq!(store.sign_in("staff@example.com", PASSWORD).0, 401);
}

#[test]
fn the_key_is_read_once_per_instance() {
    let store = Store::new();
    let (_, session) = store.sign_up("ada@example.com");
    let token = session["access_token"].as_str().unwrap();
    let failure = kit::store::StoreError::Failed("down".to_owned());
    *store.host.memory.failure.borrow_mut() = Some(failure);
    let Ok(caller) = store.users.verify_token(token) else {
        panic!("the key is in the instance");
    };
    assert_eq!(caller.role, Role::Customer);
    let fresh = Store::on(Rc::clone(&store.host));
    assert!(fresh.users.verify_token(token).is_err());
    let me = Request::new("GET", "/api/users/me");
    assert_eq!(fresh.with_token(&session, me).0, 503);
}

#[test]
fn the_key_set_is_public() {
    let store = Store::new();
    let (answer, body) = store.ask(Request::new("GET", "/.well-known/jwks.json"));
    assert_eq!(answer.status, 200);
    let key = &body["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"]),
        (&json!("OKP"), &json!("Ed25519"))
    );
    assert!(key.get("d").is_none());
}
