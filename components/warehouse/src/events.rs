//! The events that the service takes. Each may come again, and none waits for another: what a
//! handler does is done once however often it runs, and it is told after it is written.

use std::collections::BTreeMap;

use kit::api::{Service, Subscription};
use kit::event::{Delivery, Event};
use kit::problem::Problem;
use serde::Deserialize;
use serde_json::json;

use crate::service::Warehouse;
use crate::stock::picking::PickOutcome;
use crate::stock::{Line, is_sku, merge};

/// What the service takes.
pub const SUBSCRIPTIONS: &[Subscription<Warehouse>] = &[
    Subscription {
        path: "/events/product.changed",
        handler: begin,
    },
    Subscription {
        path: "/events/order.placed",
        handler: confirm,
    },
    Subscription {
        path: "/events/order.abandoned",
        handler: abandon,
    },
    Subscription {
        path: "/events/stock.pick-requested",
        handler: pick,
    },
    Subscription {
        path: "/events/stock.return-requested",
        handler: give_back,
    },
];

#[derive(Deserialize)]
struct ChangedProduct {
    #[serde(default)]
    first_stock: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
struct Checkout {
    checkout: String,
}

#[derive(Deserialize)]
struct PlacedOrder {
    checkout: String,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Request {
    order: String,
    checkout: String,
    lines: Vec<Line>,
}

fn quantities(lines: &[Line]) -> Result<BTreeMap<String, u32>, Problem> {
    merge(lines).map_err(|error| Problem::malformed(error.0))
}

fn begin(service: &Warehouse, delivery: &Delivery) -> Result<(), Problem> {
    let ChangedProduct { first_stock } = delivery.data()?;
    match first_stock.keys().find(|sku| !is_sku(sku)) {
        Some(sku) => Err(Problem::malformed(format!("{sku:?} is no SKU"))),
        None => Ok(service.stock().begin(&first_stock)?),
    }
}

fn confirm(service: &Warehouse, delivery: &Delivery) -> Result<(), Problem> {
    let PlacedOrder { checkout, lines } = delivery.data()?;
    Ok(service.stock().confirm(&checkout, &quantities(&lines)?)?)
}

fn abandon(service: &Warehouse, delivery: &Delivery) -> Result<(), Problem> {
    let Checkout { checkout } = delivery.data()?;
    Ok(service.stock().abandon(&checkout)?)
}

fn pick(service: &Warehouse, delivery: &Delivery) -> Result<(), Problem> {
    let request: Request = delivery.data()?;
    let lines = quantities(&request.lines)?;
    let (topic, skus) = match service.stock().pick(&request.checkout, &lines)? {
        PickOutcome::Picked => ("stock.picked", lines.into_keys().collect()),
        PickOutcome::Short(skus) => ("stock.short", skus),
        // Who gave it back does not wait for it.
        PickOutcome::Returned => return Ok(()),
    };
    answer(service, delivery, topic, &request, &skus)
}

fn give_back(service: &Warehouse, delivery: &Delivery) -> Result<(), Problem> {
    let request: Request = delivery.data()?;
    let lines = quantities(&request.lines)?;
    service.stock().give_back(&request.checkout, &lines)?;
    let skus: Vec<String> = lines.into_keys().collect();
    answer(service, delivery, "stock.returned", &request, &skus)
}

/// One answer to each request: under the id of the request, so that a request that is handled again
/// is answered once, and one that is made again is answered again.
fn answer(
    service: &Warehouse,
    delivery: &Delivery,
    topic: &'static str,
    request: &Request,
    skus: &[String],
) -> Result<(), Problem> {
    let (order, checkout) = (&request.order, &request.checkout);
    let data = json!({ "order": order, "checkout": checkout, "skus": skus });
    let event = Event::new(topic, delivery.id.clone(), data).keyed(order);
    Ok(service.host().publish(&event)?)
}
