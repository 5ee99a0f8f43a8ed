//! Who calls whom in the running app, and what a new revision needs to know of it: its links, and
//! whether its handler is called. Which calls there can be is told by [`super::call_graph`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::call_graph::{CallGraph, Calls};
use super::parts::{Build, Inspected, LoadError, Parts};
use crate::manifest::model::Component;
use crate::runtime::contracts::Contract;
use crate::runtime::links::Link;
use crate::runtime::revision::Revision;
use crate::runtime::service::Callers;
use crate::telemetry::metrics::ServiceMetrics;

/// The calls that can be made in an app.
#[derive(Default)]
pub struct Wiring {
    /// By the service that is called.
    callers: BTreeMap<String, Callers>,
    /// Callers and callees by links whose calls could come back to the caller.
    circles: BTreeSet<(String, String)>,
    /// The services whose HTTP handler is called.
    handling: BTreeSet<String>,
}

impl Wiring {
    /// `services` are those that are called, each in the revision that its settings are of.
    pub fn of<'a>(
        services: impl Iterator<Item = &'a Inspected<'a>>,
        handling: &BTreeSet<&str>,
    ) -> Self {
        let calls: Vec<_> = services.map(calls).collect();
        let graph = CallGraph::new(&calls);
        let mut wiring = Self {
            handling: handling.iter().map(|id| (*id).to_owned()).collect(),
            ..Self::default()
        };
        for Calls { id, links, .. } in &calls {
            let callers = graph.callers(id);
            if callers.any {
                wiring.callers.insert((*id).to_owned(), callers);
            }
            let in_circle = links.iter().filter(|callee| graph.reaches(callee, id));
            let circles = in_circle.map(|callee| ((*id).to_owned(), (*callee).to_owned()));
            wiring.circles.extend(circles);
        }
        wiring
    }

    /// Who may call a service.
    pub fn callers(&self, id: &str) -> Callers {
        self.callers.get(id).cloned().unwrap_or_default()
    }

    /// Whether calls of a link between the two could come back to the caller.
    pub fn in_circle(&self, caller: &str, callee: &str) -> bool {
        self.circles
            .contains(&(caller.to_owned(), callee.to_owned()))
    }

    /// The revision that a component becomes under a number.
    pub fn revision(
        &self,
        parts: &Parts,
        inspected: Inspected<'_>,
        number: u64,
        directory: &Path,
        metrics: Arc<ServiceMetrics>,
    ) -> Result<Revision, LoadError> {
        let id = inspected.component.id.as_str();
        let build = Build {
            number,
            links: self.links(&inspected.component, inspected.artifact.contract()),
            is_handling: self.handling.contains(id),
            directory,
            metrics,
        };
        parts.revision(inspected, build)
    }

    /// The links of the manifest that the component has an import for: a later build may do without
    /// one of them.
    fn links(&self, component: &Component, contract: &Contract) -> Vec<Arc<Link>> {
        let max = component.settings.message_bytes_max;
        let links = component.settings.links.iter().filter(|(import, _)| {
            let mut imported = contract.imported_interfaces();
            imported.any(|interface| interface.name == **import)
        });
        let link = |(import, provider): (&String, &String)| {
            let in_circle = self.in_circle(&component.id, provider);
            Arc::new(Link::new(import, provider, in_circle, max))
        };
        links.map(link).collect()
    }
}

fn calls<'a>(inspected: &'a Inspected<'_>) -> Calls<'a> {
    let links = inspected.component.settings.links.values();
    Calls {
        id: &inspected.component.id,
        links: links.map(String::as_str).collect(),
        allowed_hosts: &inspected.allowed_hosts,
    }
}
