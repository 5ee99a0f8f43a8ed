//! What waits to be written to a key-value file: the operations of callers, and chores.

use std::collections::VecDeque;
use std::thread::JoinHandle;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::storage::bus::DeliveryId;
use crate::storage::key_value::KeyValueError;
use crate::storage::key_value::commit::{Operation, Outcome};

pub type Answer = Result<Outcome, KeyValueError>;

pub struct Waiting {
    pub operation: Operation,
    /// Nobody waits for a chore.
    pub caller: Option<Caller>,
}

pub struct Caller {
    pub reply: oneshot::Sender<Answer>,
    pub _permit: OwnedSemaphorePermit,
}

impl Waiting {
    pub fn answer(self, answer: Answer) {
        match (self.caller, answer) {
            // One that has gone does not hear it.
            (Some(caller), answer) => drop(caller.reply.send(answer)),
            (None, Ok(_)) => {}
            (None, Err(error)) => tracing::warn!(%error, "a store is not tidied up"),
        }
    }
}

/// What nobody waits for and may be lost, because the next start of the host does it again: it is
/// written with the next commit, and by itself only once the store is idle.
#[derive(Default)]
pub struct Chores {
    /// Events up to this number are on the bus.
    pub relayed: Option<i64>,
    /// Deliveries whose acknowledgement the bus has.
    pub forgotten: Vec<DeliveryId>,
}

impl Chores {
    pub fn is_empty(&self) -> bool {
        self.relayed.is_none() && self.forgotten.is_empty()
    }

    pub fn take(&mut self) -> impl Iterator<Item = Operation> + use<> {
        let Chores { relayed, forgotten } = std::mem::take(self);
        let forgotten = Some(forgotten).filter(|forgotten| !forgotten.is_empty());
        let relayed = relayed.map(Operation::Relayed);
        relayed.into_iter().chain(forgotten.map(Operation::Forget))
    }
}

#[derive(Default)]
pub struct Queue {
    pub waiting: VecDeque<Waiting>,
    /// Of these, those that are not patient.
    pub urgent: usize,
    pub chores: Chores,
    pub thread: Option<JoinHandle<()>>,
    pub is_closing: bool,
}

impl Queue {
    /// Whoever waits learns it by the end of the channel.
    pub fn refuse_all(&mut self) {
        self.waiting.clear();
        self.urgent = 0;
    }
}
