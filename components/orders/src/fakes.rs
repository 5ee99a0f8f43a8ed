//! What the tests of this crate share: the other services in memory, and a shop that treats its
//! handlers as atomic ones are treated.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use kit::api::answer;
use kit::event::Event;
use kit::http::Request;
use kit::store::KeyValue;
use kit::testing::{TestHost, TestIdentity};
use serde_json::{Value, json};

use crate::order::Line;
use crate::peers::{
    AuthorizeError, CartLine, Offer, Payment, Peers, Quote, QuoteError, ReserveError, Unavailable,
};
use crate::service::Orders;

/// What goes wrong in another service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    CartDown,
    CatalogDown,
    ShippingDown,
    NotServed,
    WarehouseDown,
    /// It reserves, and its answer is lost.
    ReservationLost,
    OutOfStock,
    PaymentsDown,
    /// They authorize, and their answer is lost.
    AuthorizationLost,
    Declined,
}

/// The other services. Each kind of good costs and weighs the same.
pub struct Fakes {
    pub cart: RefCell<Vec<CartLine>>,
    pub price_minor: Cell<u64>,
    pub unsold: RefCell<Vec<&'static str>>,
    pub fault: Cell<Option<Fault>>,
    /// The ids of all reservations and payments that were ever made.
    pub reserved: RefCell<BTreeSet<String>>,
    pub authorized: RefCell<BTreeSet<String>>,
}

fn down() -> Unavailable {
    Unavailable("it is down".to_owned())
}

impl Peers for &'static Fakes {
    fn lines(&self, _: &str) -> Result<Vec<CartLine>, Unavailable> {
        match self.fault.get() {
            Some(Fault::CartDown) => Err(down()),
            _ => Ok(self.cart.borrow().clone()),
        }
    }

    fn offers(&self, skus: &[String]) -> Result<Vec<Offer>, Unavailable> {
        if self.fault.get() == Some(Fault::CatalogDown) {
            return Err(down());
        }
        let unsold = self.unsold.borrow();
        let sold = skus.iter().filter(|sku| !unsold.contains(&sku.as_str()));
        let offer = |sku: &String| Offer {
            sku: sku.clone(),
            product: sku.to_lowercase(),
            title: format!("The {sku}"),
            label: String::new(),
            price_minor: self.price_minor.get(),
            currency: "EUR".to_owned(),
            weight_g: 500,
        };
        Ok(sold.rev().map(offer).collect())
    }

    fn quotes(&self, country: &str, _: &str, weight_g: u64) -> Result<Vec<Quote>, QuoteError> {
        match self.fault.get() {
            Some(Fault::ShippingDown) => return Err(QuoteError::Unavailable(down())),
            Some(Fault::NotServed) => {
                return Err(QuoteError::NotServed(format!("{country} is far")));
            }
            _ => {}
        }
        let quote = |service: &str, price_minor, days| Quote {
            service: service.to_owned(),
            label: service.to_owned(),
            price_minor,
            currency: "EUR".to_owned(),
            days,
        };
        Ok(vec![
            quote("standard", 100 + weight_g / 100, 3),
            quote("express", 900, 1),
        ])
    }

    fn reserve(&self, reservation: &str, _: &[Line]) -> Result<(), ReserveError> {
        match self.fault.get() {
            Some(Fault::WarehouseDown) => return Err(ReserveError::Unavailable(down())),
            Some(Fault::OutOfStock) => {
                return Err(ReserveError::OutOfStock(vec!["CUP".to_owned()]));
            }
            _ => {}
        }
        self.reserved.borrow_mut().insert(reservation.to_owned());
        match self.fault.get() {
            Some(Fault::ReservationLost) => Err(ReserveError::Unavailable(down())),
            _ => Ok(()),
        }
    }

    fn authorize(&self, payment: &Payment<'_>) -> Result<(), AuthorizeError> {
        match self.fault.get() {
            Some(Fault::PaymentsDown) => return Err(AuthorizeError::Unavailable(down())),
            Some(Fault::Declined) => {
                return Err(AuthorizeError::Declined("no money".to_owned()));
            }
            _ => {}
        }
        self.authorized.borrow_mut().insert(payment.id.to_owned());
        match self.fault.get() {
            Some(Fault::AuthorizationLost) => Err(AuthorizeError::Unavailable(down())),
            _ => Ok(()),
        }
    }
}

