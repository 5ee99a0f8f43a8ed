//! What the bus does by the clock: lets delayed events join their topics, and removes old ones.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::delivery::Phase;
use crate::storage::bus::Bus;

/// The clock may jump, so nobody sleeps for longer.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// How often old events are looked for.
const RETENTION_INTERVAL: Duration = Duration::from_secs(60);

/// Lets events join their topics when they are due, until the host stops.
pub async fn release_due(bus: Arc<Bus>, mut phase: watch::Receiver<Phase>) {
    loop {
        let left_ms = bus.next_due_ms().saturating_sub(bus.clock().now_ms());
        let mut pause = Duration::from_millis(left_ms.max(0).unsigned_abs()).min(SLEEP_MAX);
        if left_ms <= 0
            && let Err(error) = bus.release_due().await
        {
            tracing::error!(%error, "delayed events cannot be delivered");
            pause = SLEEP_MAX;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = bus.due_changed() => {}
            _ = phase.wait_for(|phase| *phase == Phase::Stopping) => return,
        }
    }
}

/// Removes what no topic has to keep, at once and every minute, until the host stops.
pub async fn remove_old(bus: Arc<Bus>, mut phase: watch::Receiver<Phase>) {
    loop {
        match bus.remove_old().await {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "old events were removed"),
            Err(error) => tracing::error!(%error, "old events cannot be removed"),
        }
        tokio::select! {
            () = tokio::time::sleep(RETENTION_INTERVAL) => {}
            _ = phase.wait_for(|phase| *phase == Phase::Stopping) => return,
        }
    }
}
