//! The instances that fit the host's pools, all services together.
//!
//! The engine's own error for a full pool must never reach a caller, so a place is taken here
//! before an instance is made. The last places are kept for services that have no instance at all,
//! so that one busy service never keeps another from running; and when all are taken, instances
//! that nobody uses are given up first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use tokio::sync::Notify;

/// Gives up instances that wait for their next call.
pub trait Reclaim: Send + Sync {
    /// Drops all instances that no call uses, and says whether there were any.
    fn reclaim(&self) -> bool;
}

/// The host's places.
pub struct HostPlaces {
    places: usize,
    /// Of these, only for services without any instance.
    reserved: usize,
    taken: AtomicUsize,
    freed: Notify,
    reclaim: OnceLock<Weak<dyn Reclaim>>,
}

/// A place for one instance; free again when it is dropped.
pub struct HostPlace {
    places: Arc<HostPlaces>,
    /// Places that the same service holds.
    held: Arc<AtomicUsize>,
}

impl HostPlaces {
    pub fn new(places: usize, reserved: usize) -> Self {
        Self {
            places,
            reserved,
            taken: AtomicUsize::new(0),
            freed: Notify::new(),
            reclaim: OnceLock::new(),
        }
    }

    /// Who gives up instances when all places are taken.
    pub fn set_reclaim(&self, reclaim: Weak<dyn Reclaim>) {
        // Set once, by the registry that owns the instances.
        let _ = self.reclaim.set(reclaim);
    }

    /// Places that are taken.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// A place that is free right now, for a service that holds `held` of them.
    pub fn try_take(self: &Arc<Self>, held: &Arc<AtomicUsize>) -> Option<HostPlace> {
        let open = if held.load(Ordering::Relaxed) == 0 {
            self.places
        } else {
            self.places.saturating_sub(self.reserved)
        };
        let take = |taken: usize| (taken < open).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .ok()?;
        held.fetch_add(1, Ordering::Relaxed);
        Some(HostPlace {
            places: self.clone(),
            held: held.clone(),
        })
    }

    /// A place now, or one that becomes free before `deadline`. A call that others wait for does
    /// not wait itself: those who hold all places could be waiting for it.
    pub async fn take(
        self: &Arc<Self>,
        held: &Arc<AtomicUsize>,
        may_wait: bool,
        deadline: Instant,
    ) -> Option<HostPlace> {
        loop {
            let freed = self.freed.notified();
            if let Some(place) = self.try_take(held) {
                return Some(place);
            }
            if self.reclaim() {
                continue;
            }
            if !may_wait {
                return None;
            }
            tokio::time::timeout_at(deadline.into(), freed).await.ok()?;
        }
    }

    fn reclaim(&self) -> bool {
        let reclaim = self.reclaim.get().and_then(Weak::upgrade);
        reclaim.is_some_and(|reclaim| reclaim.reclaim())
    }
}

impl Drop for HostPlace {
    fn drop(&mut self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
        self.places.taken.fetch_sub(1, Ordering::Relaxed);
        self.places.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use super::{HostPlace, HostPlaces, Reclaim};

    struct Idle(Mutex<Vec<HostPlace>>);

    impl Reclaim for Idle {
        fn reclaim(&self) -> bool {
            !std::mem::take(&mut *self.0.lock().unwrap()).is_empty()
        }
    }

    #[tokio::test]
    async fn the_last_places_are_for_services_without_an_instance() {
        let places = Arc::new(HostPlaces::new(3, 1));
        let (busy, other) = (Arc::default(), Arc::default());
        let held = [places.try_take(&busy), places.try_take(&busy)];
        assert!(held.iter().all(Option::is_some));
        assert!(places.try_take(&busy).is_none());
        let first = places.try_take(&other);
        assert!(first.is_some() && places.try_take(&other).is_none());
        let soon = Instant::now() + Duration::from_millis(1);
        assert!(places.take(&other, true, soon).await.is_none());
        drop(first);
        assert!(places.take(&other, false, soon).await.is_some());
    }

    #[tokio::test]
    async fn instances_that_nobody_uses_give_way() {
        let places = Arc::new(HostPlaces::new(1, 0));
        let (one, other) = (Arc::default(), Arc::default());
        let idle: Arc<dyn Reclaim> =
            Arc::new(Idle(Mutex::new(Vec::from_iter(places.try_take(&one)))));
        places.set_reclaim(Arc::downgrade(&idle));
        let place = places.take(&other, false, Instant::now()).await;
        assert!(place.is_some() && places.taken() == 1);
        let none = places.take(&other, false, Instant::now()).await;
        assert!(none.is_none());
    }

    #[tokio::test]
    async fn who_waits_gets_the_next_free_place() {
        let places = Arc::new(HostPlaces::new(1, 0));
        let count = Arc::default();
        let held = places.try_take(&count);
        let far = Instant::now() + Duration::from_secs(60);
        let waiting = places.take(&count, true, far);
        let freeing = async { drop(held) };
        assert!(futures::join!(waiting, freeing).0.is_some());
    }
}
