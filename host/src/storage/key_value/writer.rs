//! The thread of a key-value file: takes the writes that wait, commits them together, answers, and
//! closes the file when nobody has used it for a while. Also keeps the readers' connections, which
//! it closes at the same time, and lends them for snapshots.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{Notify, Semaphore, oneshot};

use super::commit::{self, Budget, Operation, Outcome, PAGES_FOR_DELETES, RolledBack};
use super::log::LogWatch;
use super::queue::{Answer, CHORES_MAX, Caller, Chores, Queue, Waiting, refuse};
use super::reader::{self, ReadError};
use super::schema::{self, SchemaError};
use super::{KeyValueError, Limits};
use crate::storage::bus::DeliveryId;
use crate::storage::commit_gate::CommitGate;
use crate::storage::database::{self, DatabaseError};
use crate::storage::pace::Pace;
use crate::storage::state_dir::free_bytes;

/// Writes that may wait; further callers wait for their turn without taking memory here.
const WAITING_MAX: usize = 256;
/// Connections that are kept for readers and snapshots; more are opened when more are in use at
/// once, and closed afterwards.
const READERS_KEPT: usize = 16;
/// How often a transaction is tried again without the write for which SQLite rolled it back.
const ATTEMPTS_MAX: usize = 4;
/// The distinct statements of the engine, so that none is prepared twice.
const STATEMENTS_CACHED: usize = 48;

/// Pages of the log after which it is copied into the file: 16 MiB, because a page that is written
/// often is then copied once for many commits.
const CHECKPOINT_PAGES: i64 = 4000;
/// How long the free space of the disk is believed: what is written meanwhile is far less than the
/// reserve.
const FREE_SPACE_BELIEVED: Duration = Duration::from_millis(100);

struct Shared {
    path: PathBuf,
    limits: Limits,
    gate: CommitGate,
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Changed under the queue's lock only; read without it where a read has ended.
    is_running: AtomicBool,
    readers: Mutex<Vec<Connection>>,
    has_been_read: AtomicBool,
    /// Held while a connection is opened: two that turn a new file to WAL at once disturb each
    /// other.
    opening: Mutex<()>,
    /// Told when a commit has added events to the outbox.
    outbox_added: Notify,
}

/// The writing end of a store and the connections of its readers.
pub(super) struct Writer {
    shared: Arc<Shared>,
    permits: Arc<Semaphore>,
}

#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("{path}: {source}")]
    Schema { path: PathBuf, source: SchemaError },
    #[error("{path}: {source}")]
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
}

impl Writer {
    pub(super) fn new(path: &Path, limits: Limits, gate: CommitGate) -> Writer {
        let shared = Shared {
            path: path.to_owned(),
            limits,
            gate,
            queue: Mutex::default(),
            wake: Condvar::new(),
            is_running: AtomicBool::new(false),
            readers: Mutex::default(),
            has_been_read: AtomicBool::new(false),
            opening: Mutex::default(),
            outbox_added: Notify::new(),
        };
        Writer {
            shared: Arc::new(shared),
            permits: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }

    /// Hands the operation to the thread and waits until it is on disk or refused.
    pub(super) async fn write(&self, operation: Operation) -> Answer {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| KeyValueError::Failed)?;
        let (reply, answer) = oneshot::channel();
        let is_patient = operation.is_patient();
        let is_first = {
            let mut queue = self.shared.queue();
            let is_first = queue.waiting.is_empty();
            queue.urgent += usize::from(!is_patient);
            queue.waiting.push_back(Waiting {
                operation,
                caller: Some(Caller {
                    reply,
                    _permit: permit,
                }),
            });
            self.shared.ensure_running(&mut queue);
            is_first
        };
        if is_first || !is_patient {
            self.shared.wake.notify_one();
        }
        answer.await.unwrap_or(Err(KeyValueError::Failed))
    }

    /// Has the events up to this number removed from the outbox, in time.
    pub(super) fn relayed(&self, through: i64) {
        self.chore(|chores| chores.relayed = chores.relayed.max(Some(through)));
    }

    /// Has these deliveries removed from the inbox, in time.
    pub(super) fn forget(&self, deliveries: Vec<DeliveryId>) {
        self.chore(|chores| chores.forgotten.extend(deliveries));
    }

    fn chore(&self, add: impl FnOnce(&mut Chores)) {
        let mut queue = self.shared.queue();
        add(&mut queue.chores);
        self.shared.ensure_running(&mut queue);
        if queue.chores.forgotten.len() >= CHORES_MAX {
            drop(queue);
            self.shared.wake.notify_one();
        }
    }

    /// Does the chores now.
    pub(super) async fn tidy_up(&self) -> Result<(), KeyValueError> {
        // They go with any write.
        self.write(Operation::Delete(Vec::new())).await.map(drop)
    }

