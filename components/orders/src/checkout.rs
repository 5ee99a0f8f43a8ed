//! From a cart to an order, or to nothing.
//!
//! A checkout is an atomic handler (docs/EVENTS.md): what it writes and publishes commits together
//! with its answer, or none of it does. It ends in one of three ways:
//!
//! - *refused* before anything was reserved: nothing is written.
//! - *abandoned* after that: the attempt is spent and `order.abandoned` undoes it, whichever step
//!   failed, because a service that gave no answer may have done what it was asked.
//! - *placed*.
//!
//! All ids follow from the user, the `Idempotency-Key` and the number of the attempt, so that what
//! was not committed is repeated with the same ids, which the other services know already.
//!
//! An engine without atomic handlers does the writes one by one. They stand in such an order that
//! a checkout that breaks off in the middle can be sent again: an attempt is marked as spent before
//! it is undone, so that it is never used again, and as placed only after `order.placed` is out.

use kit::event::Event;
use kit::host::Host;
use kit::problem::Problem;
use kit::time::rfc_3339;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::basket::{Basket, out_of_stock, unavailable};
use crate::list;
use crate::order::{Address, Entry, Order, Shipping, Status};
use crate::peers::{AuthorizeError, CartLine, Payment, Peers, Quote, ReserveError, Unavailable};

/// What a customer sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    pub address: Address,
    /// One of the ways of shipping that were offered.
    pub shipping: String,
    pub payment_token: String,
    /// What the customer has seen, so that nobody pays more.
    pub expected_total_minor: u64,
}

/// What came of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Placed(Order),
    /// The same key placed it before.
    Known(Order),
}

/// What is remembered of an `Idempotency-Key` once anything was reserved under it.
#[derive(Serialize, Deserialize)]
struct Record {
    /// Of the body: another one may not use the key.
    fingerprint: String,
    /// How many attempts are spent, which is the number of the next one.
    attempt: u32,
    is_placed: bool,
}

/// Where an order lies in the store.
pub fn order_key(id: &str) -> String {
    format!("order/{id}")
}

/// The list of a user's orders.
pub fn list_of(user: &str) -> String {
    format!("orders-of/{user}")
}

/// Makes a failure in the midst of the writes one with a status that commits nothing.
pub fn half_done(error: impl Into<Problem>) -> Problem {
    let mut problem = error.into();
    problem.status = 500;
    problem
}

/// A user who checks out.
pub struct Checkout<'s> {
    pub host: &'s dyn Host,
    pub peers: &'s dyn Peers,
    pub user: &'s str,
}

/// One attempt: what it is called, and what follows from the request.
struct Attempt {
    /// Of user and key.
    hash: String,
    order: String,
    /// The id of the reservation and of the payment.
    checkout: String,
    record: Record,
}

/// What a key leads to.
enum Begun {
    /// This is to be made.
    Attempt(Attempt),
    /// An earlier one has placed this order.
    Before(Box<Order>),
}

