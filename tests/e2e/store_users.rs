//! The service `users` through the real host: accounts, sessions and tokens outlive it, and
//! requests at once cannot make two of what there is one of.

use std::thread;

use kumiki_tests::app::{App, Service};
use kumiki_tests::http::Answer;
use kumiki_tests::store::{PASSWORD, Shop, Store, service};
use kumiki_tests::wait;
use serde_json::{Value, json};

fn app() -> App {
    // Under a stock engine the component itself stands there, and not the host's bus.
    let bus = Service::new("events", "events")
        .private()
        .line("variables = { subscriptions = \"\" }")
        .setting("builtin = \"events\"");
    let users = service("users")
        .route("/api/users/...")
        .route("/.well-known/jwks.json")
        .key_value_stores(&["users"])
        .allowed_outbound_hosts(&["http://events.spin.internal"])
        .line(
            "variables = { staff_email = \"staff@example.com\", \
             staff_password = \"staff-demo-password\", access_token_seconds = \"{{ seconds }}\" }",
        )
        .setting("reuse_max = 100");
    App::new([bus, users])
        .key_value_store("users")
        .variable("seconds = { default = \"900\" }")
        .observed()
}

fn start(app: App) -> Store {
    Store::of(app.start())
}

fn sign_in(shop: &Shop, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    shop.send("POST", "/api/users/sessions", "", &[], &body)
}

fn refresh(shop: &Shop, token: &str) -> (u16, Value) {
    let body = json!({ "refresh_token": token });
    shop.post("/api/users/sessions/refresh", "", &body)
}

/// Does something so many times at once.
fn at_once<T: Send>(times: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let act = &act;
        let threads: Vec<_> = (0..times)
            .map(|number| scope.spawn(move || act(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

#[test]
fn someone_signs_up_and_is_known_from_then_on() {
    let store = start(app());
    let person = store.sign_up();
    let (status, me) = store.get("/api/users/me", &person.token);
    assert_eq!((status, &me["email"]), (200, &json!(person.email)));
    assert_eq!(store.get("/api/users/me", "").0, 401);
    assert_eq!(store.get("/api/users/me", "x.y.z").0, 401);
    let path = format!("/api/users/{}", person.user);
    assert_eq!(store.get(&path, &person.token).0, 403);
    assert_eq!(store.get(&path, &store.staff().token), (200, me));
    store.host.wait_for_no_lag();
    let topics = store.host.events(&["topics"]);
    assert_eq!(topics[0]["name"], "user.registered", "{topics}");
    assert_eq!(topics[0]["published"], 2, "{topics}");
}

#[test]
fn accounts_sessions_and_tokens_survive_kill_9() {
    let mut store = start(app());
    let person = store.sign_up();
    let addresses = json!({ "addresses": [kumiki_tests::store::address()] });
    let path = "/api/users/me/addresses";
    assert_eq!(store.ask("PUT", path, &person.token, &addresses).0, 200);
    let (_, keys) = store.get("/.well-known/jwks.json", "");
    store.host.kill9();
    let store = Store::of(store.host.restart());
    assert_eq!(store.get("/.well-known/jwks.json", ""), (200, keys));
    assert_eq!(store.get(path, &person.token), (200, addresses));
    assert_eq!(sign_in(&store, &person.email, PASSWORD).status, 201);
    assert_eq!(refresh(&store, &person.refresh_token).0, 200);
}

#[test]
fn the_first_requests_at_once_end_with_one_key() {
    let store = start(app());
    let people = at_once(8, |_| store.sign_up());
    for person in people {
        assert_eq!(store.get("/api/users/me", &person.token).0, 200);
    }
}

#[test]
fn an_address_at_once_has_one_account() {
    let store = start(app());
    let answers = at_once(8, |number| {
        let email = if number % 2 == 0 {
            "ada@example.com"
        } else {
            "ADA@Example.com"
        };
        let name = format!("Ada {number}");
        let body =
            json!({ "email": email, "password": format!("password-{number}"), "name": name });
        store.post("/api/users", "", &body)
    });
    let winners: Vec<usize> = (0..8).filter(|&number| answers[number].0 == 201).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    let winner = winners[0];
    let others = answers.iter().enumerate().filter(|(n, _)| *n != winner);
    for (_, (status, problem)) in others {
        assert_eq!((*status, &problem["code"]), (409, &json!("email_taken")));
    }
    let answer = sign_in(&store, "ada@example.com", &format!("password-{winner}"));
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["name"], format!("Ada {winner}"));
}

#[test]
fn guesses_at_once_learn_no_more_than_five() {
    let store = start(app());
    let person = store.sign_up();
    let answers = at_once(12, |_| sign_in(&store, &person.email, "wrong-password"));
    let with = |status: u16| answers.iter().filter(move |answer| answer.status == status);
    assert_eq!(with(401).count(), 5, "{answers:?}");
    assert_eq!(with(429).count(), 7, "{answers:?}");
    let locked = sign_in(&store, &person.email, PASSWORD);
    assert_eq!(locked.status, 429);
    assert_eq!(locked.json()["code"], "locked");
    let seconds: u32 = locked.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    let (status, _) = store.get("/api/users/me", &person.token);
    assert_eq!(status, 200, "who is signed in stays so");
}

#[test]
fn a_refresh_token_that_comes_twice_ends_the_session() {
    let store = start(app());
    let person = store.sign_up();
    let answers = at_once(6, |_| refresh(&store, &person.refresh_token));
    let good: Vec<&Value> = answers
        .iter()
        .filter(|(status, _)| *status == 200)
        .map(|(_, session)| session)
        .collect();
    assert_eq!(good.len(), 1, "{answers:?}");
    let next = good[0]["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(&store, next).0, 401);
    let again = sign_in(&store, &person.email, PASSWORD).json();
    let token = again["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(&store, token).0, 200);
    assert_eq!(refresh(&store, token).0, 401);
}

#[test]
fn an_access_token_expires_and_its_session_goes_on() {
    let store = start(app().arguments(&["--variable", "seconds=1"]));
    let person = store.sign_up();
    wait::until("the token to expire", || {
        let (status, problem) = store.get("/api/users/me", &person.token);
        (status == 401).then(|| assert_eq!(problem["code"], "unauthenticated"))
    });
    assert_eq!(refresh(&store, &person.refresh_token).0, 200);
}

#[test]
fn it_works_without_what_only_kumiki_has() {
    let store = start(app().arguments(&["--stock"]));
    let person = store.sign_up();
    assert_eq!(store.get("/api/users/me", &person.token).0, 200);
    assert_eq!(refresh(&store, &person.refresh_token).0, 200);
}
