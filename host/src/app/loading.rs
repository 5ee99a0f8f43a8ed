//! From the components of a manifest to the services of the app: which are needed, whether their
//! links hold, and who may call whom. One service is made by [`super::parts`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::beginning::{Beginner, Beginning, Changes, KeptManifests};
use super::parts::{Inspected, LoadErrors, Parts};
use super::wiring::Wiring;
use crate::manifest::LoadOptions;
use crate::manifest::model::{Component, HttpTarget, Manifest};
use crate::runtime::contracts::app::{self, Party};
use crate::runtime::live::{Live, Share};
use crate::runtime::registry::Registry;
use crate::runtime::service::Service;
use crate::storage::operations::Operations;

/// An app whose services can be called, and what its start changes of what is live.
pub struct Loaded {
    pub registry: Arc<Registry>,
    pub wiring: Wiring,
    pub changes: Option<Changes>,
}

/// Loads every service that a trigger, an event, a schedule or a link leads to.
pub fn load(
    manifest: &Manifest,
    parts: &Parts,
    operations: Option<&Operations>,
    reading: &LoadOptions,
) -> anyhow::Result<Loaded> {
    let handling = handling(manifest);
    let inspected = inspect(manifest, parts, &handling)?;
    let kept = KeptManifests::default();
    let mut beginning = Beginning::new(manifest, operations, reading)?;
    let mut mains = BTreeMap::new();
    let mut canaries = Vec::new();
    for (id, found) in inspected {
        let mut shares = beginning.shares(found, parts, &kept, reading)?;
        // The one with the most weight stands for the service.
        shares.sort_by_key(|share| share.weight);
        if let Some(main) = shares.pop() {
            mains.insert(id, main);
        }
        canaries.extend(shares.into_iter().map(|share| (id, share)));
    }
    check_links(manifest, parts, &mains)?;
    let wiring = Wiring::of(mains.values().map(|main| &main.inspected), &handling);
    let registry = registry(parts, mains, canaries, &wiring)?;
    let changes = beginning.changes();
    Ok(Loaded {
        registry,
        wiring,
        changes,
    })
}

/// Makes the services with their revisions.
fn registry<'m>(
    parts: &Parts,
    mains: BTreeMap<&'m str, Beginner<'m>>,
    canaries: Vec<(&'m str, Beginner<'m>)>,
    wiring: &Wiring,
) -> Result<Arc<Registry>, LoadErrors> {
    let mut errors = Vec::new();
    let mut services: BTreeMap<&str, (Service, Vec<Share>)> = BTreeMap::new();
    for (id, begins) in mains.into_iter().chain(canaries) {
        let (service, shares) = services
            .entry(id)
            .or_insert_with(|| (parts.service(id), Vec::new()));
        let Beginner {
            inspected,
            number,
            weight,
            directory,
        } = begins;
        let metrics = service.metrics().clone();
        match wiring.revision(parts, inspected, number, &directory, metrics) {
            Ok(revision) => shares.push(Share {
                revision: Arc::new(revision),
                weight,
            }),
            Err(error) => errors.push(format!("component `{id}`: {error}")),
        }
    }
    LoadErrors::check(errors)?;
    let services = services.into_iter().map(|(id, (service, shares))| {
        service.set_callers(wiring.callers(id));
        service.set_live(Live::new(shares));
        Arc::new(service)
    });
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
    parts: &Parts,
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
        match parts.inspect(component, manifest) {
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

/// Holds every link against the contracts of both sides. An import that nothing satisfies is
/// reported with all components that could, also those that nobody calls yet.
fn check_links(
    manifest: &Manifest,
    parts: &Parts,
    mains: &BTreeMap<&str, Beginner<'_>>,
) -> Result<(), LoadErrors> {
    let of_those_called = parties(mains.iter().map(|(id, main)| (*id, &main.inspected)));
    if app::check_links(&of_those_called, &is_offered).is_ok() {
        return Ok(());
    }
    let others = manifest.components.values();
    let others = others.filter(|component| {
        !mains.contains_key(&*component.id) && component.settings.bus.is_none()
    });
    let others: BTreeMap<&str, _> = others
        .filter_map(|component| Some((&*component.id, parts.inspect(component, manifest).ok()?)))
        .collect();
    let mut all = parties(others.iter().map(|(id, found)| (*id, found)));
    all.extend(of_those_called);
    let resolved = app::check_links(&all, &is_offered);
    let is_called = |error: &String| {
        let mut called = mains.keys();
        called.any(|id| error.starts_with(&format!("component `{id}`")))
    };
    resolved
        .map(drop)
        .map_err(|errors| LoadErrors::of(errors.into_iter().filter(is_called).collect()))
}

fn parties<'a>(
    inspected: impl Iterator<Item = (&'a str, &'a Inspected<'a>)>,
) -> BTreeMap<String, Party<'a>> {
    let party = |(id, found): (&str, &'a Inspected<'_>)| {
        let party = Party {
            contract: found.artifact.contract(),
            links: &found.component.settings.links,
        };
        (id.to_owned(), party)
    };
    inspected.map(party).collect()
}

/// Interfaces of the host are judged when the component is linked; no other one is its own.
pub fn is_offered(_id: &str, import: &str) -> bool {
    let namespace = import.split_once(':').map(|(namespace, _)| namespace);
    matches!(namespace, Some("wasi" | "spin" | "fermyon"))
}
