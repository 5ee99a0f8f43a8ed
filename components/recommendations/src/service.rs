//! The HTTP interface and the events of the service.

use kit::api::{Access, Api, Call, Route, Service, Subscription};
use kit::event::Event;
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use serde::Deserialize;
use serde_json::json;

use crate::{advice, learning};

/// Who looks at the same again so soon has looked at it once.
const VIEW_MS: u64 = 60_000;

/// The service in its surroundings.
pub struct Recommendations {
    host: Box<dyn Host>,
    identity: Box<dyn Identity>,
}

impl Recommendations {
    pub fn new(host: Box<dyn Host>, identity: Box<dyn Identity>) -> Recommendations {
        Recommendations { host, identity }
    }
}

static API: Api<Recommendations> = Api {
    name: "recommendations",
    title: "Recommendations",
    description: "What else a customer may like",
    routes: &[
        Route {
            method: "GET",
            path: "/api/recommendations/products/{product}",
            access: Access::Public,
            operation: "getBoughtTogether",
            summary: "What was bought together with a product; nothing with an unknown one",
            query: &[],
            body: None,
            answer: (200, Some("Products")),
            handler: |service, call| {
                let store = service.host.store();
                let products = advice::bought_together(store, call.path_value("product"))?;
                Ok(Answer::json(200, &json!({ "products": products })))
            },
        },
        Route {
            method: "GET",
            path: "/api/recommendations/for-me",
            access: Access::Anyone,
            operation: "getForMe",
            summary: "What the caller may like, or what sells best",
            query: &[],
            body: None,
            answer: (200, Some("Products")),
            handler: |service, call| {
                let user = call.caller_if_any().map(|caller| caller.user.as_str());
                let products = advice::for_user(service.host.store(), user)?;
                Ok(Answer::json(200, &json!({ "products": products })))
            },
        },
        Route {
            method: "POST",
            path: "/api/recommendations/views",
            access: Access::Anyone,
            operation: "addView",
            summary: "The caller looked at a product",
            query: &[],
            body: Some("View"),
            answer: (202, None),
            handler: add_view,
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: &[
        Subscription {
            path: "/events/order.placed",
            handler: |service, delivery| {
                Ok(learning::learn_order(
                    service.host.store(),
                    &delivery.data()?,
                )?)
            },
        },
        Subscription {
            path: "/events/product.viewed",
            handler: |service, delivery| {
                Ok(learning::learn_view(
                    service.host.store(),
                    &delivery.data()?,
                )?)
            },
        },
    ],
    schedules: &[],
};

#[derive(Deserialize)]
struct NewView {
    product: String,
}

/// Only tells it: what is learned from views is written where nobody waits for it.
fn add_view(service: &Recommendations, call: &Call<'_>) -> Result<Answer, Problem> {
    let NewView { product } = call.body()?;
    let user = call.caller_if_any().map(|caller| caller.user.as_str());
    let id = match user {
        Some(user) => format!("{user}-{product}-{}", service.host.now_ms() / VIEW_MS),
        None => service.host.new_id("view"),
    };
    let data = json!({ "product": product, "user": user });
    let event = Event::new("product.viewed", id, data).keyed(user.unwrap_or(&product));
    service.host.publish(&event)?;
    Ok(Answer::empty(202))
}

impl Service for Recommendations {
    fn api() -> &'static Api<Recommendations> {
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
