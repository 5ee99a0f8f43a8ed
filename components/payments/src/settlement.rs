//! What becomes of money that was set aside: it is kept for an order, taken, or given back. Each
//! handler asks the provider by the payment's id, so that asking again does no harm, and then
//! writes down what was answered. A provider that does not answer fails the handler, and the bus
//! tries again.

use kit::event::{Delivery, Event};
use kit::problem::Problem;
use kit::store::Change;
use serde::Deserialize;
use serde_json::json;

use crate::authorization::{expiring, is_id};
use crate::payment::{GiveBack, Payment, State};
use crate::provider::{Provider, ProviderError};
use crate::service::Payments;

/// An expiry that comes so much later than it should comes after a pause of the whole host, and
/// then the order that it waits for may be late too.
const LATE_MS: u64 = 60_000;
pub const NO_PAYMENT: &str = "There is no such payment.";

/// The data of `order.placed`, as far as it matters here.
#[derive(Deserialize)]
struct Placed {
    id: String,
    checkout: String,
}

/// The data of what is asked for an order.
#[derive(Deserialize)]
struct Asked {
    order: String,
    checkout: String,
}

#[derive(Deserialize)]
struct Expiring {
    checkout: String,
    due_ms: u64,
}

/// What the provider did to give money back.
#[derive(Clone, Copy)]
enum GivenBack {
    Nothing,
    Voided { is_released: bool },
    Refunded,
}

impl GivenBack {
    fn apply(self, payment: &mut Payment) {
        match self {
            GivenBack::Nothing => {}
            GivenBack::Voided { is_released } => payment.voided(is_released),
            GivenBack::Refunded => payment.refunded(),
        }
    }
}

impl Payments {
    /// `order.placed`: the payment does not expire any more.
    pub fn keep(&self, delivery: &Delivery) -> Result<(), Problem> {
        let Placed { id, checkout } = delivery.data()?;
        self.change(&checkout, |payment| {
            payment.is_kept = true;
            payment.order = Some(id.clone());
        })?;
        Ok(())
    }

    /// `payment.capture-requested`: takes the money.
    pub fn capture(&self, delivery: &Delivery) -> Result<(), Problem> {
        let Asked { order, checkout } = delivery.data()?;
        let current = self.payment(&checkout)?;
        // What was refused once stays so: the order is being cancelled by now.
        let is_open = current.state == State::Authorized && current.reason.is_none();
        let refusal = match is_open {
            false => None,
            true => match Provider::new(self.surroundings()).capture(&checkout) {
                Ok(()) => None,
                Err(ProviderError::Refused(reason)) => Some(reason),
                Err(ProviderError::Unknown) => Some("Nothing was set aside.".to_owned()),
                Err(ProviderError::Unavailable(text)) => return Err(unanswered(text)),
            },
        };
        let payment = self.change(&checkout, |payment| {
            payment.is_kept = true;
            payment.order = Some(order.clone());
            match &refusal {
                Some(reason) => payment.capture_refused(reason.clone()),
                None if is_open => payment.captured(),
                None => {}
            }
        })?;
        self.tell_of_capture(&payment)
    }

    /// Tells the order's saga whether the money was taken.
    pub fn tell_of_capture(&self, payment: &Payment) -> Result<(), Problem> {
        let Some(order) = &payment.order else {
            return Ok(());
        };
        let reason = match payment.state {
            State::Captured => None,
            State::Authorized | State::Declined => payment.reason.as_deref(),
            State::Unknown => Some("No payment is known."),
            State::Voided => Some("The payment was given up."),
            State::Refunded => Some("The payment was returned."),
        };
        let topic = match payment.state {
            State::Captured => "payment.captured",
            State::Unknown
            | State::Authorized
            | State::Voided
            | State::Refunded
            | State::Declined => "payment.capture-failed",
        };
        let data = json!({ "order": order, "checkout": payment.id, "reason": reason });
        let event = Event::new(topic, payment.id.as_str(), data);
        Ok(self.surroundings().publish(&event.keyed(order))?)
    }

    /// `payment.return-requested`: voids what is set aside, refunds what is taken.
    pub fn return_all(&self, delivery: &Delivery) -> Result<(), Problem> {
        let Asked { order, checkout } = delivery.data()?;
        let current = self.payment(&checkout)?;
        let given_back = self.ask_back(&current)?;
        let payment = self.change(&checkout, |payment| {
            payment.is_kept = true;
            payment.order = Some(order.clone());
            given_back.apply(payment);
        })?;
        let how = match payment.state {
            State::Voided => "voided",
            State::Refunded => "refunded",
            State::Declined => "nothing",
            State::Unknown | State::Authorized | State::Captured => {
                return Err(Problem::unavailable("The payment changed just now."));
            }
        };
        let data = json!({ "order": order, "checkout": checkout, "how": how });
        let event = Event::new("payment.returned", checkout, data).keyed(order);
        Ok(self.surroundings().publish(&event)?)
    }

