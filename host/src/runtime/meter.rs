//! What one invocation has used, seen from outside its sandbox: CPU time, whether its answer has
//! begun, whether it failed.
//!
//! The epoch callback reads it at each tick and ends a guest that is over a limit; a guest that
//! waits in a host call is ended by the timers in [`super::answer`].

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use wasmtime::{Store, UpdateDeadline};

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
            resumed_ns: AtomicU64::new(0),
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

    fn resume(&self) {
        self.resumed_ns.store(self.now_ns(), Ordering::Relaxed);
    }

    fn pause(&self) {
        let ran = self
            .now_ns()
            .saturating_sub(self.resumed_ns.load(Ordering::Relaxed));
        self.cpu_used_ns.fetch_add(ran, Ordering::Relaxed);
    }

    fn now_ns(&self) -> u64 {
        nanoseconds(self.started.elapsed())
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Lets the epoch tick end or pause the guest of this store: it yields its thread at each tick.
pub fn install<T: 'static>(store: &mut Store<T>, meter: std::sync::Arc<Meter>) {
    store.set_epoch_deadline(1);
<<<<<<< Updated upstream
    store.epoch_deadline_callback(move |_| {
        meter.verdict().map_err(wasmtime::Error::from)?;
=======
    store.epoch_deadline_callback(|store| {
        store
            .data()
            .meter
            .verdict()
            .map_err(wasmtime::Error::from)?;
>>>>>>> Stashed changes
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
    });
}

/// Counts the time that a future holds its thread as CPU time of an invocation.
///
/// Time on the clock rather than the thread's CPU clock: reading it costs a twentieth, and a guest
/// never blocks its thread.
pub struct Metered<F> {
    inner: F,
    meter: std::sync::Arc<Meter>,
}

impl<F> Metered<F> {
    pub fn new(inner: F, meter: std::sync::Arc<Meter>) -> Self {
        Self { inner, meter }
    }
}

impl<F: Future + Unpin> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.meter.resume();
        let poll = Pin::new(&mut self.inner).poll(context);
        self.meter.pause();
        poll
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Meter, Stopped};
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
        meter.resume();
        let resumed = meter.now_ns();
        while meter.now_ns() == resumed {}
        assert_eq!(meter.verdict(), Err(Stopped::Cpu));
        let generous = Meter::new(Deadline::new(Instant::now() + hour), hour);
        generous.resume();
        generous.pause();
        assert_eq!(generous.verdict(), Ok(()));
    }
}
