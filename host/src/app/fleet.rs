//! The running app as its operator changes it: which revisions there are and which of them take
//! calls. One change at a time; each is on disk before a call sees it.
//!
//! A deploy is in [`super::deploy`], weights and the end of a revision in [`super::switch`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::runtime::Handle;

use super::beginning::KeptManifests;
use super::compilers::Compilers;
use super::parts::Parts;
use super::wiring::Wiring;
use crate::admin::described::Descriptions;
use crate::admin::operations::OperateError;
use crate::gateway::services::ServiceTable;
use crate::manifest::LoadOptions;
use crate::manifest::model::canary::Sticky;
use crate::runtime::contracts::deploy::ServiceContracts;
use crate::runtime::live::Live;
use crate::runtime::registry::Registry;
use crate::runtime::revision::Revision;
use crate::runtime::service::Service;
use crate::storage::operations::{self, Operations, OperationsError};

/// The running app.
pub struct Fleet {
    pub(super) parts: Parts,
    pub(super) registry: Arc<Registry>,
    pub(super) table: Arc<ServiceTable>,
    pub(super) wiring: RwLock<Wiring>,
    pub(super) operations: Arc<Operations>,
    pub(super) descriptions: Arc<Descriptions>,
    pub(super) compilers: Compilers,
    /// How the manifest is read.
    pub(super) reading: LoadOptions,
    pub(super) revisions_kept: usize,
    /// Where guests run.
    pub(super) tasks: Handle,
    changing: Mutex<()>,
}

/// What a fleet is made of.
pub struct FleetParts {
    pub parts: Parts,
    pub registry: Arc<Registry>,
    pub table: Arc<ServiceTable>,
    pub wiring: Wiring,
    pub descriptions: Arc<Descriptions>,
    pub operations: Arc<Operations>,
    pub reading: LoadOptions,
    pub revisions_kept: usize,
}

impl Fleet {
    /// To be made where guests run.
    pub fn new(parts: FleetParts) -> anyhow::Result<Arc<Self>> {
        let FleetParts {
            parts,
            registry,
            table,
            wiring,
            descriptions,
            operations,
            reading,
            revisions_kept,
        } = parts;
        let fleet = Arc::new(Self {
            parts,
            registry,
            table,
            wiring: RwLock::new(wiring),
            operations,
            descriptions,
            compilers: Compilers::start()?,
            reading,
            revisions_kept,
            tasks: Handle::current(),
            changing: Mutex::default(),
        });
        fleet.tell_sticky();
        for service in fleet.registry.all().values() {
            fleet.watch_canary(service);
        }
        Ok(fleet)
    }

    /// Tells the gateway what tells clients apart for the services with several live revisions.
    pub(super) fn tell_sticky(&self) {
        let services = self.registry.all();
        let mut sticky: Vec<Sticky> = services
            .values()
            .filter_map(|service| {
                let live = service.live();
                let has_canary = live.weighted().nth(1).is_some();
                let rule = live.main()?.settings().canary.as_ref();
                rule?.sticky.clone().filter(|_| has_canary)
            })
            .collect();
        sticky.sort();
        sticky.dedup();
        self.table.set_sticky(sticky);
    }

    /// Held by the one who changes what runs.
    pub(super) fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn service(&self, id: &str) -> Result<Arc<Service>, OperateError> {
        let found = self.registry.get(id);
        found.ok_or_else(|| OperateError::NoSuchService(id.to_owned()))
    }

    /// What the records say of the revisions that take a service's calls, and their weights.
    pub(super) fn recorded(
        &self,
        id: &str,
    ) -> Result<Vec<(operations::Revision, u8)>, OperateError> {
        let mut live = self.operations.live().map_err(unavailable)?;
        live.remove(id)
            .ok_or_else(|| OperateError::NoSuchService(id.to_owned()))
    }

    /// A revision that is not in memory, made of its record.
    pub(super) fn revive(
        &self,
        service: &Service,
        record: &operations::Revision,
    ) -> Result<Arc<Revision>, OperateError> {
        let manifests = KeptManifests::default();
        let (inspected, directory) = self
            .compilers
            .run(|| manifests.inspect(&self.operations, record, &self.parts, &self.reading))
            .map_err(|error| OperateError::Refused(format!("{error:#}")))?;
        let wiring = self.wiring.read().unwrap_or_else(PoisonError::into_inner);
        let metrics = service.metrics().clone();
        let made = wiring.revision(&self.parts, inspected, record.number, &directory, metrics);
        let revision = Arc::new(made.map_err(|error| OperateError::Refused(error.to_string()))?);
        self.registry.join(service.id(), &revision);
        Ok(revision)
    }

    /// Makes instances of a revision ready. One that cannot be started never gets a call.
    pub(super) fn warm(&self, revision: &Revision) -> Result<(), OperateError> {
        let warmed = self.tasks.block_on(revision.instances.warm());
        warmed.map_err(|error| {
            let number = revision.number;
            OperateError::Refused(format!("revision {number} cannot be started: {error}"))
        })
    }

    /// What runs, as the check of contracts takes it. `lives` holds what it borrows from.
    pub(super) fn contracts(
        lives: &[(Arc<str>, Arc<Live>)],
    ) -> BTreeMap<String, ServiceContracts<'_>> {
        let contracts = lives.iter().filter_map(|(id, live)| {
            let links = &live.main()?.settings().links;
            let weighted = live.weighted();
            let contracts = weighted.map(|share| share.revision.contract()).collect();
            Some((id.to_string(), ServiceContracts { links, contracts }))
        });
        contracts.collect()
    }

    /// The revisions in memory of all services.
    pub(super) fn lives(&self) -> Vec<(Arc<str>, Arc<Live>)> {
        let services = self.registry.all();
        let lives = services.values();
        lives
            .map(|service| (service.id().clone(), service.live()))
            .collect()
    }
}

/// The records cannot be read or written.
pub(super) fn unavailable(error: OperationsError) -> OperateError {
    OperateError::Unavailable(error.to_string())
}
