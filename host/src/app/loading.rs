//! From the components of a manifest to the services of the app: which are needed, whether their
//! links hold, and who may call whom. One service is made by [`super::parts`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::call_graph::{CallGraph, Calls};
use super::parts::{Inspected, LoadErrors, Parts};
use crate::manifest::model::{Component, HttpTarget, Manifest};
use crate::runtime::contracts::app::{self, Party, Resolved, Target};
use crate::runtime::links::Link;
use crate::runtime::registry::Registry;

/// Loads every service that a trigger, an event, a schedule or a link leads to.
pub fn load(manifest: &Manifest, parts: &Parts<'_>) -> Result<Arc<Registry>, LoadErrors> {
    let handling = handling(manifest);
    let inspected = inspect(manifest, parts, &handling)?;
    let resolved = check_links(manifest, parts, &inspected)?;
    // In the order of `inspected`.
    let wiring: Vec<_> = {
        let calls: Vec<_> = inspected.values().map(calls).collect();
        let graph = CallGraph::new(&calls);
        let wire = |(id, found): (&&str, &Inspected<'_>)| {
            let links = links(found, &graph, resolved.get(*id));
            (links, graph.callers(id))
        };
        inspected.iter().map(wire).collect()
    };
    let mut services = Vec::new();
    let mut errors = Vec::new();
    for ((id, found), (links, callers)) in inspected.into_iter().zip(wiring) {
        match parts.service(found, links, callers, handling.contains(id)) {
            Ok(service) => services.push(Arc::new(service)),
            Err(error) => errors.push(format!("component `{id}`: {error}")),
        }
    }
    LoadErrors::check(errors)?;
    let registry = Arc::new(Registry::default());
    registry.publish(services);
    Ok(registry)
}

/// The components whose handler is called: by a trigger, or by the host itself.
fn handling(manifest: &Manifest) -> BTreeSet<&str> {
    let mut ids = triggered(manifest);
    ids.extend(called_by_host(manifest));
    // In its place stands the bus, so nobody misses its artifact.
    ids.retain(|id| bus(manifest).is_none_or(|bus| bus.id != *id));
    ids
}

/// The ids of the components that take events or run by a schedule.
pub fn called_by_host(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let components = manifest.components.values();
    let called = components.filter(|component| {
        let settings = &component.settings;
        !(settings.subscriptions.is_empty() && settings.schedules.is_empty())
    });
    called.map(|component| component.id.as_str())
}

/// The component in whose place the bus stands.
pub fn bus(manifest: &Manifest) -> Option<&Component> {
    let mut components = manifest.components.values();
    components.find(|component| component.settings.bus.is_some())
}

/// The ids of the components that an HTTP trigger leads to, each once.
pub fn triggered(manifest: &Manifest) -> BTreeSet<&str> {
    let ids = manifest
        .http_triggers
        .iter()
        .filter_map(|trigger| match &trigger.target {
            HttpTarget::Component(id) => Some(id.as_str()),
            HttpTarget::Static(_) => None,
        });
    ids.collect()
}

/// All components that are called: their handler is, or a link of one that is leads to them.
fn inspect<'m>(
    manifest: &'m Manifest,
    parts: &Parts<'_>,
    handling: &BTreeSet<&'m str>,
) -> Result<BTreeMap<&'m str, Inspected<'m>>, LoadErrors> {
    let mut errors = Vec::new();
    let mut inspected = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = handling.iter().copied().collect();
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

/// Holds every link against the contracts of both sides. An import that nothing satisfies is
/// reported with all components that could, also those that nobody calls yet.
fn check_links(
    manifest: &Manifest,
    parts: &Parts<'_>,
    inspected: &BTreeMap<&str, Inspected<'_>>,
) -> Result<Resolved, LoadErrors> {
    let of_those_called = parties(inspected);
    if let Ok(resolved) = app::check_links(&of_those_called, &is_offered) {
        return Ok(resolved);
    }
    let others = manifest.components.values();
    let others = others.filter(|component| {
        !inspected.contains_key(&*component.id) && component.settings.bus.is_none()
    });
    let others: BTreeMap<&str, _> = others
        .filter_map(|component| Some((&*component.id, parts.inspect(component).ok()?)))
        .collect();
    let mut all = parties(&others);
    all.extend(of_those_called);
    let resolved = app::check_links(&all, &is_offered);
    let is_called = |error: &String| {
        let mut called = inspected.keys();
        called.any(|id| error.starts_with(&format!("component `{id}`")))
    };
    resolved.map_err(|errors| LoadErrors::of(errors.into_iter().filter(is_called).collect()))
}

fn parties<'a>(inspected: &'a BTreeMap<&str, Inspected<'_>>) -> BTreeMap<String, Party<'a>> {
    let party = |(id, found): (&&str, &'a Inspected<'_>)| {
        let party = Party {
            contract: found.artifact.contract(),
            links: &found.component.settings.links,
        };
        ((*id).to_owned(), party)
    };
    inspected.iter().map(party).collect()
}

/// Interfaces of the host are judged when the component is linked; no other one is its own.
fn is_offered(_id: &str, import: &str) -> bool {
    let namespace = import.split_once(':').map(|(namespace, _)| namespace);
    matches!(namespace, Some("wasi" | "spin" | "fermyon"))
}

/// The links of one service.
fn links(
    inspected: &Inspected<'_>,
    graph: &CallGraph<'_>,
    targets: Option<&BTreeMap<String, Target>>,
) -> Vec<Arc<Link>> {
    let component = inspected.component;
    let link = |(import, target): (&String, &Target)| {
        let Target { provider, export } = target;
        let in_circle = graph.reaches(provider, &component.id);
        let max = component.settings.message_bytes_max;
        Arc::new(Link::new(import, export, provider, in_circle, max))
    };
    targets.into_iter().flatten().map(link).collect()
}