    /// Runs a read on a connection of its own, on this thread.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, KeyValueError> {
        let connection = self.shared.take_reader()?;
        let result = read(&connection).map_err(commit::refusal);
        // A connection that has failed is not kept.
        let is_sound = !matches!(result, Err(KeyValueError::Failed));
        self.shared.give_back(connection, is_sound);
        result
    }

    /// The file as it is now, until the snapshot is dropped.
    pub(super) fn snapshot(&self) -> Result<Snapshot, KeyValueError> {
        let mut snapshot = Snapshot {
            connection: Some(self.shared.take_reader()?),
            shared: Arc::clone(&self.shared),
            key_set_version: 0,
        };
        // The moment of the snapshot is that of its first read.
        snapshot.key_set_version = snapshot.read(|connection| {
            connection.prepare_cached("BEGIN DEFERRED")?.execute([])?;
            Ok(reader::key_set_version(connection)?)
        })?;
        Ok(snapshot)
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Waits until a commit has added events to the outbox.
    pub(super) async fn outbox_added(&self) {
        self.shared.outbox_added.notified().await;
    }
}

/// A connection within a read transaction. While one is there the log beside the file cannot begin
/// anew, so whoever holds it is bounded in time.
pub(super) struct Snapshot {
    shared: Arc<Shared>,
    /// There until the snapshot is dropped.
    connection: Option<Connection>,
    key_set_version: i64,
}

impl Snapshot {
    /// The version of the set of keys.
    pub(super) fn key_set_version(&self) -> i64 {
        self.key_set_version
    }

    /// Runs a read on this thread.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, KeyValueError> {
        let connection = self.connection.as_ref().ok_or(KeyValueError::Failed)?;
        read(connection).map_err(commit::refusal)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let ended = connection
                .prepare_cached("ROLLBACK")
                .and_then(|mut rollback| rollback.execute([]));
            // Never kept within a transaction: the next reader would see an old moment.
            let is_sound = ended.is_ok() && connection.is_autocommit();
            self.shared.give_back(connection, is_sound);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let thread = {
            let mut queue = self.shared.queue();
            queue.is_closing = true;
            queue.thread.take()
        };
        self.shared.wake.notify_one();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        self.shared.readers().clear();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_reader(&self) -> Result<Connection, KeyValueError> {
        // On a line of its own: the lock is not held while one is opened.
        let kept = self.readers().pop();
        match kept {
            Some(connection) => Ok(connection),
            None => self.open_reader().map_err(|error| {
                tracing::error!(%error, "a key-value store cannot be opened");
                KeyValueError::Failed
            }),
        }
    }

    /// Keeps a reader's connection for the next, unless it is broken or there are enough.
    fn give_back(self: &Arc<Self>, connection: Connection, is_sound: bool) {
        self.has_been_read.store(true, Ordering::Relaxed);
        if is_sound {
            let mut readers = self.readers();
            if readers.len() < READERS_KEPT {
                readers.push(connection);
            }
        }
        // After the connection went back: the thread says that it ends before it closes the
        // connections, so either it closes this one or a new thread is started here that will.
        if !self.is_running.load(Ordering::SeqCst) {
            self.ensure_running(&mut self.queue());
        }
    }

    /// Starts the thread unless it runs. Where none can be started, all that waits is refused.
    fn ensure_running(self: &Arc<Self>, queue: &mut Queue) {
        if self.is_running.load(Ordering::SeqCst) {
            return;
        }
        let shared = Arc::clone(self);
        let builder = std::thread::Builder::new().name("key-value".to_owned());
        match builder.spawn(move || shared.run()) {
            Ok(thread) => {
                queue.thread = Some(thread);
                self.is_running.store(true, Ordering::SeqCst);
            }
            Err(error) => {
                tracing::error!(%error, "the thread of a key-value store cannot be started");
                queue.refuse_all();
            }
        }
    }

    fn pages_max(&self) -> u64 {
        // A store too small to have a part for deletes alone would take nothing at all.
        database::pages(self.limits.store_mib_max.max(1))
    }

