//! What the admin API shows while the runtime does not tell it more: the services that the manifest
//! declares, without a word on what they do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::manifest::model::Manifest;
use crate::telemetry::metrics::{EdgeStatus, Health, Observed, ServiceStatus};

/// The services of a manifest, each as one that has done nothing yet.
pub struct Declared(Vec<ServiceStatus>);

impl Declared {
    /// Those with these ids.
    pub fn new(manifest: &Manifest, ids: &BTreeSet<&str>) -> Self {
        let components = ids.iter().filter_map(|id| manifest.components.get(*id));
        let services = components.map(|component| ServiceStatus {
            id: component.id.clone(),
            revision: String::new(),
            health: Health::Ready,
            code_loaded: true,
            instances_max: component.settings.instances_max as u64,
            instances_ready: 0,
            instances_busy: 0,
            queue_max: component.settings.queue_max as u64,
            queued: 0,
            memory_bytes: 0,
            links: BTreeMap::new(),
            metrics: Arc::default(),
        });
        Self(services.collect())
    }
}

impl Observed for Declared {
    fn services(&self) -> Vec<ServiceStatus> {
        self.0.clone()
    }

    fn edges(&self) -> Vec<EdgeStatus> {
        Vec::new()
    }
}
