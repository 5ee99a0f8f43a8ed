//! What the host counts while it runs: calls per edge, instances and queues per service, times in
//! histograms. Recording costs a few nanoseconds, takes no lock, and a part that was never called
//! takes almost no memory.
//!
//! Who counts is left to the runtime, and what becomes of the counts to the admin API, which reads
//! them through [`Observed`].

mod histogram;
mod recent;
mod status;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use histogram::{Bucket, EXPOSED_BOUNDS_NS, Histogram, HistogramSnapshot};
pub use recent::Recent;
pub use status::{
    EdgeKind, EdgeStatus, Health, Observed, Quantiles, RevisionState, RevisionStatus, ServiceStatus,
};

/// How a call ended, as far as its caller is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    /// The callee answered. That the answer tells of an error of its own changes nothing.
    Answered,
    /// The callee trapped.
    Trapped,
    /// The callee's handler ended without an answer.
    NoResponse,
    /// The callee's handler failed by itself, or its answer was not a valid one.
    GuestError,
    /// The call's time was up while the callee ran.
    DeadlineExceeded,
    /// The callee used more computing time than it may.
    CpuExceeded,
    /// The callee had no instance free: the queue was full, or the deadline passed in it.
    Saturated,
    /// Waiting could never have ended, because the callee waited for the caller.
    Cycle,
    /// The chain of calls was too long.
    TooDeep,
    /// The arguments or the result were too large.
    TooLarge,
    /// No instance of the callee could be made.
    Unstartable,
    /// The request's body ended before an atomic handler had begun.
    RequestIncomplete,
    /// Others changed what an atomic handler had read, in each of its runs.
    Conflict,
    /// The store did not take what an atomic handler did.
    NotCommitted,
}

impl Outcome {
    /// Every outcome, in the order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::Answered,
        Self::Trapped,
        Self::NoResponse,
        Self::GuestError,
        Self::DeadlineExceeded,
        Self::CpuExceeded,
        Self::Saturated,
        Self::Cycle,
        Self::TooDeep,
        Self::TooLarge,
        Self::Unstartable,
        Self::RequestIncomplete,
        Self::Conflict,
        Self::NotCommitted,
    ];

    /// The name in the registry and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Trapped => "trapped",
            Self::NoResponse => "no_response",
            Self::GuestError => "guest_error",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::CpuExceeded => "cpu_exceeded",
            Self::Saturated => "saturated",
            Self::Cycle => "cycle",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::Unstartable => "unstartable",
            Self::RequestIncomplete => "request_incomplete",
            Self::Conflict => "conflict",
            Self::NotCommitted => "not_committed",
        }
    }

    /// Whether the callee did its work: `None` where its code was never asked, because there was no
    /// room for the call, it was too large or it came too deep in a chain, and where others were in
    /// its way.
    pub const fn verdict(self) -> Option<bool> {
        match self {
            Self::Answered => Some(true),
            Self::Trapped
            | Self::NoResponse
            | Self::GuestError
            | Self::DeadlineExceeded
            | Self::CpuExceeded
            | Self::Unstartable
            | Self::NotCommitted => Some(false),
            Self::Saturated
            | Self::Cycle
            | Self::TooDeep
            | Self::TooLarge
            | Self::RequestIncomplete
            | Self::Conflict => None,
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one.
    pub fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted of one service, whoever calls it. How many instances are ready or busy and how
/// many calls wait is not counted but asked of the service.
#[derive(Debug, Default)]
pub struct ServiceMetrics {
    /// Times that the service's code was brought into memory.
    pub cold_starts: Counter,
    /// Times that it left memory because the host was above its memory budget.
    pub budget_unloads: Counter,
    /// Instances that were made.
    pub instances_made: Counter,
    /// Calls that were given an instance which had served before.
    pub instances_reused: Counter,
    /// Calls that had to wait for an instance.
    pub calls_queued: Counter,
    /// Calls that the queue did not take, or that had to give way in it.
    pub queue_refused: Counter,
    /// How long the calls that waited did so, whether or not they got an instance.
    pub queue_time: Histogram,
    /// Runs of atomic handlers that were not committed because of a conflict.
    pub conflicts: Counter,
    /// How the last calls ended.
    pub recent: Recent,
}

/// What is counted of the calls from one caller to one callee in one way.
#[derive(Debug)]
pub struct EdgeMetrics {
    callee: Arc<ServiceMetrics>,
    /// By the outcome's number less one. Calls that were answered are those that did not fail.
    failures: [Counter; Outcome::ALL.len() - 1],
    latency: Histogram,
}

/// The counts of an edge at one moment.
#[derive(Clone, Debug)]
pub struct EdgeSnapshot {
    /// The calls per outcome, without those that never happened.
    pub calls: Vec<(Outcome, u64)>,
    /// The time of every call from its caller's side, time in the queue included, however it ended.
    pub latency: HistogramSnapshot,
}

impl EdgeMetrics {
    /// The counts of calls to the service with these metrics.
    pub fn new(callee: Arc<ServiceMetrics>) -> Self {
        Self {
            callee,
            failures: Default::default(),
            latency: Histogram::default(),
        }
    }

    /// Counts a call that took so long on its caller's side, and what it says of the callee.
    pub fn record(&self, outcome: Outcome, nanoseconds: u64) {
        self.latency.record_ns(nanoseconds);
        let number = usize::from(outcome as u8);
        if let Some(failures) = number.checked_sub(1).and_then(|at| self.failures.get(at)) {
            failures.increment();
        }
        if let Some(is_success) = outcome.verdict() {
            self.callee.recent.record(is_success);
        }
    }

    /// Whether any call was counted.
    pub fn is_used(&self) -> bool {
        self.latency.is_used()
    }

    /// The counts now. Calls that end meanwhile may be in one part and not yet in another.
    pub fn snapshot(&self) -> EdgeSnapshot {
        // Failures first: a call is in the histogram before it is among the failures.
        let failures: Vec<_> = Outcome::ALL
            .into_iter()
            .skip(1)
            .zip(self.failures.iter().map(Counter::get))
            .collect();
        let latency = self.latency.snapshot();
        let failed: u64 = failures.iter().map(|(_, calls)| calls).sum();
        let answered = (Outcome::Answered, latency.count().saturating_sub(failed));
        let calls = std::iter::once(answered).chain(failures);
        EdgeSnapshot {
            calls: calls.filter(|(_, calls)| *calls > 0).collect(),
            latency,
        }
    }
}

impl EdgeSnapshot {
    /// The calls that ended like this.
    pub fn calls(&self, outcome: Outcome) -> u64 {
        let found = self.calls.iter().find(|(of, _)| *of == outcome);
        found.map_or(0, |(_, calls)| *calls)
    }
}

#[cfg(test)]
mod tests;
