//! What a manifest says of who may reach whom, in its own order. How it looks is left to
//! [`super::parts`].

use std::collections::BTreeMap;

use crate::manifest::model::{Component, HttpTarget, Manifest};
use crate::manifest::template::Template;
use crate::network::allowed_hosts::AllowedHosts;

/// The services of an app.
pub(super) struct Map<'m> {
    pub(super) manifest: &'m Manifest,
    /// In the order in which the triggers name them; those without a trigger last, by their ids.
    pub(super) services: Vec<&'m Component>,
    /// The service in whose place the bus stands.
    pub(super) bus: Option<&'m Component>,
    /// By id.
    reach: BTreeMap<&'m str, AllowedHosts>,
}

/// Entries of `allowed_outbound_hosts` that keep the app from running, all of them.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub(super) struct HostErrors(Vec<String>);

impl<'m> Map<'m> {
    pub(super) fn new(manifest: &'m Manifest) -> Result<Self, HostErrors> {
        let services = in_order(manifest);
        let (mut reach, mut errors) = (BTreeMap::new(), Vec::new());
        for component in &services {
            match reachable(manifest, component) {
                Ok(hosts) => {
                    reach.insert(component.id.as_str(), hosts);
                }
                Err(found) => errors.extend(found),
            }
        }
        if !errors.is_empty() {
            return Err(HostErrors(errors));
        }
        let is_bus = |component: &&&Component| component.settings.bus.is_some();
        Ok(Self {
            manifest,
            bus: services.iter().find(is_bus).copied(),
            services,
            reach,
        })
    }

    /// Whether a service is granted requests to another one by name.
    pub(super) fn may_chain(&self, caller: &Component, callee: &Component) -> bool {
        let to = callee.id.as_str();
        self.reach.get(caller.id.as_str()).is_some_and(|hosts| {
            hosts.permits_service("http", to, 80) || hosts.permits_service("https", to, 443)
        })
    }

    /// Those that may publish.
    pub(super) fn publishers(&self) -> impl Iterator<Item = &'m Component> {
        let is_publisher = |component: &Component| {
            let bus = self.bus.filter(|bus| bus.id != component.id);
            bus.is_some_and(|bus| self.may_chain(component, bus))
        };
        let services = self.services.iter().copied();
        services.filter(move |component| is_publisher(component))
    }
}

fn in_order(manifest: &Manifest) -> Vec<&Component> {
    let triggers = manifest.http_triggers.iter();
    let named = triggers.filter_map(|trigger| match &trigger.target {
        HttpTarget::Component(id) => manifest.components.get(id),
        HttpTarget::Static(_) => None,
    });
    let mut services: Vec<&Component> = Vec::new();
    for component in named.chain(manifest.components.values()) {
        if !services.iter().any(|known| known.id == component.id) {
            services.push(component);
        }
    }
    services
}

/// The services that the live component is granted by name. What `*` grants with the rest of the
/// world, and `self`, which is whoever has the route, would be arrows to nobody in particular.
fn reachable(manifest: &Manifest, component: &Component) -> Result<AllowedHosts, Vec<String>> {
    let mut live = component.clone();
    live.withhold_composed_only();
    // The bus takes the component's place; what that may call concerns stock engines alone.
    if live.settings.bus.is_some() {
        live.allowed_outbound_hosts.clear();
    }
    let templates = live.allowed_outbound_hosts.iter();
    let entries: Vec<String> = templates
        .filter_map(|template| with_defaults(manifest, template))
        .filter(|entry| !is_general(entry))
        .collect();
    AllowedHosts::parse(&entries).map_err(|errors| {
        let errors = errors.iter();
        errors
            .map(|error| format!("component `{}`: {error}", component.id))
            .collect()
    })
}

fn is_general(entry: &str) -> bool {
    AllowedHosts::parse(&[entry.to_owned()]).is_ok_and(|hosts| hosts.permits_self())
}

/// An entry with the defaults of its variables: the map is the manifest's, whatever the environment
/// says. `None` where one has no default, or is secret.
fn with_defaults(manifest: &Manifest, template: &str) -> Option<String> {
    let default = |name: &str| {
        let declared = manifest.variables.get(name);
        let public = declared.filter(|variable| !variable.secret);
        let default = public.and_then(|variable| variable.default.as_deref());
        default.ok_or(())
    };
    Template::parse(template).ok()?.expand(default).ok()
}
