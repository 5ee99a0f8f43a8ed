//! The surroundings of a service in memory: time stands still unless it is set, published events
//! are kept, and other servers answer what the test says.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::event::{Delivery, Event, PublishError};
use crate::host::{Host, Incoming, Outgoing, SendError};
use crate::identity::{Caller, Identity, IdentityError, Role};
use crate::store::KeyValue;
use crate::store::memory::Memory;

type Server = Box<dyn Fn(&Outgoing) -> Result<Incoming, SendError>>;

/// The surroundings of one service.
pub struct TestHost {
    pub memory: Memory,
    pub now_ms: Cell<u64>,
    /// In the order in which they were published.
    pub events: RefCell<Vec<Event>>,
    /// What publishing answers, while there is one.
    pub publish_failure: RefCell<Option<PublishError>>,
    pub variables: BTreeMap<&'static str, String>,
    pub server: RefCell<Server>,
    pub sent: RefCell<Vec<Outgoing>>,
    pub lines: RefCell<Vec<String>>,
    seed: Cell<u64>,
}

impl Default for TestHost {
    fn default() -> TestHost {
        TestHost {
            memory: Memory::default(),
            now_ms: Cell::new(1_800_000_000_000),
            events: RefCell::default(),
            publish_failure: RefCell::default(),
            variables: BTreeMap::new(),
            server: RefCell::new(Box::new(|_| Err(SendError("no server".to_owned())))),
            sent: RefCell::default(),
            lines: RefCell::default(),
            seed: Cell::new(1),
        }
    }
}

impl TestHost {
    /// The events that were published since the last call.
    pub fn take_events(&self) -> Vec<Event> {
        self.events.take()
    }

    /// An event as its subscribers get it.
    pub fn deliver(event: &Event, source: &str) -> Delivery {
        Delivery {
            id: event.id.clone(),
            topic: event.topic.to_owned(),
            source: source.to_owned(),
            invocation: format!("{}-{}", event.topic, event.id),
            data: event.data.clone(),
        }
    }
}

impl Host for TestHost {
    fn store(&self) -> &dyn KeyValue {
        &self.memory
    }

    fn publish(&self, event: &Event) -> Result<(), PublishError> {
        if let Some(failure) = self.publish_failure.borrow().clone() {
            return Err(failure);
        }
        self.events.borrow_mut().push(event.clone());
        Ok(())
    }

    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    /// Not unpredictable at all (SplitMix64), so that a test sees the same twice.
    fn random(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let seed = self.seed.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.seed.set(seed);
            let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = mixed.to_le_bytes()[0];
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn send(&self, request: &Outgoing) -> Result<Incoming, SendError> {
        self.sent.borrow_mut().push(request.clone());
        (self.server.borrow())(request)
    }

    fn log(&self, line: &str) {
        self.lines.borrow_mut().push(line.to_owned());
    }
}

/// Tokens that say themselves who has them: `customer:ID`, `staff:ID`; `unavailable` cannot be
/// checked, and all others are refused.
pub struct TestIdentity;

impl Identity for TestIdentity {
    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        let (role, user) = match token.split_once(':') {
            Some(("customer", user)) => (Role::Customer, user),
            Some(("staff", user)) => (Role::Staff, user),
            _ if token == "unavailable" => {
                return Err(IdentityError::Unavailable("users is down".to_owned()));
            }
            _ => return Err(IdentityError::Refused("The token is not known.".to_owned())),
        };
        let user = user.to_owned();
        Ok(Caller { user, role })
    }
}
