//! The thread of the log: takes the writes that wait, commits them together, and answers once they
//! are on disk.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::Notify;

use super::BusError;
use super::clock::Clock;
use super::memory::Memory;
use super::schema;
use super::transaction::{self, Transaction};
use crate::manifest::model::events::BusSettings;
use crate::storage::commit_gate::CommitGate;
use crate::storage::database;
use crate::storage::pace::Pace;
use crate::storage::state_dir::free_bytes;

/// Bytes after which a transaction takes no further write.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Writes of one transaction.
const BATCH_WRITES_MAX: usize = 1024;
/// The statements of the log, so that none is prepared twice.
const STATEMENTS_CACHED: usize = 64;
/// Pages of the write-ahead log after which it is copied into the file: many, because the pages of
/// the newest events and of the indexes are written again and again.
const CHECKPOINT_PAGES: i64 = 4000;
/// Memory for pages, in KiB.
const CACHE_KIB: i64 = 32 * 1024;

/// One write. It is applied once; its answer is given when the transaction is on disk or lost.
pub(super) trait Write: Send {
    /// Bytes that it brings, by which a batch is bounded.
    fn bytes(&self) -> usize {
        0
    }

    /// Whether it takes up space, and is refused when the disk is nearly full.
    fn is_growth(&self) -> bool {
        false
    }

    /// Whether no client waits for it.
    fn is_patient(&self) -> bool {
        false
    }

    /// Does it. An error takes the whole transaction with it.
    fn apply(&mut self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()>;

    /// Answers whoever waits.
    fn settle(self: Box<Self>, result: Result<(), BusError>);
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Box<dyn Write>>,
    /// Of these, those that are not patient.
    urgent: usize,
    is_closing: bool,
}

pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) settings: Arc<BusSettings>,
    pub(super) free_bytes_min: u64,
    gate: CommitGate,
    pub(super) clock: Arc<dyn Clock>,
    /// `None` while the file could not be read since a transaction was lost.
    pub(super) memory: Mutex<Option<Memory>>,
    /// When the next delayed event is due, in milliseconds since 1970.
    pub(super) next_due_ms: AtomicI64,
    /// Told when that moment has come nearer.
    pub(super) due_changed: Notify,
    queue: Mutex<Queue>,
    wake: Condvar,
}

