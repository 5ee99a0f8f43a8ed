//! Puts the bus to work for an app: opens its log, has subscriptions and schedules delivered, and
//! moves what atomic handlers have published.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::stores::Stores;
use crate::events::Events;
use crate::events::call::Inbox;
use crate::events::relay::{Outbox, Relays};
use crate::gateway::services::ServiceTable;
use crate::manifest::model::Manifest;
use crate::storage::bus::clock::SystemClock;
use crate::storage::bus::{Bus, BusError, DeliveryId};
use crate::storage::key_value::{FREE_BYTES_MIN, KeyValueStore};
use crate::storage::state_dir::StateDir;

/// The bus of a running app.
pub struct RunningEvents {
    pub events: Arc<Events>,
    pub relays: Relays,
}

/// Opens the log, if the app has a use for it.
pub fn open(manifest: &Manifest, state: &StateDir) -> Result<Option<Arc<Bus>>, BusError> {
    let mut components = manifest.components.values();
    let settings = components.find_map(|component| component.settings.bus.clone());
    let has_schedules = |manifest: &Manifest| {
        let mut components = manifest.components.values();
        components.any(|component| !component.settings.schedules.is_empty())
    };
    if settings.is_none() && !has_schedules(manifest) {
        return Ok(None);
    }
    let gate = state.commit_gate().clone();
    let path = state.events_file();
    let settings = settings.unwrap_or_default();
    Bus::open(&path, settings, FREE_BYTES_MIN, gate, Arc::new(SystemClock)).map(Some)
}

/// Makes ready to deliver to the services in the table.
pub async fn prepare(
    bus: Arc<Bus>,
    manifest: &Manifest,
    stores: &Stores,
    table: &Arc<ServiceTable>,
) -> anyhow::Result<RunningEvents> {
    let outboxes = outboxes(manifest, stores);
    let inboxes = outboxes.iter().filter(|outbox| outbox.is_open);
    let inboxes: BTreeMap<_, _> = inboxes
        .map(|outbox| (outbox.service.clone(), outbox.store.clone()))
        .collect();
    for store in inboxes.values() {
        forget_settled(&bus, store).await?;
    }
    let relays = Relays::start(outboxes, &bus);
    let inbox: Arc<dyn Inbox> = Arc::new(Inboxes(inboxes));
    let components = manifest.components.values();
    let components = components.map(|component| (component.id.as_str(), &component.settings));
    let events = Events::prepare(bus, components, table, &inbox).await?;
    Ok(RunningEvents { events, relays })
}

/// The stores that services own, where events may lie.
fn outboxes(manifest: &Manifest, stores: &Stores) -> Vec<Outbox> {
    let outbox = |component: &crate::manifest::model::Component| {
        let store = stores.own(&component.id)?;
        Some(Outbox {
            service: component.id.as_str().into(),
            store: store.clone(),
            is_open: !component.settings.atomic.paths.is_empty(),
        })
    };
    manifest.components.values().filter_map(outbox).collect()
}

/// The stores of services with atomic handlers, which remember what they have handled.
struct Inboxes(BTreeMap<Arc<str>, Arc<KeyValueStore>>);

impl Inbox for Inboxes {
    fn forget(&self, service: &str, id: DeliveryId) {
        if let Some(store) = self.0.get(service) {
            store.forget_deliveries(vec![id]);
        }
    }
}

/// Forgets acknowledgements that the bus has on disk since an earlier run of the host.
async fn forget_settled(bus: &Bus, store: &Arc<KeyValueStore>) -> anyhow::Result<()> {
    if !store.is_on_disk() {
        return Ok(());
    }
    let mut settled = Vec::new();
    for id in store.deliveries()? {
        let is_other = id.bus != bus.id();
        if is_other || bus.is_settled(id.subscription, id.position)? {
            settled.push(id);
        }
    }
    if settled.is_empty() {
        return Ok(());
    }
    store.forget_deliveries(settled);
    Ok(store.tidy_up().await?)
}
