//! The backend on a SQLite file of this host. Statements run on threads that may block, so many at
//! once per database, so that one service cannot take all of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use futures::future::FutureExt;
use rusqlite::types::Value;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

use super::connections::LastConnection;
pub use super::session::Limits;
use super::session::{Rowing, Session, too_large};
use super::{
    Access, Answer, Backend, Connection, Deadline, Error, QueryResult, RESULT_BYTES_MAX, RowStream,
};
use crate::storage::commit_gate::CommitGate;

/// Statements of one database that run at once outside of transactions, and as many within them:
/// a statement that waits for a lock must not keep the one that would release it from running.
const STATEMENTS_MAX: usize = 8;
/// Rows that a stream holds for the guest.
const ROWS_AHEAD: usize = 16;

/// A database in a file.
pub struct Local {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    limits: Limits,
    gate: CommitGate,
    last: Arc<LastConnection>,
    beginning: Semaphore,
    continuing: Semaphore,
    /// Held while a connection is opened: two that turn a new file to WAL at once disturb each
    /// other.
    opening: std::sync::Mutex<()>,
}

impl Local {
    /// The database in the file at `path`, which is made at its first use and whose commits pass
    /// the gate. All services that share the file should share the value.
    pub fn new(path: PathBuf, limits: Limits, gate: CommitGate) -> Local {
        let shared = Shared {
            path,
            limits,
            gate,
            last: Arc::default(),
            beginning: Semaphore::new(STATEMENTS_MAX),
            continuing: Semaphore::new(STATEMENTS_MAX),
            opening: std::sync::Mutex::default(),
        };
        Local {
            shared: Arc::new(shared),
        }
    }
}

impl Backend for Local {
    fn connect(&self, deadline: Arc<Deadline>) -> Answer<'_, Box<dyn Connection>> {
        let shared = Arc::clone(&self.shared);
        async move {
            let _permit = self
                .shared
                .beginning
                .acquire()
                .await
                .map_err(|_| failed())?;
            let opening = tokio::task::spawn_blocking(move || {
                let alone = shared.opening.lock();
                let gate = shared.gate.clone();
                let session = Session::open(&shared.path, shared.limits, deadline, gate)?;
                drop(alone);
                Ok(LocalConnection::new(session, Arc::clone(&shared)))
            });
            let connection = opening.await.map_err(|_| failed())??;
            Ok(Box::new(connection) as Box<dyn Connection>)
        }
        .boxed()
    }
}

fn failed() -> Error {
    Error::Io("the statement could not be run".to_owned())
}

/// A connection and what is known of it between statements.
struct LocalConnection {
    state: Arc<State>,
    shared: Arc<Shared>,
}

struct State {
    session: Arc<Mutex<Kept>>,
    is_in_transaction: AtomicBool,
    last_insert_rowid: AtomicI64,
    changes: AtomicU64,
}

/// A session that is retired, not closed, when its last user lets it go.
struct Kept {
    session: Option<Session>,
    last: Arc<LastConnection>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.last.retire(session);
        }
    }
}

impl LocalConnection {
    fn new(session: Session, shared: Arc<Shared>) -> LocalConnection {
        let kept = Kept {
            session: Some(session),
            last: Arc::clone(&shared.last),
        };
        let state = State {
            session: Arc::new(Mutex::new(kept)),
            is_in_transaction: AtomicBool::new(false),
            last_insert_rowid: AtomicI64::new(0),
            changes: AtomicU64::new(0),
        };
        LocalConnection {
            state: Arc::new(state),
            shared,
        }
    }

