//! Who may run next: the places of one service, and the calls that wait for one.
//!
//! Waiting calls are served in turn per caller, linked and chained calls before requests from
//! outside. That no circle of services stands still is judged by [`super::standstill`]; what runs
//! in a place is left to [`super::service`].

mod queue;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use self::queue::{Queue, Waiter};
use super::standstill::Standstill;
use crate::capabilities::invocation::Invocation;
use crate::telemetry::metrics::ServiceMetrics;

/// How many calls of one service run and wait at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdmissionLimits {
    /// Calls that run at once.
    pub places: usize,
    /// Of these, the ones that requests from outside may not take.
    pub reserved_for_links: usize,
    /// Calls that wait at once.
    pub queue: usize,
}

impl AdmissionLimits {
    /// The places that such a caller may take.
    fn open_to(&self, is_outside: bool) -> usize {
        if is_outside {
            self.places.saturating_sub(self.reserved_for_links).max(1)
        } else {
            self.places
        }
    }
}

/// Why a call may not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The queue is full, or the deadline passed in it.
    Saturated,
    /// To wait could be to wait for ever; the text names the circle.
    Cycle(String),
}

/// The places of one service.
pub struct Admission {
    service: Arc<str>,
    standstill: Arc<Standstill>,
    state: Mutex<State>,
}

struct State {
    limits: AdmissionLimits,
    busy: usize,
    queue: Queue,
}

/// A place that a call runs in; given on when it is dropped.
pub struct Place {
    /// `None`: given back already.
    admission: Option<Arc<Admission>>,
}

impl Admission {
    pub fn new(service: Arc<str>, limits: AdmissionLimits, standstill: Arc<Standstill>) -> Self {
        Self {
            service,
            standstill,
            state: Mutex::new(State {
                limits,
                busy: 0,
                queue: Queue::default(),
            }),
        }
    }

    /// Other limits from now on. Calls that run keep their places; those that wait get one as soon
    /// as the next call ends.
    pub fn set_limits(self: &Arc<Self>, limits: AdmissionLimits) {
        let mut state = self.state();
        let more = limits.places.saturating_sub(state.limits.places);
        state.limits = limits;
        // What the change has opened is given on like a place that became free.
        state.busy += more;
        drop(state);
        for _ in 0..more {
            self.release();
        }
    }

    /// Calls that run, and calls that wait.
    pub fn load(&self) -> (usize, usize) {
        let mut state = self.state();
        let waiting = state.queue.len();
        (state.busy, waiting)
    }

    /// A place for `invocation`, now or within its deadline. `in_circle`: services on the way from
    /// this one lead back to the caller.
    pub async fn admit(
        self: &Arc<Self>,
        invocation: &Invocation,
        in_circle: bool,
        metrics: &ServiceMetrics,
    ) -> Result<Place, Refused> {
        let is_outside = invocation.caller.is_none();
        if let Some(place) = self.try_take(is_outside) {
            return Ok(place);
        }
        let began = Instant::now();
        let admitted = self.wait(invocation, in_circle).await;
        let waited = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        metrics.calls_queued.increment();
        metrics.queue_time.record_ns(waited);
        if admitted.is_err() {
            metrics.queue_refused.increment();
        }
        admitted
    }

    async fn wait(
        self: &Arc<Self>,
        invocation: &Invocation,
        in_circle: bool,
    ) -> Result<Place, Refused> {
        let holds = |caller: &Invocation| caller.service == self.service;
        if invocation.callers().any(holds) {
            return Err(Refused::Cycle(format!("cycle {}", invocation.path())));
        }
        let (place, _waits) = if in_circle {
            let busy = || self.busy();
            let enqueue = || self.enqueue(invocation);
            self.standstill
                .enter(&self.service, busy, invocation, enqueue)?
        } else {
            (self.enqueue(invocation)?, None)
        };
        // Without an answer the place went to another caller's call, which had waited less often.
        tokio::time::timeout_at(invocation.deadline.instant().into(), place)
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or(Refused::Saturated)
    }

    /// Calls that run now.
    pub fn busy(&self) -> usize {
        self.state().busy
    }

    fn try_take(self: &Arc<Self>, is_outside: bool) -> Option<Place> {
        let mut state = self.state();
        (state.busy < state.limits.open_to(is_outside)).then(|| {
            state.busy += 1;
            self.place()
        })
    }

    /// Waits in the queue; a place that became free meanwhile is taken at once.
    fn enqueue(
        self: &Arc<Self>,
        invocation: &Invocation,
    ) -> Result<oneshot::Receiver<Place>, Refused> {
        let (sender, receiver) = oneshot::channel();
        let caller = invocation
            .caller
            .as_ref()
            .map(|caller| caller.service.clone());
        let mut state = self.state();
        if state.busy < state.limits.open_to(caller.is_none()) {
            state.busy += 1;
            drop(state);
            // The receiver is in this function's hands, so it is there.
            let _ = sender.send(self.place());
            return Ok(receiver);
        }
        let queue_max = state.limits.queue;
        let gave_way = state.queue.push(caller, Waiter(sender), queue_max);
        drop(state);
        match gave_way {
            Ok(_displaced) => Ok(receiver),
            Err(_refused) => Err(Refused::Saturated),
        }
    }

    /// Gives a free place to the next who waits.
    fn release(self: &Arc<Self>) {
        loop {
            let mut state = self.state();
            state.busy = state.busy.saturating_sub(1);
            let open = state.limits.places;
            if state.busy >= open {
                return;
            }
            let outside = state.busy < state.limits.open_to(true);
            let Some(Waiter(sender)) = state.queue.next(outside) else {
                return;
            };
            state.busy += 1;
            drop(state);
            match sender.send(self.place()) {
                Ok(()) => return,
                // Who waited is gone: the place is still to be given.
                Err(place) => place.discard(),
            }
        }
    }

    fn place(self: &Arc<Self>) -> Place {
        Place {
            admission: Some(self.clone()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Ends the place without giving it on.
    fn discard(mut self) {
        self.admission = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(admission) = self.admission.take() {
            admission.release();
        }
    }
}
