//! The HTTP interface, the events and the schedule of the service.

use kit::api::{Access, Api, Call, Parameter, Route, Schedule, Service, Subscription};
use kit::event::Delivery;
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
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
            self.wheel().add(Hand::Handler, &[entry(&shipment)])?;
            self.host.publish(&shipment.event())?;
        }
        Ok(())
    }

    /// The schedule: moves every shipment whose time has come.
    fn advance_all(&self) -> Result<(), Problem> {
        let (now_ms, stage_ms) = (self.host.now_ms(), self.stage_ms()?);
        let due = self.wheel().due(now_ms, MOVES_MAX)?;
        let mut moved = Vec::new();
        for (_, one) in &due {
            let shipment = self.advance_if(&one.shipment, now_ms, stage_ms, |shipment| {
                shipment.due_ms == one.due_ms
            })?;
            moved.extend(shipment.filter(is_moving).as_ref().map(entry));
        }
        self.wheel().add(Hand::Schedule, &moved)?;
        self.wheel().remove(&due)?;
        Ok(())
    }

    /// The staff moves one shipment.
    fn advance_one(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let id = call.path_value("shipment");
        let (now_ms, stage_ms) = (self.host.now_ms(), self.stage_ms()?);
        let shipment = self.advance_if(id, now_ms, stage_ms, |_| true)?;
        let shipment = shipment.ok_or_else(|| {
            let known: Result<Option<Shipment>, _> = self.host.store().get_json(&Shipment::key(id));
            match known {
                Ok(None) => Problem::not_found(NO_SHIPMENT),
                Ok(Some(_)) => Problem::new(409, "delivered", "It was delivered already."),
                Err(error) => error.into(),
            }
        })?;
        if is_moving(&shipment) {
            self.wheel().add(Hand::Handler, &[entry(&shipment)])?;
        }
        Ok(Answer::json(200, &shipment.to_json()))
    }

    /// Moves a shipment one stage further and tells of it, if there is one that may and can move.
    fn advance_if(
        &self,
        id: &str,
        now_ms: u64,
        stage_ms: u64,
        may_move: impl Fn(&Shipment) -> bool,
    ) -> Result<Option<Shipment>, Problem> {
        let store = self.host.store();
        let moved = store.update(&Shipment::key(id), |current: Option<Shipment>| {
            let Some(mut shipment) = current.filter(&may_move) else {
                return Ok::<_, Problem>(Change::Keep(None));
            };
            Ok(match shipment.advance(now_ms, stage_ms) {
                true => Change::Write(shipment.clone(), Some(shipment)),
                false => Change::Keep(None),
            })
        })?;
        if let Some(shipment) = &moved {
            self.host.publish(&shipment.event())?;
        }
        Ok(moved)
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
    schemas: include_str!("schemas.json"),
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
