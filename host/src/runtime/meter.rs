//! What one invocation has used, seen from outside its sandbox: CPU time, whether its answer has
//! begun, whether it failed.
//!
//! The epoch callback reads it at each tick and ends a guest that is over a limit; a guest that
//! waits in a host call is ended by the timers in [`super::answer`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use wasmtime::{Store, UpdateDeadline};

use super::state::InstanceState;
use crate::capabilities::invocation::Deadline;

/// Why the host ended a guest that was computing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The head of the answer did not come in time.
    #[error("the deadline passed")]
    Deadline,
    /// The invocation is over its service's `cpu_ms_max`.
    #[error("the CPU limit was reached")]
    Cpu,
}

/// In the place of a time: the guest does not have the thread. No time is later.
const PAUSED: u64 = u64::MAX;

/// Times are nanoseconds since `started`.
pub struct Meter {
    started: Instant,
    deadline: Deadline,
    cpu_max_ns: u64,
    cpu_used_ns: AtomicU64,
    /// When the guest was last given the thread.
    resumed_ns: AtomicU64,
    /// When a body last moved, in either direction.
    moved_ns: AtomicU64,
    failed: AtomicBool,
}

impl Meter {
    pub fn new(deadline: Deadline, cpu_max: Duration) -> Self {
        Self {
            started: Instant::now(),
            deadline,
            cpu_max_ns: nanoseconds(cpu_max),
            cpu_used_ns: AtomicU64::new(0),
            resumed_ns: AtomicU64::new(PAUSED),
            moved_ns: AtomicU64::new(0),
            failed: AtomicBool::new(false),
        }
    }

    /// The head of the answer is there: from now on only CPU time and idle bodies count.
    pub fn head_came(&self) {
        self.deadline.meet();
        self.body_moved();
    }

    /// A frame of a body was read or written.
    pub fn body_moved(&self) {
        self.moved_ns.store(self.now_ns(), Ordering::Relaxed);
    }

    /// The moment at which a body last moved.
    pub fn last_moved(&self) -> Instant {
        self.started + Duration::from_nanos(self.moved_ns.load(Ordering::Relaxed))
    }

    /// The invocation failed: a body that ends after this was cut off.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Whether [`Meter::fail`] was called.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Whether a guest that computes right now must end.
    fn verdict(&self) -> Result<(), Stopped> {
        if self.deadline.has_passed() {
            return Err(Stopped::Deadline);
        }
        let running = self
            .now_ns()
            .saturating_sub(self.resumed_ns.load(Ordering::Relaxed));
        let used = self
            .cpu_used_ns
            .load(Ordering::Relaxed)
            .saturating_add(running);
        if used > self.cpu_max_ns {
            Err(Stopped::Cpu)
        } else {
            Ok(())
        }
    }

    /// The guest has the thread from `now` on.
    fn resume(&self, now: Instant) {
        self.resumed_ns.store(self.at_ns(now), Ordering::Relaxed);
    }

    /// The guest had the thread until `now`, unless it was paused before.
    fn pause(&self, now: Instant) {
        let resumed = self.resumed_ns.swap(PAUSED, Ordering::Relaxed);
        let ran = self.at_ns(now).saturating_sub(resumed);
        // Only the thread that runs the guest writes here.
        let used = self.cpu_used_ns.load(Ordering::Relaxed);
        self.cpu_used_ns
            .store(used.saturating_add(ran), Ordering::Relaxed);
    }

    fn at_ns(&self, now: Instant) -> u64 {
        nanoseconds(now.saturating_duration_since(self.started))
    }

    fn now_ns(&self) -> u64 {
        nanoseconds(self.started.elapsed())
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Lets the epoch tick end or pause the guest of this store: it yields its thread at each tick.
pub fn install(store: &mut Store<InstanceState>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        store
            .data()
            .meter
            .verdict()
            .map_err(wasmtime::Error::from)?;
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
    });
}

/// Counts the time that a future holds its thread as CPU time of an invocation, and not as that of
/// the invocation that waits for it.
///
/// Time on the clock rather than the thread's CPU clock: reading it costs a twentieth, and a guest
/// never blocks its thread.
pub struct Metered<F> {
    inner: F,
    meter: Arc<Meter>,
    /// Of the caller whose guest is on this thread's stack, below `inner`.
    caller: Option<Arc<Meter>>,
}

impl<F> Metered<F> {
    pub fn new(inner: F, meter: Arc<Meter>) -> Self {
        Self {
            inner,
            meter,
            caller: None,
        }
    }

    /// A future that is polled from inside the guest of `caller`.
    pub fn called(inner: F, meter: Arc<Meter>, caller: Arc<Meter>) -> Self {
        Self {
            inner,
            meter,
            caller: Some(caller),
        }
    }
}

impl<F: Future + Unpin> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let begins = Instant::now();
        if let Some(caller) = &self.caller {
            caller.pause(begins);
        }
        self.meter.resume(begins);
        let poll = Pin::new(&mut self.inner).poll(context);
        let ends = Instant::now();
        self.meter.pause(ends);
        if let Some(caller) = &self.caller {
            caller.resume(ends);
        }
        poll
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    use super::{Meter, Metered, Stopped};
    use crate::capabilities::invocation::Deadline;

    #[test]
    fn the_deadline_counts_until_the_head_came() {
        let meter = Meter::new(Deadline::new(Instant::now()), Duration::from_secs(60));
        assert_eq!(meter.verdict(), Err(Stopped::Deadline));
        meter.head_came();
        assert_eq!(meter.verdict(), Ok(()));
    }

    #[test]
    fn only_time_between_resume_and_pause_is_cpu_time() {
        let hour = Duration::from_secs(3600);
        let meter = Meter::new(Deadline::new(Instant::now() + hour), Duration::ZERO);
        meter.resume(Instant::now());
        let resumed = meter.now_ns();
        while meter.now_ns() == resumed {}
        assert_eq!(meter.verdict(), Err(Stopped::Cpu));
        let generous = Meter::new(Deadline::new(Instant::now() + hour), hour);
        generous.resume(Instant::now());
        generous.pause(Instant::now());
        assert_eq!(generous.verdict(), Ok(()));
    }

    #[tokio::test]
    async fn who_waits_for_a_call_is_not_charged_for_it() {
        let hour = Duration::from_secs(3600);
        let meter = || Arc::new(Meter::new(Deadline::new(Instant::now() + hour), hour));
        let (caller, callee) = (meter(), meter());
        let computing = Box::pin(async {
            let started = Instant::now();
            while started.elapsed() < Duration::from_millis(5) {}
        });
        let call = Metered::called(computing, callee.clone(), caller.clone());
        Metered::new(Box::pin(call), caller.clone()).await;
        let used = |meter: &Meter| meter.cpu_used_ns.load(Ordering::Relaxed);
        assert!(used(&callee) >= 5_000_000);
        assert!(used(&caller) < used(&callee));
    }
}
