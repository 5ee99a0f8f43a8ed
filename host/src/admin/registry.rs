//! The registry as JSON: the app, its services, and the edges that calls have used.

use std::time::Instant;

use serde::Serialize;

use super::Admin;
use super::answers::{self, Answer, Refusal};
use crate::telemetry::metrics::{EdgeStatus, ServiceStatus};

#[derive(Serialize)]
struct Registry<'a> {
    name: &'a str,
    version: &'a str,
    kumiki: &'static str,
    uptime_seconds: u64,
    services: Vec<ServiceStatus>,
    edges: Vec<EdgeStatus>,
}

#[derive(Serialize)]
struct OneService {
    #[serde(flatten)]
    status: ServiceStatus,
    /// Those that lead to it and from it.
    edges: Vec<EdgeStatus>,
}

impl Admin {
    pub(super) fn registry(&self) -> Result<Answer, Refusal> {
        answers::json(&Registry {
            name: &self.subject.name,
            version: &self.subject.version,
            kumiki: env!("CARGO_PKG_VERSION"),
            uptime_seconds: Instant::now().duration_since(self.began).as_secs(),
            services: self.subject.observed.services(),
            edges: self.used_edges(),
        })
    }

    pub(super) fn service(&self, id: &str) -> Result<Answer, Refusal> {
        let mut services = self.subject.observed.services().into_iter();
        let status = services
            .find(|service| service.id == id)
            .ok_or_else(|| Refusal::NoSuchService(id.to_owned()))?;
        let mut edges = self.used_edges();
        edges.retain(|edge| edge.caller == id || edge.callee == id);
        answers::json(&OneService { status, edges })
    }

    /// The edges that a call has used. An app of thousands of services may have many that none has.
    pub(super) fn used_edges(&self) -> Vec<EdgeStatus> {
        let mut edges = self.subject.observed.edges();
        edges.retain(|edge| edge.metrics.is_used());
        edges
    }
}
