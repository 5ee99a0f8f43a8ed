//! Moves the events that atomic handlers published from the outboxes of their services' stores to
//! the bus, in order: one task per service. That an event which was copied twice is stored once is
//! the bus's doing, by the numbers of the rows.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::storage::bus::{Bus, BusError, NewEvent};
use crate::storage::key_value::{KeyValueError, KeyValueStore};

/// Rows that are copied at once.
const ROWS_MAX: u32 = 256;
/// Pauses after a failure: the first, doubling up to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Stores that are looked at together when the host starts.
const LOOKS_MAX: usize = 4;

/// Where the rows go: the bus.
pub trait Outlet: Send + Sync + 'static {
    /// Why nothing was stored.
    type Error: Display + Send;

    /// Stores the events of a store's outbox, all or none, but those whose numbers are not above
    /// the last one of that store: they are there already. On disk when the future is ready.
    fn relay(
        &self,
        store: i64,
        events: Vec<(i64, NewEvent)>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

impl Outlet for Bus {
    type Error = BusError;

    async fn relay(&self, store: i64, events: Vec<(i64, NewEvent)>) -> Result<(), BusError> {
        Bus::relay(self, store, events).await
    }
}

/// The store of a service, which has its outbox.
pub struct Outbox {
    pub service: Arc<str>,
    pub store: Arc<KeyValueStore>,
    /// Whether the service has atomic handlers, so that events may come. Another one may have had
    /// them when the host ran last.
    pub is_open: bool,
}

/// The tasks of all services.
pub struct Relays {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Relays {
    /// Begins to move events. What lies in an outbox since an earlier run of the host is moved
    /// first.
    pub fn start<O: Outlet>(outboxes: Vec<Outbox>, outlet: &Arc<O>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let looks = Arc::new(Semaphore::new(LOOKS_MAX));
        let mut tasks = JoinSet::new();
        for outbox in outboxes {
            let relay = Relay {
                outbox,
                moved: 0,
                outlet: outlet.clone(),
                stopped: stopped.clone(),
            };
            tasks.spawn(relay.run(looks.clone()));
        }
        Self { tasks, stop }
    }

    /// Moves what is there once more, and ends. What cannot be moved in `timeout` stays in the
    /// outboxes until the next start.
    pub async fn finish(mut self, timeout: Duration) {
        let _ = self.stop.send(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(timeout, ended).await.is_err() {
            tracing::warn!("events are left in outboxes; the next start moves them to the bus");
        }
    }
}

/// The task of one service.
struct Relay<O> {
    outbox: Outbox,
    /// Events up to this number are on the bus.
    moved: i64,
    outlet: Arc<O>,
    stopped: watch::Receiver<bool>,
}

/// Why events stay where they are.
#[derive(Debug, thiserror::Error)]
enum Stuck<E: Display> {
    #[error("the outbox: {0}")]
    Store(#[from] KeyValueError),
    #[error("the bus: {0}")]
    Bus(E),
}

impl<O: Outlet> Relay<O> {
    async fn run(mut self, looks: Arc<Semaphore>) {
        self.move_until_stopped(&looks).await;
        if self.moved > 0
            && let Err(error) = self.outbox.store.tidy_up().await
        {
            let service = &*self.outbox.service;
            tracing::warn!(service, %error, "events that were moved stay in the outbox");
        }
    }

    async fn move_until_stopped(&mut self, looks: &Semaphore) {
        if self.may_have_events(looks).await {
            self.drain().await;
        }
        while self.outbox.is_open {
            tokio::select! {
                () = self.outbox.store.outbox_added() => {}
                _ = self.stopped.wait_for(|stopped| *stopped) => {}
            }
            let is_last = *self.stopped.borrow();
            self.drain().await;
            if is_last {
                return;
            }
        }
    }

    async fn may_have_events(&self, looks: &Semaphore) -> bool {
        let Ok(_look) = looks.acquire().await else {
            return true;
        };
        let store = self.outbox.store.clone();
        let look = tokio::task::spawn_blocking(move || store.may_have_outbox());
        look.await.unwrap_or(true)
    }

    /// Moves all that is there, however often that takes; once the host ends, it tries once.
    async fn drain(&mut self) {
        let mut pause = PAUSE_MIN;
        loop {
            // Looked at first: a stop that comes while events are moved is worth one more try.
            let is_last = *self.stopped.borrow();
            let Err(error) = self.move_all().await else {
                return;
            };
            let service = &*self.outbox.service;
            tracing::warn!(service, %error, "events wait in the outbox");
            if is_last {
                return;
            }
            let stopped = self.stopped.wait_for(|stopped| *stopped);
            let _ = tokio::time::timeout(pause, stopped).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }

    async fn move_all(&mut self) -> Result<(), Stuck<O::Error>> {
        let store = &self.outbox.store;
        store.open().await?;
        let id = store.store_id()?;
        loop {
            let events = store.outbox(self.moved, ROWS_MAX)?;
            let Some((last, _)) = events.last() else {
                return Ok(());
            };
            let last = *last;
            self.outlet.relay(id, events).await.map_err(Stuck::Bus)?;
            store.outbox_relayed(last);
            self.moved = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::{NewEvent, Outbox, Outlet, Relays};
    use crate::storage::key_value::unit::Unit;
    use crate::storage::key_value::{Committed, KeyValueStore, Limits};

    /// A bus that fails a while, also after it has stored the events, and skips what it has.
    #[derive(Default)]
    struct Bus {
        failures: AtomicUsize,
        stored: Mutex<Vec<(i64, String)>>,
        changed: tokio::sync::Notify,
    }

    impl Outlet for Bus {
        type Error = &'static str;

        async fn relay(
            &self,
            _store: i64,
            events: Vec<(i64, NewEvent)>,
        ) -> Result<(), &'static str> {
            let left = self.failures.load(Ordering::Relaxed);
            self.failures
                .store(left.saturating_sub(1), Ordering::Relaxed);
            if left % 2 == 1 {
                return Err("not now");
            }
            let mut stored = self.stored.lock().unwrap();
            let last = stored.last().map_or(0, |(number, _)| *number);
            let new = events.into_iter().filter(|(number, _)| *number > last);
            stored.extend(new.map(|(number, event)| (number, event.id)));
            self.changed.notify_one();
            if left > 0 {
                Err("stored, and no word of it")
            } else {
                Ok(())
            }
        }
    }

    impl Bus {
        async fn wait_for(&self, count: usize) {
            while self.stored.lock().unwrap().len() < count {
                self.changed.notified().await;
            }
        }
    }

    async fn publish(store: &Arc<KeyValueStore>, ids: std::ops::Range<usize>) {
        let unit = Unit::new(store.clone());
        let events = ids.map(|id| NewEvent {
            topic: "t".to_owned(),
            source: "s".to_owned(),
            id: id.to_string(),
            key: None,
            delay_until_ms: None,
            attributes: "{}".to_owned(),
            data: Vec::new(),
        });
        unit.publish(events.collect()).unwrap();
        assert_eq!(store.commit(&unit, None).await, Ok(Committed::Whole));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn events_reach_the_bus_once_and_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits {
            free_bytes_min: 0,
            ..Limits::default()
        };
        let path = directory.path().join("x.db");
        let store = Arc::new(KeyValueStore::new(&path, limits));
        // From an earlier run of the host, more than fits into one copy.
        publish(&store, 0..300).await;
        let bus = Arc::new(Bus {
            failures: AtomicUsize::new(3),
            ..Bus::default()
        });
        let outbox = |is_open| {
            vec![Outbox {
                service: "cart".into(),
                store: store.clone(),
                is_open,
            }]
        };
        let relays = Relays::start(outbox(false), &bus);
        bus.wait_for(300).await;
        relays.finish(Duration::from_secs(60)).await;
        assert_eq!(store.outbox(0, 1), Ok(vec![]));

        let relays = Relays::start(outbox(true), &bus);
        for first in 300..320 {
            publish(&store, first..first + 1).await;
        }
        bus.wait_for(320).await;
        publish(&store, 320..321).await;
        // What was committed before the end is moved before the end.
        relays.finish(Duration::from_secs(60)).await;
        assert_eq!(store.outbox(0, 1), Ok(vec![]));
        let expected = (0..321usize).map(|id| (i64::try_from(id).unwrap() + 1, id.to_string()));
        assert!(bus.stored.lock().unwrap().iter().cloned().eq(expected));
    }
}
