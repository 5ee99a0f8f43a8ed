//! The idle connections of one service, to be used again by that service only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use wasmtime_wasi_http::WasiBody;

/// Servers commonly close an idle connection after 60 to 75 s; well before that it is not worth
/// keeping.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// Idle connections that a service keeps in all, each of which is a file descriptor of the host.
const IDLE_CONNECTIONS_MAX: usize = 64;

/// What two requests must have in common to share a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
}

/// The idle connections of one service.
pub(super) struct Pool {
    is_enabled: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: HashMap<Key, Vec<Idle>>,
    count: usize,
    is_reaped: bool,
}

struct Idle {
    sender: SendRequest<WasiBody>,
    since: Instant,
}

/// A connection in use. Dropped, it closes the connection; given back, it makes it idle.
pub(super) struct Lease {
    pub(super) sender: SendRequest<WasiBody>,
    pub(super) key: Key,
    pub(super) pool: Arc<Pool>,
    /// Counts the request against the limits on connections.
    pub(super) permits: Vec<OwnedSemaphorePermit>,
}

impl Lease {
    /// Makes the connection idle as soon as its exchange is over, which may be a moment after the
    /// end of the response.
    pub(super) fn give_back(self) {
        let Self {
            mut sender,
            key,
            pool,
            permits,
        } = self;
        drop(permits);
        if !pool.is_enabled {
            return;
        }
        if sender.is_ready() {
            return pool.put(key, sender);
        }
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                pool.put(key, sender);
            }
        });
    }
}

impl Pool {
    pub(super) fn new(is_enabled: bool) -> Arc<Self> {
        Arc::new(Self {
            is_enabled,
            state: Mutex::default(),
        })
    }

    /// The connection that became idle last and still stands.
    pub(super) fn take(&self, key: &Key) -> Option<SendRequest<WasiBody>> {
        let mut state = self.lock();
        loop {
            let idle = state.idle.get_mut(key)?.pop()?;
            state.count -= 1;
            if idle.sender.is_ready() && idle.since.elapsed() < IDLE_MAX {
                return Some(idle.sender);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn idle_count(&self) -> usize {
        self.lock().count
    }

    fn put(self: Arc<Self>, key: Key, sender: SendRequest<WasiBody>) {
        let mut state = self.lock();
        if state.count >= IDLE_CONNECTIONS_MAX {
            state.remove_expired();
        }
        if state.count >= IDLE_CONNECTIONS_MAX {
            return;
        }
        state.idle.entry(key).or_default().push(Idle {
            sender,
            since: Instant::now(),
        });
        state.count += 1;
        if !std::mem::replace(&mut state.is_reaped, true) {
            tokio::spawn(reap(Arc::downgrade(&self)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove_expired(&mut self) {
        for connections in self.idle.values_mut() {
            connections.retain(|idle| idle.sender.is_ready() && idle.since.elapsed() < IDLE_MAX);
        }
        self.idle.retain(|_, connections| !connections.is_empty());
        self.count = self.idle.values().map(Vec::len).sum();
    }
}

/// Closes what stays idle too long, until nothing is idle: a service at rest holds no connection.
async fn reap(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE_MAX).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        let mut state = pool.lock();
        state.remove_expired();
        if state.count == 0 {
            state.is_reaped = false;
            return;
        }
    }
}
