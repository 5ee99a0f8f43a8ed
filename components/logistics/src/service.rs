//! The HTTP interface, the events and the schedule of the service.

use kit::api::{Access, Api, Call, Parameter, Route, Schedule, Service, Subscription};
use kit::event::Delivery;
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use kit::store::Change;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::quote::{CURRENCY, Quote, QuoteError, quotes};
use crate::shipment::{Shipment, Stage};
use crate::wheel::{Entry, Hand, Wheel};

/// How long a stage takes unless the variable says it.
const STAGE_SECONDS: u64 = 3;
/// How many shipments one run moves; an atomic handler publishes at most 1000 events.
const MOVES_MAX: usize = 500;
const NO_SHIPMENT: &str = "There is no such shipment.";

/// The service in its surroundings.
pub struct Logistics {
    host: Box<dyn Host>,
    identity: Box<dyn Identity>,
}

#[derive(Deserialize)]
struct Destination {
    country: String,
    postcode: String,
    weight_g: u64,
}

/// The data of `shipment.requested`.
#[derive(Deserialize)]
struct Requested {
    order: String,
    address: Value,
    service: String,
    weight_g: u64,
}

impl Logistics {
    pub fn new(host: Box<dyn Host>, identity: Box<dyn Identity>) -> Logistics {
        Logistics { host, identity }
    }

    fn stage_ms(&self) -> Result<u64, Problem> {
        let Some(text) = self.host.variable("stage_seconds") else {
            return Ok(STAGE_SECONDS * 1000);
        };
        let seconds: u64 = text.parse().map_err(|_| {
            let text = format!("the variable `stage_seconds` is `{text}`: give a number");
            Problem::internal(&text)
        })?;
        Ok(seconds.saturating_mul(1000))
    }

    fn wheel(&self) -> Wheel<'_> {
        Wheel::new(self.host.store())
    }

    /// `shipment.requested`: an order has one shipment, however often it is asked for.
    fn create(&self, delivery: &Delivery) -> Result<(), Problem> {
        let requested: Requested = delivery.data()?;
        let id = Shipment::id_of_order(&requested.order);
        let (now_ms, stage_ms) = (self.host.now_ms(), self.stage_ms()?);
        let new = Shipment {
            tracking: self.host.new_id("t"),
            order: requested.order,
            service: requested.service,
            weight_g: requested.weight_g,
            address: requested.address,
            stage: Stage::Accepted,
            due_ms: now_ms.saturating_add(stage_ms),
            history: vec![(Stage::Accepted, now_ms)],
            id,
        };
        let store = self.host.store();
        let shipment = store.update(&Shipment::key(&new.id), |current: Option<Shipment>| {
            Ok::<_, Problem>(match current {
                Some(known) => Change::Keep(known),
                None => Change::Write(new.clone(), new.clone()),
            })
        })?;
        if shipment.stage == Stage::Accepted {
            // Also when it is known: where nothing is atomic, this may be all that was done.
            store.set_json(&format!("tracking/{}", shipment.tracking), &shipment.id)?;
            self.host.publish(&shipment.event())?;
            self.wheel().add(Hand::Handler, &[entry(&shipment)])?;
        }
        Ok(())
    }

    /// The schedule: moves every shipment whose time has come.
    fn advance_all(&self) -> Result<(), Problem> {
        let due = self.wheel().due(self.host.now_ms(), MOVES_MAX)?;
        let keys: Vec<String> = due
            .iter()
            .map(|(_, one)| Shipment::key(&one.shipment))
            .collect();
        let found: Vec<Option<Shipment>> = self.host.store().get_many_json(&keys)?;
        let found = due.iter().zip(found);
        let found = found.filter_map(|((_, one), shipment)| {
            shipment.filter(|shipment| shipment.due_ms == one.due_ms)
        });
        self.advance(Hand::Schedule, &found.collect::<Vec<_>>())?;
        Ok(self.wheel().remove(&due)?)
    }

    /// The staff moves one shipment.
    fn advance_one(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let key = Shipment::key(call.path_value("shipment"));
        let shipment: Option<Shipment> = self.host.store().get_json(&key)?;
        let shipment = shipment.ok_or_else(|| Problem::not_found(NO_SHIPMENT))?;
        // It may be so new that nobody has been told of it; the same event is stored once.
        self.host.publish(&shipment.event())?;
        let moved = self.advance(Hand::Handler, &[shipment])?;
        let delivered = || Problem::new(409, "delivered", "It was delivered already.");
        let moved = moved.first().ok_or_else(delivered)?;
        Ok(Answer::json(200, &moved.to_json()))
    }

    /// Moves shipments one stage further, those that can, and gives them as they are then.
    ///
    /// A step is told and its successor noted before it is written, so that a run that breaks off
    /// where nothing is atomic is done again: the event is the same, and a note for a step that was
    /// not taken is passed over.
    fn advance(&self, hand: Hand, seen: &[Shipment]) -> Result<Vec<Shipment>, Problem> {
        let (now_ms, stage_ms) = (self.host.now_ms(), self.stage_ms()?);
        let next = seen
            .iter()
            .filter_map(|shipment| shipment.advanced(now_ms, stage_ms));
        let next: Vec<Shipment> = next.collect();
        for shipment in &next {
            self.host.publish(&shipment.event())?;
        }
        let moving = next.iter().filter(|one| is_moving(one)).map(entry);
        self.wheel().add(hand, &moving.collect::<Vec<_>>())?;
        let write = |shipment: Shipment| {
            let key = Shipment::key(&shipment.id);
            self.host.store().update(&key, |now: Option<Shipment>| {
                Ok::<_, Problem>(match now {
                    // Someone else took the same step.
                    Some(now) if now.history.len() >= shipment.history.len() => Change::Keep(now),
                    _ => Change::Write(shipment.clone(), shipment.clone()),
                })
            })
        };
        next.into_iter().map(write).collect()
    }

    fn get_quotes(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let to: Destination = call.body()?;
        let found = quotes(&to.country, &to.postcode, to.weight_g);
        let found = found.map_err(|error| match error {
            QuoteError::NotServed(text) => Problem::new(422, "not_served", text),
            QuoteError::Invalid(text) => Problem::field("", text),
        })?;
        let quote = |quote: &Quote| {
            json!({
                "service": quote.service, "label": quote.label,
                "price_minor": quote.price_minor, "currency": CURRENCY, "days": quote.days
            })
        };
        let quotes: Vec<Value> = found.iter().map(quote).collect();
        Ok(Answer::json(200, &json!({ "quotes": quotes })))
    }

    fn track(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let none = || Problem::not_found(NO_SHIPMENT);
        let store = self.host.store();
        let key = format!("tracking/{}", call.path_value("tracking"));
        let id: String = store.get_json(&key)?.ok_or_else(none)?;
        let shipment: Option<Shipment> = store.get_json(&Shipment::key(&id))?;
        let shipment = shipment.ok_or_else(none)?;
        let answer = Answer::json(200, &shipment.tracking_json());
        Ok(answer.with("cache-control", "private, no-cache"))
    }

    fn list(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let limit = usize::try_from(call.query_number("limit").unwrap_or(20)).unwrap_or(20);
        let after = call.query("after").unwrap_or_default();
        let mut ids = self.wheel().shipments()?;
        ids.retain(|id| id.as_str() > after);
        let next = match ids.len() > limit {
            true => ids.get(limit.saturating_sub(1)).cloned(),
            false => None,
        };
        ids.truncate(limit);
        let keys: Vec<String> = ids.iter().map(|id| Shipment::key(id)).collect();
        let shipments: Vec<Option<Shipment>> = self.host.store().get_many_json(&keys)?;
        let moving = shipments.iter().flatten().filter(|one| is_moving(one));
        let shipments: Vec<Value> = moving.map(Shipment::to_json).collect();
        let body = json!({ "shipments": shipments, "next": next });
        Ok(Answer::json(200, &body))
    }
}

