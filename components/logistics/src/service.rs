//! The HTTP interface, the events and the schedule of the service.

use kit::api::{Access, Api, Call, Parameter, Route, Schedule, Service, Subscription};
use kit::event::Delivery;
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::shipment::Shipment;
use crate::shipments::Shipments;
use crate::tariff::{Quote, TariffError, quotes};

/// How long a shipment stays in a stage, unless the variable `stage_seconds` says otherwise.
const STAGE_SECONDS: u64 = 3;

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

impl Logistics {
    pub fn new(host: Box<dyn Host>, identity: Box<dyn Identity>) -> Logistics {
        Logistics { host, identity }
    }

    fn shipments(&self) -> Shipments<'_> {
        Shipments { host: &*self.host }
    }

    fn quote(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let Destination {
            country,
            postcode,
            weight_g,
        } = call.body()?;
        let quotes = quotes(&country, &postcode, weight_g).map_err(|error| match error {
            TariffError::NotServed(detail) => Problem::new(422, "not_served", detail),
            TariffError::Invalid(detail) => Problem::new(422, "invalid", detail),
        })?;
        let quotes: Vec<Value> = quotes.iter().map(Quote::to_json).collect();
        Ok(Answer::json(200, &json!({ "quotes": quotes })))
    }

    fn track(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let shipment = self.shipments().tracked(call.path_value("tracking"))?;
        Ok(Answer::json(200, &shipment.tracking_json()))
    }

    fn list(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let limit = usize::try_from(call.query_number("limit").unwrap_or(20)).unwrap_or(20);
        let after = call.query("after");
        let mut shipments = self.shipments().under_way()?;
        shipments.retain(|one| after.is_none_or(|after| one.id().as_str() > after));
        let has_more = shipments.len() > limit;
        shipments.truncate(limit);
        let next = shipments.last().filter(|_| has_more).map(Shipment::id);
        let shipments: Vec<Value> = shipments.iter().map(Shipment::to_json).collect();
        let body = json!({ "shipments": shipments, "next": next });
        Ok(Answer::json(200, &body))
    }

    fn advance(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let none = || Problem::not_found("There is no such shipment.");
        let id = call.path_value("shipment").strip_prefix("s-");
        let order = format!("o-{}", id.ok_or_else(none)?);
        let shipment = self.shipments().of_order(&order)?.ok_or_else(none)?;
        let shipment = self.shipments().advance(&shipment)?;
        Ok(Answer::json(200, &shipment.to_json()))
    }

    fn requested(&self, delivery: &Delivery) -> Result<(), Problem> {
        self.shipments().begin(delivery.data()?).map(|_| ())
    }

    fn advance_all(&self) -> Result<(), Problem> {
        let seconds = self.host.variable("stage_seconds");
        let seconds = seconds.and_then(|text| text.parse().ok());
        let stage_ms = seconds.unwrap_or(STAGE_SECONDS).saturating_mul(1000);
        self.shipments().advance_all(stage_ms).map(|_| ())
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
            operation: "quote",
            summary: "What shipping costs there, the cheapest way first",
            query: &[],
            body: Some("Destination"),
            answer: (200, Some("Quotes")),
            handler: Logistics::quote,
        },
        Route {
            method: "GET",
            path: "/api/logistics/tracking/{tracking}",
            access: Access::Public,
            operation: "track",
            summary: "Where a parcel is, for whoever knows its tracking id",
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
            summary: "The shipments that are under way",
            query: &[
                Parameter {
                    name: "limit",
                    schema: r#"{"type":"integer","minimum":1,"maximum":100}"#,
                    description: "how many, 20 unless given",
                },
                Parameter {
                    name: "after",
                    schema: r#"{"type":"string","maxLength":100}"#,
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
            handler: Logistics::advance,
        },
    ],
    schemas: include_str!("schemas.json"),
    subscriptions: &[Subscription {
        path: "/events/shipment.requested",
        handler: Logistics::requested,
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

#[cfg(test)]
mod tests;