impl Checkout<'_> {
    /// Places an order for what lies in the cart.
    ///
    /// # Errors
    /// When it is refused or abandoned.
    pub fn place(&self, key: &str, wish: Wish) -> Result<Outcome, Problem> {
        // The cart is read before the own store: an order empties the cart, so a cart that this
        // very key has emptied comes with the order in the store.
        let lines = self.peers.lines(self.user);
        let attempt = match self.begin(key, &wish)? {
            Begun::Attempt(attempt) => attempt,
            Begun::Before(order) => return Ok(Outcome::Known(*order)),
        };
        let (basket, quote) = self.price(lines, &wish)?;
        match self.secure(&attempt, &basket, &wish) {
            Ok(()) => self.commit(attempt, basket, quote, wish.address),
            Err(problem) => Err(self.abandon(attempt, problem)),
        }
    }

    fn begin(&self, key: &str, wish: &Wish) -> Result<Begun, Problem> {
        let hash = hash(&[self.user.as_bytes(), key.as_bytes()]);
        let wish = serde_json::to_vec(wish)
            .map_err(|error| Problem::internal(&format!("a checkout is not JSON: {error}")))?;
        let fingerprint = self::hash(&[&wish]);
        let store = self.host.store();
        let order = format!("o-{hash}");
        let record = match store.get_json::<Record>(&record_key(&hash))? {
            Some(record) if record.fingerprint != fingerprint => {
                let detail = "This Idempotency-Key was used for another checkout. Use a new one.";
                return Err(Problem::new(422, "idempotency_key_reused", detail));
            }
            Some(record) if record.is_placed => {
                let placed = store.get_json(&order_key(&order))?;
                let lost = || Problem::internal(&format!("{order} is not in the store"));
                return placed.map(Begun::Before).ok_or_else(lost);
            }
            Some(record) => record,
            None => Record {
                fingerprint,
                attempt: 0,
                is_placed: false,
            },
        };
        Ok(Begun::Attempt(Attempt {
            checkout: format!("{hash}.{}", record.attempt),
            hash,
            order,
            record,
        }))
    }

    /// What the cart costs there, which must be what the customer has seen.
    fn price(
        &self,
        lines: Result<Vec<CartLine>, Unavailable>,
        wish: &Wish,
    ) -> Result<(Basket, Quote), Problem> {
        let lines = lines.map_err(|error| unavailable("The cart", error))?;
        let mut basket = Basket::price(self.peers, lines, &wish.address)?;
        let quote = basket.take_quote(&wish.shipping)?;
        let total_minor = basket.goods_minor.saturating_add(quote.price_minor);
        if quote.currency != basket.currency {
            return Err(Problem::internal("goods and shipping in two currencies"));
        }
        if total_minor != wish.expected_total_minor {
            let detail = "A price has changed. Look at the new total and order again.";
            let problem = Problem::new(409, "price_changed", detail);
            return Err(problem.with("total_minor", total_minor));
        }
        Ok((basket, quote))
    }

    /// Reserves the stock and sets the money aside.
    fn secure(&self, attempt: &Attempt, basket: &Basket, wish: &Wish) -> Result<(), Problem> {
        self.peers
            .reserve(&attempt.checkout, &basket.lines)
            .map_err(|error| match error {
                ReserveError::OutOfStock(skus) => out_of_stock(skus),
                ReserveError::Unavailable(error) => unavailable("The warehouse", error),
            })?;
        let payment = Payment {
            id: &attempt.checkout,
            amount_minor: wish.expected_total_minor,
            currency: &basket.currency,
            token: &wish.payment_token,
        };
        self.peers.authorize(&payment).map_err(|error| match error {
            AuthorizeError::Declined(reason) => {
                let detail = format!("The payment was declined: {reason}");
                Problem::new(402, "payment_declined", detail)
            }
            AuthorizeError::Unavailable(error) => unavailable("The payment service", error),
        })
    }

    fn commit(
        &self,
        attempt: Attempt,
        basket: Basket,
        quote: Quote,
        address: Address,
    ) -> Result<Outcome, Problem> {
        let Attempt {
            hash,
            checkout,
            order: id,
            record,
        } = attempt;
        let placed_at = rfc_3339(self.host.now_ms());
        let order = Order {
            id,
            user: self.user.to_owned(),
            status: Status::Placed,
            placed_at: placed_at.clone(),
            currency: basket.currency,
            lines: basket.lines,
            goods_minor: basket.goods_minor,
            shipping_minor: quote.price_minor,
            total_minor: basket.goods_minor.saturating_add(quote.price_minor),
            address,
            shipping: Shipping {
                service: quote.service,
                label: quote.label,
                days: quote.days,
            },
            checkout,
            tracking: None,
            reason: None,
            history: vec![Entry {
                status: Status::Placed,
                at: placed_at,
                text: "We have your order.".to_owned(),
            }],
        };
        let store = self.host.store();
        store
            .set_json(&order_key(&order.id), &order)
            .map_err(half_done)?;
        list::append(store, &list_of(self.user), &order.id).map_err(half_done)?;
        self.publish("order.placed", &order.id, &order.id, json!(order))?;
        self.remember(
            &hash,
            &Record {
                is_placed: true,
                ..record
            },
        )?;
        Ok(Outcome::Placed(order))
    }

    /// Spends the attempt and has undone what it may have done. The problem is what the customer is
    /// told, with a status that commits: 402, 409 or 503.
    fn abandon(&self, attempt: Attempt, problem: Problem) -> Problem {
        let Attempt {
            hash,
            order,
            checkout,
            record,
        } = attempt;
        let spent = Record {
            attempt: record.attempt + 1,
            ..record
        };
        let data = json!({ "order": order, "checkout": checkout });
        let undone = self
            .remember(&hash, &spent)
            .and_then(|()| self.publish("order.abandoned", &checkout, &order, data));
        undone.err().unwrap_or(problem)
    }

    fn remember(&self, hash: &str, record: &Record) -> Result<(), Problem> {
        let store = self.host.store();
        store.set_json(&record_key(hash), record).map_err(half_done)
    }

    fn publish(
        &self,
        topic: &'static str,
        id: &str,
        order: &str,
        data: Value,
    ) -> Result<(), Problem> {
        let event = Event::new(topic, id, data).keyed(order);
        self.host.publish(&event).map_err(half_done)
    }
}

fn record_key(hash: &str) -> String {
    format!("checkout/{hash}")
}

/// 128 bits of the SHA-256 of the parts, each after its length, in hexadecimal.
fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    let digits = digest
        .iter()
        .take(16)
        .flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

#[cfg(test)]
mod tests;
