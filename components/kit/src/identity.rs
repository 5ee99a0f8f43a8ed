//! Who calls. How a token is checked is left to the service `users`, behind the contract
//! `store:users/identity`.

use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Buys.
    Customer,
    /// Runs the shop; may do what a customer may.
    Staff,
}

/// The user that a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user's id.
    pub user: String,
    pub role: Role,
}

impl Caller {
    pub fn is_staff(&self) -> bool {
        self.role == Role::Staff
    }
}

/// Why a token names nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// Forged, expired or not a token; the text says which.
    Refused(String),
    /// It cannot be checked now.
    Unavailable(String),
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Problem {
        match error {
            IdentityError::Refused(detail) => Problem::unauthenticated(detail),
            IdentityError::Unavailable(log) => {
                Problem::unavailable("Signing in cannot be checked now.").with_log(log)
            }
        }
    }
}

/// Learns who has a token.
pub trait Identity {
    /// # Errors
    /// When nobody has it, or that cannot be learned now.
    fn verify(&self, token: &str) -> Result<Caller, IdentityError>;
}
