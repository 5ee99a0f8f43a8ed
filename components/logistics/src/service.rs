//! The HTTP interface and the events of the service.

use kit::api::{Access, Api, Route, Service};
use kit::host::Host;
use kit::http::Answer;
use kit::identity::{Caller, Identity, IdentityError};

/// The service in its surroundings.
pub struct Logistics {
    host: Box<dyn Host>,
    identity: Box<dyn Identity>,
}

impl Logistics {
    pub fn new(host: Box<dyn Host>, identity: Box<dyn Identity>) -> Logistics {
        Logistics { host, identity }
    }
}

static API: Api<Logistics> = Api {
    name: "logistics",
    title: "Logistics",
    description: "Shipping quotes, shipments and their tracking",
    routes: &[Route {
        method: "GET",
        path: "/api/logistics/shipments",
        access: Access::Staff,
        operation: "listShipments",
        summary: "The shipments that are under way",
        query: &[],
        body: None,
        answer: (200, None),
        handler: |_, call| Ok(Answer::json(200, &call.caller()?.user)),
    }],
    schemas: "{}",
    subscriptions: &[],
    schedules: &[],
};

impl Service for Logistics {
    fn api() -> &'static Api<Logistics> {
        &API
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.identity.verify(token)
    }
}
