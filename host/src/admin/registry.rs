//! The registry as JSON: the app, its services, and the edges that calls have used.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use super::Admin;
use super::answers::{self, Answer, Refusal};
use crate::telemetry::metrics::{EdgeStatus, HistogramSnapshot, Quantiles, ServiceStatus};

#[derive(Serialize)]
struct Registry<'a> {
    name: &'a str,
    version: &'a str,
    kumiki: &'static str,
    uptime_seconds: u64,
    services: Vec<Service>,
    edges: Vec<EdgeStatus>,
}

/// A service, and what its edges add up to.
#[derive(Serialize)]
struct Service {
    #[serde(flatten)]
    status: ServiceStatus,
    latency_us: Quantiles,
}

#[derive(Serialize)]
pub(super) struct OneService {
    #[serde(flatten)]
    service: Service,
    /// Those that lead to it and from it.
    edges: Vec<EdgeStatus>,
}

/// The times of all calls to each service that was called.
struct Latencies(BTreeMap<String, HistogramSnapshot>);

impl Latencies {
    fn of(edges: &[EdgeStatus]) -> Self {
        let mut all = BTreeMap::<String, HistogramSnapshot>::new();
        for edge in edges {
            let latency = edge.metrics.snapshot().latency;
            all.entry(edge.callee.clone()).or_default().add(&latency);
        }
        Self(all)
    }

    fn with(&mut self, status: ServiceStatus) -> Service {
        let latency = self.0.remove(&status.id).unwrap_or_default();
        let latency_us = Quantiles(latency);
        Service { status, latency_us }
    }
}

impl Admin {
    pub(super) fn registry(&self) -> Result<Answer, Refusal> {
        let edges = self.used_edges();
        let mut latencies = Latencies::of(&edges);
        let services = self.subject.observed.services().into_iter();
        answers::json(&Registry {
            name: &self.subject.name,
            version: &self.subject.version,
            kumiki: env!("CARGO_PKG_VERSION"),
            uptime_seconds: Instant::now().duration_since(self.began).as_secs(),
            services: services.map(|status| latencies.with(status)).collect(),
            edges,
        })
    }

    pub(super) fn service(&self, id: &str) -> Result<Answer, Refusal> {
        answers::json(&self.one_service(id)?)
    }

    pub(super) fn one_service(&self, id: &str) -> Result<OneService, Refusal> {
        let mut services = self.subject.observed.services().into_iter();
        let status = services
            .find(|service| service.id == id)
            .ok_or_else(|| Refusal::NoSuchService(id.to_owned()))?;
        let mut edges = self.used_edges();
        edges.retain(|edge| edge.caller == id || edge.callee == id);
        let service = Latencies::of(&edges).with(status);
        Ok(OneService { service, edges })
    }

    /// The edges that a call has used. An app of thousands of services may have many that none has.
    pub(super) fn used_edges(&self) -> Vec<EdgeStatus> {
        let mut edges = self.subject.observed.edges();
        edges.retain(|edge| edge.metrics.is_used());
        edges
    }
}
