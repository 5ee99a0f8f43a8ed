//! What waits for the thread of a key-value file: writes with their callers, and chores, which have
//! none. When a batch of it is committed is left to the writer.

use std::collections::VecDeque;
use std::thread::JoinHandle;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::KeyValueError;
use super::commit::{Operation, Outcome};
use crate::storage::bus::DeliveryId;

/// Bytes after which a transaction takes no further write.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Chores that wait before they are worth a commit of their own.
pub(super) const CHORES_MAX: usize = 1000;

pub(super) type Answer = Result<Outcome, KeyValueError>;

pub(super) struct Waiting {
    pub(super) operation: Operation,
    /// Nobody waits for a chore.
    pub(super) caller: Option<Caller>,
}

pub(super) struct Caller {
    pub(super) reply: oneshot::Sender<Answer>,
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Waiting {
    pub(super) fn answer(self, answer: Answer) {
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
pub(super) struct Chores {
    /// Events up to this number are on the bus.
    pub(super) relayed: Option<i64>,
    /// Deliveries whose acknowledgement the bus has.
    pub(super) forgotten: Vec<DeliveryId>,
}

impl Chores {
    pub(super) fn is_empty(&self) -> bool {
        self.relayed.is_none() && self.forgotten.is_empty()
    }

    fn take(&mut self) -> impl Iterator<Item = Operation> + use<> {
        let Chores { relayed, forgotten } = std::mem::take(self);
        let forgotten = Some(forgotten).filter(|forgotten| !forgotten.is_empty());
        let relayed = relayed.map(Operation::Relayed);
        relayed.into_iter().chain(forgotten.map(Operation::Forget))
    }
}

#[derive(Default)]
pub(super) struct Queue {
    pub(super) waiting: VecDeque<Waiting>,
    /// Of these, those that are not patient.
    pub(super) urgent: usize,
    pub(super) chores: Chores,
    pub(super) thread: Option<JoinHandle<()>>,
    pub(super) is_closing: bool,
}

impl Queue {
    /// Whoever waits learns it by the end of the channel.
    pub(super) fn refuse_all(&mut self) {
        self.waiting.clear();
        self.urgent = 0;
    }

    /// The chores, and as many writes as one transaction takes.
    pub(super) fn take_batch(&mut self) -> Vec<Waiting> {
        let chore = |operation| Waiting {
            operation,
            caller: None,
        };
        let mut units: Vec<Waiting> = self.chores.take().map(chore).collect();
        let mut bytes = 0;
        while bytes < BATCH_BYTES_MAX
            && let Some(unit) = self.waiting.pop_front()
        {
            bytes += unit.operation.bytes();
            self.urgent -= usize::from(!unit.operation.is_patient());
            units.push(unit);
        }
        units
    }
}

pub(super) fn refuse(units: impl IntoIterator<Item = Waiting>, refusal: KeyValueError) {
    for unit in units {
        unit.answer(Err(refusal.clone()));
    }
}
