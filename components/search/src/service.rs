//! The HTTP interface and the events of the service.

use std::cell::Cell;

use kit::api::{Access, Api, Call, Parameter, Route, Service, Subscription};
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use serde_json::json;

use crate::database::{Database, DatabaseError};
use crate::index::Index;
use crate::query::{Cursor, LIMIT, Query, Sort};
use crate::suggestions::suggest;
use crate::tables;

/// The service in its surroundings.
pub struct Search {
    host: Box<dyn Host>,
    identity: Box<dyn Identity>,
    database: Box<dyn Database>,
    /// Whether the tables have been looked at.
    is_prepared: Cell<bool>,
}

impl Search {
    pub fn new(
        host: Box<dyn Host>,
        identity: Box<dyn Identity>,
        database: Box<dyn Database>,
    ) -> Search {
        Search {
            host,
            identity,
            database,
            is_prepared: Cell::new(false),
        }
    }

    fn index(&self) -> Result<Index<'_>, DatabaseError> {
        if !self.is_prepared.get() {
            tables::prepare(&*self.database)?;
            self.is_prepared.set(true);
        }
        Ok(Index::new(&*self.database))
    }
}

static API: Api<Search> = Api {
    name: "search",
    title: "Search",
    description: "Full text search of the catalogue, with facets",
    routes: &[
        Route {
            method: "GET",
            path: "/api/search",
            access: Access::Public,
            operation: "search",
            summary: "The products that have all words of a text, the last as the beginning of one",
            query: &[
                text("q", TEXT, "words; without any, all products"),
                text("category", TEXT, "a category's slug"),
                text(
                    "price_min",
                    PRICE,
                    "of the cheapest variant, in minor units",
                ),
                text("price_max", PRICE, "the same; both bounds are included"),
                text(
                    "in_stock",
                    r#"{"type":"string","enum":["true","false",""]}"#,
                    "only those",
                ),
                text("sort", SORTS, "`relevance` unless given"),
                text(
                    "limit",
                    r#"{"type":"integer","minimum":1,"maximum":100}"#,
                    "20 unless given",
                ),
                text(
                    "after",
                    r#"{"type":"string","maxLength":8000}"#,
                    "the `next` of a page",
                ),
            ],
            body: None,
            answer: (200, Some("Found")),
            handler: |service, call| {
                let query = read(call)?;
                Ok(Answer::json(200, &service.index()?.search(&query)?))
            },
        },
        Route {
            method: "GET",
            path: "/api/search/suggest",
            access: Access::Public,
            operation: "suggest",
            summary: "How the text that someone is typing may go on",
            query: &[text("q", TEXT, "what was typed")],
            body: None,
            answer: (200, Some("Suggestions")),
            handler: |service, call| {
                let suggestions = suggest(&service.index()?, call.query("q").unwrap_or_default())?;
                Ok(Answer::json(200, &json!({ "suggestions": suggestions })))
            },
        },
        Route {
            method: "POST",
            path: "/api/search/rebuild",
            access: Access::Staff,
            operation: "rebuild",
            summary: "Empties the index; the events have to be replayed then",
            query: &[],
            body: None,
            answer: (204, None),
            handler: |service, _| {
                service.index()?.clear()?;
                Ok(Answer::empty(204))
            },
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: &[
        Subscription {
            path: "/events/product.changed",
            handler: |service, delivery| Ok(service.index()?.put(&delivery.data()?)?),
        },
        Subscription {
            path: "/events/product.removed",
            handler: |service, delivery| Ok(service.index()?.remove(&delivery.data()?)?),
        },
        Subscription {
            path: "/events/stock.changed",
            handler: |service, delivery| Ok(service.index()?.set_stock(&delivery.data()?)?),
        },
    ],
    schedules: &[],
};

const TEXT: &str = r#"{"type":"string","maxLength":200}"#;
const PRICE: &str = r#"{"type":"integer","minimum":0}"#;
const SORTS: &str = r#"{"type":"string","enum":["relevance","price","-price","title"]}"#;

const fn text(name: &'static str, schema: &'static str, description: &'static str) -> Parameter {
    Parameter {
        name,
        schema,
        description,
    }
}

/// Reads a search. Members that a form leaves empty are as good as absent.
fn read(call: &Call<'_>) -> Result<Query, Problem> {
    let given = |name| call.query(name).filter(|text| !text.is_empty());
    let after = given("after").map(|text| {
        let wrong = || Problem::field("after", "must be the `next` of a page of this search");
        Cursor::read(text).ok_or_else(wrong)
    });
    Ok(Query {
        category: given("category").map(str::to_owned),
        price_min: call.query_number("price_min"),
        price_max: call.query_number("price_max"),
        in_stock: given("in_stock").map(|text| text == "true"),
        sort: given("sort")
            .and_then(Sort::read)
            .unwrap_or(Sort::Relevance),
        limit: call
            .query_number("limit")
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(LIMIT),
        after: after.transpose()?,
        ..Query::new(call.query("q").unwrap_or_default())
    })
}

impl Service for Search {
    fn api() -> &'static Api<Search> {
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
