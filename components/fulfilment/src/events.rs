//! The events that the service takes.
//!
//! Each handler is atomic: the saga's new state and what follows from it commit together. The saga
//! of an order is one value, `active/ORDER` while it is under way and `ended/ORDER` afterwards, so
//! that whoever lists what is under way need not read what has ended.

use kit::api::{Service, Subscription};
use kit::event::{Delivery, Event as Published};
use kit::problem::Problem;
use kit::store::Change;
use serde::Deserialize;
use serde_json::Value;

use crate::command;
use crate::saga::{Clock, Command, Event, Line, Order, Saga, Stage, begin, step};
use crate::service::Fulfilment;

/// How far the clocks of bus and service may be apart. A deadline that comes earlier has not
/// waited at all: a stock engine forwards it at once, and has no deadlines.
const EARLY_MS_MAX: u64 = 1000;

/// What the service takes.
pub const SUBSCRIPTIONS: &[Subscription<Fulfilment>] = &[
    Subscription {
        path: "/events/order.placed",
        handler: begin_saga,
    },
    Subscription {
        path: "/events/order.cancel-requested",
        handler: |service, delivery| {
            take(service, delivery, |data| Event::CancelRequested {
                by: data.by,
            })
        },
    },
    Subscription {
        path: "/events/payment.captured",
        handler: |service, delivery| take(service, delivery, |_| Event::Captured),
    },
    Subscription {
        path: "/events/payment.capture-failed",
        handler: |service, delivery| {
            take(service, delivery, |data| Event::CaptureFailed {
                reason: data.reason.unwrap_or_default(),
            })
        },
    },
    Subscription {
        path: "/events/payment.returned",
        handler: |service, delivery| take(service, delivery, |_| Event::PaymentReturned),
    },
    Subscription {
        path: "/events/stock.picked",
        handler: |service, delivery| take(service, delivery, |_| Event::Picked),
    },
    Subscription {
        path: "/events/stock.short",
        handler: |service, delivery| {
            take(service, delivery, |data| Event::Short { skus: data.skus })
        },
    },
    Subscription {
        path: "/events/stock.returned",
        handler: |service, delivery| take(service, delivery, |_| Event::StockReturned),
    },
    Subscription {
        path: "/events/shipment.created",
        handler: |service, delivery| take(service, delivery, |data| data.shipment(Stage::Created)),
    },
    Subscription {
        path: "/events/shipment.moved",
        handler: |service, delivery| {
            take(service, delivery, |mut data| {
                let text = std::mem::take(&mut data.text);
                data.shipment(Stage::Moved(text))
            })
        },
    },
    Subscription {
        path: "/events/shipment.delivered",
        handler: |service, delivery| {
            take(service, delivery, |data| data.shipment(Stage::Delivered))
        },
    },
    Subscription {
        path: "/events/fulfilment.deadline",
        handler: take_deadline,
    },
];

/// Where the saga of an order lies while it is under way.
pub fn active_key(order: &str) -> String {
    format!("active/{order}")
}

/// Where it lies afterwards.
pub fn ended_key(order: &str) -> String {
    format!("ended/{order}")
}

/// What the events of all peers say, as far as it matters.
#[derive(Clone, Deserialize)]
struct Data {
    order: String,
    checkout: Option<String>,
    #[serde(default)]
    by: String,
    reason: Option<String>,
    #[serde(default)]
    skus: Vec<String>,
    tracking: Option<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    due_ms: u64,
}

impl Data {
    fn shipment(self, stage: Stage) -> Event {
        Event::Shipment {
            tracking: self.tracking,
            stage,
        }
    }
}

/// Who asked to cancel an order before it came here.
fn cancel_key(order: &str) -> String {
    format!("cancel/{order}")
}

/// What an order placed is here.
fn order_of(delivery: &Delivery) -> Result<Order, Problem> {
    #[derive(Deserialize)]
    struct PlacedLine {
        sku: String,
        quantity: u32,
        weight_g: u64,
    }
    #[derive(Deserialize)]
    struct Shipping {
        service: String,
    }
    #[derive(Deserialize)]
    struct Placed {
        id: String,
        user: String,
        checkout: String,
        lines: Vec<PlacedLine>,
        address: Value,
        shipping: Shipping,
    }
    let placed: Placed = delivery.data()?;
    let weights = placed
        .lines
        .iter()
        .map(|line| line.weight_g.saturating_mul(u64::from(line.quantity)));
    let weight_g = weights.fold(0, u64::saturating_add);
    let lines = placed.lines.into_iter();
    Ok(Order {
        id: placed.id,
        user: placed.user,
        checkout: placed.checkout,
        lines: lines
            .map(|PlacedLine { sku, quantity, .. }| Line { sku, quantity })
            .collect(),
        address: placed.address,
        service: placed.shipping.service,
        weight_g,
    })
}

