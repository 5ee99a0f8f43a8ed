//! What is known of one payment, and how it changes. Every change leads forward: what was given
//! back is never set aside again, so that news which come twice, late or in another order are
//! harmless. Who asks whom is left to `authorization` and `settlement`.

use kit::time::rfc_3339;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where the money is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not known: an order names the payment, and nobody authorized it here.
    #[default]
    Unknown,
    /// Set aside.
    Authorized,
    /// Taken.
    Captured,
    /// Given up before it was taken; perhaps it never was set aside.
    Voided,
    /// Taken and given back.
    Refunded,
    /// Never set aside, because the provider said no.
    Declined,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Unknown => "unknown",
            State::Authorized => "authorized",
            State::Captured => "captured",
            State::Voided => "voided",
            State::Refunded => "refunded",
            State::Declined => "declined",
        }
    }
}

/// The value under `payment/ID`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Payment {
    pub id: String,
    pub state: State,
    /// As soon as an order names the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// 0 and no currency where the payment was given up before it was known.
    pub amount_minor: u64,
    pub currency: Option<String>,
    pub created_ms: u64,
    /// Why the provider said no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// An order was placed with it, so it does not expire.
    pub is_kept: bool,
    /// The provider has confirmed that nothing is set aside any more. An authorization that is
    /// still on its way to the provider can come after a void that found nothing.
    pub is_released: bool,
}

/// What has to be asked of the provider so that nothing stays taken or set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveBack {
    Nothing,
    Void,
    Refund,
}

impl Payment {
    /// Of which nothing else is known.
    pub fn unknown(id: &str, now_ms: u64) -> Payment {
        Payment {
            id: id.to_owned(),
            created_ms: now_ms,
            ..Payment::default()
        }
    }

    pub fn key(id: &str) -> String {
        format!("payment/{id}")
    }

    /// The provider has set the money aside. A payment that was given up in the meantime stays so,
    /// and has to be voided again.
    pub fn authorized(&mut self) {
        if self.state == State::Unknown {
            self.state = State::Authorized;
        }
    }

    /// The provider does not set it aside.
    pub fn declined(&mut self, reason: String) {
        if self.state == State::Unknown {
            self.state = State::Declined;
            self.reason = Some(reason);
        }
    }

    /// The provider has taken it.
    pub fn captured(&mut self) {
        match self.state {
            State::Unknown | State::Authorized => {
                self.state = State::Captured;
                self.reason = None;
            }
            State::Captured | State::Voided | State::Refunded | State::Declined => {}
        }
    }

    /// The provider does not take it, and will not be asked again.
    pub fn capture_refused(&mut self, reason: String) {
        if self.state == State::Authorized {
            self.reason = Some(reason);
        }
    }

    /// It is given up. `is_released`: the provider has let something go; otherwise it knew of
    /// nothing.
    pub fn voided(&mut self, is_released: bool) {
        match self.state {
            State::Unknown | State::Authorized | State::Voided => {
                self.state = State::Voided;
                self.is_released |= is_released;
            }
            State::Declined => self.is_released |= is_released,
            State::Captured | State::Refunded => {}
        }
    }

    /// The provider has given it back.
    pub fn refunded(&mut self) {
        match self.state {
            State::Unknown | State::Authorized | State::Captured => self.state = State::Refunded,
            State::Voided | State::Refunded | State::Declined => {}
        }
    }

    pub fn give_back(&self) -> GiveBack {
        match self.state {
            State::Unknown | State::Authorized => GiveBack::Void,
            // An earlier call that nobody heard the end of may have set something aside.
            State::Voided | State::Declined if !self.is_released => GiveBack::Void,
            State::Captured => GiveBack::Refund,
            State::Voided | State::Refunded | State::Declined => GiveBack::Nothing,
        }
    }

    /// Whether an attempt that came to nothing, or that nobody finished, is to be given up.
    pub fn may_expire(&self) -> bool {
        let is_open = match self.state {
            State::Unknown | State::Authorized | State::Voided | State::Declined => true,
            State::Captured | State::Refunded => false,
        };
        is_open && !self.is_kept
    }

    pub fn captured_minor(&self) -> u64 {
        match self.state {
            State::Captured | State::Refunded => self.amount_minor,
            State::Unknown | State::Authorized | State::Voided | State::Declined => 0,
        }
    }

    pub fn refunded_minor(&self) -> u64 {
        match self.state {
            State::Refunded => self.amount_minor,
            State::Unknown
            | State::Authorized
            | State::Captured
            | State::Voided
            | State::Declined => 0,
        }
    }

    /// For the staff.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "order": self.order,
            "amount_minor": self.amount_minor,
            "captured_minor": self.captured_minor(),
            "refunded_minor": self.refunded_minor(),
            "currency": self.currency,
            "state": self.state.name(),
            "created_at": rfc_3339(self.created_ms),
            "reason": self.reason,
        })
    }
}
