//! The way of a request through a service, by a small service of notes.

use serde_json::{Value, json};

use super::{Access, Api, Parameter, Route, Schedule, Service, Subscription, answer};
use crate::host::Host;
use crate::http::{Answer, BodyError, Request};
use crate::identity::{Caller, IdentityError, Role};
use crate::openapi;
use crate::schema::Schemas;
use crate::store::KeyValue;
use crate::testing::TestHost;

#[derive(Default)]
struct Notes {
    host: TestHost,
}

static API: Api<Notes> = Api {
    name: "notes",
    title: "Notes",
    description: "Short texts",
    routes: &[
        Route {
            method: "GET",
            path: "/api/notes/{note}",
            access: Access::Owner,
            operation: "getNote",
            summary: "One note",
            query: &[Parameter {
                name: "limit",
                schema: r#"{"type":"integer","minimum":1,"maximum":50}"#,
                description: "how much of it",
            }],
            body: None,
            answer: (200, Some("Note")),
            handler: |_, call| {
                let who = &call.caller()?.user;
                let body = json!({ "note": call.path_value("note"), "who": who });
                Ok(Answer::json(200, &body).with_etag(call.request))
            },
        },
        Route {
            method: "POST",
            path: "/api/notes",
            access: Access::Staff,
            operation: "addNote",
            summary: "Adds a note",
            query: &[],
            body: Some("Note"),
            answer: (201, Some("Note")),
            handler: |_, call| Ok(Answer::json(201, &call.body::<Value>()?)),
        },
    ],
    schemas: Schemas::new(
        r#"{"Note":{"type":"object","required":["note"],"properties":{
        "note":{"type":"string","minLength":1,"maxLength":20}},"additionalProperties":false}}"#,
    ),
    subscriptions: &[Subscription {
        path: "/events/note",
        handler: |service, delivery| {
            let id = delivery.id.as_bytes();
            Ok(service.host.store().set("seen", id)?)
        },
    }],
    schedules: &[Schedule {
        path: "/schedules/clean",
        handler: |service| Ok(service.host.store().delete("seen")?),
    }],
};

impl Service for Notes {
    fn api() -> &'static Api<Notes> {
        &API
    }

    fn host(&self) -> &dyn Host {
        &self.host
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        let role = match token {
            "staff" => Role::Staff,
            "customer" => Role::Customer,
            "later" => return Err(IdentityError::Unavailable("down".to_owned())),
            _ => return Err(IdentityError::Refused("The token is not known.".to_owned())),
        };
        let user = token.to_owned();
        Ok(Caller { user, role })
    }
}

fn ask(request: Request, token: &str) -> (u16, Value) {
    let request = match token {
        "" => request,
        token => request.with_header("authorization", &format!("Bearer {token}")),
    };
    let answer = answer(&Notes::default(), &request);
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, body)
}

#[test]
fn a_route_gets_its_path_and_its_caller() {
    let request = Request::new("GET", "/api/notes/a%20b?limit=3");
    let (status, body) = ask(request, "customer");
    assert_eq!(
        (status, body),
        (200, json!({ "note": "a b", "who": "customer" }))
    );
}

#[test]
fn access_is_asked_for_before_the_body_is_read() {
    let add = || Request::new("POST", "/api/notes").with_json(&json!({}));
    for (token, status) in [("", 401), ("wrong", 401), ("later", 503), ("customer", 403)] {
        assert_eq!(ask(add(), token).0, status, "{token}");
    }
    let (status, body) = ask(add(), "staff");
    assert_eq!(status, 422);
    assert_eq!(
        body["errors"],
        json!([{ "field": "note", "detail": "is missing" }])
    );
    let good = Request::new("POST", "/api/notes").with_json(&json!({ "note": "x" }));
    assert_eq!(ask(good, "staff").0, 201);
}

#[test]
fn what_cannot_be_read_is_named() {
    let add = |body: &[u8]| Request {
        body: Ok(body.to_owned()),
        ..Request::new("POST", "/api/notes")
    };
    assert_eq!(ask(add(b"{"), "staff").0, 400);
    let form = add(b"a=b").with_header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(ask(form, "staff").0, 415);
    let large = Request {
        body: Err(BodyError::TooLarge),
        ..Request::new("POST", "/api/notes")
    };
    assert_eq!(ask(large, "staff").0, 413);
    let (status, body) = ask(Request::new("GET", "/api/notes/a?limit=99"), "staff");
    assert_eq!(
        (status, &body["errors"][0]["field"]),
        (422, &json!("limit"))
    );
    assert_eq!(ask(Request::new("GET", "/api/notes/"), "staff").0, 404);
    assert_eq!(ask(Request::new("GET", "/api/notes/a/b"), "staff").0, 404);
}

#[test]
fn another_method_is_told_which_there_are() {
    let answer = answer(&Notes::default(), &Request::new("DELETE", "/api/notes/a"));
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")));
}

#[test]
fn events_and_schedules_reach_their_handlers() {
    let notes = Notes::default();
    let event = Request::new("POST", "/events/note")
        .with_header("ce-id", "7")
        .with_header("ce-type", "note.added")
        .with_json(&json!({}));
    assert_eq!(answer(&notes, &event).status, 204);
    assert_eq!(notes.host.memory.get("seen").unwrap(), Some(b"7".to_vec()));
    assert_eq!(
        answer(&notes, &Request::new("POST", "/events/note")).status,
        400
    );
    assert_eq!(
        answer(&notes, &Request::new("POST", "/schedules/clean")).status,
        204
    );
    assert_eq!(notes.host.memory.get("seen").unwrap(), None);
    assert_eq!(
        answer(&notes, &Request::new("GET", "/events/note")).status,
        404
    );
}

#[test]
fn the_document_is_made_of_the_same_routes() {
    let (status, body) = ask(Request::new("GET", "/api/notes/openapi.json"), "");
    assert_eq!(status, 200);
    assert_eq!(body, openapi::document(&API));
    let get = &body["paths"]["/api/notes/{note}"]["get"];
    assert_eq!(get["x-kumiki-access"], json!("owner"));
    assert_eq!(get["parameters"][0]["in"], json!("path"));
    assert_eq!(
        body["paths"]["/api/notes"]["post"]["security"],
        json!([{ "bearer": [] }])
    );
}
