//! The document at `/openapi.json` against what there is: its paths and methods are those of the
//! routes, and the answers of the real pages are what it says of them, no more and no less.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::served::Served;
use crate::admin::events::shapes::{
    DeadLetter, DeadLetters, Event, EventList, Kind, Published, Replayed, Subscriber, Subscribers,
    Topic, Topics,
};
use crate::admin::page::{Page, ROUTES};
use crate::admin::roles::Needs;

fn document() -> Value {
    serde_json::from_str(include_str!("../openapi.json")).unwrap()
}

/// A path of a route.
fn example(route: &str) -> String {
    let path = route.replace("{service}", "cart").replace("{id}", "7");
    path.replace(['{', '}'], "")
}

#[test]
fn its_paths_and_methods_are_those_that_there_are() {
    let document = document();
    let documented: BTreeMap<&str, BTreeSet<String>> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, item)| {
            let keys = item.as_object().unwrap().keys();
            let methods = keys.filter(|key| *key != "parameters");
            (
                path.as_str(),
                methods.map(|key| key.to_uppercase()).collect(),
            )
        })
        .collect();
    let routed: BTreeMap<&str, BTreeSet<String>> = ROUTES
        .iter()
        .map(|(route, _)| {
            let page = Page::at(&example(route)).unwrap();
            // HEAD follows GET.
            let methods = page
                .methods()
                .iter()
                .filter(|method| **method != Method::HEAD);
            (*route, methods.map(Method::to_string).collect())
        })
        .collect();
    assert_eq!(documented, routed);
}

#[test]
fn it_says_whom_a_page_is_for_and_what_stands_in_its_path() {
    let document = document();
    for (route, item) in document["paths"].as_object().unwrap() {
        let page = Page::at(&example(route)).unwrap();
        let operations = item.as_object().unwrap().iter();
        for (method, operation) in operations.filter(|(key, _)| *key != "parameters") {
            let method = method.to_uppercase().parse().unwrap();
            let role = match page.needs(&method) {
                Needs::Metrics => "Role: metrics",
                Needs::Read => "Role: reader",
                Needs::Deploy(_) => "Role: operator, or deployer of the service",
                Needs::Operate => "Role: operator",
            };
            assert_eq!(operation["description"], role, "{method} {route}");
        }
        let name = route
            .split_once('{')
            .map(|(_, rest)| rest.split_once('}').unwrap().0);
        let parameter = item
            .get("parameters")
            .map(|all| all[0]["name"].as_str().unwrap());
        assert_eq!(name, parameter, "{route}");
    }
}

/// What of a value is not as its schema has it. Knows the words that the document uses.
fn faults(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = root
            .pointer(reference.trim_start_matches('#'))
            .expect(reference);
        return faults(root, schema, value, at, found);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = |wanted: &Value| wanted == kind || (wanted == "number" && kind == "integer");
    let is_of_kind = match &schema["type"] {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(fits),
        wanted => fits(wanted),
    };
    if !is_of_kind {
        found.push(format!("{at}: {kind} is not {}", schema["type"]));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|known| !known.contains(value))
    {
        found.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        faults(
            root,
            &schema["items"],
            item,
            &format!("{at}/{index}"),
            found,
        );
    }
    let Some(members) = value.as_object() else {
        return;
    };
    for required in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(required.as_str().unwrap()) {
            found.push(format!("{at}: there is no {required}"));
        }
    }
    for (name, member) in members {
        let at = format!("{at}/{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => found.push(format!("{at} is not documented")),
            (Value::Null, others) => faults(root, others, member, &at, found),
            (schema, _) => faults(root, schema, member, &at, found),
        }
    }
}

fn check(root: &Value, schema: &Value, value: &Value, what: &str) {
    let mut found = Vec::new();
    faults(root, schema, value, "", &mut found);
    assert!(found.is_empty(), "{what}: {found:#?} in {value:#}");
}

