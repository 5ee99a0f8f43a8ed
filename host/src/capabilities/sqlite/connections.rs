//! The connection that a database keeps for a while when nobody uses it. SQLite checkpoints and
//! removes the log when the last connection closes, which takes several flushes; without this, a
//! guest that opens the database in every request would pay them in every request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use super::session::Session;

/// How long after its last use a database is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct LastConnection {
    kept: Mutex<Option<Session>>,
    has_been_used: AtomicBool,
    is_timed: AtomicBool,
}

impl LastConnection {
    /// Takes over a connection that its guest has let go: keeps it, unused, in the place of the
    /// one before, which is closed. Never blocks the calling thread where there is another.
    pub(super) fn retire(self: &Arc<Self>, session: Session) {
        // Before the timer is looked at: one that is about to end waits once more.
        self.has_been_used.store(true, Ordering::SeqCst);
        let this = Arc::clone(self);
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn_blocking(move || this.keep(session));
                self.start_timer(&runtime);
            }
            Err(_) => drop(session),
        }
    }

    fn keep(&self, session: Session) {
        session.abandon();
        let before = self.swap(Some(session));
        drop(before);
    }

    fn swap(&self, session: Option<Session>) -> Option<Session> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *kept, session)
    }

    fn start_timer(self: &Arc<Self>, runtime: &Handle) {
        if self.is_timed.swap(true, Ordering::SeqCst) {
            return;
        }
        let this = Arc::clone(self);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(IDLE_TIMEOUT).await;
                if !this.has_been_used.swap(false, Ordering::SeqCst) {
                    break;
                }
            }
            this.is_timed.store(false, Ordering::SeqCst);
            if let Some(session) = this.swap(None) {
                // Closing the last connection writes the log back.
                let _ = tokio::task::spawn_blocking(move || drop(session)).await;
            }
        });
    }
}
