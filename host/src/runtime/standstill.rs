//! Keeps services that call each other in a circle from all waiting for each other.
//!
//! Calls along links that form no circle can always wait: the last service of the line waits for
//! nobody. Within a circle a call may wait only while some instance of its callee is not itself
//! waiting in a queue of the circle. Of all that could stand still together, the last to come would
//! find nobody running, and is refused; so at least one always runs, ends, and gives its place on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::admission::Refused;
use crate::capabilities::invocation::Invocation;

/// Counts, for each service, its instances that wait for a call within a circle.
#[derive(Default)]
pub struct Standstill {
    waiting: Mutex<BTreeMap<Arc<str>, usize>>,
}

/// Instances of a chain that wait; they do no longer when this is dropped.
pub struct Waits {
    standstill: Arc<Standstill>,
    services: Vec<Arc<str>>,
}

impl Standstill {
    /// Waits for `callee` by `enqueue`, unless all of its `busy` instances wait in turn. The chain
    /// counts as waiting until the guard is dropped.
    pub fn enter<T>(
        self: &Arc<Self>,
        callee: &Arc<str>,
        busy: impl Fn() -> usize,
        invocation: &Invocation,
        enqueue: impl FnOnce() -> Result<T, Refused>,
    ) -> Result<(T, Option<Waits>), Refused> {
        let mut waiting = self.waiting();
        let idle = waiting.get(callee).copied().unwrap_or_default();
        if idle > 0 && idle >= busy() {
            return Err(Refused::Cycle(format!(
                "cycle {}: all instances of {callee} wait for each other",
                invocation.path()
            )));
        }
        let entered = enqueue()?;
        let services: Vec<_> = invocation
            .callers()
            .map(|caller| caller.service.clone())
            .collect();
        for service in &services {
            *waiting.entry(service.clone()).or_default() += 1;
        }
        let waits = Waits {
            standstill: self.clone(),
            services,
        };
        Ok((entered, Some(waits)))
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, usize>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let mut waiting = self.standstill.waiting();
        for service in &self.services {
            if let Some(count) = waiting.get_mut(service) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    waiting.remove(service);
                }
            }
        }
    }
}
