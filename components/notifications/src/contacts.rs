//! How a user wants to be reached. Where that is kept is left to the service `users`, behind the
//! contract `store:users/contacts`.

use kit::problem::Problem;

use crate::message::Kind;

/// Which ways one kind of message takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    pub inbox: bool,
    pub email: bool,
    pub webhook: bool,
}

/// A user as far as messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub name: String,
    pub email: String,
    pub webhook_url: Option<String>,
    pub order_updates: Channels,
    pub offers: Channels,
}

impl Contact {
    /// The ways for a kind of message. A wish that comes true is an offer.
    pub fn channels(&self, kind: Kind) -> Channels {
        match kind {
            Kind::Order => self.order_updates,
            Kind::Wish | Kind::Offer => self.offers,
        }
    }
}

/// It cannot be told now; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactsError(pub String);

impl From<ContactsError> for Problem {
    fn from(error: ContactsError) -> Problem {
        Problem::unavailable("Contacts cannot be read now.").with_log(error.0)
    }
}

/// Tells how users want to be reached.
pub trait Contacts {
    /// How a user wants to be reached; none when there is no such user.
    ///
    /// # Errors
    /// When it cannot be told now.
    fn contact(&self, user: &str) -> Result<Option<Contact>, ContactsError>;
}
