//! The table of all services, what is seen of them, and the end of those that nobody calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::host_places::Reclaim;
use super::links::Link;
use super::service::Service;
use crate::telemetry::metrics::{
    EdgeKind, EdgeMetrics, EdgeStatus, Health, Observed, ServiceStatus,
};

/// Digits of a digest that tell revisions apart for people.
const REVISION_DIGITS: usize = 12;
/// The least and the longest time between two looks for idle services.
const SWEEP_MIN: Duration = Duration::from_millis(10);
const SWEEP_MAX: Duration = Duration::from_secs(1);

/// The calls of each loaded service, and when their number last changed.
type LastUsed = BTreeMap<Arc<str>, (u64, Instant)>;

/// All services of the app, by id. Read without locks; replaced as a whole.
#[derive(Default)]
pub struct Registry {
    services: ArcSwap<BTreeMap<Arc<str>, Arc<Service>>>,
}

impl Registry {
    /// Puts `services` in the place of all others and joins their links.
    pub fn publish(&self, services: impl IntoIterator<Item = Arc<Service>>) {
        let by_id: BTreeMap<_, _> = services
            .into_iter()
            .map(|service| (service.id().clone(), service))
            .collect();
        for service in by_id.values() {
            for link in &service.instances().loader().links {
                if let Some(callee) = by_id.get(&link.callee_id) {
                    link.join(callee);
                }
            }
        }
        self.services.store(Arc::new(by_id));
    }

    /// The service of this id.
    pub fn get(&self, id: &str) -> Option<Arc<Service>> {
        self.services.load().get(id).cloned()
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
            let instances = service.instances();
            if !instances.is_loaded() {
                last_used.remove(service.id());
                continue;
            }
            let (busy, queued) = service.load();
            let calls = instances.calls();
            let last = last_used
                .entry(service.id().clone())
                .or_insert((calls, now));
            if last.0 != calls || busy + queued > 0 {
                *last = (calls, now);
                continue;
            }
            let idle_timeout = Duration::from_millis(service.settings().idle_timeout_ms);
            if now.duration_since(last.1) >= idle_timeout {
                instances.unload();
            }
        }
    }

    /// A quarter of the shortest timeout: a service leaves at most that much late.
    fn sweep_interval(&self) -> Duration {
        let services = self.services.load();
        let timeouts = services
            .values()
            .map(|service| service.settings().idle_timeout_ms);
        let shortest = Duration::from_millis(timeouts.min().unwrap_or(u64::MAX));
        (shortest / 4).clamp(SWEEP_MIN, SWEEP_MAX)
    }
}

impl Reclaim for Registry {
    fn reclaim(&self) -> bool {
        let services = self.services.load();
        let dropped = services
            .values()
            .filter(|service| service.instances().drop_idle());
        dropped.count() > 0
    }
}

impl Observed for Registry {
    fn services(&self) -> Vec<ServiceStatus> {
        let services = self.services.load();
        services.values().map(|service| status(service)).collect()
    }

    fn edges(&self) -> Vec<EdgeStatus> {
        let services = self.services.load();
        services
            .values()
            .flat_map(|service| edges(service))
            .collect()
    }
}

fn status(service: &Service) -> ServiceStatus {
    let (instances, settings) = (service.instances(), service.settings());
    let (busy, queued) = service.load();
    let max = settings.instances_max as u64;
    let link = |link: &Arc<Link>| (link.import.to_string(), link.callee_id.to_string());
    let loader = instances.loader();
    ServiceStatus {
        id: service.id().to_string(),
        revision: loader
            .artifact
            .digest()
            .chars()
            .take(REVISION_DIGITS)
            .collect(),
        health: if instances.is_loading() {
            Health::Loading
        } else {
            Health::of(service.metrics(), instances.held() as u64, busy as u64, max)
        },
        code_loaded: instances.is_loaded(),
        instances_max: max,
        instances_ready: instances.ready() as u64,
        instances_busy: busy as u64,
        queue_max: settings.queue_max as u64,
        queued: queued as u64,
        memory_bytes: instances.memory_bytes(),
        links: loader.links.iter().map(link).collect(),
        metrics: service.metrics().clone(),
    }
}

/// The calls that a service takes from outside and by chaining, and those that it makes by links.
fn edges(service: &Service) -> Vec<EdgeStatus> {
    let edge = |caller: &str, callee: &str, kind, metrics: &Arc<EdgeMetrics>| EdgeStatus {
        caller: caller.to_owned(),
        callee: callee.to_owned(),
        kind,
        metrics: metrics.clone(),
    };
    let id = service.id();
    let mut edges = vec![edge("", id, EdgeKind::Http, service.outside())];
    for (caller, metrics) in &service.chained() {
        edges.push(edge(caller, id, EdgeKind::Chained, metrics));
    }
    for link in &service.instances().loader().links {
        if let Some(metrics) = link.edge.get() {
            edges.push(edge(id, &link.callee_id, EdgeKind::Link, metrics));
        }
    }
    edges
}