    fn open(&self) -> Result<Connection, OpenError> {
        let _alone = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = database::open(&self.path, self.pages_max())?;
        schema::prepare(&connection).map_err(|source| OpenError::Schema {
            path: self.path.clone(),
            source,
        })?;
        // Once more, because a migration may need more than that.
        database::set_page_count_max(&connection, self.pages_max())
            .and_then(|()| database::keep_plans(&connection))
            .map_err(|source| OpenError::Sqlite {
                path: self.path.clone(),
                source,
            })?;
        connection
            .pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))
            .map_err(|source| OpenError::Sqlite {
                path: self.path.clone(),
                source,
            })?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        Ok(connection)
    }

    fn open_reader(&self) -> Result<Connection, OpenError> {
        let connection = self.open()?;
        connection
            .pragma_update(None, "query_only", true)
            .map_err(|source| OpenError::Sqlite {
                path: self.path.clone(),
                source,
            })?;
        Ok(connection)
    }

    fn run(self: Arc<Self>) {
        // Also when this thread panics the next write must find that it has ended.
        let _end = End(&self);
        let mut connection = None;
        let mut reserve = Reserve::default();
        let mut log = LogWatch::new(&self.path);
        let mut pace = Pace::default();
        while let Some(units) = self.next_batch(&pace) {
            let is_below_reserve = reserve.is_reached(&self.path, self.limits.free_bytes_min);
            let callers = units.iter().filter(|unit| unit.caller.is_some()).count();
            self.commit(&mut connection, units, is_below_reserve);
            pace.committed(callers);
            if let Some(connection) = &connection {
                log.restart_if_large(connection);
            }
        }
        drop(connection);
    }

    /// The writes that wait, as many as one transaction takes; `None` when the thread shall end.
    fn next_batch(&self, pace: &Pace) -> Option<Vec<Waiting>> {
        let mut queue = self.queue();
        let mut is_time_for_chores = false;
        while queue.waiting.is_empty() {
            is_time_for_chores |= queue.is_closing || queue.chores.forgotten.len() >= CHORES_MAX;
            if is_time_for_chores && !queue.chores.is_empty() {
                break;
            }
            if queue.is_closing {
                return None;
            }
            let (guard, wait) = self
                .wake
                .wait_timeout(queue, self.limits.idle_timeout)
                .unwrap_or_else(PoisonError::into_inner);
            queue = guard;
            let is_idle = wait.timed_out() && queue.waiting.is_empty();
            is_time_for_chores = is_idle;
            if is_idle
                && queue.chores.is_empty()
                && !self.has_been_read.swap(false, Ordering::Relaxed)
            {
                // Said under the queue's lock: whoever comes next starts a new thread.
                self.is_running.store(false, Ordering::SeqCst);
                return None;
            }
        }
        while queue.urgent == 0
            && !queue.is_closing
            && let Some(pause) = pace.pause()
        {
            let waited = self.wake.wait_timeout(queue, pause);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(queue.take_batch())
    }

    fn commit(
        &self,
        connection: &mut Option<Connection>,
        mut units: Vec<Waiting>,
        is_below_reserve: bool,
    ) {
        for _ in 0..ATTEMPTS_MAX {
            let opened = match connection.take() {
                Some(opened) => opened,
                None => match self.open() {
                    Ok(opened) => opened,
                    Err(error) => {
                        tracing::error!(%error, "a key-value store cannot be opened");
                        return refuse(units, KeyValueError::Failed);
                    }
                },
            };
            let budget = Budget {
                pages_max: self.pages_max().saturating_sub(PAGES_FOR_DELETES),
                is_below_reserve,
            };
            let operations = units.iter().map(|unit| &unit.operation);
            let passage = self.gate.commit();
            let committed = commit::commit(&opened, operations, &budget);
            drop(passage);
            match committed {
                Ok(answers) => {
                    *connection = Some(opened);
                    return self.acknowledge(units, answers);
                }
                // The connection is dropped: what it has cached of the file is in doubt.
                Err(RolledBack { culprit, error }) => {
                    let refusal = commit::refusal(error.into());
                    match culprit.filter(|index| *index < units.len()) {
                        Some(index) => refuse([units.remove(index)], refusal),
                        None => return refuse(units, refusal),
                    }
                }
            }
            if units.is_empty() {
                return;
            }
        }
        refuse(units, KeyValueError::Failed);
    }

    fn acknowledge(&self, units: Vec<Waiting>, answers: Vec<Answer>) {
        let mut has_events = false;
        for (unit, answer) in units.into_iter().zip(answers) {
            let is_committed = matches!(answer, Ok(Outcome::Committed));
            has_events |= is_committed && unit.operation.has_events();
            unit.answer(answer);
        }
        if has_events {
            self.outbox_added.notify_one();
        }
    }
}

/// Whether the disk is nearly full, as far as it is known.
#[derive(Default)]
struct Reserve {
    /// When the disk was asked, and whether it was.
    known: Option<(Instant, bool)>,
}

impl Reserve {
    /// A file system that does not say how full it is counts as full: nothing that cannot be kept
    /// is acknowledged.
    fn is_reached(&mut self, file: &Path, free_bytes_min: u64) -> bool {
        if let Some((asked, is_reached)) = self.known
            && asked.elapsed() < FREE_SPACE_BELIEVED
        {
            return is_reached;
        }
        let folder = file.parent().unwrap_or(file);
        let is_reached = match free_bytes(folder) {
            Ok(free) => free < free_bytes_min,
            Err(error) => {
                tracing::error!(%error, folder = %folder.display(), "free space is unknown");
                true
            }
        };
        self.known = Some((Instant::now(), is_reached));
        is_reached
    }
}

/// The end of the thread, however it comes.
struct End<'a>(&'a Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = self.0.queue();
            self.0.is_running.store(false, Ordering::SeqCst);
            queue.refuse_all();
        }
        self.0.readers().clear();
    }
}
