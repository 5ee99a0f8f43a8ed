//! What the operator is told of each service: its part of the manifest, and its contract.

use crate::admin::described::{Described, Descriptions};
use crate::manifest::model::{Component, Manifest};
use crate::runtime::registry::Registry;

/// The descriptions of all services that run.
pub fn all(manifest: &Manifest, registry: &Registry) -> Descriptions {
    let described = |component: &Component| {
        let main = registry.get(&component.id)?.main()?;
        let contract = main.instances.loader().artifact.contract().clone();
        let described = Described::new(manifest, component, contract);
        Some((component.id.clone(), described))
    };
    let all = manifest.components.values().filter_map(described);
    let descriptions = Descriptions::default();
    descriptions.publish(all.collect());
    descriptions
}
