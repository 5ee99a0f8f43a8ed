//! From the components of a manifest to the services of the app: which are needed, whether their
//! links hold, and who may call whom. One service is made by [`super::services`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::call_graph::{CallGraph, Calls};
use super::services::{Inspected, LoadErrors, Parts};
use crate::manifest::model::{HttpTarget, Manifest};
use crate::runtime::links::Link;
use crate::runtime::registry::Registry;

/// Loads every service that a trigger or a link leads to.
pub fn load(manifest: &Manifest, parts: &Parts<'_>) -> Result<Arc<Registry>, LoadErrors> {
    let triggered = triggered(manifest);
    let inspected = inspect(manifest, parts, &triggered)?;
    let calls: Vec<_> = inspected.values().map(calls).collect();
    let graph = CallGraph::new(&calls);
    let mut made = Vec::new();
    for (id, found) in &inspected {
        let links = links(found, &graph, &BTreeMap::new());
        made.push((*id, links, graph.callers(id)));
    }
    drop(calls);
    let mut services = Vec::new();
    let mut errors = Vec::new();
    let mut inspected = inspected;
    for (id, links, callers) in made {
        let Some(found) = inspected.remove(id) else {
            continue;
        };
        match parts.service(found, links, callers, triggered.contains(id)) {
            Ok(service) => services.push(Arc::new(service)),
            Err(error) => errors.push(format!("component `{id}`: {error}")),
        }
    }
    LoadErrors::check(errors)?;
    let registry = Arc::new(Registry::default());
    registry.publish(services);
    Ok(registry)
}

/// The ids of the components that an HTTP trigger leads to, each once.
fn triggered(manifest: &Manifest) -> BTreeSet<&str> {
    let ids = manifest
        .http_triggers
        .iter()
        .filter_map(|trigger| match &trigger.target {
            HttpTarget::Component(id) => Some(id.as_str()),
            HttpTarget::Static(_) => None,
        });
    ids.collect()
}

/// All components that are called: by a trigger, or by a link of one that is.
fn inspect<'m>(
    manifest: &'m Manifest,
    parts: &Parts<'_>,
    triggered: &BTreeSet<&'m str>,
) -> Result<BTreeMap<&'m str, Inspected<'m>>, LoadErrors> {
    let mut errors = Vec::new();
    let mut inspected = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = triggered.iter().copied().collect();
    while let Some(id) = next.pop() {
        let Some(component) = manifest.components.get(id).filter(|_| seen.insert(id)) else {
            continue;
        };
        next.extend(component.settings.links.values().map(String::as_str));
        match parts.inspect(component) {
            Ok(found) => {
                inspected.insert(id, found);
            }
            Err(error) => errors.push(format!("component `{id}`: {error}")),
        }
    }
    errors.sort();
    LoadErrors::check(errors)?;
    Ok(inspected)
}

fn calls<'a>(inspected: &'a Inspected<'_>) -> Calls<'a> {
    let links = inspected.component.settings.links.values();
    Calls {
        id: &inspected.component.id,
        links: links.map(String::as_str).collect(),
        allowed_hosts: &inspected.allowed_hosts,
    }
}

/// The links of one service; `exports` has the provider's name of an interface where it is another
/// than the importer's.
fn links(
    inspected: &Inspected<'_>,
    graph: &CallGraph<'_>,
    exports: &BTreeMap<(String, String), String>,
) -> Vec<Arc<Link>> {
    let component = inspected.component;
    let link = |(import, callee): (&String, &String)| {
        let key = (component.id.clone(), import.clone());
        let export = exports.get(&key).unwrap_or(import);
        let in_circle = graph.reaches(callee, &component.id);
        let max = component.settings.message_bytes_max;
        Arc::new(Link::new(import, export, callee, in_circle, max))
    };
    component.settings.links.iter().map(link).collect()
}
