//! Payments and the demo's provider, joined by a wire that a test can cut.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use kit::api::answer;
use kit::event::Event;
use kit::host::{Host, Incoming, Outgoing, SendError};
use kit::http::Request;
use kit::store::KeyValue;
use kit::testing::{TestHost, TestIdentity};
use payment_provider::service::PaymentProvider;
use serde_json::{Value, json};

use crate::authorization::{AuthorizeError, EXPIRY_MS};
use crate::payment::Payment;
use crate::provider::Authorization;
use crate::service::Payments;

pub const SECRET: &str = "secret";

/// What becomes of one request to the provider.
#[derive(Clone, Debug)]
pub enum Fault {
    None,
    /// It never arrives.
    LostRequest,
    /// It arrives later, when nobody waits for it any more.
    Held,
    /// It is done, and the answer is lost.
    LostAnswer,
    /// 503.
    Broken,
    /// The checkout of this payment is given up while the provider works.
    AbandonedMeanwhile(String),
}

pub struct World {
    pub host: &'static TestHost,
    pub payments: Payments,
    provider_host: &'static TestHost,
    faults: Rc<RefCell<VecDeque<Fault>>>,
    held: Rc<RefCell<Vec<Outgoing>>>,
    /// What the provider tells by webhooks.
    pub told: Rc<RefCell<Vec<Outgoing>>>,
}

