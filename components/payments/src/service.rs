//! The HTTP interface of the service, and which handler takes which event.

use kit::api::{Access, Api, Call, Parameter, Route, Service, Subscription};
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::payment::{Payment, State};
use crate::settlement::NO_PAYMENT;
use crate::webhook;

/// The service in its surroundings.
pub struct Payments {
    host: Box<dyn Host>,
    identity: Box<dyn Identity>,
}

/// What the provider tells by itself.
#[derive(Deserialize)]
struct ProviderEvent {
    event: String,
    reference: String,
}

impl Payments {
    pub fn new(host: Box<dyn Host>, identity: Box<dyn Identity>) -> Payments {
        Payments { host, identity }
    }

    pub fn surroundings(&self) -> &dyn Host {
        &*self.host
    }

    fn list(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let limit = call.query_number("limit").unwrap_or(20);
        let after = call.query("after").unwrap_or_default();
        let (keys, next) = self.keys(after, usize::try_from(limit).unwrap_or(20))?;
        let payments: Vec<Option<Payment>> = self.host.store().get_many_json(&keys)?;
        let payments = payments.iter().flatten();
        let payments = payments.filter(|payment| payment.state != State::Unknown);
        let payments: Vec<Value> = payments.map(Payment::to_json).collect();
        let body = json!({ "payments": payments, "next": next });
        Ok(Answer::json(200, &body))
    }

    /// Keys of payments. `after` is the store's cursor, and the last key that was shown of the part
    /// that begins there.
    fn keys(&self, after: &str, limit: usize) -> Result<(Vec<String>, Option<String>), Problem> {
        let (cursor, shown) = after.rsplit_once('~').unwrap_or_default();
        let (mut cursor, mut shown) = (cursor.to_owned(), shown.to_owned());
        let mut found = Vec::new();
        loop {
            let from = Some(cursor.as_str()).filter(|cursor| !cursor.is_empty());
            let (mut keys, next) = self.host.store().keys(from)?;
            keys.sort_unstable();
            keys.retain(|key| *key > shown);
            let room = limit.saturating_sub(found.len());
            if let Some(last) = keys.get(room.saturating_sub(1)).cloned()
                && (keys.len() > room || next.is_some())
            {
                keys.truncate(room);
                found.extend(keys);
                return Ok((found, Some(format!("{cursor}~{last}"))));
            }
            found.extend(keys);
            match next {
                None => return Ok((found, None)),
                Some(next) => (cursor, shown) = (next, String::new()),
            }
        }
    }

    fn get(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let payment = self.payment(call.path_value("payment"))?;
        match payment.state {
            State::Unknown => Err(Problem::not_found(NO_PAYMENT)),
            State::Authorized
            | State::Captured
            | State::Voided
            | State::Refunded
            | State::Declined => Ok(Answer::json(200, &payment.to_json())),
        }
    }

    fn take_webhook(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let secret = self.host.variable("payment_webhook_secret");
        let secret = secret.filter(|secret| !secret.is_empty());
        let missing = || Problem::internal("the variable `payment_webhook_secret` is not set");
        let secret = secret.ok_or_else(missing)?;
        let header = call.request.header("provider-signature");
        let body = call.request.body.as_deref().unwrap_or_default();
        webhook::check(
            &secret,
            header.unwrap_or_default(),
            body,
            self.host.now_ms(),
        )
        .map_err(|text| Problem::new(401, "wrong_signature", text))?;
        let ProviderEvent { event, reference } = call.body()?;
        let change: fn(&mut Payment) = match event.as_str() {
            "authorization.voided" => |payment| payment.voided(true),
            "capture.succeeded" => Payment::captured,
            "refund.succeeded" => Payment::refunded,
            // A provider tells more than anyone needs.
            _ => return Ok(Answer::empty(204)),
        };
        let payment = self.change(&reference, change)?;
        if payment.state == State::Captured {
            self.tell_of_capture(&payment)?;
        }
        Ok(Answer::empty(204))
    }
}

static API: Api<Payments> = Api {
    name: "payments",
    title: "Payments",
    description: "Authorizes, captures, voids and refunds",
    routes: &[
        Route {
            method: "GET",
            path: "/api/payments",
            access: Access::Staff,
            operation: "listPayments",
            summary: "The payments, in no order; a page may hold fewer than asked for",
            query: &[
                Parameter {
                    name: "limit",
                    schema: r#"{"type":"integer","minimum":1,"maximum":100}"#,
                    description: "how many, 20 unless given",
                },
                Parameter {
                    name: "after",
                    schema: r#"{"type":"string","maxLength":2100}"#,
                    description: "`next` of the page before",
                },
            ],
            body: None,
            answer: (200, Some("Payments")),
            handler: Payments::list,
        },
        Route {
            method: "POST",
            path: "/api/payments/webhooks/provider",
            access: Access::Public,
            operation: "takeProviderEvent",
            summary: "What the provider tells by itself, signed in `provider-signature`",
            query: &[],
            body: Some("ProviderEvent"),
            answer: (204, None),
            handler: Payments::take_webhook,
        },
        Route {
            method: "GET",
            path: "/api/payments/{payment}",
            access: Access::Staff,
            operation: "getPayment",
            summary: "One payment",
            query: &[],
            body: None,
            answer: (200, Some("Payment")),
            handler: Payments::get,
        },
        Route {
            method: "POST",
            path: "/api/payments/{payment}/refund",
            access: Access::Staff,
            operation: "refundPayment",
            summary: "Gives back what was captured, once",
            query: &[],
            body: None,
            answer: (200, Some("Payment")),
            handler: |service, call| {
                let payment = service.refund(call.path_value("payment"))?;
                Ok(Answer::json(200, &payment.to_json()))
            },
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: &[
        Subscription {
            path: "/events/order.placed",
            handler: Payments::keep,
        },
        Subscription {
            path: "/events/order.abandoned",
            handler: Payments::abandon,
        },
        Subscription {
            path: "/events/payment.capture-requested",
            handler: Payments::capture,
        },
        Subscription {
            path: "/events/payment.return-requested",
            handler: Payments::return_all,
        },
        Subscription {
            path: "/events/payment.expiring",
            handler: Payments::expire,
        },
    ],
    schedules: &[],
};

impl Service for Payments {
    fn api() -> &'static Api<Payments> {
        &API
    }

    fn host(&self) -> &dyn Host {
        self.surroundings()
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.identity.verify(token)
    }
}
