//! SQL databases for guests: `spin:sqlite@3.1.0` (and so 3.0.0), whose `async` functions are
//! offered where the engine has concurrency support, and `fermyon:spin/sqlite@2.0.0`. Which labels
//! exist and where they lead is left to the loader, running a statement to a backend.

mod authorizer;
mod bindings;
mod connections;
pub mod local;
mod session;
mod spin;
mod spin_concurrent;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use rusqlite::types::Value;
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable, ResourceTableError};

pub use self::watch::Deadline;
use super::invocation::Invocation;

/// The most bytes of rows that one statement returns at once; a stream is bounded per row.
pub const RESULT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Connections that one instance may have open: each takes memory and file descriptors.
pub const CONNECTIONS_MAX: usize = 16;

/// The databases that a service may open, by label.
#[derive(Clone, Default)]
pub struct Config {
    granted: HashMap<String, Option<Arc<dyn Backend>>>,
}

impl Config {
    /// Lets the service open `label`. Without a backend the label is granted by the manifest but
    /// defined nowhere: opening it answers `no-such-database`.
    pub fn grant(&mut self, label: impl Into<String>, backend: Option<Arc<dyn Backend>>) {
        self.granted.insert(label.into(), backend);
    }
}

/// The SQL state of one instance. When it is dropped, what its connections still run is ended.
pub struct Context {
    config: Arc<Config>,
    deadline: Arc<Deadline>,
    /// Held once by each open connection, so that its count is theirs and one.
    open: Arc<()>,
    /// Of the invocation that runs here.
    access: Access,
}

/// What a statement may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    #[default]
    Full,
    /// Inside an atomic handler, whose transaction has no part in a database.
    ReadOnly,
}

impl Context {
    /// For an instance of the service with this config.
    pub fn new(config: Arc<Config>) -> Context {
        Context {
            config,
            deadline: Arc::default(),
            open: Arc::default(),
            access: Access::Full,
        }
    }

    /// Hands the instance to an invocation: from now on statements end at its deadline, and write
    /// only if it is not atomic.
    pub fn begin(&mut self, invocation: &Invocation) {
        self.deadline.set(invocation.deadline.clone());
        self.access = match invocation.unit {
            Some(_) => Access::ReadOnly,
            None => Access::Full,
        };
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.deadline.cancel();
    }
}

/// What the host functions see of an instance's store.
pub struct SqliteView<'a> {
    /// The instance's SQL state.
    pub context: &'a mut Context,
    /// The instance's handles.
    pub table: &'a mut ResourceTable,
}

/// Names [`SqliteView`] as the data of the bindings.
pub struct Sqlite;

impl HasData for Sqlite {
    type Data<'a> = SqliteView<'a>;
}

/// Offers both interfaces without the `async` functions of the newer one, on any engine.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> SqliteView<'_>,
) -> wasmtime::Result<()> {
    bindings::fermyon::spin::sqlite::add_to_linker::<T, Sqlite>(linker, view)?;
    spin::add_blocking_to_linker(linker, view)
}

/// Adds the `async` functions of `spin:sqlite@3.1.0` to what [`add_to_linker`] has added: an error
/// on an engine without concurrency support.
pub fn add_concurrent_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> SqliteView<'_>,
) -> wasmtime::Result<()> {
    // The generated function defines the others once more, in the same way.
    linker.allow_shadowing(true);
    let result = bindings::spin::sqlite::sqlite::add_to_linker::<T, Sqlite>(linker, view);
    linker.allow_shadowing(false);
    result
}

/// Why a statement has no result. Both interfaces have these cases.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The label is granted and defined nowhere.
    #[error("no such database")]
    NoSuchDatabase,
    /// The label is not granted.
    #[error("access denied")]
    AccessDenied,
    /// The database, or the host's disk, has no room left; deletes still pass.
    #[error("the database is full")]
    DatabaseFull,
    /// Anything else, mostly in SQLite's words. Names no path of the host.
    #[error("{0}")]
    Io(String),
}

/// The rows of a statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryResult {
    /// The names of the columns; none for a statement that returns nothing.
    pub columns: Vec<String>,
    /// A value for each column of each row.
    pub rows: Vec<Vec<Value>>,
}

/// The rows of a statement as it makes them.
pub struct RowStream {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows. Dropping it ends the statement.
    pub rows: mpsc::Receiver<Vec<Value>>,
    /// Whether all rows have come.
    pub end: oneshot::Receiver<Result<(), Error>>,
}

/// The future of an operation.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// One database, whatever keeps it.
pub trait Backend: Send + Sync {
    /// Opens a connection whose statements end at the deadline.
    fn connect(&self, deadline: Arc<Deadline>) -> Answer<'_, Box<dyn Connection>>;
}

/// An open connection: a transaction begun by one statement goes on with the next. Dropping it
/// rolls back what is not committed.
pub trait Connection: Send + Sync {
    /// Runs one statement to its end.
    fn execute(
        &self,
        statement: String,
        parameters: Vec<Value>,
        access: Access,
    ) -> Answer<'_, QueryResult>;
    /// Runs one statement as far as its rows are taken.
    fn stream(
        &self,
        statement: String,
        parameters: Vec<Value>,
        access: Access,
    ) -> Answer<'_, RowStream>;
    /// The rowid of the last successful INSERT, 0 before the first.
    fn last_insert_rowid(&self) -> i64;
    /// The rows that the last INSERT, UPDATE or DELETE has changed.
    fn changes(&self) -> u64;
}

/// A connection behind a guest's handle, whichever interface opened it.
pub struct OpenConnection {
    connection: Arc<dyn Connection>,
    _open: Arc<()>,
}

impl SqliteView<'_> {
    /// The backend of a label that the service may open, if it may open one more connection.
    fn granted(&self, label: &str) -> Result<Arc<dyn Backend>, Error> {
        let backend = match self.context.config.granted.get(label) {
            Some(Some(backend)) => Arc::clone(backend),
            Some(None) => return Err(Error::NoSuchDatabase),
            None => return Err(Error::AccessDenied),
        };
        if Arc::strong_count(&self.context.open) > CONNECTIONS_MAX {
            return Err(too_many());
        }
        Ok(backend)
    }

    async fn open_label(
        &mut self,
        label: &str,
    ) -> wasmtime::Result<Result<Resource<OpenConnection>, Error>> {
        let backend = match self.granted(label) {
            Ok(backend) => backend,
            Err(error) => return Ok(Err(error)),
        };
        match backend.connect(Arc::clone(&self.context.deadline)).await {
            Ok(connection) => self.push(connection),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Gives the guest a handle; a full table is the guest's error, anything else the host's.
    fn push(
        &mut self,
        connection: Box<dyn Connection>,
    ) -> wasmtime::Result<Result<Resource<OpenConnection>, Error>> {
        let open = Arc::clone(&self.context.open);
        match self.table.push(OpenConnection {
            connection: connection.into(),
            _open: open,
        }) {
            Ok(handle) => Ok(Ok(handle)),
            Err(ResourceTableError::Full) => Ok(Err(too_many())),
            Err(error) => Err(error.into()),
        }
    }

    fn connection(
        &self,
        handle: &Resource<OpenConnection>,
    ) -> wasmtime::Result<Arc<dyn Connection>> {
        Ok(Arc::clone(&self.table.get(handle)?.connection))
    }
}

fn too_many() -> Error {
    Error::Io("too many connections are open; close one first".to_owned())
}
