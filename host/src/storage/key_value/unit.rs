//! What one atomic invocation reads and writes: a snapshot of its service's store, its own writes
//! and its events, which are committed together or not at all.

use std::sync::{Mutex, PoisonError};

use crate::storage::bus::NewEvent;

/// One run of an atomic handler.
#[derive(Debug, Default)]
pub struct Unit {
    events: Mutex<Vec<NewEvent>>,
}

impl Unit {
    /// Publishes an event with the commit.
    pub fn publish(&self, event: NewEvent) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
    }
}
