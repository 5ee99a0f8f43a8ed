//! The provider's HTTP interface. Every request of a shop may come again: what stands under a
//! reference decides, and is written by compare-and-swap.

use kit::api::{Access, Api, Call, Route, Service};
use kit::host::{Host, Outgoing};
use kit::http::{Answer, Request};
use kit::identity::{Caller, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use kit::store::Change;
use kit::time::rfc_3339;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::authorization::{Action, Authorization, Refusal, Status};
use crate::card::{self, Behaviour};
use crate::signature::sign;

/// Longer than any shop waits.
const LATE_MS: u64 = 10_000;
/// How long a webhook may take, which the shop that caused it waits for.
const WEBHOOK_TIMEOUT_MS: u64 = 1000;

/// The provider in its surroundings.
pub struct PaymentProvider {
    host: Box<dyn Host>,
    /// Waits for so many milliseconds.
    pause: fn(u64),
}

#[derive(Deserialize)]
struct Card {
    card_number: String,
    expiry: String,
    cvc: String,
}

#[derive(Deserialize)]
struct Wanted {
    reference: String,
    amount_minor: u64,
    currency: String,
    token: String,
}

impl PaymentProvider {
    pub fn new(host: Box<dyn Host>, pause: fn(u64)) -> PaymentProvider {
        PaymentProvider { host, pause }
    }

    fn make_token(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let card: Card = call.body()?;
        let prefix = card::token_prefix(&card.card_number)
            .map_err(|text| Problem::field("card_number", text))?;
        let today = rfc_3339(self.host.now_ms());
        card::check_expiry(&card.expiry, &today).map_err(|text| Problem::field("expiry", text))?;
        let is_code = card.cvc.bytes().all(|byte| byte.is_ascii_digit());
        if !(3..=4).contains(&card.cvc.len()) || !is_code {
            return Err(Problem::field("cvc", "must have 3 or 4 digits"));
        }
        let id = self.host.new_id("");
        let token = format!("{prefix}{}", id.trim_start_matches('-'));
        Ok(Answer::json(201, &json!({ "token": token })))
    }

    fn authorize(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        self.admit(call.request)?;
        let wanted: Wanted = call.body()?;
        let key = call.request.header("idempotency-key").unwrap_or_default();
        if key.is_empty() {
            let detail = "The header `Idempotency-Key` is missing.";
            return Err(Problem::new(400, "idempotency_key_missing", detail));
        }
        let behaviour =
            card::behaviour(&wanted.token).ok_or_else(|| no("The card is not known."))?;
        let is_same = |known: &Authorization| {
            (known.amount_minor, &known.currency) == (wanted.amount_minor, &wanted.currency)
        };
        let key = Authorization::key(&wanted.reference);
        let known = self
            .host
            .store()
            .update(&key, |current: Option<Authorization>| {
                if let Some(known) = current {
                    return match is_same(&known) {
                        true => Ok(Change::Keep(known)),
                        false => Err(no("The reference belongs to another amount.")),
                    };
                }
                let (amount_minor, currency) = (wanted.amount_minor, &wanted.currency);
                let new = Authorization::new(&wanted.reference, amount_minor, currency, behaviour);
                Ok(Change::Write(new.clone(), new))
            })?;
        if behaviour == Behaviour::Late {
            (self.pause)(LATE_MS);
        }
        match known.status {
            Status::Authorized | Status::Captured => {
                let id = format!("a-{}", known.reference);
                let body = json!({ "authorization": id, "status": "authorized" });
                Ok(Answer::json(201, &body))
            }
            Status::Declined => Err(no("The card was declined.")),
            Status::Voided | Status::Refunded => Err(no("The authorization was given up.")),
        }
    }

    fn act(&self, call: &Call<'_>, action: Action) -> Result<Answer, Problem> {
        self.admit(call.request)?;
        let reference = call.path_value("reference");
        let key = Authorization::key(reference);
        let (status, is_new) =
            self.host
                .store()
                .update(&key, |current: Option<Authorization>| {
                    let mut one = current.ok_or_else(|| refuse(Refusal::Unknown))?;
                    let status = one.after(action).map_err(refuse)?;
                    let is_new = status != one.status;
                    one.status = status;
                    Ok::<_, Problem>(match is_new {
                        true => Change::Write(one, (status, true)),
                        false => Change::Keep((status, false)),
                    })
                })?;
        if is_new {
            self.tell(reference, action);
        }
        Ok(Answer::json(201, &json!({ "status": status.name() })))
    }

    /// Tells the shop, where it wants to be told. What is lost, the shop's own question finds out.
    fn tell(&self, reference: &str, action: Action) {
        let variable = |name: &str| self.host.variable(name).unwrap_or_default();
        let url = variable("webhook_url");
        if url.is_empty() {
            return;
        }
        let event = match action {
            Action::Capture => "capture.succeeded",
            Action::Void => "authorization.voided",
            Action::Refund => "refund.succeeded",
        };
        let now_ms = self.host.now_ms();
        let body = json!({ "event": event, "reference": reference, "at": rfc_3339(now_ms) });
        let body = body.to_string().into_bytes();
        let signature = sign(&variable("payment_webhook_secret"), now_ms / 1000, &body);
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(signature.map(|signature| ("provider-signature", signature)));
        let sent = self.host.send(&Outgoing {
            method: "POST",
            url,
            headers,
            body,
            timeout_ms: WEBHOOK_TIMEOUT_MS,
        });
        match sent {
            Ok(answer) if answer.status < 300 => {}
            Ok(answer) => self
                .host
                .log(&format!("{event} {reference}: {}", answer.status)),
            Err(error) => self.host.log(&format!("{event} {reference}: {}", error.0)),
        }
    }

    /// Where every authorization is now. It is made of all of them, because it is for people, and a
    /// sum that each authorization changed would hold them all up.
    fn show_book(&self, _call: &Call<'_>) -> Result<Answer, Problem> {
        let listed = [
            Status::Authorized,
            Status::Captured,
            Status::Voided,
            Status::Refunded,
        ];
        let mut sums = listed.map(|status| (status, 0_u64, 0_u64));
        let store = self.host.store();
        let mut cursor = None;
        loop {
            let (keys, next) = store.keys(cursor.as_deref())?;
            let found: Vec<Option<Authorization>> = store.get_many_json(&keys)?;
            for one in found.into_iter().flatten() {
                for (status, count, amount_minor) in &mut sums {
                    if *status == one.status {
                        *count += 1;
                        *amount_minor += one.amount_minor;
                    }
                }
            }
            match next {
                Some(_) => cursor = next,
                None => break,
            }
        }
        let entry = |(status, count, amount_minor): (Status, u64, u64)| {
            let sum = json!({ "count": count, "amount_minor": amount_minor });
            (status.name().to_owned(), sum)
        };
        let book: Map<String, Value> = sums.into_iter().map(entry).collect();
        Ok(Answer::json(200, &book))
    }

    /// Lets in only who has the key, in a time that does not tell how much of it is right.
    fn admit(&self, request: &Request) -> Result<(), Problem> {
        let key = self.host.variable("payment_provider_key");
        let key = key.filter(|key| !key.is_empty());
        let missing = || Problem::internal("the variable `payment_provider_key` is not set");
        let key = key.ok_or_else(missing)?;
        let given = request.bearer_token().unwrap_or_default();
        let pairs = key.bytes().zip(given.bytes());
        let difference = pairs.fold(0, |sum, (one, other)| sum | (one ^ other));
        match difference == 0 && key.len() == given.len() {
            true => Ok(()),
            false => Err(Problem::unauthenticated("The key is wrong.")),
        }
    }
}

/// 402, with the reason as shops read it.
fn no(reason: &str) -> Problem {
    Problem::new(402, "refused", reason).with("reason", reason)
}

fn refuse(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Unknown => Problem::not_found("Nothing was authorized under this reference."),
        Refusal::Unpaid => no("The card's bank does not pay."),
        Refusal::Past(status) => {
            let reason = format!("It was {} before.", status.name());
            Problem::new(409, "past", reason.as_str()).with("reason", reason)
        }
    }
}

