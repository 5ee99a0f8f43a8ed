//! Requests and events through the whole service, on a real SQLite.

use std::rc::Rc;

use kit::api::answer;
use kit::http::Request;
use kit::testing::{TestHost, TestIdentity};
use serde_json::{Value, json};

use super::Search;
use crate::database::{Database, DatabaseError, Row};
use crate::native::NativeDatabase;
use crate::testing::{fill, goods};

/// A database that a test looks into as well.
struct Shared(Rc<NativeDatabase>);

impl Database for Shared {
    fn run(
        &self,
        statement: &str,
        parameters: &[crate::database::Value],
    ) -> Result<Vec<Row>, DatabaseError> {
        self.0.run(statement, parameters)
    }
}

fn service(database: &Rc<NativeDatabase>) -> Search {
    let shared = Shared(Rc::clone(database));
    Search::new(
        Box::new(TestHost::default()),
        Box::new(TestIdentity),
        Box::new(shared),
    )
}

fn empty() -> Rc<NativeDatabase> {
    Rc::new(NativeDatabase::in_memory().unwrap())
}

fn ask(database: &Rc<NativeDatabase>, request: &Request) -> (u16, Value) {
    let answer = answer(&service(database), request);
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, body)
}

fn get(database: &Rc<NativeDatabase>, path: &str) -> (u16, Value) {
    ask(database, &Request::new("GET", path))
}

fn deliver(database: &Rc<NativeDatabase>, topic: &str, data: &Value) -> u16 {
    let event = Request::new("POST", &format!("/events/{topic}"))
        .with_header("ce-id", "1")
        .with_header("ce-type", topic)
        .with_json(data);
    ask(database, &event).0
}

fn lamp(version: u64) -> Value {
    json!({
        "id": "lamp", "title": "Desk Lamp", "brand": "Norrland", "category": "home-office",
        "description": "Warm light.", "tags": ["light"], "currency": "EUR",
        "variants": [{ "sku": "LAMP-1", "label": "", "price_minor": 3900, "weight_g": 900 }],
        "picture": { "kind": "lamp", "color": "#fff", "accent": "#000", "variant": 1 },
        "picture_url": "/api/catalog/pictures/lamp.svg", "version": version,
        "first_stock": { "LAMP-1": 4 }
    })
}

#[test]
fn events_are_found_by_requests() {
    let database = empty();
    assert_eq!(deliver(&database, "product.changed", &lamp(1)), 204);
    let (status, body) = get(&database, "/api/search?q=desk+lam&in_stock=true");
    let hit = json!({
        "product": "lamp", "title": "Desk Lamp", "brand": "Norrland", "category": "home-office",
        "price_minor": 3900, "price_max_minor": 3900, "currency": "EUR", "in_stock": true,
        "picture_url": "/api/catalog/pictures/lamp.svg"
    });
    let expected = json!({
        "hits": [hit], "total": 1, "corrected": null, "next": null,
        "facets": {
            "category": [{ "value": "home-office", "title": "Home office", "count": 1 }],
            "price": [{ "from_minor": 3000, "to_minor": 4999, "count": 1 }],
            "in_stock": { "yes": 1, "no": 0 }
        }
    });
    assert_eq!((status, body), (200, expected));
    let sold_out = json!({ "sku": "LAMP-1", "available": 0 });
    assert_eq!(deliver(&database, "stock.changed", &sold_out), 204);
    let (_, body) = get(&database, "/api/search?q=lamp");
    assert_eq!(body["hits"][0]["in_stock"], json!(false));
    let removed = json!({ "id": "lamp" });
    assert_eq!(deliver(&database, "product.removed", &removed), 204);
    assert_eq!(get(&database, "/api/search?q=lamp").1["total"], json!(0));
}

