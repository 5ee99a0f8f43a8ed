//! What the services of an app are at one moment, as the registry and the metrics show it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use super::{EdgeMetrics, EdgeSnapshot, HistogramSnapshot, ServiceMetrics};

/// Where the admin API learns what runs. Asked for every answer, so it must not wait for a guest.
pub trait Observed: Send + Sync {
    /// Every service of the app, idle ones included, in the order of their ids.
    fn services(&self) -> Vec<ServiceStatus>;

    /// Every edge that a call may use. Those without a call are left out of what is shown.
    fn edges(&self) -> Vec<EdgeStatus>;
}

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It is being compiled, or its code is being mapped.
    Loading,
    /// A call would find an instance, or room for one.
    Ready,
    /// All instances that it may have are busy.
    Saturated,
    /// Of its last calls more than half failed; see [`Recent`](super::Recent).
    Failing,
    /// It holds no instance; the next call brings it back.
    Idle,
}

impl Health {
    /// Every state, for metrics that list them.
    pub const ALL: [Self; 5] = [
        Self::Loading,
        Self::Ready,
        Self::Saturated,
        Self::Failing,
        Self::Idle,
    ];

    /// The name in the registry and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Ready => "ready",
            Self::Saturated => "saturated",
            Self::Failing => "failing",
            Self::Idle => "idle",
        }
    }

    /// The state of a service that is not loading. That it fails is said before all else, because
    /// it is what somebody must mend; an idle service that failed last is still one that fails.
    pub fn of(metrics: &ServiceMetrics, instances: u64, busy: u64, instances_max: u64) -> Self {
        if metrics.recent.is_failing() {
            Self::Failing
        } else if instances_max > 0 && busy >= instances_max {
            Self::Saturated
        } else if instances == 0 {
            Self::Idle
        } else {
            Self::Ready
        }
    }
}

/// One service at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceStatus {
    /// The component's id.
    pub id: String,
    /// The first digits of the artifact's digest, of the revision with the most weight.
    pub revision: String,
    /// Those in memory, the newest last.
    pub revisions: Vec<RevisionStatus>,
    pub health: Health,
    /// Whether the compiled code is in memory.
    pub code_loaded: bool,
    /// Since the end of its last call, or since it was last seen busy. `None`: it was never called.
    pub last_call_seconds: Option<u64>,
    /// Instances that there may be at once.
    pub instances_max: u64,
    /// Instances that wait for a call.
    pub instances_ready: u64,
    /// Instances that serve one.
    pub instances_busy: u64,
    /// Calls that may wait for an instance at once.
    pub queue_max: u64,
    /// Calls that wait for an instance.
    pub queued: u64,
    /// Linear memory of all instances.
    pub memory_bytes: u64,
    /// The interfaces that it imports from other services, and their ids.
    pub links: BTreeMap<String, String>,
    /// What was counted of it since the host began.
    #[serde(rename = "counts", serialize_with = "counts")]
    pub metrics: Arc<ServiceMetrics>,
}

/// What a revision of a service is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevisionState {
    /// It takes calls.
    Live,
    /// It takes no calls any more, and some that began with it run on.
    Draining,
    /// It could take calls again at once.
    Warm,
}

/// One revision of a service at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct RevisionStatus {
    pub number: u64,
    /// The first digits of the artifact's digest.
    pub digest: String,
    /// Of a hundred request trees so many take it.
    pub weight: u32,
    pub state: RevisionState,
    pub calls: u64,
    /// Calls in which it failed, answers of 500 and above included.
    pub failed: u64,
    #[serde(rename = "latency_us", serialize_with = "quantiles")]
    pub latency: HistogramSnapshot,
}

/// The way of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// A request from outside.
    Http,
    /// A request of a service to `http://ID.spin.internal`.
    Chained,
    /// A call of a linked function.
    Link,
}

impl EdgeKind {
    /// The name in the registry and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Chained => "chained",
            Self::Link => "link",
        }
    }
}

/// The calls from one caller to one callee.
#[derive(Clone, Debug)]
pub struct EdgeStatus {
    /// The calling service's id; empty for requests from outside.
    pub caller: String,
    pub callee: String,
    pub kind: EdgeKind,
    pub metrics: Arc<EdgeMetrics>,
}

fn quantiles<S: Serializer>(latency: &HistogramSnapshot, serializer: S) -> Result<S::Ok, S::Error> {
    Quantiles(latency.clone()).serialize(serializer)
}

fn counts<S: Serializer>(metrics: &ServiceMetrics, serializer: S) -> Result<S::Ok, S::Error> {
    let mut counts = serializer.serialize_struct("counts", 8)?;
    counts.serialize_field("cold_starts", &metrics.cold_starts.get())?;
    counts.serialize_field("budget_unloads", &metrics.budget_unloads.get())?;
    counts.serialize_field("instances_made", &metrics.instances_made.get())?;
    counts.serialize_field("instances_reused", &metrics.instances_reused.get())?;
    counts.serialize_field("calls_queued", &metrics.calls_queued.get())?;
    counts.serialize_field("queue_refused", &metrics.queue_refused.get())?;
    counts.serialize_field("conflicts", &metrics.conflicts.get())?;
    counts.serialize_field("queue_us", &Quantiles(metrics.queue_time.snapshot()))?;
    counts.end()
}

impl Serialize for EdgeStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = self.metrics.snapshot();
        let caller = Some(self.caller.as_str()).filter(|caller| !caller.is_empty());
        let mut edge = serializer.serialize_struct("edge", 6)?;
        edge.serialize_field("caller", &caller)?;
        edge.serialize_field("callee", &self.callee)?;
        edge.serialize_field("kind", &self.kind)?;
        edge.serialize_field("calls", &counts.latency.count())?;
        edge.serialize_field("outcomes", &Outcomes(&counts))?;
        edge.serialize_field("latency_us", &Quantiles(counts.latency))?;
        edge.end()
    }
}

/// The outcomes that happened, by name.
struct Outcomes<'a>(&'a EdgeSnapshot);

impl Serialize for Outcomes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = self.0.calls.iter();
        serializer.collect_map(counts.map(|(outcome, calls)| (outcome.name(), calls)))
    }
}

/// In microseconds, to a tenth; null while nothing was recorded.
pub struct Quantiles(pub HistogramSnapshot);

impl Serialize for Quantiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
            let nanoseconds = self.0.quantile_ns(quantile);
            let tenths = nanoseconds.map(|ns| (ns as f64 / 100.0).round() / 10.0);
            map.serialize_entry(name, &tenths)?;
        }
        map.end()
    }
}
