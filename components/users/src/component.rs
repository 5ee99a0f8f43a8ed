//! The glue: the exported HTTP handler and contracts, in generated types. Every rule is left to the
//! other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/store/users", "wit"],
        world: "store:users-service/service",
        generate_all,
    });

    export!(Component with_types_in self);
    wasip2::http::proxy::export!(Component with_types_in wasip2);

    use super::Component;
}

use std::cell::OnceCell;
use std::rc::Rc;

use kit::component::{ComponentHost, handle};
use kit::identity::Role;
use kit::store::StoreError;
use wasip2::exports::http::incoming_handler;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use self::bindings::exports::store::users::{contacts, identity};
use crate::account::Channels;
use crate::service::{Users, VerifyError};
use crate::token::Key;

/// The label that belongs to this service.
const STORE_LABEL: &str = "users";

thread_local! {
    /// Tokens are checked on every request's path: an instance reads the key once.
    static KEY: Rc<OnceCell<Key>> = Rc::default();
}

struct Component;

fn service() -> Users {
    Users::new(
        Rc::new(ComponentHost::new(STORE_LABEL)),
        KEY.with(Rc::clone),
    )
}

/// Whether it is worth to ask again, and what to log.
enum Failure {
    Unavailable(String),
    Other(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error {
            StoreError::Failed(text) => Failure::Unavailable(text),
            StoreError::Contended(key) => Failure::Unavailable(format!("`{key}` is contended")),
            StoreError::Refused(text) => Failure::Other(text),
            StoreError::Damaged(key) => Failure::Other(format!("`{key}` is damaged")),
        }
    }
}

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        handle(&service(), &request, out);
    }
}

impl identity::Guest for Component {
    fn verify(token: String) -> Result<identity::User, identity::Error> {
        match service().verify_token(&token) {
            Ok(caller) => Ok(identity::User {
                id: caller.user,
                role: match caller.role {
                    Role::Customer => identity::Role::Customer,
                    Role::Staff => identity::Role::Staff,
                },
            }),
            Err(VerifyError::Refused(refusal)) => {
                Err(identity::Error::Refused(refusal.text().to_owned()))
            }
            Err(VerifyError::Store(error)) => Err(match error.into() {
                Failure::Unavailable(text) => identity::Error::Unavailable(text),
                Failure::Other(text) => identity::Error::Other(text),
            }),
        }
    }
}

impl contacts::Guest for Component {
    fn get_contact(user: String) -> Result<contacts::Contact, contacts::Error> {
        let account = service()
            .account(&user)
            .map_err(|error| match error.into() {
                Failure::Unavailable(text) => contacts::Error::Unavailable(text),
                Failure::Other(text) => contacts::Error::Other(text),
            })?;
        let account = account.ok_or(contacts::Error::NotFound)?;
        let channels = |channels: Channels| contacts::Channels {
            inbox: channels.inbox,
            email: channels.email,
            webhook: channels.webhook,
        };
        Ok(contacts::Contact {
            name: account.name,
            email: account.email,
            webhook_url: account.preferences.webhook_url,
            order_updates: channels(account.preferences.order_updates),
            offers: channels(account.preferences.offers),
        })
    }
}
