//! What live operations remember over a restart: the revisions of each service, which of them take
//! its calls, what the manifest gave at the last start, the audit log and the tokens of the admin
//! API. All of it is one SQLite file, beside a folder with the WebAssembly of the revisions.
//!
//! Calls are rare and may block. Who may change what, and what a change does to running services,
//! is left to the admin API and the runtime.

mod audit;
mod change;
mod history;
mod kept;
mod prune;
mod revisions;
mod schema;
mod tokens;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use self::kept::RevisionFiles;
use super::commit_gate::CommitGate;
use super::database::{self, DatabaseError};
use super::state_dir::StateDir;

pub use self::audit::{AuditEntry, AuditLine};
pub use self::change::{Change, NewRevision, Which};
pub use self::history::WeightsEntry;
pub use self::kept::{Kept, is_wasm_name, wasm_name};
pub use self::revisions::{Build, Manifest, Origin, Revision, wasm_digests};
pub use self::tokens::{NewToken, Role, Token};

/// Why the store of operations did not do something. The texts are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OperationsError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("operations.db: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{0} is not a file of kumiki; move it away")]
    Foreign(PathBuf),
    #[error(
        "{path} has schema {found}, and this kumiki knows schemas up to {}; use the newer kumiki \
         that wrote it, or another --state-dir",
        schema::SCHEMA_VERSION
    )]
    Newer { path: PathBuf, found: i32 },
    #[error("{path}: {source}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the host's disk is nearly full: there is no room for {bytes} bytes of WebAssembly")]
    DiskNearlyFull { bytes: u64 },
    #[error(
        "the weights of `{service}` are {weights:?}; each must be 1 to 100, of another revision, \
         and together they must be 100"
    )]
    Weights { service: String, weights: Vec<u8> },
    #[error(
        "`{service}` has no revision {number}; `kumiki history {service}` shows which are kept"
    )]
    NoRevision { service: String, number: u64 },
    #[error("a change means a new revision of `{0}` and does not bring exactly one")]
    NotOneNew(String),
    #[error("the WebAssembly {0} is not in the folder of the revisions; upload it again")]
    NoWasm(String),
    #[error("the manifest {0} is not kept; read it again")]
    NoManifest(String),
    #[error("a change has no line for the audit log")]
    NoAuditLine,
    #[error("there is a token `{0}`; remove it first, or choose another name")]
    TokenExists(String),
    #[error("there is no token `{0}`; `kumiki token list` shows which there are")]
    NoToken(String),
}

/// The store, open. One process has it open once, which the state directory's lock sees to.
#[derive(Debug)]
pub struct Operations {
    connection: Mutex<Connection>,
    gate: CommitGate,
    files: RevisionFiles,
}

impl Operations {
    /// Opens the store of a state directory, and makes it where it is missing. Removes what an
    /// upload left that a crash cut off. Blocks on the disk, as everything here does.
    pub fn open(state: &StateDir) -> Result<Self, OperationsError> {
        let path = state.operations_file();
        let connection = database::open(&path, u64::MAX)?;
        let gate = state.commit_gate().clone();
        {
            let _passage = gate.commit();
            schema::prepare(&connection, &path)?;
        }
        Ok(Self {
            connection: Mutex::new(connection),
            gate,
            files: RevisionFiles::open(state.revisions())?,
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cut off was rolled back when it was dropped.
        let locked = self.connection.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one transaction, which is on disk when this returns, or has not happened.
    fn write<T>(
        &self,
        connection: &mut Connection,
        apply: impl FnOnce(&Transaction<'_>) -> Result<T, OperationsError>,
    ) -> Result<T, OperationsError> {
        let _passage = self.gate.commit();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let made = apply(&transaction)?;
        transaction.commit()?;
        Ok(made)
    }
}
