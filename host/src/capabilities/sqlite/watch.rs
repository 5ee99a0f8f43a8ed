//! What ends a statement that runs too long or takes too much: the invocation's deadline, the
//! instance's end, the memory of SQLite, and the space on the disk.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::hooks::{AuthAction, Authorization};

use super::authorizer::{authorize, grows};
use crate::capabilities::invocation;
use crate::storage::commit_gate::{CommitGate, Passage};
use crate::storage::state_dir::free_bytes;

/// What SQLite may take, beyond what it had when the statement began, before the statement ends.
/// SQLite counts for the whole process, so that at the limit others' statements may end with the
/// one that has taken it; none of them takes the host's memory.
const MEMORY_BYTES_MAX: i64 = 256 * 1024 * 1024;

/// Looks at the disk once in so many calls: to ask the system is a hundred times the price of the
/// rest.
const CALLS_PER_DISK_CHECK: u32 = 4096;

/// When the statements of an instance end. Shared by all its connections.
#[derive(Debug, Default)]
pub struct Deadline {
    invocation: Mutex<Option<invocation::Deadline>>,
    is_cancelled: AtomicBool,
}

impl Deadline {
    /// From now on statements serve an invocation with this deadline.
    pub fn set(&self, deadline: invocation::Deadline) {
        *self.invocation() = Some(deadline);
    }

    /// Ends everything now.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether statements must end.
    pub fn is_over(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
            || self
                .invocation()
                .as_ref()
                .is_some_and(invocation::Deadline::has_passed)
    }

    fn invocation(&self) -> MutexGuard<'_, Option<invocation::Deadline>> {
        self.invocation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a statement was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Deadline,
    Memory,
    Disk,
}

/// The state that a connection shares with its hooks.
#[derive(Debug)]
pub(super) struct Watch {
    deadline: Arc<Deadline>,
    /// Must keep `free_bytes_min`, and so must the folder of temporary files.
    folder: PathBuf,
    free_bytes_min: u64,
    memory_before: AtomicI64,
    stopped: Mutex<Option<Stop>>,
    /// Set while the host runs statements of its own on the connection.
    pub(super) is_host: AtomicBool,
    /// Set when a statement attaches a database, or may make this one larger.
    pub(super) attaches: AtomicBool,
    pub(super) grows: AtomicBool,
    gate: CommitGate,
    /// There from the moment at which SQLite is about to commit to the end of the statement.
    passage: Mutex<Option<Passage>>,
}

impl Watch {
    pub(super) fn new(
        deadline: Arc<Deadline>,
        folder: PathBuf,
        free_bytes_min: u64,
        gate: CommitGate,
    ) -> Watch {
        Watch {
            deadline,
            folder,
            free_bytes_min,
            memory_before: AtomicI64::new(0),
            stopped: Mutex::new(None),
            is_host: AtomicBool::new(false),
            attaches: AtomicBool::new(false),
            grows: AtomicBool::new(false),
            gate,
            passage: Mutex::new(None),
        }
    }

    /// Called by SQLite when a statement has done all its work and is about to commit it. Only now,
    /// because a statement may run for as long as its invocation, and a closed gate would wait for
    /// it with every other writer behind.
    pub(super) fn begin_commit(&self) {
        let mut passage = self.passage();
        // Never a second one beside it, which would wait where the first is waited for.
        if passage.is_none() {
            *passage = Some(self.gate.commit());
        }
    }

    /// The statement has ended, and what it committed with it.
    pub(super) fn end_commit(&self) {
        drop(self.passage().take());
    }

    fn passage(&self) -> MutexGuard<'_, Option<Passage>> {
        self.passage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a statement of the guest.
    pub(super) fn begin(&self) {
        *self.stopped() = None;
        self.memory_before
            .store(sqlite_memory_bytes(), Ordering::Relaxed);
        self.attaches.store(false, Ordering::Relaxed);
        self.grows.store(false, Ordering::Relaxed);
    }

    /// Judges an action of a statement, and remembers what the statement does.
    pub(super) fn authorize(&self, action: &AuthAction<'_>) -> Authorization {
        if self.is_host.load(Ordering::Relaxed) {
            return Authorization::Allow;
        }
        if grows(action) {
            self.grows.store(true, Ordering::Relaxed);
        }
        if matches!(action, AuthAction::Attach { .. }) {
            self.attaches.store(true, Ordering::Relaxed);
            // VACUUM attaches only once it runs, so this cannot wait until all is known.
            if self.is_below_reserve() {
                *self.stopped() = Some(Stop::Disk);
                return Authorization::Deny;
            }
        }
        authorize(action)
    }

    /// Whether the running statement must end; called every few steps of it.
    pub(super) fn must_stop(&self, calls: u32) -> bool {
        if self.is_host.load(Ordering::Relaxed) {
            return false;
        }
        let memory = sqlite_memory_bytes() - self.memory_before.load(Ordering::Relaxed);
        let stop = if self.deadline.is_over() {
            Stop::Deadline
        } else if memory > MEMORY_BYTES_MAX {
            Stop::Memory
        } else if calls.is_multiple_of(CALLS_PER_DISK_CHECK) && self.is_below_reserve() {
            Stop::Disk
        } else {
            return false;
        };
        *self.stopped() = Some(stop);
        true
    }

    /// Whether to wait on for another connection's lock, after `waits` waits of some milliseconds.
    pub(super) fn may_wait(&self, waits: i32) -> bool {
        const WAIT_MS: u64 = 5;
        const WAITS_MAX: i32 = 1000;
        if waits >= WAITS_MAX || self.deadline.is_over() {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(WAIT_MS));
        true
    }

    /// A file system that does not say how full it is counts as full. A folder for temporary
    /// files need not be there.
    pub(super) fn is_below_reserve(&self) -> bool {
        let is_low = |free: std::io::Result<u64>, unknown: u64| {
            free.unwrap_or(unknown) < self.free_bytes_min
        };
        is_low(free_bytes(&self.folder), 0)
            || is_low(free_bytes(&std::env::temp_dir()), self.free_bytes_min)
    }

    pub(super) fn is_over(&self) -> bool {
        self.deadline.is_over()
    }

    pub(super) fn take_stop(&self) -> Option<Stop> {
        self.stopped().take()
    }

    fn stopped(&self) -> MutexGuard<'_, Option<Stop>> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The memory that SQLite has in use in this process.
#[allow(unsafe_code)]
fn sqlite_memory_bytes() -> i64 {
    // SAFETY: the function takes nothing, may be called from any thread, and reads a counter.
    unsafe { rusqlite::ffi::sqlite3_memory_used() }
}
