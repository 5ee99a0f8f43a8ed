//! One connection to a database file, with everything that bounds it, and the run of one statement
//! on it. Blocks; which thread it blocks is left to `local`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::config::DbConfig;
use rusqlite::hooks::AuthContext;
use rusqlite::limits::Limit;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, Rows, TransactionState};

use super::watch::{Deadline, Stop, Watch};
use super::{Access, Error, RESULT_BYTES_MAX};
use crate::capabilities::invocation::WRITE_REFUSED;
use crate::storage::commit_gate::CommitGate;
use crate::storage::{database, key_value};

/// The largest value and the longest statement. Below SQLite's own 1 GB, because a statement may
/// hold many values at once.
const VALUE_BYTES_MAX: i32 = 8 * 1024 * 1024;
/// Each temporary or attached database of a connection.
const SCRATCH_MIB_MAX: u64 = 8;
/// Attached databases; VACUUM takes one.
const ATTACHED_MAX: i32 = 2;
/// Steps of SQLite's virtual machine between two looks at the deadline: some microseconds.
const STEPS_PER_CHECK: i32 = 100;
/// The log of a database that no reader lets go may grow to so many times the database's quota.
const LOG_QUOTAS_MAX: u64 = 2;
/// Bounds of a database.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The size of the file.
    pub store_mib_max: u64,
    /// Below so much free space on the disk only deletes pass.
    pub free_bytes_min: u64,
}

/// Where a statement's rows go.
pub(super) trait Rowing {
    /// Called once, before the rows.
    fn columns(&mut self, columns: Vec<String>) -> Result<(), Error>;
    /// Called for each row, with its size. An error ends the statement.
    fn row(&mut self, values: Vec<Value>, bytes: usize) -> Result<(), Error>;
}

pub(super) struct Session {
    connection: Connection,
    watch: Arc<Watch>,
    log: PathBuf,
    log_bytes_max: u64,
}

impl Session {
    pub(super) fn open(
        path: &Path,
        limits: Limits,
        deadline: Arc<Deadline>,
        gate: CommitGate,
    ) -> Result<Session, Error> {
        let unavailable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a SQL database cannot be opened");
            Error::Io("the database cannot be opened at present".to_owned())
        };
        let pages = database::pages(limits.store_mib_max.max(1));
        let mut connection = database::open(path, pages).map_err(|error| unavailable(&error))?;
        if key_value::is_key_value_file(&connection) {
            return Err(unavailable(
                &"the file is a key-value store; name another path",
            ));
        }
        let folder = path.parent().unwrap_or(path).to_owned();
        let watch = Watch::new(deadline, folder, limits.free_bytes_min, gate);
        let watch = Arc::new(watch);
        bound(&mut connection, &watch).map_err(|error| unavailable(&error))?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Ok(Session {
            connection,
            watch,
            log: log.into(),
            log_bytes_max: pages * database::PAGE_BYTES * LOG_QUOTAS_MAX,
        })
    }

    /// Runs one statement.
    pub(super) fn run(
        &self,
        sql: &str,
        parameters: &[Value],
        access: Access,
        rowing: &mut dyn Rowing,
    ) -> Result<(), Error> {
        // SQLite would read up to it and run that.
        if sql.contains('\0') {
            return Err(Error::Io(
                "the statement has a null character in it".to_owned(),
            ));
        }
        self.watch.begin();
        if self.watch.is_over() {
            return Err(ended());
        }
        // Dropped when the statement is: SQLite commits at its last step, or when it is given up.
        let commit = Commit(&self.watch);
        let result = self.run_bounded(sql, parameters, access, rowing);
        drop(commit);
        if self.watch.attaches.load(Ordering::Relaxed) {
            self.as_host(bound_attached)
                .map_err(|error| self.public(error))?;
        }
        result
    }

    fn run_bounded(
        &self,
        sql: &str,
        parameters: &[Value],
        access: Access,
        rowing: &mut dyn Rowing,
    ) -> Result<(), Error> {
        // Prepared anew each time: what it does is known from the authorizer only then.
        let mut statement = self
            .connection
            .prepare(sql)
            .map_err(|error| self.public(error))?;
        if !statement.readonly() {
            self.check_room()?;
        }
        self.check_access(access, statement.readonly())?;
        let mut columns = Vec::new();
        for index in 0..statement.column_count() {
            columns.push(
                statement
                    .column_name(index)
                    .map_err(|error| self.public(error))?
                    .to_owned(),
            );
        }
        rowing.columns(columns.clone())?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(parameters))
            .map_err(|error| self.public(error))?;
        self.take_rows(&mut rows, &columns, rowing)
    }

    fn take_rows(
        &self,
        rows: &mut Rows<'_>,
        columns: &[String],
        rowing: &mut dyn Rowing,
    ) -> Result<(), Error> {
        while let Some(row) = rows.next().map_err(|error| self.public(error))? {
            let mut values = Vec::with_capacity(columns.len());
            let mut bytes = size_of::<Vec<Value>>();
            for (index, column) in columns.iter().enumerate() {
                let value = row.get_ref(index).map_err(|error| self.public(error))?;
                bytes += size_of::<Value>() + content_bytes(value);
                if bytes > RESULT_BYTES_MAX {
                    return Err(too_large());
                }
                values.push(Value::try_from(value).map_err(|_| {
                    Error::Io(format!("the text in column `{column}` is not valid UTF-8"))
                })?);
            }
            rowing.row(values, bytes)?;
        }
        Ok(())
    }

    /// Refuses what would change the database from an atomic handler: also to go on with a
    /// transaction that an earlier invocation of the instance began and wrote in.
    fn check_access(&self, access: Access, is_read: bool) -> Result<(), Error> {
        let state = || self.connection.transaction_state(None::<&str>);
        let is_harmless = match access {
            Access::Full => true,
            Access::ReadOnly => {
                is_read && state().is_ok_and(|state| state != TransactionState::Write)
            }
        };
        if is_harmless {
            Ok(())
        } else {
            Err(Error::Io(WRITE_REFUSED.to_owned()))
        }
    }

    /// Refuses a statement that writes when the disk is nearly full and it may take more of it, or
    /// when the log has outgrown the database, because someone reads without end.
    fn check_room(&self) -> Result<(), Error> {
        if self.watch.grows.load(Ordering::Relaxed) && self.watch.is_below_reserve() {
            return Err(Error::DatabaseFull);
        }
        let log_bytes = || std::fs::metadata(&self.log).map_or(0, |metadata| metadata.len());
        if log_bytes() > self.log_bytes_max {
            let _ = self.as_host(|connection| {
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            });
            if log_bytes() > self.log_bytes_max {
                return Err(Error::DatabaseFull);
            }
        }
        Ok(())
    }

    /// Rolls back what is not committed, for a connection that the guest has let go.
    pub(super) fn abandon(&self) {
        if !self.connection.is_autocommit() {
            let _ = self.as_host(|connection| connection.execute_batch("ROLLBACK"));
        }
    }

    pub(super) fn is_in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    pub(super) fn last_insert_rowid(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    pub(super) fn changes(&self) -> u64 {
        self.connection.changes()
    }

    /// Runs a statement of the host's own, which the authorizer does not judge.
    fn as_host<T>(
        &self,
        run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.watch.is_host.store(true, Ordering::Relaxed);
        let result = run(&self.connection);
        self.watch.is_host.store(false, Ordering::Relaxed);
        result
    }

    /// What the guest is told of an error: SQLite's own words, which name no paths.
    fn public(&self, error: rusqlite::Error) -> Error {
        let stop = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Some(Stop::Disk),
            Some(ErrorCode::OperationInterrupted) => {
                Some(self.watch.take_stop().unwrap_or(Stop::Deadline))
            }
            Some(ErrorCode::AuthorizationForStatementDenied) => self.watch.take_stop(),
            Some(_) | None => None,
        };
        match stop {
            Some(Stop::Disk) => Error::DatabaseFull,
            Some(Stop::Memory) => {
                Error::Io("the statement was ended: it takes too much memory".to_owned())
            }
            Some(Stop::Deadline) => ended(),
            None => Error::Io(error.to_string()),
        }
    }
}