#[tokio::test]
async fn the_answers_of_the_pages_are_what_it_says() {
    let served = Served::start();
    let (_, root) = served.ask("GET", "/openapi.json", b"").await;
    assert_eq!(root, document());
    served.add("ci", "deployer", &["cart"]).await;
    let directory = tempfile::tempdir().unwrap();
    let backup = json!({"directory": directory.path()}).to_string();
    for (method, route, path, body) in [
        ("GET", "/registry", "/registry", ""),
        ("GET", "/registry/{service}", "/registry/cart", ""),
        ("POST", "/backup", "/backup", &backup),
        ("GET", "/tokens", "/tokens", ""),
        (
            "POST",
            "/tokens",
            "/tokens",
            r#"{"name": "a", "role": "reader"}"#,
        ),
        ("DELETE", "/tokens/{name}", "/tokens/a", ""),
        (
            "GET",
            "/services/{service}/revisions",
            "/services/cart/revisions",
            "",
        ),
        (
            "POST",
            "/services/{service}/revisions",
            "/services/cart/revisions",
            "x",
        ),
        (
            "POST",
            "/services/{service}/promote",
            "/services/cart/promote",
            "",
        ),
        (
            "POST",
            "/services/{service}/rollback",
            "/services/cart/rollback",
            "",
        ),
        (
            "POST",
            "/apply",
            "/apply",
            r#"{"manifest": "/srv/spin.toml"}"#,
        ),
        ("GET", "/audit", "/audit?limit=2", ""),
        ("GET", "/logs", "/logs", ""),
    ] {
        let (status, answer) = served.ask(method, path, body.as_bytes()).await;
        assert_eq!(status, 200, "{method} {path}: {answer}");
        let operation = &root["paths"][route][method.to_lowercase()];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        check(&root, schema, &answer, &format!("{method} {route}"));
    }
    let problem = &root["components"]["schemas"]["Problem"];
    for service in ["broken", "refused"] {
        let path = format!("/services/{service}/revisions");
        let (_, answer) = served.ask("POST", &path, b"x").await;
        check(&root, problem, &answer, &path);
    }
}

#[test]
fn what_is_not_as_documented_is_found() {
    let root = document();
    let token = &root["components"]["schemas"]["Token"];
    let good = json!({"name": "a", "role": "reader", "services": [], "made": "2026"});
    check(&root, token, &good, "a token");
    for (member, value) in [
        ("role", json!("root")),
        ("name", json!(7)),
        ("more", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        let mut found = Vec::new();
        faults(&root, token, &bad, "", &mut found);
        assert_eq!(found.len(), 1, "{found:?}");
    }
    let mut found = Vec::new();
    faults(&root, token, &json!({"name": "a"}), "", &mut found);
    assert_eq!(found.len(), 3, "{found:?}");
}

/// The app of these tests has no bus; its shapes stand in for the answers that are made of them.
#[test]
fn what_the_pages_of_the_bus_say_is_what_it_says() {
    let root = document();
    let topics = vec![topic()];
    let events = vec![event()];
    let list = EventList {
        events,
        read_to: 1,
        more: true,
    };
    let (ids, new) = (vec!["1".to_owned()], vec![true]);
    let subscribers = vec![
        subscriber(Kind::Schedule, None),
        subscriber(Kind::Subscription, Some(1.5)),
    ];
    let dead = vec![letter(None), letter(Some("a"))];
    let one = || json!(letter(Some("a")));
    for (method, route, status, answer) in [
        ("get", "topics", "200", json!(Topics { topics })),
        ("get", "topics/{topic}", "200", json!(list)),
        (
            "post",
            "topics/{topic}",
            "202",
            json!(Published { ids, new }),
        ),
        (
            "get",
            "subscribers",
            "200",
            json!(Subscribers { subscribers }),
        ),
        (
            "get",
            "dead",
            "200",
            json!(DeadLetters { dead, more: true }),
        ),
        ("get", "dead/{id}", "200", one()),
        ("delete", "dead/{id}", "200", one()),
        ("post", "dead/{id}/retry", "200", one()),
        (
            "post",
            "replay",
            "200",
            json!(Replayed { subscriptions: 1 }),
        ),
    ] {
        let responses = &root["paths"][format!("/events/{route}")][method]["responses"];
        let schema = &responses[status]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {route}");
        check(&root, schema, &answer, route);
    }
}

fn topic() -> Topic {
    Topic {
        name: "a".to_owned(),
        published: 1,
        events: 1,
        bytes: 1,
        delayed: 1,
        backlog: 1,
    }
}

fn event() -> Event {
    Event {
        position: 1,
        topic: "a".to_owned(),
        stored: "2026".to_owned(),
        event: no_event(),
    }
}

fn no_event() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap()
}

fn subscriber(kind: Kind, oldest: Option<f64>) -> Subscriber {
    Subscriber {
        service: "cart".to_owned(),
        kind,
        topic: oldest.map(|_| "a".to_owned()),
        path: "/".to_owned(),
        active: true,
        position: 1,
        lag: oldest.map(|_| 1),
        failing: 1,
        dead: 1,
        oldest: oldest.map(|_| "2026".to_owned()),
        oldest_age_seconds: oldest,
        delivered: 1,
        failed: 1,
    }
}

fn letter(answer: Option<&str>) -> DeadLetter {
    DeadLetter {
        id: 1,
        service: "cart".to_owned(),
        subscription: answer.map(str::to_owned),
        path: "/".to_owned(),
        topic: answer.map(str::to_owned),
        stored: "2026".to_owned(),
        died: "2026".to_owned(),
        attempts: 1,
        reason: "a".to_owned(),
        status: answer.map(|_| 500),
        retrying: true,
        event: no_event(),
        answer: answer.map(str::to_owned),
    }
}
