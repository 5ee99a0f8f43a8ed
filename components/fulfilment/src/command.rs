//! What follows from a step, as events. Their ids follow from what they say, so that a step that is
//! made again publishes nothing twice.

use kit::event::Event;
use kit::time::rfc_3339;
use serde_json::json;

use crate::saga::{Command, Saga};

/// The event of a command of this saga.
pub fn event(command: &Command, saga: &Saga, now_ms: u64) -> Event {
    let order = &saga.order;
    let (id, checkout, lines) = (&order.id, &order.checkout, &order.lines);
    let event = match command {
        Command::RequestCapture => {
            let data = json!({ "order": id, "checkout": checkout });
            Event::new("payment.capture-requested", id, data)
        }
        Command::RequestPick => {
            let data = json!({ "order": id, "checkout": checkout, "lines": lines });
            Event::new("stock.pick-requested", id, data)
        }
        Command::RequestShipment => {
            let data = json!({
                "order": id, "address": order.address, "service": order.service,
                "weight_g": order.weight_g
            });
            Event::new("shipment.requested", id, data)
        }
        Command::RequestStockReturn { round } => {
            let data = json!({ "order": id, "checkout": checkout, "lines": lines });
            Event::new("stock.return-requested", format!("{id}.{round}"), data)
        }
        Command::RequestPaymentReturn { round } => {
            let data = json!({ "order": id, "checkout": checkout });
            Event::new("payment.return-requested", format!("{id}.{round}"), data)
        }
        Command::Tell { state, text } => {
            let status = state.name();
            let data = json!({
                "order": id, "user": order.user, "status": status, "text": text,
                "tracking": saga.tracking, "reason": saga.reason, "at": rfc_3339(now_ms)
            });
            Event::new("order.changed", format!("{id}.{status}"), data)
        }
        Command::Wake { due_ms } => {
            let data = json!({ "order": id, "state": saga.state.name(), "due_ms": due_ms });
            let event = Event::new("fulfilment.deadline", format!("{id}.{due_ms}"), data);
            event.not_before(*due_ms)
        }
    };
    event.keyed(id)
}