fn begin_saga(service: &Fulfilment, delivery: &Delivery) -> Result<(), Problem> {
    let order = order_of(delivery)?;
    let id = order.id.clone();
    let store = service.host().store();
    let keys = [active_key(&id), ended_key(&id), cancel_key(&id)];
    let known = store.get_many(&keys)?;
    let [active, ended, cancel] = known.as_slice() else {
        return Err(Problem::internal(
            "the store gave other values than asked for",
        ));
    };
    if active.is_some() || ended.is_some() {
        return Ok(());
    }
    let clock = service.clock();
    let (mut saga, mut commands) = begin(order, &clock);
    if let Some(by) = cancel {
        let by = String::from_utf8_lossy(by).into_owned();
        let (cancelled, more) = step(saga, Event::CancelRequested { by }, &clock);
        saga = cancelled;
        commands.extend(more);
        store.delete(&cancel_key(&id))?;
    }
    store.set_json(&active_key(&id), &saga)?;
    publish(service, &events(&commands, &saga, &clock))
}

fn take(
    service: &Fulfilment,
    delivery: &Delivery,
    event: fn(Data) -> Event,
) -> Result<(), Problem> {
    let data: Data = delivery.data()?;
    let order = data.order.clone();
    let checkout = data.checkout.clone();
    let event = event(data);
    for key in [active_key(&order), ended_key(&order)] {
        if turn(service, &key, checkout.as_deref(), &event)? {
            return Ok(());
        }
    }
    match event {
        // It has overtaken the order.
        Event::CancelRequested { by } => Ok(service
            .host()
            .store()
            .set(&cancel_key(&order), by.as_bytes())?),
        // Of a checkout that was abandoned, which is not for here.
        Event::Captured
        | Event::CaptureFailed { .. }
        | Event::Picked
        | Event::Short { .. }
        | Event::StockReturned
        | Event::PaymentReturned
        | Event::Shipment { .. }
        | Event::Deadline { .. } => Ok(()),
    }
}

/// Lets the saga under this key take an event. False: there is none.
fn turn(
    service: &Fulfilment,
    key: &str,
    checkout: Option<&str>,
    event: &Event,
) -> Result<bool, Problem> {
    let clock = service.clock();
    let store = service.host().store();
    let turned = store.update(key, |saga: Option<Saga>| {
        let Some(before) = saga else {
            return Ok(Change::Keep(None));
        };
        let is_of_another = checkout.is_some_and(|one| one != before.order.checkout);
        if is_of_another {
            return Ok(Change::Keep(Some((None, Vec::new()))));
        }
        let (after, commands) = step(before.clone(), event.clone(), &clock);
        let events = events(&commands, &after, &clock);
        let ended = (after.state.is_final() && !before.state.is_final()).then(|| after.clone());
        Ok::<_, Problem>(match after == before {
            true => Change::Keep(Some((None, events))),
            false => Change::Write(after, Some((ended, events))),
        })
    })?;
    let Some((ended, events)) = turned else {
        return Ok(false);
    };
    if let Some(saga) = ended {
        store.set_json(&ended_key(&saga.order.id), &saga)?;
        store.delete(key)?;
    }
    // The saga is written first: under a stock engine the answers come before this returns.
    publish(service, &events)?;
    Ok(true)
}

fn take_deadline(service: &Fulfilment, delivery: &Delivery) -> Result<(), Problem> {
    let data: Data = delivery.data()?;
    if service.host().now_ms() + EARLY_MS_MAX < data.due_ms {
        return Ok(());
    }
    take(service, delivery, |data| Event::Deadline {
        due_ms: data.due_ms,
    })
}

fn events(commands: &[Command], saga: &Saga, clock: &Clock) -> Vec<Published> {
    let event = |command| command::event(command, saga, clock.now_ms);
    commands.iter().map(event).collect()
}

fn publish(service: &Fulfilment, events: &[Published]) -> Result<(), Problem> {
    for event in events {
        service.host().publish(event)?;
    }
    Ok(())
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
