//! The provider's book: one authorization under each reference, and what may be done with it.

use serde::{Deserialize, Serialize};

use crate::card::Behaviour;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Authorized,
    Captured,
    Voided,
    Refunded,
    /// Nothing was set aside.
    Declined,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Status::Authorized => "authorized",
            Status::Captured => "captured",
            Status::Voided => "voided",
            Status::Refunded => "refunded",
            Status::Declined => "declined",
        }
    }
}

/// The value under `authorization/REFERENCE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    pub reference: String,
    pub amount_minor: u64,
    pub currency: String,
    pub status: Status,
    pub is_capturable: bool,
}

/// What a shop asks for later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Capture,
    Void,
    Refund,
}

/// Why it is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing was authorized.
    Unknown,
    /// The card's bank does not pay.
    Unpaid,
    /// Something else was done before.
    Past(Status),
}

impl Authorization {
    pub fn key(reference: &str) -> String {
        format!("authorization/{reference}")
    }

    pub fn new(reference: &str, amount_minor: u64, currency: &str, card: Behaviour) -> Self {
        Authorization {
            reference: reference.to_owned(),
            amount_minor,
            currency: currency.to_owned(),
            status: match card {
                Behaviour::Declined => Status::Declined,
                Behaviour::Good | Behaviour::Late | Behaviour::Uncapturable => Status::Authorized,
            },
            is_capturable: card != Behaviour::Uncapturable,
        }
    }

    /// The status that an action leads to; the same as before when it was done already.
    ///
    /// # Errors
    /// Why it is not done.
    pub fn after(&self, action: Action) -> Result<Status, Refusal> {
        match (self.status, action) {
            (Status::Declined, _) => Err(Refusal::Unknown),
            (Status::Authorized, Action::Capture) if !self.is_capturable => Err(Refusal::Unpaid),
            (Status::Authorized | Status::Captured, Action::Capture) => Ok(Status::Captured),
            (Status::Authorized | Status::Voided, Action::Void) => Ok(Status::Voided),
            (Status::Captured | Status::Refunded, Action::Refund) => Ok(Status::Refunded),
            (Status::Voided | Status::Refunded, Action::Capture)
            | (Status::Captured | Status::Refunded, Action::Void)
            | (Status::Authorized | Status::Voided, Action::Refund) => {
                Err(Refusal::Past(self.status))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Authorization, Refusal, Status};
    use crate::card::Behaviour;

    fn after(actions: &[Action], card: Behaviour) -> Vec<Result<Status, Refusal>> {
        let mut one = Authorization::new("a", 100, "EUR", card);
        let step = |action: &Action| {
            let answer = one.after(*action);
            if let Ok(status) = answer {
                one.status = status;
            }
            answer
        };
        actions.iter().map(step).collect()
    }

    #[test]
    fn what_was_done_is_done_once() {
        use Action::{Capture, Refund, Void};
        let done = after(
            &[Capture, Capture, Void, Refund, Refund, Capture],
            Behaviour::Good,
        );
        assert_eq!(
            done,
            [
                Ok(Status::Captured),
                Ok(Status::Captured),
                Err(Refusal::Past(Status::Captured)),
                Ok(Status::Refunded),
                Ok(Status::Refunded),
                Err(Refusal::Past(Status::Refunded)),
            ]
        );
        let voided = Refusal::Past(Status::Voided);
        let done = after(&[Void, Void, Capture, Refund], Behaviour::Late);
        assert_eq!(done[..2], [Ok(Status::Voided), Ok(Status::Voided)]);
        assert_eq!(done[2..], [Err(voided), Err(voided)]);
    }

    #[test]
    fn cards_behave_as_their_tokens_say() {
        use Action::{Capture, Refund, Void};
        let done = after(&[Refund, Capture, Void], Behaviour::Uncapturable);
        let early = Err(Refusal::Past(Status::Authorized));
        assert_eq!(done, [early, Err(Refusal::Unpaid), Ok(Status::Voided)]);
        let done = after(&[Capture, Void, Refund], Behaviour::Declined);
        assert_eq!(done, [Err(Refusal::Unknown); 3]);
    }
}