fn is_moving(shipment: &Shipment) -> bool {
    shipment.stage.next().is_some()
}

fn entry(shipment: &Shipment) -> Entry {
    Entry {
        due_ms: shipment.due_ms,
        shipment: shipment.id.clone(),
    }
}

static API: Api<Logistics> = Api {
    name: "logistics",
    title: "Logistics",
    description: "Shipping quotes, shipments and their tracking",
    routes: &[
        Route {
            method: "POST",
            path: "/api/logistics/quotes",
            access: Access::Public,
            operation: "getQuotes",
            summary: "What shipping costs, the cheapest first",
            query: &[],
            body: Some("Destination"),
            answer: (200, Some("Quotes")),
            handler: Logistics::get_quotes,
        },
        Route {
            method: "GET",
            path: "/api/logistics/tracking/{tracking}",
            access: Access::Public,
            operation: "trackShipment",
            summary: "Where a shipment is, for whoever has its tracking id",
            query: &[],
            body: None,
            answer: (200, Some("Tracking")),
            handler: Logistics::track,
        },
        Route {
            method: "GET",
            path: "/api/logistics/shipments",
            access: Access::Staff,
            operation: "listShipments",
            summary: "The shipments that are under way; a page may hold fewer than asked for",
            query: &[
                Parameter {
                    name: "limit",
                    schema: r#"{"type":"integer","minimum":1,"maximum":100}"#,
                    description: "how many, 20 unless given",
                },
                Parameter {
                    name: "after",
                    schema: r#"{"type":"string","maxLength":200}"#,
                    description: "`next` of the page before",
                },
            ],
            body: None,
            answer: (200, Some("Shipments")),
            handler: Logistics::list,
        },
        Route {
            method: "POST",
            path: "/api/logistics/shipments/{shipment}/advance",
            access: Access::Staff,
            operation: "advanceShipment",
            summary: "Moves a shipment one stage further",
            query: &[],
            body: None,
            answer: (200, Some("Shipment")),
            handler: Logistics::advance_one,
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: &[Subscription {
        path: "/events/shipment.requested",
        handler: Logistics::create,
    }],
    schedules: &[Schedule {
        path: "/schedules/advance",
        handler: Logistics::advance_all,
    }],
};

impl Service for Logistics {
    fn api() -> &'static Api<Logistics> {
        &API
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.identity.verify(token)
    }
}
