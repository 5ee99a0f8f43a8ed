//! The bus's log: one SQLite file that holds every topic's events in the order in which they were
//! stored, and how far each subscription has come. Events are opaque here. HTTP, CloudEvents and
//! the calls of subscribers are left to `events`.

pub mod clock;
mod dead;
mod memory;
mod progress;
mod queries;
mod reader;
mod recent;
mod retention;
mod schedules;
mod schema;
mod subscriptions;
mod transaction;
mod writer;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use self::clock::Clock;
use self::reader::Names;
use self::schema::SchemaError;
use self::transaction::Transaction;
use self::writer::{Write, Writer};
use super::commit_gate::CommitGate;
use super::database::DatabaseError;
use crate::manifest::model::events::BusSettings;

pub use self::dead::{DeadLetter, Death};
pub use self::progress::{Progress, ProgressChange};
pub use self::queries::{SubscriptionStatus, TopicStatus};
pub use self::reader::{Page, StoredEvent};
pub use self::subscriptions::{Failure, Settled, Subscribed, Wanted};

/// Publishers that may wait for the writer; further ones wait for their turn before it.
const WAITING_MAX: usize = 1024;
/// Connections that are kept for reads.
const READERS_KEPT: usize = 8;
/// Delayed events that one transaction moves into the log.
const DUE_AT_ONCE: usize = 256;

/// An event on its way into the log. What it says has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    pub topic: String,
    /// With topic and `id` it tells duplicates.
    pub source: String,
    pub id: String,
    /// Events with the same key are delivered in order.
    pub key: Option<String>,
    /// Milliseconds since 1970; before, the event is not delivered.
    pub delay_until_ms: Option<i64>,
    /// All context attributes as one JSON object, `id` and `source` among them.
    pub attributes: String,
    pub data: Vec<u8>,
}

/// One delivery of an event to a subscription: the same for every attempt, also over restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId {
    /// The log's own number, drawn when the file was made.
    pub bus: i64,
    /// Never given twice by one log; a replay has a new one.
    pub subscription: i64,
    /// The event's place in the log; negative for a dead letter that is tried again.
    pub position: i64,
}

impl std::fmt::Display for DeliveryId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            bus,
            subscription,
            position,
        } = self;
        write!(out, "{bus:x}-{subscription}-{position}")
    }
}

/// Why the log did not do something. The texts are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the bus's file: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{0}")]
    Schema(String),
    #[error("the bus's thread cannot be started: {0}")]
    Thread(std::io::Error),
    #[error("the host's disk is nearly full")]
    DiskNearlyFull,
    /// The log says why.
    #[error("the bus cannot be written at present")]
    Failed,
}

impl From<SchemaError> for BusError {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::Sqlite(error) => Self::Sqlite(error),
            SchemaError::Foreign | SchemaError::Newer(_) => Self::Schema(error.to_string()),
        }
    }
}

/// Why events were not stored. The texts are fit for a guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    #[error("the topic `{topic}` has as many unacknowledged events as it may")]
    Backlog { topic: String },
    #[error("the host's disk is nearly full")]
    DiskNearlyFull,
    #[error("the bus cannot be written at present")]
    Failed,
}

impl From<BusError> for PublishError {
    fn from(error: BusError) -> Self {
        match error {
            BusError::DiskNearlyFull => Self::DiskNearlyFull,
            BusError::Database(_)
            | BusError::Sqlite(_)
            | BusError::Schema(_)
            | BusError::Thread(_)
            | BusError::Failed => Self::Failed,
        }
    }
}

/// The log, open. Dropping it commits what waits and closes the file.
pub struct Bus {
    id: i64,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    names: Names,
    waiting: Semaphore,
}

impl Bus {
    /// Opens the log in the file at `path`, and makes it where it is missing. Blocks on the disk.
    pub fn open(
        path: &Path,
        settings: BusSettings,
        free_bytes_min: u64,
        gate: CommitGate,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, BusError> {
        let writer = Writer::start(path, Arc::new(settings), free_bytes_min, gate, clock)?;
        let reader = writer::open_reader(path)?;
        let id = reader.query_row("SELECT bus FROM log", [], |row| row.get(0))?;
        Ok(Arc::new(Self {
            id,
            writer,
            readers: Mutex::new(vec![reader]),
            names: Names::default(),
            waiting: Semaphore::new(WAITING_MAX),
        }))
    }

    /// The log's own number, drawn when the file was made.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The clock by which events are due.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.writer.shared.clock
    }

    /// Stores events, all or none; says of each whether it is new. When this returns they are on
    /// disk; once it was polled they may be stored also when it is dropped.
    pub async fn publish(&self, events: Vec<NewEvent>) -> Result<Vec<bool>, PublishError> {
        let _permit = self.waiting.acquire().await;
        let (reply, answer) = oneshot::channel();
        self.writer.send(Box::new(Publish {
            events,
            stored: Ok(Vec::new()),
            reply,
        }));
        answer.await.unwrap_or(Err(PublishError::Failed))
    }

