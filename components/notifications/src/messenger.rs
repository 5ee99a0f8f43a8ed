//! A message on all the ways that its user wants.

use kit::host::Host;
use kit::problem::Problem;

use crate::contacts::Contacts;
use crate::inbox;
use crate::message::Message;

/// Whoever brings messages, in its surroundings.
pub struct Messenger<'s> {
    pub host: &'s dyn Host,
    pub contacts: &'s dyn Contacts,
}

impl Messenger<'_> {
    /// Puts a message into the inbox, and hands it over to those who bring it elsewhere. All of
    /// that happens once however often it is asked for, and nothing for a user that there is not.
    ///
    /// # Errors
    /// When contacts, the store or the bus fail.
    pub fn tell(&self, user: &str, message: &Message) -> Result<(), Problem> {
        let Some(contact) = self.contacts.contact(user)? else {
            return Ok(());
        };
        if contact.channels(message.kind).inbox {
            inbox::add(self.host.store(), user, message)?;
        }
        self.hand_over(user, &contact, message)
    }
}