/// The log's writing end.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Opens the file, makes it where it is missing, and starts the thread.
    pub(super) fn start(
        path: &Path,
        settings: Arc<BusSettings>,
        free_bytes_min: u64,
        gate: CommitGate,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BusError> {
        let connection = open(path)?;
        let memory = Memory::load(&connection, settings.clone(), Vec::new())?;
        let next_due_ms = transaction::next_due_ms(&connection)?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            settings,
            free_bytes_min,
            gate,
            clock,
            memory: Mutex::new(Some(memory)),
            next_due_ms: AtomicI64::new(next_due_ms),
            due_changed: Notify::new(),
            queue: Mutex::default(),
            wake: Condvar::new(),
        });
        let running = shared.clone();
        let thread = std::thread::Builder::new()
            .name("bus".to_owned())
            .spawn(move || running.run(connection))
            .map_err(BusError::Thread)?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Hands a write to the thread, which answers through it.
    pub(super) fn send(&self, write: Box<dyn Write>) {
        let mut queue = self.shared.queue();
        let is_worth_waking =
            queue.waiting.is_empty() || (queue.urgent == 0 && !write.is_patient());
        queue.urgent += usize::from(!write.is_patient());
        queue.waiting.push_back(write);
        drop(queue);
        if is_worth_waking {
            self.shared.wake.notify_one();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.queue().is_closing = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Option<Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, connection: Connection) {
        let mut connection = Some(connection);
        let mut pace = Pace::default();
        while let Some(writes) = self.next_batch(&pace) {
            let count = writes.len();
            self.commit(&mut connection, writes);
            pace.committed(count);
        }
    }

    /// The writes that wait, as many as one transaction takes; `None` when the thread shall end.
    fn next_batch(&self, pace: &Pace) -> Option<Vec<Box<dyn Write>>> {
        let mut queue = self.queue();
        while queue.waiting.is_empty() {
            if queue.is_closing {
                return None;
            }
            queue = self
                .wake
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        while queue.urgent == 0
            && !queue.is_closing
            && let Some(pause) = pace.pause()
        {
            let waited = self.wake.wait_timeout(queue, pause);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut writes = Vec::with_capacity(queue.waiting.len().min(BATCH_WRITES_MAX));
        let mut bytes = 0;
        while bytes < BATCH_BYTES_MAX
            && writes.len() < BATCH_WRITES_MAX
            && let Some(write) = queue.waiting.pop_front()
        {
            bytes += write.bytes();
            queue.urgent -= usize::from(!write.is_patient());
            writes.push(write);
        }
        Some(writes)
    }

    fn commit(&self, connection: &mut Option<Connection>, mut writes: Vec<Box<dyn Write>>) {
        if self.is_below_reserve() {
            let (growing, rest): (Vec<_>, Vec<_>) =
                writes.into_iter().partition(|write| write.is_growth());
            writes = rest;
            for write in growing {
                write.settle(Err(BusError::DiskNearlyFull));
            }
        }
        if writes.is_empty() {
            return;
        }
        let committed = self.try_commit(connection, &mut writes);
        if let Err(error) = &committed {
            tracing::error!(%error, "the bus cannot be written");
            // What is cached of the file is in doubt.
            *connection = None;
        }
        let failed = committed.is_err();
        for write in writes {
            write.settle(if failed {
                Err(BusError::Failed)
            } else {
                Ok(())
            });
        }
    }

    fn try_commit(
        &self,
        connection: &mut Option<Connection>,
        writes: &mut [Box<dyn Write>],
    ) -> Result<(), BusError> {
        let mut known = self.memory();
        let opened = match connection.take() {
            Some(opened) => opened,
            None => {
                let opened = open(&self.path)?;
                let subscribers = known.iter().flat_map(|memory| memory.subscribers.values());
                let subscribers = subscribers.map(|known| (known.id, known.news.clone()));
                let subscribers = subscribers.collect();
                *known = Some(Memory::load(&opened, self.settings.clone(), subscribers)?);
                opened
            }
        };
        let memory = known.as_mut().ok_or(BusError::Failed)?;
        let _passage = self.gate.commit();
        let result = self.run_transaction(&opened, memory, writes);
        if result.is_ok() {
            *connection = Some(opened);
        }
        Ok(result?)
    }

    fn run_transaction(
        &self,
        connection: &Connection,
        memory: &mut Memory,
        writes: &mut [Box<dyn Write>],
    ) -> rusqlite::Result<()> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let due_before_ms = self.next_due_ms.load(Ordering::SeqCst);
        let mut transaction = Transaction {
            connection,
            memory,
            now_ms: self.clock.now_ms(),
            next_due_ms: due_before_ms,
            news: Vec::new(),
        };
        for write in writes {
            write.apply(&mut transaction)?;
        }
        transaction.finish()?;
        let (news, due_ms) = (transaction.news, transaction.next_due_ms);
        connection.prepare_cached("COMMIT")?.execute([])?;
        for subscriber in memory.subscribers.values() {
            if news
                .iter()
                .any(|topic| subscriber.pending.contains_key(topic))
            {
                subscriber.news.notify_one();
            }
        }
        self.next_due_ms.store(due_ms, Ordering::SeqCst);
        if due_ms < due_before_ms {
            self.due_changed.notify_one();
        }
        Ok(())
    }

    /// A file system that does not say how full it is counts as full.
    fn is_below_reserve(&self) -> bool {
        let folder = self.path.parent().unwrap_or(&self.path);
        match free_bytes(folder) {
            Ok(free) => free < self.free_bytes_min,
            Err(error) => {
                tracing::error!(%error, folder = %folder.display(), "free space is unknown");
                true
            }
        }
    }
}

/// A connection that writes.
fn open(path: &Path) -> Result<Connection, BusError> {
    let connection = database::open(path, u64::MAX)?;
    schema::prepare(&connection)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(connection)
}

/// A connection that reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, BusError> {
    let connection = database::open(path, u64::MAX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}