/// A shop with two cups and a pot in the cart of everyone.
pub struct Shop {
    pub host: &'static TestHost,
    pub peers: &'static Fakes,
    orders: Orders,
}

/// 2 × 1000 and 1000 for the goods, 100 and 15 for 1500 g.
pub const TOTAL_MINOR: u64 = 3115;

pub fn wish() -> Value {
    json!({
        "address": {
            "name": "Ada", "street": "Main Street 1", "postcode": "10115", "city": "Berlin",
            "country": "DE"
        },
        "shipping": "standard", "payment_token": "tok_ok_1", "expected_total_minor": TOTAL_MINOR
    })
}

/// The statuses with which the manifest lets an atomic handler commit.
fn commits(status: u16) -> bool {
    matches!(status, 200..=299 | 402 | 409 | 422 | 503)
}

impl Shop {
    pub fn open() -> Shop {
        let line = |sku: &str, quantity| CartLine {
            sku: sku.to_owned(),
            quantity,
        };
        // A test's surroundings live as long as the test program; that is short.
        let host: &'static TestHost = Box::leak(Box::default());
        let peers: &'static Fakes = Box::leak(Box::new(Fakes {
            cart: RefCell::new(vec![line("CUP", 2), line("POT", 1)]),
            price_minor: Cell::new(1000),
            unsold: RefCell::default(),
            fault: Cell::new(None),
            reserved: RefCell::default(),
            authorized: RefCell::default(),
        }));
        let orders = Orders::new(Box::new(host), Box::new(TestIdentity), Box::new(peers));
        Shop {
            host,
            peers,
            orders,
        }
    }

    /// What stands in the store.
    pub fn stored(&self) -> Vec<(String, Vec<u8>)> {
        let keys = self.host.memory.all_keys().into_iter();
        keys.map(|key| {
            let value = self.host.memory.get(&key).unwrap().unwrap();
            (key, value)
        })
        .collect()
    }

    /// Answers a request as the host lets an atomic handler answer: what was written and published
    /// is undone unless the status commits.
    pub fn send(&self, request: &Request) -> (u16, Value) {
        self.run(request, commits)
    }

    /// Handles a request and is killed before the commit.
    pub fn crash(&self, request: &Request) {
        self.run(request, |_| false);
    }

    fn run(&self, request: &Request, commits: impl Fn(u16) -> bool) -> (u16, Value) {
        let (before, published) = (self.stored(), self.host.events.borrow().len());
        let answer = answer(&self.orders, request);
        if !commits(answer.status) {
            for key in self.host.memory.all_keys() {
                self.host.memory.delete(&key).unwrap();
            }
            for (key, value) in before {
                self.host.memory.set(&key, &value).unwrap();
            }
            self.host.events.borrow_mut().truncate(published);
        }
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, body)
    }

    /// Ada checks out.
    pub fn check_out(&self, key: &str, wish: &Value) -> (u16, Value) {
        self.send(&checkout(key, wish))
    }

    /// Somebody gets something.
    pub fn get(&self, token: &str, path: &str) -> (u16, Value) {
        self.send(&signed_in("GET", token, path))
    }

    /// The bus delivers an event.
    pub fn deliver(&self, topic: &str, data: &Value) -> u16 {
        let request = Request::new("POST", &format!("/events/{topic}"))
            .with_header("ce-id", "1")
            .with_header("ce-type", topic)
            .with_json(data);
        self.send(&request).0
    }

    /// The topics, ids and data of what was published since the last call.
    pub fn take_events(&self) -> Vec<(&'static str, String, Value)> {
        let events = self.host.take_events().into_iter();
        events
            .map(
                |Event {
                     topic, id, data, ..
                 }| (topic, id, data),
            )
            .collect()
    }
}

pub fn signed_in(method: &str, token: &str, path: &str) -> Request {
    Request::new(method, path).with_header("authorization", &format!("Bearer {token}"))
}

pub fn checkout(key: &str, wish: &Value) -> Request {
    signed_in("POST", "customer:ada", "/api/orders")
        .with_header("idempotency-key", key)
        .with_json(wish)
}