    /// Runs a statement on a thread of its own and returns the rows' taker when it has ended.
    async fn run<R: Rowing + Send + 'static>(
        state: Arc<State>,
        shared: Arc<Shared>,
        (sql, parameters, access): (String, Vec<Value>, Access),
        mut rowing: R,
    ) -> (Result<(), Error>, Option<R>) {
        let kept = Arc::clone(&state.session).lock_owned().await;
        let permits = if state.is_in_transaction.load(Ordering::Relaxed) {
            &shared.continuing
        } else {
            &shared.beginning
        };
        let Ok(_permit) = permits.acquire().await else {
            return (Err(failed()), None);
        };
        let running = tokio::task::spawn_blocking(move || {
            let Some(session) = &kept.session else {
                return (Err(failed()), None);
            };
            let result = session.run(&sql, &parameters, access, &mut rowing);
            state
                .is_in_transaction
                .store(session.is_in_transaction(), Ordering::Relaxed);
            state
                .last_insert_rowid
                .store(session.last_insert_rowid(), Ordering::Relaxed);
            state.changes.store(session.changes(), Ordering::Relaxed);
            (result, Some(rowing))
        });
        running.await.unwrap_or_else(|_| (Err(failed()), None))
    }
}

impl Connection for LocalConnection {
    fn execute(
        &self,
        statement: String,
        parameters: Vec<Value>,
        access: Access,
    ) -> Answer<'_, QueryResult> {
        let (state, shared) = (Arc::clone(&self.state), Arc::clone(&self.shared));
        async move {
            let statement = (statement, parameters, access);
            let (result, rowing) = Self::run(state, shared, statement, Collected::default()).await;
            result?;
            Ok(rowing.ok_or_else(failed)?.result)
        }
        .boxed()
    }

    fn stream(
        &self,
        statement: String,
        parameters: Vec<Value>,
        access: Access,
    ) -> Answer<'_, RowStream> {
        let (state, shared) = (Arc::clone(&self.state), Arc::clone(&self.shared));
        async move {
            let (columns_to, columns) = oneshot::channel();
            let (rows_to, rows) = mpsc::channel(ROWS_AHEAD);
            let (end_to, end) = oneshot::channel();
            let rowing = Streamed {
                columns: Some(columns_to),
                rows: rows_to,
            };
            tokio::spawn(async move {
                let statement = (statement, parameters, access);
                let (result, rowing) = Self::run(state, shared, statement, rowing).await;
                // The end is known before the rows are seen to have ended.
                let _ = end_to.send(result);
                drop(rowing);
            });
            match columns.await {
                Ok(columns) => Ok(RowStream { columns, rows, end }),
                // It failed before it had columns.
                Err(_) => match end.await {
                    Ok(Err(error)) => Err(error),
                    Ok(Ok(())) | Err(_) => Err(failed()),
                },
            }
        }
        .boxed()
    }

    fn last_insert_rowid(&self) -> i64 {
        self.state.last_insert_rowid.load(Ordering::Relaxed)
    }

    fn changes(&self) -> u64 {
        self.state.changes.load(Ordering::Relaxed)
    }
}

/// All rows at once.
#[derive(Default)]
struct Collected {
    result: QueryResult,
    bytes: usize,
}

impl Rowing for Collected {
    fn columns(&mut self, columns: Vec<String>) -> Result<(), Error> {
        self.result.columns = columns;
        Ok(())
    }

    fn row(&mut self, values: Vec<Value>, bytes: usize) -> Result<(), Error> {
        self.bytes += bytes;
        if self.bytes > RESULT_BYTES_MAX {
            return Err(too_large());
        }
        self.result.rows.push(values);
        Ok(())
    }
}

/// Rows as the guest takes them.
struct Streamed {
    columns: Option<oneshot::Sender<Vec<String>>>,
    rows: mpsc::Sender<Vec<Value>>,
}

impl Rowing for Streamed {
    fn columns(&mut self, columns: Vec<String>) -> Result<(), Error> {
        if let Some(to) = self.columns.take() {
            let _ = to.send(columns);
        }
        Ok(())
    }

    fn row(&mut self, values: Vec<Value>, _: usize) -> Result<(), Error> {
        // Also fails when the guest's store is dropped, with the deadline at the latest.
        self.rows
            .blocking_send(values)
            .map_err(|_| Error::Io("the rows are no longer wanted".to_owned()))
    }
}
