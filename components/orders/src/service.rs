//! The HTTP interface and the events of the service.

use kit::api::{Access, Api, Call, Parameter, Route, Service, Subscription};
use kit::event::{Delivery, Event};
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use kit::store::Change;
use serde::Deserialize;
use serde_json::json;

use crate::basket::{Basket, unavailable};
use crate::checkout::{Checkout, Outcome, half_done, list_of, order_key};
use crate::list;
use crate::order::{Address, News, Order};
use crate::peers::Peers;

/// The list of all orders, for staff.
const ALL: &str = "all-orders";
const PAGE_ORDERS: u64 = 20;
const KEY_CHARACTERS_MAX: usize = 100;

/// The service in its surroundings.
pub struct Orders {
    host: Box<dyn Host>,
    identity: Box<dyn Identity>,
    peers: Box<dyn Peers>,
}

impl Orders {
    pub fn new(host: Box<dyn Host>, identity: Box<dyn Identity>, peers: Box<dyn Peers>) -> Orders {
        Orders {
            host,
            identity,
            peers,
        }
    }
}

const PAGE: &[Parameter] = &[
    Parameter {
        name: "limit",
        schema: r#"{"type":"integer","minimum":1,"maximum":100}"#,
        description: "how many orders; 20 unless given",
    },
    Parameter {
        name: "after",
        schema: r#"{"type":"integer","minimum":1}"#,
        description: "the `next` of the page before",
    },
];