    /// `order.abandoned`: the checkout came to nothing.
    pub fn abandon(&self, delivery: &Delivery) -> Result<(), Problem> {
        let Asked { checkout, .. } = delivery.data()?;
        self.let_go(&checkout)
    }

    /// `payment.expiring`: by now an order should name the payment.
    pub fn expire(&self, delivery: &Delivery) -> Result<(), Problem> {
        let Expiring { checkout, due_ms } = delivery.data()?;
        let host = self.surroundings();
        let now_ms = host.now_ms();
        if now_ms < due_ms {
            // A stock engine does not wait. There nothing expires.
            return Ok(());
        }
        if now_ms > due_ms + LATE_MS {
            let due_ms = now_ms + LATE_MS;
            let mut event = expiring(&checkout, due_ms);
            event.id = format!("{checkout}-{due_ms}");
            return Ok(host.publish(&event)?);
        }
        self.let_go(&checkout)
    }

    fn let_go(&self, checkout: &str) -> Result<(), Problem> {
        let current = self.payment(checkout)?;
        if !current.may_expire() {
            return Ok(());
        }
        let given_back = self.ask_back(&current)?;
        self.change(checkout, |payment| given_back.apply(payment))?;
        Ok(())
    }

    /// The staff gives back what was taken.
    pub fn refund(&self, id: &str) -> Result<Payment, Problem> {
        let current = self.payment(id)?;
        match current.state {
            State::Unknown => Err(Problem::not_found(NO_PAYMENT)),
            State::Refunded => Ok(current),
            State::Captured => {
                let given_back = self.ask_back(&current)?;
                self.change(id, |payment| given_back.apply(payment))
            }
            State::Authorized | State::Voided | State::Declined => {
                let detail = "Nothing was captured of this payment.";
                let problem = Problem::new(409, "not_captured", detail);
                Err(problem.with("state", current.state.name()))
            }
        }
    }

    /// Has the provider give back whatever there is.
    fn ask_back(&self, payment: &Payment) -> Result<GivenBack, Problem> {
        let id = &payment.id;
        match payment.give_back() {
            GiveBack::Nothing => Ok(GivenBack::Nothing),
            GiveBack::Refund => self.ask_refund(id),
            GiveBack::Void => match Provider::new(self.surroundings()).void(id) {
                Ok(()) => Ok(GivenBack::Voided { is_released: true }),
                Err(ProviderError::Unknown) => Ok(GivenBack::Voided { is_released: false }),
                // It was taken, and the answer that said so was lost.
                Err(ProviderError::Refused(_)) => self.ask_refund(id),
                Err(ProviderError::Unavailable(text)) => Err(unanswered(text)),
            },
        }
    }

    fn ask_refund(&self, id: &str) -> Result<GivenBack, Problem> {
        let failed = |what: &str| Err(Problem::internal(&format!("the refund of {id}: {what}")));
        match Provider::new(self.surroundings()).refund(id) {
            Ok(()) => Ok(GivenBack::Refunded),
            Err(ProviderError::Unavailable(text)) => Err(unanswered(text)),
            Err(ProviderError::Refused(reason)) => failed(&reason),
            Err(ProviderError::Unknown) => failed("the provider knows of nothing"),
        }
    }

    /// The payment as it is known, or as one of which nothing is known.
    pub fn payment(&self, id: &str) -> Result<Payment, Problem> {
        if !is_id(id) {
            return Err(Problem::not_found(NO_PAYMENT));
        }
        let host = self.surroundings();
        let known: Option<Payment> = host.store().get_json(&Payment::key(id))?;
        Ok(known.unwrap_or_else(|| Payment::unknown(id, host.now_ms())))
    }

    /// Changes a payment, which need not be known yet.
    pub fn change(&self, id: &str, change: impl Fn(&mut Payment)) -> Result<Payment, Problem> {
        let host = self.surroundings();
        let now_ms = host.now_ms();
        host.store()
            .update(&Payment::key(id), |current: Option<Payment>| {
                let before = current.clone();
                let mut payment = current.unwrap_or_else(|| Payment::unknown(id, now_ms));
                change(&mut payment);
                Ok(match before.as_ref() == Some(&payment) {
                    true => Change::Keep(payment),
                    false => Change::Write(payment.clone(), payment),
                })
            })
    }
}

fn unanswered(log: String) -> Problem {
    Problem::unavailable("The payment provider did not answer.").with_log(log)
}
