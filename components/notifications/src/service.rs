//! The HTTP interface and the events of the service.

use std::rc::Rc;

use kit::api::{Access, Api, Call, Parameter, Route, Service, Subscription};
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use serde_json::json;

use crate::contacts::Contacts;
use crate::inbox;
use crate::messenger::Messenger;

/// How many messages a page has unless it is said.
const PAGE_MESSAGES: u64 = 20;

/// The service in its surroundings.
pub struct Notifications {
    host: Rc<dyn Host>,
    identity: Box<dyn Identity>,
    contacts: Box<dyn Contacts>,
}

impl Notifications {
    pub fn new(
        host: Rc<dyn Host>,
        identity: Box<dyn Identity>,
        contacts: Box<dyn Contacts>,
    ) -> Notifications {
        Notifications {
            host,
            identity,
            contacts,
        }
    }

    fn messenger(&self) -> Messenger<'_> {
        Messenger {
            host: &*self.host,
            contacts: &*self.contacts,
        }
    }

    fn inbox(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let user = &call.caller()?.user;
        let limit = call.query_number("limit").unwrap_or(PAGE_MESSAGES);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let page = inbox::page(self.host.store(), user, call.query("after"), limit)?;
        Ok(Answer::json(200, &page).with("cache-control", "no-store"))
    }

    fn mark_read(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let user = &call.caller()?.user;
        match inbox::mark_read(self.host.store(), user, call.path_value("message"))? {
            true => Ok(Answer::empty(204)),
            false => Err(Problem::not_found("There is no such message.")),
        }
    }
}

static API: Api<Notifications> = Api {
    name: "notifications",
    title: "Notifications",
    description: "Messages to customers: inbox, e-mail and webhooks",
    routes: &[
        Route {
            method: "GET",
            path: "/api/notifications",
            access: Access::User,
            operation: "listMessages",
            summary: "One's own messages, the newest first",
            query: &[
                Parameter {
                    name: "limit",
                    schema: r#"{"type":"integer","minimum":1,"maximum":100}"#,
                    description: "how many; 20 unless given",
                },
                Parameter {
                    name: "after",
                    schema: r#"{"type":"string","minLength":1,"maxLength":100}"#,
                    description: "the `next` of the page before",
                },
            ],
            body: None,
            answer: (200, Some("Inbox")),
            handler: Notifications::inbox,
        },
        Route {
            method: "POST",
            path: "/api/notifications/{message}/read",
            access: Access::Owner,
            operation: "readMessage",
            summary: "Marks a message as read",
            query: &[],
            body: None,
            answer: (204, None),
            handler: Notifications::mark_read,
        },
        Route {
            method: "POST",
            path: "/api/notifications/offers",
            access: Access::Staff,
            operation: "announceOffer",
            summary: "Sends an offer to everyone who wants offers",
            query: &[],
            body: Some("Offer"),
            answer: (202, Some("Announced")),
            handler: |service, call| {
                let offer = service.messenger().announce(call.body()?)?;
                Ok(Answer::json(202, &json!({ "offer": offer })))
            },
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: &[
        Subscription {
            path: "/events/user.registered",
            handler: |service, delivery| service.messenger().user_registered(delivery),
        },
        Subscription {
            path: "/events/order.changed",
            handler: |service, delivery| service.messenger().order_changed(delivery),
        },
        Subscription {
            path: "/events/wish.available",
            handler: |service, delivery| service.messenger().wish(delivery),
        },
        Subscription {
            path: "/events/wish.cheaper",
            handler: |service, delivery| service.messenger().wish(delivery),
        },
        Subscription {
            path: "/events/offer.announced",
            handler: |service, delivery| service.messenger().offer_announced(delivery),
        },
        Subscription {
            path: "/events/offer.delivery",
            handler: |service, delivery| service.messenger().deliver_offer(delivery),
        },
        Subscription {
            path: "/events/message.email",
            handler: |service, delivery| service.messenger().send_email(delivery),
        },
        Subscription {
            path: "/events/message.webhook",
            handler: |service, delivery| service.messenger().send_webhook(delivery),
        },
    ],
    schedules: &[],
};

impl Service for Notifications {
    fn api() -> &'static Api<Notifications> {
        &API
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.identity.verify(token)
    }
}

#[cfg(test)]
mod tests;