#[test]
fn an_event_of_another_shape_is_refused_and_names_what_is_wrong() {
    let database = empty();
    assert_eq!(deliver(&database, "product.changed", &json!({})), 400);
    let event = Request::new("POST", "/events/stock.changed")
        .with_header("ce-id", "7")
        .with_header("ce-type", "stock.changed")
        .with_json(&json!({ "sku": "A", "available": -1 }));
    let (status, body) = ask(&database, &event);
    let detail = body["detail"].as_str().unwrap();
    assert!(
        status == 400 && detail.contains("`stock.changed` 7"),
        "{detail}"
    );
}

#[test]
fn members_that_a_form_leaves_empty_are_absent() {
    let database = empty();
    fill(&*database, &goods());
    let path = "/api/search?q=&category=&in_stock=&after=";
    assert_eq!(get(&database, path), get(&database, "/api/search"));
    assert_eq!(get(&database, path).1["total"], json!(6));
}

#[test]
fn pages_are_asked_for_with_what_the_last_one_gave() {
    let database = empty();
    fill(&*database, &goods());
    let (_, first) = get(&database, "/api/search?sort=title&limit=4");
    let next = first["next"].as_str().unwrap();
    let path = format!("/api/search?sort=title&limit=4&after={next}");
    let (_, second) = get(&database, &path);
    let count = |page: &Value| page["hits"].as_array().unwrap().len();
    assert_eq!(
        (count(&first), count(&second), &second["next"]),
        (4, 2, &Value::Null)
    );
}

#[test]
fn what_is_asked_for_wrongly_is_named() {
    let database = empty();
    for (query, field) in [
        ("after=zz", "after"),
        ("after=5b", "after"),
        ("sort=best", "sort"),
        ("limit=0", "limit"),
        ("price_min=cheap", "price_min"),
        ("in_stock=maybe", "in_stock"),
        ("q=%00", "q"),
    ] {
        let (status, body) = get(&database, &format!("/api/search?{query}"));
        let named = &body["errors"][0]["field"];
        assert_eq!((status, named), (422, &json!(field)), "{query}");
    }
}

#[test]
fn suggestions_are_given() {
    let database = empty();
    fill(&*database, &goods());
    let expected = json!({ "suggestions": ["laptop", "lamp"] });
    assert_eq!(get(&database, "/api/search/suggest?q=la"), (200, expected));
    let nothing = json!({ "suggestions": [] });
    assert_eq!(get(&database, "/api/search/suggest"), (200, nothing));
}

#[test]
fn staff_empty_the_index_and_events_fill_it_again() {
    let database = empty();
    deliver(&database, "product.changed", &lamp(1));
    let rebuild = |token: &str| {
        let request = Request::new("POST", "/api/search/rebuild");
        let request = request.with_header("authorization", &format!("Bearer {token}"));
        ask(&database, &request).0
    };
    assert_eq!(rebuild("customer:u-1"), 403);
    assert_eq!(get(&database, "/api/search").1["total"], json!(1));
    assert_eq!(rebuild("staff:u-2"), 204);
    assert_eq!(get(&database, "/api/search").1["total"], json!(0));
    deliver(&database, "product.changed", &lamp(1));
    assert_eq!(get(&database, "/api/search").1["total"], json!(1));
}

/// A database that is not there.
struct Refused(DatabaseError);

impl Database for Refused {
    fn run(&self, _: &str, _: &[crate::database::Value]) -> Result<Vec<Row>, DatabaseError> {
        Err(self.0.clone())
    }
}

#[test]
fn a_database_that_fails_is_told_without_its_words() {
    for (error, status) in [
        (DatabaseError::Refused("access denied".to_owned()), 500),
        (DatabaseError::Full, 503),
        (DatabaseError::Failed("locked".to_owned()), 503),
    ] {
        let service = Search::new(
            Box::new(TestHost::default()),
            Box::new(TestIdentity),
            Box::new(Refused(error)),
        );
        let answer = answer(&service, &Request::new("GET", "/api/search?q=lamp"));
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, status);
        assert!(
            !text.contains("locked") && !text.contains("denied"),
            "{text}"
        );
        assert!(answer.log.is_some());
    }
}
