//! What a delivery leaves on the disk: acknowledgements, and dead letters. Nothing waits for an
//! acknowledgement; an event is settled as a dead letter only once that is stored.

use std::sync::atomic::Ordering;
use std::time::Instant;

use futures::future::BoxFuture;

use super::lines::Item;
use super::{Deliveries, STORAGE_PAUSE};
use crate::storage::bus::{BusError, Death, DeliveryId, Settled};

impl Deliveries {
    pub(super) fn bury(&mut self, item: Item, death: Death) {
        let stored: BoxFuture<'static, Result<(), BusError>> = match item.dead_letter() {
            Some(id) => Box::pin(self.config.bus.bury_again(id, death.clone())),
            None => {
                let (bus, id) = (&self.config.bus, self.subscribed.id);
                Box::pin(bus.bury(id, item.position, death.clone()))
            }
        };
        self.burying
            .push(Box::pin(async move { ((item, death), stored.await) }));
    }

    pub(super) fn buried(&mut self, mut item: Item, death: Death, result: Result<(), BusError>) {
        match result {
            Ok(()) => {
                self.config.counters.dead.fetch_add(1, Ordering::Relaxed);
                match item.dead_letter() {
                    Some(letter) => drop(self.retried.remove(&letter)),
                    None => self.settle(item, false),
                }
            }
            Err(error) => {
                tracing::error!(%error, "a dead letter cannot be stored");
                item.death = Some(death);
                let pause_ms = i64::try_from(STORAGE_PAUSE.as_millis()).unwrap_or(i64::MAX);
                self.pause(item, pause_ms);
            }
        }
    }

    /// An event is done with, and the next one of its key may go.
    pub(super) fn settle(&mut self, item: Item, was_handled: bool) {
        let id = self.id(item.position);
        let bus = &self.config.bus;
        let stored: BoxFuture<'static, Result<(), BusError>> = match item.dead_letter() {
            Some(letter) if was_handled => {
                let dropped = bus.drop_dead(letter);
                Box::pin(async move { dropped.await.map(drop) })
            }
            Some(_) => Box::pin(async { Ok(()) }),
            None => {
                let progress = &mut self.subscribed.progress;
                let settled = Settled {
                    subscription: self.subscribed.id,
                    position: item.position,
                    topic: item.topic_id,
                    has_failed: item.attempts > 0,
                    change: progress.settle(item.after, item.position),
                };
                Box::pin(bus.settle(settled))
            }
        };
        if let Some(letter) = item.dead_letter() {
            self.retried.remove(&letter);
        }
        self.lines.release(item.key.as_ref());
        self.storing
            .push(Box::pin(async move { (id, stored.await) }));
    }

    pub(super) fn stored(&mut self, id: DeliveryId, result: Result<(), BusError>) {
        match result {
            Ok(()) => self.config.subscriber.forget(id),
            // The event is delivered again if the host ends before this is stored.
            Err(_) => {
                self.unsaved_since.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Stores all that is settled, when some of it could not be stored before.
    pub(super) async fn save(&mut self) {
        let waited = self.unsaved_since.map(|since| since.elapsed());
        if waited.is_none_or(|waited| waited < STORAGE_PAUSE) {
            return;
        }
        self.unsaved_since = Some(Instant::now());
        let (id, progress) = (self.subscribed.id, self.subscribed.progress.clone());
        match self.config.bus.save_progress(id, progress).await {
            Ok(()) => self.unsaved_since = None,
            Err(error) => tracing::error!(%error, "acknowledgements cannot be stored"),
        }
    }
}
