//! The HTTP interface of the service.

use kit::api::{Access, Api, Call, Parameter, Route, Schedule, Service};
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::events::SUBSCRIPTIONS;
use crate::item::{Item, ON_HAND_MAX, PLACES_MAX, PlaceError};
use crate::stock::{FitError, LINES_MAX, Stock, is_sku};

/// The service in its surroundings.
pub struct Warehouse {
    host: Box<dyn Host>,
    identity: Box<dyn Identity>,
}

#[derive(Deserialize)]
struct Count {
    place: String,
    on_hand: u32,
}

#[derive(Deserialize)]
struct Delivered {
    place: String,
    quantity: u32,
}

impl Warehouse {
    pub fn new(host: Box<dyn Host>, identity: Box<dyn Identity>) -> Warehouse {
        Warehouse { host, identity }
    }

    /// What lies here.
    pub fn stock(&self) -> Stock<'_> {
        Stock::new(&*self.host)
    }

    fn get_levels(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let skus = call.query("skus").unwrap_or_default().split(',');
        let skus: Vec<String> = skus
            .filter(|sku| is_sku(sku))
            .map(str::to_owned)
            .take(LINES_MAX + 1)
            .collect();
        if skus.is_empty() || skus.len() > LINES_MAX {
            let detail = format!("must have 1 to {LINES_MAX} SKUs with commas between them");
            return Err(Problem::field("skus", detail));
        }
        let levels = self.stock().levels(&skus)?;
        Ok(Answer::json(200, &json!({ "levels": levels })))
    }

    fn list_items(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let limit = usize::try_from(call.query_number("limit").unwrap_or(20));
        let limit = limit.unwrap_or(LINES_MAX);
        let page = self.stock().page(call.query("after"), limit)?;
        let items = page.items.iter().map(|(sku, item)| view(sku, item));
        let items: Vec<Value> = items.collect();
        let body = json!({ "items": items, "next": page.next });
        Ok(Answer::json(200, &body))
    }

    fn get_item(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let sku = call.path_value("sku");
        let item = match is_sku(sku) {
            true => self.stock().item(sku)?,
            false => None,
        };
        let item = item.ok_or_else(|| Problem::not_found("There is no such SKU."))?;
        Ok(Answer::json(200, &view(sku, &item)))
    }

    fn count_item(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let Count { place, on_hand } = call.body()?;
        fit(call, "on_hand", |sku| {
            self.stock().count(sku, &place, on_hand)
        })
    }

    fn receive_item(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let Delivered { place, quantity } = call.body()?;
        fit(call, "quantity", |sku| {
            self.stock().receive(sku, &place, quantity)
        })
    }

    fn list_suggestions(&self, _: &Call<'_>) -> Result<Answer, Problem> {
        let found = self.stock().suggestions()?;
        let suggestions = found.iter().map(|(sku, item)| {
            json!({
                "sku": sku,
                "available": item.available(),
                "sold": item.sold(),
                "suggested": item.suggested(),
            })
        });
        let suggestions: Vec<Value> = suggestions.collect();
        Ok(Answer::json(200, &json!({ "suggestions": suggestions })))
    }
}

/// Puts something in a place, and shows the item.
fn fit(
    call: &Call<'_>,
    field: &str,
    put: impl Fn(&str) -> Result<Item, FitError>,
) -> Result<Answer, Problem> {
    let sku = call.path_value("sku");
    if !is_sku(sku) {
        let detail = "takes 1 to 64 letters, digits, dashes, dots and underscores";
        return Err(Problem::field("sku", detail));
    }
    let item = put(sku).map_err(|error| match error {
        FitError::Store(error) => error.into(),
        FitError::Place(PlaceError::TooManyPlaces) => {
            Problem::field("place", format!("is a new one; there are {PLACES_MAX}"))
        }
        FitError::Place(PlaceError::TooMuch) => {
            let detail = format!("makes more than {ON_HAND_MAX} in one place");
            Problem::field(field, detail)
        }
    })?;
    Ok(Answer::json(200, &view(sku, &item)))
}

fn view(sku: &str, item: &Item) -> Value {
    let places = item.places().iter();
    let places = places.map(|(place, on_hand)| json!({ "place": place, "on_hand": on_hand }));
    json!({
        "sku": sku,
        "places": places.collect::<Vec<_>>(),
        "held": item.held(),
        "sold": item.sold(),
        "available": item.available(),
        "version": item.version,
    })
}

static API: Api<Warehouse> = Api {
    name: "warehouse",
    title: "Warehouse",
    description: "Stock, and reservations of it",
    routes: &[
        Route {
            method: "GET",
            path: "/api/warehouse/stock",
            access: Access::Public,
            operation: "getLevels",
            summary: "What is available of some SKUs; 0 of what is not known",
            query: &[Parameter {
                name: "skus",
                schema: r#"{"type":"string","minLength":1,"maxLength":6600}"#,
                description: "up to 100 SKUs with commas between them",
            }],
            body: None,
            answer: (200, Some("Levels")),
            handler: Warehouse::get_levels,
        },
        Route {
            method: "GET",
            path: "/api/warehouse/items",
            access: Access::Staff,
            operation: "listItems",
            summary: "All SKUs, in pages",
            query: &[
                Parameter {
                    name: "limit",
                    schema: r#"{"type":"integer","minimum":1,"maximum":100}"#,
                    description: "how many, 20 unless given",
                },
                Parameter {
                    name: "after",
                    schema: r#"{"type":"string","maxLength":64}"#,
                    description: "`next` of the page before",
                },
            ],
            body: None,
            answer: (200, Some("Items")),
            handler: Warehouse::list_items,
        },
        Route {
            method: "GET",
            path: "/api/warehouse/items/{sku}",
            access: Access::Staff,
            operation: "getItem",
            summary: "One SKU",
            query: &[],
            body: None,
            answer: (200, Some("Item")),
            handler: Warehouse::get_item,
        },
        Route {
            method: "PUT",
            path: "/api/warehouse/items/{sku}",
            access: Access::Staff,
            operation: "countItem",
            summary: "Sets what lies in a place, as it was counted",
            query: &[],
            body: Some("Count"),
            answer: (200, Some("Item")),
            handler: Warehouse::count_item,
        },
        Route {
            method: "POST",
            path: "/api/warehouse/items/{sku}/receive",
            access: Access::Staff,
            operation: "receiveItem",
            summary: "Adds goods that came in",
            query: &[],
            body: Some("Delivery"),
            answer: (200, Some("Item")),
            handler: Warehouse::receive_item,
        },
        Route {
            method: "GET",
            path: "/api/warehouse/suggestions",
            access: Access::Staff,
            operation: "listSuggestions",
            summary: "What to restock, the most first: as much as was bought in the last weeks",
            query: &[],
            body: None,
            answer: (200, Some("Suggestions")),
            handler: Warehouse::list_suggestions,
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: SUBSCRIPTIONS,
    schedules: &[Schedule {
        path: "/schedules/expire",
        handler: |service| {
            service.stock().expire()?;
            Ok(service.stock().forget()?)
        },
    }],
};

impl Service for Warehouse {
    fn api() -> &'static Api<Warehouse> {
        &API
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.identity.verify(token)
    }
}