static API: Api<PaymentProvider> = Api {
    name: "payment-provider",
    title: "Payment provider",
    description: "A simulated payment provider, for the demo",
    routes: &[
        Route {
            method: "POST",
            path: "/payment-provider/tokens",
            access: Access::Public,
            operation: "makeToken",
            summary: "A token in the place of a card; for browsers",
            query: &[],
            body: Some("Card"),
            answer: (201, Some("Token")),
            handler: PaymentProvider::make_token,
        },
        Route {
            method: "POST",
            path: "/payment-provider/authorizations",
            access: Access::Public,
            operation: "authorize",
            summary: "Sets money aside",
            query: &[],
            body: Some("Wanted"),
            answer: (201, Some("Authorization")),
            handler: PaymentProvider::authorize,
        },
        Route {
            method: "POST",
            path: "/payment-provider/authorizations/{reference}/captures",
            access: Access::Public,
            operation: "capture",
            summary: "Takes what was set aside",
            query: &[],
            body: None,
            answer: (201, Some("Done")),
            handler: |service, call| service.act(call, Action::Capture),
        },
        Route {
            method: "POST",
            path: "/payment-provider/authorizations/{reference}/voids",
            access: Access::Public,
            operation: "void",
            summary: "Lets go what was set aside",
            query: &[],
            body: None,
            answer: (201, Some("Done")),
            handler: |service, call| service.act(call, Action::Void),
        },
        Route {
            method: "POST",
            path: "/payment-provider/authorizations/{reference}/refunds",
            access: Access::Public,
            operation: "refund",
            summary: "Gives back what was taken",
            query: &[],
            body: None,
            answer: (201, Some("Done")),
            handler: |service, call| service.act(call, Action::Refund),
        },
        Route {
            method: "GET",
            path: "/payment-provider/book",
            access: Access::Public,
            operation: "showBook",
            summary: "Where every authorization is now",
            query: &[],
            body: None,
            answer: (200, Some("Book")),
            handler: PaymentProvider::show_book,
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: &[],
    schedules: &[],
};

impl Service for PaymentProvider {
    fn api() -> &'static Api<PaymentProvider> {
        &API
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    /// No route asks for a user.
    fn verify(&self, _token: &str) -> Result<Caller, IdentityError> {
        let text = "This service knows no users.";
        Err(IdentityError::Refused(text.to_owned()))
    }
}