static API: Api<Orders> = Api {
    name: "orders",
    title: "Orders",
    description: "Order taking: checkout and orders",
    routes: &[
        Route {
            method: "POST",
            path: "/api/orders",
            access: Access::User,
            operation: "placeOrder",
            summary: "Orders what lies in the cart. The header `Idempotency-Key` (1 to 100 \
                characters) makes it safe to send again: the same key is the same order",
            query: &[],
            body: Some("Checkout"),
            answer: (201, Some("Order")),
            handler: place_order,
        },
        Route {
            method: "POST",
            path: "/api/orders/quotes",
            access: Access::User,
            operation: "quoteOrder",
            summary: "What the cart costs, and what shipping it there costs",
            query: &[],
            body: Some("QuoteRequest"),
            answer: (200, Some("Quotes")),
            handler: quote_order,
        },
        Route {
            method: "GET",
            path: "/api/orders",
            access: Access::User,
            operation: "listOrders",
            summary: "One's own orders, the newest first",
            query: PAGE,
            body: None,
            answer: (200, Some("Orders")),
            handler: |service, call| list_orders(service, call, &list_of(&call.caller()?.user)),
        },
        Route {
            method: "GET",
            path: "/api/orders/all",
            access: Access::Staff,
            operation: "listAllOrders",
            summary: "The orders of all customers, the newest first",
            query: PAGE,
            body: None,
            answer: (200, Some("Orders")),
            handler: |service, call| list_orders(service, call, ALL),
        },
        Route {
            method: "GET",
            path: "/api/orders/{order}",
            access: Access::Owner,
            operation: "getOrder",
            summary: "One order",
            query: &[],
            body: None,
            answer: (200, Some("Order")),
            handler: |service, call| {
                let order = find(service, call, |caller| caller.is_staff())?;
                Ok(Answer::json(200, &order).with_etag(call.request))
            },
        },
        Route {
            method: "POST",
            path: "/api/orders/{order}/cancel",
            access: Access::Owner,
            operation: "cancelOrder",
            summary: "Asks for an order to be cancelled, which it is unless it leaves meanwhile",
            query: &[],
            body: None,
            answer: (202, Some("Order")),
            handler: cancel_order,
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: &[
        Subscription {
            path: "/events/order.placed",
            handler: list_placed,
        },
        Subscription {
            path: "/events/order.changed",
            handler: take_news,
        },
    ],
    schedules: &[],
};

impl Service for Orders {
    fn api() -> &'static Api<Orders> {
        &API
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.identity.verify(token)
    }
}

fn place_order(service: &Orders, call: &Call<'_>) -> Result<Answer, Problem> {
    let key = call.request.header("idempotency-key").unwrap_or_default();
    if !(1..=KEY_CHARACTERS_MAX).contains(&key.chars().count()) {
        let detail = "Send a header `Idempotency-Key` of 1 to 100 characters, a new one for each \
            order, and the same one when you send an order again.";
        return Err(Problem::new(400, "idempotency_key_missing", detail));
    }
    let checkout = Checkout {
        host: &*service.host,
        peers: &*service.peers,
        user: &call.caller()?.user,
    };
    Ok(match checkout.place(key, call.body()?)? {
        Outcome::Placed(order) => Answer::json(201, &order),
        Outcome::Known(order) => Answer::json(200, &order),
    })
}

fn quote_order(service: &Orders, call: &Call<'_>) -> Result<Answer, Problem> {
    #[derive(Deserialize)]
    struct QuoteRequest {
        address: Address,
    }
    let QuoteRequest { address } = call.body()?;
    let lines = service.peers.lines(&call.caller()?.user);
    let lines = lines.map_err(|error| unavailable("The cart", error))?;
    let basket = Basket::price(&*service.peers, lines, &address)?;
    Ok(Answer::json(200, &basket))
}

fn list_orders(service: &Orders, call: &Call<'_>, name: &str) -> Result<Answer, Problem> {
    let store = service.host.store();
    let limit = call.query_number("limit").unwrap_or(PAGE_ORDERS);
    let (ids, next) = list::page(store, name, call.query_number("after"), limit as usize)?;
    let keys: Vec<String> = ids.iter().map(|id| order_key(id)).collect();
    let orders = store.get_many_json::<Order>(&keys)?;
    let orders: Vec<Order> = orders.into_iter().flatten().collect();
    let next = next.map(|position| position.to_string());
    Ok(Answer::json(
        200,
        &json!({ "orders": orders, "next": next }),
    ))
}

/// The order of the path, if it is the caller's own or `may` says so.
fn find(
    service: &Orders,
    call: &Call<'_>,
    may: impl Fn(&Caller) -> bool,
) -> Result<Order, Problem> {
    let caller = call.caller()?;
    let id = call.path_value("order");
    let order: Option<Order> = service.host.store().get_json(&order_key(id))?;
    order
        .filter(|order| order.user == caller.user || may(caller))
        .ok_or_else(|| Problem::not_found(format!("There is no order `{id}`.")))
}

fn cancel_order(service: &Orders, call: &Call<'_>) -> Result<Answer, Problem> {
    let order = find(service, call, |_| false)?;
    if !order.status.is_cancellable() {
        let detail = "It is too late to cancel this order.";
        return Err(Problem::new(409, "too_late", detail));
    }
    let data = json!({ "order": order.id, "by": order.user });
    let event = Event::new("order.cancel-requested", &order.id, data).keyed(&order.id);
    service.host.publish(&event)?;
    Ok(Answer::json(202, &order))
}

/// Adds an order to the list of staff. The checkout itself does not, because all checkouts would
/// write to one value: the events come one at a time.
fn list_placed(service: &Orders, delivery: &Delivery) -> Result<(), Problem> {
    #[derive(Deserialize)]
    struct Placed {
        id: String,
    }
    let Placed { id } = delivery.data()?;
    list::append(service.host.store(), ALL, &id).map_err(half_done)
}

fn take_news(service: &Orders, delivery: &Delivery) -> Result<(), Problem> {
    let news: News = delivery.data()?;
    let store = service.host.store();
    let key = order_key(&news.order);
    // An order is stored before its news can come, so one that is missing is a mistake to be seen.
    let missing = || half_done(Problem::not_found(format!("There is no `{}`.", news.order)));
    store
        .update(&key, |order: Option<Order>| {
            let mut order = order.ok_or_else(missing)?;
            Ok::<_, Problem>(match order.take(news.clone()) {
                true => Change::Write(order, ()),
                false => Change::Keep(()),
            })
        })
        .map_err(half_done)
}

#[cfg(test)]
mod tests;