/// Ends the passage through the gate that a statement may have begun, however the statement ends.
struct Commit<'a>(&'a Watch);

impl Drop for Commit<'_> {
    fn drop(&mut self) {
        self.0.end_commit();
    }
}

fn ended() -> Error {
    Error::Io("the statement was ended at the invocation's deadline".to_owned())
}

pub(super) fn too_large() -> Error {
    Error::Io(format!(
        "the result is larger than {RESULT_BYTES_MAX} bytes"
    ))
}

fn content_bytes(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 0,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
    }
}

/// Sets everything that holds for the whole life of the connection.
fn bound(connection: &mut Connection, watch: &Arc<Watch>) -> rusqlite::Result<()> {
    // No writes to the schema's own table, nor to the shadow tables of virtual ones.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, VALUE_BYTES_MAX)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, ATTACHED_MAX)?;
    connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    bound_scratch(connection, "temp")?;
    let judge = Arc::clone(watch);
    connection.authorizer(Some(move |context: AuthContext<'_>| {
        judge.authorize(&context.action)
    }))?;
    let progress = Arc::clone(watch);
    let mut calls = 0u32;
    connection.progress_handler(
        STEPS_PER_CHECK,
        Some(move || {
            calls = calls.wrapping_add(1);
            progress.must_stop(calls)
        }),
    )?;
    let committing = Arc::clone(watch);
    connection.commit_hook(Some(move || {
        committing.begin_commit();
        false
    }))?;
    let busy = Arc::clone(watch);
    connection.busy_handler(Some(move |waits| busy.may_wait(waits)))
}

/// An attached database in memory, or in a temporary file, is bounded like the temporary one.
fn bound_attached(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare("SELECT name FROM pragma_database_list WHERE seq > 1")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    let names = names.collect::<rusqlite::Result<Vec<_>>>()?;
    drop(statement);
    names
        .iter()
        .try_for_each(|name| bound_scratch(connection, name))
}

fn bound_scratch(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    let pages = database::pages(SCRATCH_MIB_MAX).cast_signed();
    connection.pragma_update_and_check(Some(name), "max_page_count", pages, |_| Ok(()))
}
