//! The gate that every commit of this host passes, so that a backup finds a moment at which none is
//! under way: what one service wrote before another thing is then in the copy with it, whatever
//! files the two lie in.
//!
//! A lock of its own and not a `RwLock`, because a passage moves between threads and hooks with the
//! connection that commits, and because closing gives up after a while. One gate belongs to one
//! state directory.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The gate. Clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct CommitGate {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    commits: usize,
    is_closed: bool,
}

/// A commit that is under way until this is dropped.
#[derive(Debug)]
#[must_use = "the commit has passed when this is dropped"]
pub struct Passage {
    shared: Arc<Shared>,
}

/// No commit is under way, and none begins, until this is dropped.
#[derive(Debug)]
#[must_use = "the gate opens when this is dropped"]
pub struct Closed {
    shared: Arc<Shared>,
}

impl CommitGate {
    /// Waits until the gate is open, for as long as a backup takes to cut, and keeps it from
    /// closing. Blocks, so it is called on threads that may. Whoever holds a passage waits for
    /// nothing but the disk: above all not for somebody else's commit.
    pub fn commit(&self) -> Passage {
        let mut state = self.shared.state();
        while state.is_closed {
            state = self.shared.wait(state);
        }
        state.commits += 1;
        Passage {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Lets no further commit begin and waits for those that are under way; `None`, with the gate
    /// open again, when some of them still are after `patience`.
    pub fn close(&self, patience: Duration) -> Option<Closed> {
        let until = Instant::now() + patience;
        let mut state = self.shared.state();
        while state.is_closed {
            state = self.shared.wait(state);
        }
        state.is_closed = true;
        let closed = Closed {
            shared: Arc::clone(&self.shared),
        };
        while state.commits > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                return None;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        Some(closed)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let waited = self.changed.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.commits = state.commits.saturating_sub(1);
        let is_awaited = state.is_closed && state.commits == 0;
        drop(state);
        if is_awaited {
            self.shared.changed.notify_all();
        }
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.shared.state().is_closed = false;
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn nothing_commits_while_it_is_closed() {
        let gate = CommitGate::default();
        let (written, acknowledged) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        let passage = gate.commit();
                        written.fetch_add(1, Ordering::SeqCst);
                        thread::yield_now();
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                        drop(passage);
                    }
                });
            }
            for _ in 0..100 {
                let closed = gate.close(PATIENCE).unwrap();
                let before = written.load(Ordering::SeqCst);
                assert_eq!(before, acknowledged.load(Ordering::SeqCst));
                thread::yield_now();
                assert_eq!(before, written.load(Ordering::SeqCst));
                drop(closed);
            }
        });
        assert_eq!(written.load(Ordering::SeqCst), 8_000);
    }

    #[test]
    fn a_commit_that_does_not_end_keeps_nobody_else_waiting() {
        let gate = CommitGate::default();
        let long = gate.commit();
        assert!(gate.close(Duration::from_millis(1)).is_none());
        // It is open again.
        drop(gate.commit());
        drop(long);
        drop(gate.close(PATIENCE).unwrap());
        drop(gate.commit());
    }
}