    /// Whether their topics take events at present. While a commit is under way they are thought
    /// to: this is to warn publishers whose events are stored later, and holds nobody up.
    pub fn check_backlog(&self, events: &[NewEvent]) -> Result<(), PublishError> {
        match self.writer.shared.memory.try_lock().as_deref() {
            Ok(Some(memory)) => memory.check_backlog(events),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Copies events of a store's outbox, which are numbered, and in order. Those that were copied
    /// before are passed over.
    pub async fn relay(&self, store: i64, events: Vec<(i64, NewEvent)>) -> Result<(), BusError> {
        self.write_patiently(move |transaction| {
            let mut last = transaction.last_relayed(store)?;
            for (number, event) in &events {
                if *number > last {
                    if last != 0 && *number != last + 1 {
                        tracing::error!(store, last, number, "an outbox has a gap");
                    }
                    transaction.store(event)?;
                    last = *number;
                }
            }
            transaction.set_last_relayed(store, last)
        })
        .await
    }

    /// Moves all events that are due into their topics.
    pub async fn release_due(&self) -> Result<(), BusError> {
        while self
            .write(|transaction| transaction.release_due(DUE_AT_ONCE))
            .await?
            == DUE_AT_ONCE
        {}
        Ok(())
    }

    /// When the next delayed event is due, in milliseconds since 1970; `i64::MAX` when none is.
    pub fn next_due_ms(&self) -> i64 {
        self.writer.shared.next_due_ms.load(Ordering::SeqCst)
    }

    /// Waits until an event is due before the one that was the next.
    pub async fn due_changed(&self) {
        self.writer.shared.due_changed.notified().await;
    }

    /// Has `apply` run in the next transaction; what is returned waits for what it has made until
    /// that is on disk, and need not be polled for it to happen.
    fn write<T, F>(&self, apply: F) -> impl Future<Output = Result<T, BusError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.change(apply, false)
    }

    /// The same for what no client waits for: where much is written, it waits for others.
    fn write_patiently<T, F>(
        &self,
        apply: F,
    ) -> impl Future<Output = Result<T, BusError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.change(apply, true)
    }

    fn change<T, F>(
        &self,
        apply: F,
        is_patient: bool,
    ) -> impl Future<Output = Result<T, BusError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.writer.send(Box::new(Change {
            apply: Some(apply),
            made: None,
            is_patient,
            reply,
        }));
        async { answer.await.unwrap_or(Err(BusError::Failed)) }
    }

    /// Runs a read on a connection of its own, on this thread.
    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, BusError> {
        let kept = self.readers().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => writer::open_reader(&self.writer.shared.path)?,
        };
        // A connection that has failed is not kept.
        let result = read(&connection)?;
        let mut readers = self.readers();
        if readers.len() < READERS_KEPT {
            readers.push(connection);
        }
        Ok(result)
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Events that one publisher waits for.
struct Publish {
    events: Vec<NewEvent>,
    stored: Result<Vec<bool>, PublishError>,
    reply: oneshot::Sender<Result<Vec<bool>, PublishError>>,
}

impl Write for Publish {
    fn bytes(&self) -> usize {
        let bytes = |event: &NewEvent| event.attributes.len() + event.data.len();
        self.events.iter().map(bytes).sum()
    }

    fn is_growth(&self) -> bool {
        true
    }

    fn apply(&mut self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
        if let Err(refusal) = transaction.memory.check_backlog(&self.events) {
            self.stored = Err(refusal);
            return Ok(());
        }
        let stored: Result<_, _> = self
            .events
            .iter()
            .map(|event| transaction.store(event))
            .collect();
        self.stored = Ok(stored?);
        Ok(())
    }

    fn settle(self: Box<Self>, result: Result<(), BusError>) {
        let answer = match result {
            Ok(()) => self.stored,
            Err(error) => Err(error.into()),
        };
        let _ = self.reply.send(answer);
    }
}

/// Any other change, and what it gives back.
struct Change<F, T> {
    apply: Option<F>,
    made: Option<T>,
    is_patient: bool,
    reply: oneshot::Sender<Result<T, BusError>>,
}

impl<F, T> Write for Change<F, T>
where
    F: FnOnce(&mut Transaction<'_>) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn is_patient(&self) -> bool {
        self.is_patient
    }

    fn apply(&mut self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
        if let Some(apply) = self.apply.take() {
            self.made = Some(apply(transaction)?);
        }
        Ok(())
    }

    fn settle(self: Box<Self>, result: Result<(), BusError>) {
        let made = self.made.ok_or(BusError::Failed);
        let _ = self.reply.send(result.and(made));
    }
}
