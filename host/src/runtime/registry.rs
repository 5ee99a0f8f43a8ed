//! The table of all services, and what is seen of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

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
        last_call_seconds: all()
            .filter(|instances| instances.calls() > 0)
            .map(|instances| Instant::now().duration_since(instances.used()).as_secs())
            .min(),
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
