//! The end of what nobody calls: instances leave memory after `idle_timeout_ms`, code after
//! `unload_after_ms`, and both before their time when the host holds more than its budget. Which of
//! them go then is left to [`super::memory_budget`].

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::live::Share;
use super::memory_budget::{Loaded, MemoryBudget, choose};
use super::registry::Registry;
use super::revision::Revision;
use super::service::Service;
use crate::telemetry::process;

/// The least and the longest time between two looks for idle services.
const SWEEP_MIN: Duration = Duration::from_millis(10);
const SWEEP_MAX: Duration = Duration::from_secs(1);
/// Time that others get between two rounds of unloading for the budget.
const ROUND_PAUSE: Duration = Duration::from_millis(100);

/// Takes services that nobody calls out of memory, until the registry is gone.
pub async fn sweep(registry: Weak<Registry>, memory_budget_mib: Option<u64>) {
    let mut budget = memory_budget_mib.and_then(|budget_mib| {
        // What loading the app has left must not count as the host's own.
        process::give_back_memory();
        let resident_bytes = process::resident_bytes();
        if resident_bytes.is_none() {
            tracing::warn!("the memory budget is not kept: /proc/self/status cannot be read");
        }
        Some(MemoryBudget::new(budget_mib, resident_bytes?))
    });
    loop {
        let Some(pause) = registry.upgrade().map(|registry| {
            let now = Instant::now();
            end_idle(&registry, now);
            let unloaded = budget
                .as_mut()
                .is_some_and(|budget| keep(budget, &registry, now));
            let pause = pause(&registry);
            if unloaded {
                pause.min(ROUND_PAUSE)
            } else {
                pause
            }
        }) else {
            return;
        };
        tokio::time::sleep(pause).await;
    }
}

fn end_idle(registry: &Registry, now: Instant) {
    for service in registry.all().values() {
        for Share { revision, .. } in service.live().shares() {
            let instances = &revision.instances;
            // One that was made ahead may have come too late for the end of its code.
            if !instances.is_loaded() && instances.held() == 0 {
                continue;
            }
            if is_busy(service, revision) {
                instances.set_used(now);
                continue;
            }
            let settings = revision.settings();
            let idle_timeout_ms = settings.idle_timeout_ms;
            let unload_after_ms = settings.unload_after_ms.unwrap_or(idle_timeout_ms);
            let idle = now.saturating_duration_since(instances.used());
            if idle >= Duration::from_millis(unload_after_ms) {
                instances.unload();
            } else if idle >= Duration::from_millis(idle_timeout_ms) {
                instances.rest();
            }
        }
    }
}

/// Whether calls of the revision run or wait.
fn is_busy(service: &Service, revision: &Revision) -> bool {
    let (busy, queued) = service.load();
    busy + queued > 0 && revision.trees() > 0
}

/// One round for the budget. Says whether anything was unloaded, so that there may be more to do.
fn keep(budget: &mut MemoryBudget, registry: &Registry, now: Instant) -> bool {
    let Some(mut resident_bytes) = process::resident_bytes() else {
        return false;
    };
    if budget.excess_bytes(resident_bytes) > 0 {
        // What the allocator keeps of services that are gone must not cost others their place.
        process::give_back_memory();
        resident_bytes = process::resident_bytes().unwrap_or(resident_bytes);
    }
    budget.note(resident_bytes);
    let excess_bytes = budget.excess_bytes(resident_bytes);
    if excess_bytes == 0 {
        return false;
    }
    let loaded = loaded(registry);
    let busy = loaded.iter().filter(|one| one.is_busy).count();
    let chosen = choose(loaded, budget.held_bytes(resident_bytes), excess_bytes);
    for (service, revision) in &chosen {
        revision.instances.unload();
        service.metrics().budget_unloads.increment();
    }
    if chosen.is_empty() {
        budget.warn(resident_bytes, busy, now);
    }
    !chosen.is_empty()
}

fn loaded(registry: &Registry) -> Vec<Loaded<(Arc<Service>, Arc<Revision>)>> {
    let mut loaded = Vec::new();
    for service in registry.all().values() {
        for Share { revision, .. } in service.live().shares() {
            let instances = &revision.instances;
            if instances.is_loaded() {
                loaded.push(Loaded {
                    name: (service.clone(), revision.clone()),
                    used: instances.used(),
                    bytes: instances.code_bytes() + instances.memory_bytes(),
                    is_busy: is_busy(service, revision),
                });
            }
        }
    }
    loaded
}

/// A quarter of the shortest timeout: a service leaves at most that much late.
fn pause(registry: &Registry) -> Duration {
    let services = registry.all();
    let mains = services.values().filter_map(|service| service.main());
    let timeouts = mains.map(|main| main.settings().idle_timeout_ms);
    let shortest = Duration::from_millis(timeouts.min().unwrap_or(u64::MAX));
    (shortest / 4).clamp(SWEEP_MIN, SWEEP_MAX)
}
