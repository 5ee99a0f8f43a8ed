//! The table of all services, what is seen of them, and the end of those that nobody calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::host_places::Reclaim;
use super::links::Link;
use super::live::{Live, Share};
use super::revision::Revision;
use super::service::Service;
use crate::telemetry::metrics::{
    EdgeKind, EdgeMetrics, EdgeStatus, Health, Observed, RevisionState, RevisionStatus,
    ServiceStatus,
};

/// Digits of a digest that tell revisions apart for people.
const REVISION_DIGITS: usize = 12;
/// The least and the longest time between two looks for idle services.
const SWEEP_MIN: Duration = Duration::from_millis(10);
const SWEEP_MAX: Duration = Duration::from_secs(1);

/// The calls of each loaded revision, and when their number last changed.
type LastUsed = BTreeMap<(Arc<str>, u64), (u64, Instant)>;

/// All services of the app, by id. Read without locks; replaced as a whole.
#[derive(Default)]
pub struct Registry {
    services: ArcSwap<BTreeMap<Arc<str>, Arc<Service>>>,
}

impl Registry {
    /// Puts `services` in the place of all others and joins the links of all their revisions.
    pub fn publish(&self, services: impl IntoIterator<Item = Arc<Service>>) {
        let by_id: BTreeMap<_, _> = services
            .into_iter()
            .map(|service| (service.id().clone(), service))
            .collect();
        self.services.store(Arc::new(by_id));
        for service in self.services.load().values() {
            for share in service.live().shares() {
                self.join(service.id(), &share.revision);
            }
        }
    }

    /// Leads the links of a revision to the services of the app.
    pub fn join(&self, caller: &Arc<str>, revision: &Revision) {
        let services = self.services.load();
        for link in &revision.instances.loader().links {
            if let Some(callee) = services.get(&link.callee_id) {
                link.join(caller, callee);
            }
        }
    }

    /// The service of this id.
    pub fn get(&self, id: &str) -> Option<Arc<Service>> {
        self.services.load().get(id).cloned()
    }

    /// All services, by id.
    pub fn all(&self) -> Arc<BTreeMap<Arc<str>, Arc<Service>>> {
        self.services.load_full()
    }

    /// Takes services that nobody calls out of memory, until the registry is gone.
    pub async fn unload_idle(registry: Weak<Self>) {
        let mut last_used = LastUsed::new();
        loop {
            let Some(pause) = registry.upgrade().map(|registry| {
                registry.sweep(&mut last_used);
                registry.sweep_interval()
            }) else {
                return;
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn sweep(&self, last_used: &mut LastUsed) {
        let now = Instant::now();
        for service in self.services.load().values() {
            let (busy, queued) = service.load();
            for Share { revision, .. } in service.live().shares() {
                let instances = &revision.instances;
                let name = (service.id().clone(), revision.number);
                if !instances.is_loaded() {
                    last_used.remove(&name);
                    continue;
                }
                let calls = instances.calls();
                let last = last_used.entry(name).or_insert((calls, now));
                if last.0 != calls || busy + queued > 0 {
                    *last = (calls, now);
                    continue;
                }
                let idle_timeout = Duration::from_millis(revision.settings().idle_timeout_ms);
                if now.duration_since(last.1) >= idle_timeout {
                    instances.unload();
                }
            }
        }
    }

    /// A quarter of the shortest timeout: a service leaves at most that much late.
    fn sweep_interval(&self) -> Duration {
        let services = self.services.load();
        let mains = services.values().filter_map(|service| service.main());
        let timeouts = mains.map(|main| main.settings().idle_timeout_ms);
        let shortest = Duration::from_millis(timeouts.min().unwrap_or(u64::MAX));
        (shortest / 4).clamp(SWEEP_MIN, SWEEP_MAX)
    }
}

impl Reclaim for Registry {
    fn reclaim(&self) -> bool {
        let services = self.services.load();
        let dropped = services.values().filter(|service| {
            let live = service.live();
            let dropped = live.shares().iter();
            dropped
                .filter(|share| share.revision.instances.drop_idle())
                .count()
                > 0
        });
        dropped.count() > 0
    }
}

impl Observed for Registry {
    fn services(&self) -> Vec<ServiceStatus> {
        let services = self.services.load();
        let seen = services.values().filter_map(|service| {
            let live = service.live();
            Some(status(service, &live, live.main()?))
        });
        seen.collect()
    }

    fn edges(&self) -> Vec<EdgeStatus> {
        let services = self.services.load();
        services
            .values()
            .flat_map(|service| edges(service))
            .collect()
    }
}

/// What all revisions of a service hold together, under the settings of its main one.
fn status(service: &Service, live: &Live, main: &Revision) -> ServiceStatus {
    let settings = main.settings();
    let (busy, queued) = service.load();
    let max = settings.instances_max as u64;
    let link = |link: &Arc<Link>| (link.import.to_string(), link.callee_id.to_string());
    let all = || live.shares().iter().map(|share| &share.revision.instances);
    let held: usize = all().map(|instances| instances.held()).sum();
    ServiceStatus {
        id: service.id().to_string(),
        revision: shortened(main.digest()),
        revisions: live.shares().iter().map(revision).collect(),
        health: if all().any(|instances| instances.is_loading()) {
            Health::Loading
        } else {
            Health::of(service.metrics(), held as u64, busy as u64, max)
        },
        code_loaded: all().any(|instances| instances.is_loaded()),
        instances_max: max,
        instances_ready: all().map(|instances| instances.ready() as u64).sum(),
        instances_busy: busy as u64,
        queue_max: settings.queue_max as u64,
        queued: queued as u64,
        memory_bytes: all().map(|instances| instances.memory_bytes()).sum(),
        links: main.instances.loader().links.iter().map(link).collect(),
        metrics: service.metrics().clone(),
    }
}

fn revision(share: &Share) -> RevisionStatus {
    let Share { revision, weight } = share;
    let failed = revision.calls.failed.get();
    let latency = revision.calls.latency.snapshot();
    RevisionStatus {
        number: revision.number,
        digest: shortened(revision.digest()),
        weight: *weight,
        state: match (weight, revision.trees()) {
            (1.., _) => RevisionState::Live,
            (0, 0) => RevisionState::Warm,
            (0, _) => RevisionState::Draining,
        },
        calls: latency.count(),
        failed,
        latency,
    }
}

fn shortened(digest: &str) -> String {
    digest.chars().take(REVISION_DIGITS).collect()
}

/// The calls that lead to a service.
fn edges(service: &Service) -> Vec<EdgeStatus> {
    let edge = |caller: &str, kind, metrics: &Arc<EdgeMetrics>| EdgeStatus {
        caller: caller.to_owned(),
        callee: service.id().to_string(),
        kind,
        metrics: metrics.clone(),
    };
    let mut edges = vec![edge("", EdgeKind::Http, service.outside())];
    for (caller, metrics) in &service.chained() {
        edges.push(edge(caller, EdgeKind::Chained, metrics));
    }
    for (caller, metrics) in &service.linked() {
        edges.push(edge(caller, EdgeKind::Link, metrics));
    }
    edges
}
