//! The service in its surroundings, and its HTTP interface.

use kit::api::{Access, Api, Call, Parameter, Route, Service};
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use serde_json::{Value, json};

use crate::events::{SUBSCRIPTIONS, active_key, ended_key};
use crate::saga::{Clock, Saga};

/// On a page, unless asked for more.
const SAGAS: u64 = 20;
/// How many parts of all keys one request looks through.
const KEY_PARTS_MAX: usize = 16;

/// The service in its surroundings.
pub struct Fulfilment {
    host: Box<dyn Host>,
    identity: Box<dyn Identity>,
}

impl Fulfilment {
    pub fn new(host: Box<dyn Host>, identity: Box<dyn Identity>) -> Fulfilment {
        Fulfilment { host, identity }
    }

    /// The variable `deadline_seconds` shortens all deadlines, for tests.
    pub fn clock(&self) -> Clock {
        let seconds = self.host.variable("deadline_seconds");
        let seconds = seconds.and_then(|text| text.trim().parse::<u64>().ok());
        Clock {
            now_ms: self.host.now_ms(),
            patience_ms: seconds.map(|seconds| seconds.saturating_mul(1000)),
        }
    }
}

static API: Api<Fulfilment> = Api {
    name: "fulfilment",
    title: "Fulfilment",
    description: "Order processing: from placed to delivered, or undone",
    routes: &[
        Route {
            method: "GET",
            path: "/api/fulfilment",
            access: Access::Staff,
            operation: "listSagas",
            summary: "The orders that are under way, in any order. A page may hold fewer than \
                asked for and still not be the last",
            query: &[
                Parameter {
                    name: "limit",
                    schema: r#"{"type":"integer","minimum":1,"maximum":100}"#,
                    description: "how many; 20 unless given",
                },
                Parameter {
                    name: "after",
                    schema: r#"{"type":"string"}"#,
                    description: "the `next` of the page before",
                },
            ],
            body: None,
            answer: (200, Some("Sagas")),
            handler: list_sagas,
        },
        Route {
            method: "GET",
            path: "/api/fulfilment/{order}",
            access: Access::Staff,
            operation: "getSaga",
            summary: "Where an order stands, and what it waits for",
            query: &[],
            body: None,
            answer: (200, Some("Saga")),
            handler: get_saga,
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: SUBSCRIPTIONS,
    schedules: &[],
};

impl Service for Fulfilment {
    fn api() -> &'static Api<Fulfilment> {
        &API
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.identity.verify(token)
    }
}

fn shown(saga: &Saga) -> Value {
    json!({
        "order": saga.order.id,
        "state": saga.state.name(),
        "waiting_for": saga.state.waits_for(),
        "steps": saga.steps,
    })
}

fn get_saga(service: &Fulfilment, call: &Call<'_>) -> Result<Answer, Problem> {
    let order = call.path_value("order");
    let keys = [active_key(order), ended_key(order)];
    let sagas = service.host.store().get_many_json::<Saga>(&keys)?;
    let saga = sagas.into_iter().flatten().next();
    let none = || Problem::not_found(format!("There is no order `{order}`."));
    Ok(Answer::json(200, &shown(&saga.ok_or_else(none)?)))
}

fn list_sagas(service: &Fulfilment, call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.query_number("limit").unwrap_or(SAGAS) as usize;
    let mut place = Place::read(call.query("after"))?;
    let store = service.host.store();
    let mut found = Vec::new();
    let mut parts = 0;
    let next = loop {
        let (keys, cursor) = store.keys(place.cursor.as_deref())?;
        let active = keys.into_iter().filter(|key| key.starts_with("active/"));
        let mut active = active.skip(place.skipped);
        let room = limit - found.len();
        let taken: Vec<String> = active.by_ref().take(room).collect();
        place.skipped += taken.len();
        found.extend(taken);
        if active.next().is_some() {
            break Some(place.to_string());
        }
        let Some(cursor) = cursor else { break None };
        place = Place {
            skipped: 0,
            cursor: Some(cursor),
        };
        parts += 1;
        if found.len() >= limit || parts >= KEY_PARTS_MAX {
            break Some(place.to_string());
        }
    };
    let sagas = store.get_many_json::<Saga>(&found)?;
    let sagas: Vec<Value> = sagas.iter().flatten().map(shown).collect();
    Ok(Answer::json(200, &json!({ "sagas": sagas, "next": next })))
}

/// Where a page ends: the part of the keys that begins at a cursor, and how many of its orders are
/// on earlier pages.
#[derive(Default)]
struct Place {
    skipped: usize,
    cursor: Option<String>,
}

impl Place {
    fn read(after: Option<&str>) -> Result<Place, Problem> {
        let Some(after) = after else {
            return Ok(Place::default());
        };
        let wrong = || Problem::field("after", "must be the `next` of another page");
        let (skipped, cursor) = after.split_once('.').ok_or_else(wrong)?;
        Ok(Place {
            skipped: skipped.parse().map_err(|_| wrong())?,
            cursor: Some(cursor.to_owned()).filter(|cursor| !cursor.is_empty()),
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{}.{}",
            self.skipped,
            self.cursor.as_deref().unwrap_or_default()
        )
    }
}