/// A host that lives as long as the test program; that is short.
fn host(variables: &[(&'static str, &str)]) -> &'static TestHost {
    let mut host = TestHost::default();
    for (name, value) in variables {
        host.variables.insert(name, (*value).to_owned());
    }
    Box::leak(Box::new(host))
}

fn payments(host: &'static TestHost) -> Payments {
    Payments::new(Box::new(host), Box::new(TestIdentity))
}

fn deliver(provider_host: &'static TestHost, outgoing: &Outgoing) -> Incoming {
    let path = outgoing.url.strip_prefix("http://provider").unwrap();
    let mut request = Request::new(outgoing.method, path);
    for (name, value) in &outgoing.headers {
        request = request.with_header(name, value);
    }
    request.body = Ok(outgoing.body.clone());
    let provider = PaymentProvider::new(Box::new(provider_host), |_| {});
    let answer = answer(&provider, &request);
    Incoming {
        status: answer.status,
        body: answer.body,
    }
}

impl World {
    pub fn new() -> World {
        let key = ("payment_provider_key", "key");
        let secret = ("payment_webhook_secret", SECRET);
        let url = ("payment_provider_url", "http://provider/payment-provider");
        let host = host(&[key, secret, url]);
        let hook = (
            "webhook_url",
            "http://payments/api/payments/webhooks/provider",
        );
        let provider_host = self::host(&[key, secret, hook]);
        let world = World {
            host,
            payments: payments(host),
            provider_host,
            faults: Rc::default(),
            held: Rc::default(),
            told: Rc::default(),
        };
        let (faults, held) = (Rc::clone(&world.faults), Rc::clone(&world.held));
        *host.server.borrow_mut() = Box::new(move |outgoing| {
            let fault = faults.borrow_mut().pop_front().unwrap_or(Fault::None);
            let lost = || Err(SendError("no answer".to_owned()));
            match fault {
                Fault::None => Ok(deliver(provider_host, outgoing)),
                Fault::LostRequest => lost(),
                Fault::Held => {
                    held.borrow_mut().push(outgoing.clone());
                    lost()
                }
                Fault::LostAnswer => {
                    deliver(provider_host, outgoing);
                    lost()
                }
                Fault::Broken => Ok(Incoming {
                    status: 503,
                    body: Vec::new(),
                }),
                Fault::AbandonedMeanwhile(id) => {
                    let data = json!({ "order": format!("o-{id}"), "checkout": id });
                    let request = event_request("order.abandoned", &data);
                    assert_eq!(answer(&payments(host), &request).status, 204);
                    Ok(deliver(provider_host, outgoing))
                }
            }
        });
        let told = Rc::clone(&world.told);
        *provider_host.server.borrow_mut() = Box::new(move |outgoing| {
            told.borrow_mut().push(outgoing.clone());
            let body = Vec::new();
            Ok(Incoming { status: 204, body })
        });
        provider_host.now_ms.set(host.now_ms.get());
        world
    }

    /// The next request that has no fault yet meets this one.
    pub fn fail(&self, fault: Fault) {
        self.faults.borrow_mut().push_back(fault);
    }

    pub fn forget_faults(&self) {
        self.faults.borrow_mut().clear();
    }

    /// The requests that were held arrive.
    pub fn deliver_held(&self) {
        for outgoing in self.held.take() {
            deliver(self.provider_host, &outgoing);
        }
    }

    pub fn set_time(&self, now_ms: u64) {
        self.host.now_ms.set(now_ms);
        self.provider_host.now_ms.set(now_ms);
    }

    pub fn authorize(&self, id: &str, token: &str) -> Result<(), AuthorizeError> {
        self.authorize_amount(id, 500, token)
    }

    pub fn authorize_amount(
        &self,
        id: &str,
        amount_minor: u64,
        token: &str,
    ) -> Result<(), AuthorizeError> {
        self.payments.authorize(&Authorization {
            reference: id.to_owned(),
            amount_minor,
            currency: "EUR".to_owned(),
            token: token.to_owned(),
        })
    }

    pub fn ask(&self, request: &Request) -> (u16, Value) {
        let answer = answer(&self.payments, request);
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, body)
    }

    pub fn staff(&self, method: &str, path: &str) -> (u16, Value) {
        let request = Request::new(method, path);
        self.ask(&request.with_header("authorization", "Bearer staff:anna"))
    }

    pub fn deliver_data(&self, topic: &str, data: &Value) -> u16 {
        self.ask(&event_request(topic, data)).0
    }

    pub fn deliver(&self, event: &Event) -> u16 {
        self.deliver_data(event.topic, &event.data)
    }

    pub fn placed(&self, id: &str) -> u16 {
        let order = json!({ "id": format!("o-{id}"), "checkout": id, "status": "placed" });
        self.deliver_data("order.placed", &order)
    }

    pub fn asked(&self, topic: &str, id: &str) -> u16 {
        let data = json!({ "order": format!("o-{id}"), "checkout": id });
        self.deliver_data(topic, &data)
    }

    /// `order.abandoned`, or `payment.expiring` at its time.
    pub fn end(&self, topic: &str, id: &str) -> u16 {
        if topic == "order.abandoned" {
            return self.asked(topic, id);
        }
        let due_ms = self.host.now_ms.get() + EXPIRY_MS;
        self.set_time(due_ms);
        self.deliver_data(topic, &json!({ "checkout": id, "due_ms": due_ms }))
    }

    pub fn webhook(&self, told: &Outgoing) -> u16 {
        let path = told.url.strip_prefix("http://payments").unwrap();
        let mut request = Request::new("POST", path);
        for (name, value) in &told.headers {
            request = request.with_header(name, value);
        }
        request.body = Ok(told.body.clone());
        self.ask(&request).0
    }

    pub fn take_events(&self) -> Vec<Event> {
        self.host.take_events()
    }

    /// What is known of a payment.
    pub fn known(&self, id: &str) -> Option<Payment> {
        self.host.store().get_json(&Payment::key(id)).unwrap()
    }

    /// What the provider's book says of it.
    pub fn booked(&self, id: &str) -> Option<String> {
        let value = self
            .provider_host
            .memory
            .get(&format!("authorization/{id}"));
        let value: Value = serde_json::from_slice(&value.unwrap()?).unwrap();
        Some(value["status"].as_str().unwrap().to_owned())
    }
}

fn event_request(topic: &str, data: &Value) -> Request {
    Request::new("POST", &format!("/events/{topic}"))
        .with_header("ce-id", "any")
        .with_header("ce-type", topic)
        .with_json(data)
}
