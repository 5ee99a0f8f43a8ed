//! The glue: the exported HTTP handler and the linked service, in generated types. Every rule is
//! left to the other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/store/users", "wit"],
        world: "store:notifications-service/service",
        generate_all,
    });

    wasip2::http::proxy::export!(Component with_types_in wasip2);

    use super::Component;
}

use std::rc::Rc;

use kit::component::{ComponentHost, LinkedIdentity, handle};
use wasip2::exports::http::incoming_handler;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use self::bindings::store::users::contacts;
use crate::contacts::{Channels, Contact, Contacts, ContactsError};
use crate::service::Notifications;

/// The label that belongs to this service.
const STORE_LABEL: &str = "notifications";

struct Component;

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let service = Notifications::new(
            Rc::new(ComponentHost::new(STORE_LABEL)),
            Box::new(LinkedIdentity),
            Box::new(LinkedContacts),
        );
        handle(&service, &request, out);
    }
}

/// The service `users`, by its contract.
struct LinkedContacts;

impl Contacts for LinkedContacts {
    fn contact(&self, user: &str) -> Result<Option<Contact>, ContactsError> {
        let channels = |channels: contacts::Channels| Channels {
            inbox: channels.inbox,
            email: channels.email,
            webhook: channels.webhook,
        };
        match contacts::get_contact(user) {
            Ok(contact) => Ok(Some(Contact {
                name: contact.name,
                email: contact.email,
                webhook_url: contact.webhook_url,
                order_updates: channels(contact.order_updates),
                offers: channels(contact.offers),
            })),
            Err(contacts::Error::NotFound) => Ok(None),
            Err(contacts::Error::Unavailable(text) | contacts::Error::Other(text)) => {
                Err(ContactsError(text))
            }
        }
    }
}
