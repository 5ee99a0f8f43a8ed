//! Statements on real files, as a guest sends them: what they may do, what bounds them, what links
//! where.

use std::path::Path;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use wasmtime::component::{Component, Source, StreamConsumer, StreamResult};
use wasmtime::{Engine, Store, StoreContextMut};

use super::bindings::fermyon::spin::sqlite as v2;
use super::bindings::spin::sqlite::sqlite as v3;
use super::local::{Limits, Local};
use super::{
    Access, Arc, Backend, CONNECTIONS_MAX, Config, Connection, Context, Deadline, Error,
    Invocation, Linker, Resource, ResourceTable, Sqlite, SqliteView, add_concurrent_to_linker,
    add_to_linker,
};
use crate::storage::commit_gate::CommitGate;
use crate::storage::key_value::{KeyValueStore, Limits as KeyValueLimits};
use crate::telemetry::trace_context::TraceContext;

const LIMITS: Limits = Limits {
    store_mib_max: 16,
    free_bytes_min: 0,
};

async fn connect(path: &Path, limits: Limits) -> Box<dyn Connection> {
    Local::new(path.to_owned(), limits, CommitGate::default())
        .connect(Arc::default())
        .await
        .unwrap()
}

/// A database of its own, gone with the folder.
async fn fresh() -> (tempfile::TempDir, Box<dyn Connection>) {
    let directory = tempfile::tempdir().unwrap();
    let connection = connect(&directory.path().join("x.db"), LIMITS).await;
    (directory, connection)
}

async fn run(connection: &dyn Connection, sql: &str) -> Result<Vec<Vec<Value>>, Error> {
    Ok(connection
        .execute(sql.to_owned(), vec![], Access::Full)
        .await?
        .rows)
}

/// As an atomic handler may run it.
async fn read(connection: &dyn Connection, sql: &str) -> Result<Vec<Vec<Value>>, Error> {
    let read = connection.execute(sql.to_owned(), vec![], Access::ReadOnly);
    Ok(read.await?.rows)
}

async fn refusal(connection: &dyn Connection, sql: &str) -> String {
    match run(connection, sql).await {
        Err(Error::Io(text)) => text,
        other => panic!("{sql}: {other:?}"),
    }
}

#[tokio::test]
async fn statements_return_every_kind_of_value() {
    let (_directory, connection) = fresh().await;
    run(&*connection, "CREATE TABLE t (a, b, c, d, e)")
        .await
        .unwrap();
    let parameters = vec![
        Value::Integer(i64::MIN),
        Value::Real(0.5),
        Value::Text("é\0".to_owned()),
        Value::Blob(vec![0, 255]),
        Value::Null,
    ];
    let insert = "INSERT INTO t VALUES (?, ?, ?, ?, ?)".to_owned();
    let result = connection
        .execute(insert, parameters.clone(), Access::Full)
        .await
        .unwrap();
    assert_eq!((result.columns.len(), result.rows.len()), (0, 0));
    assert_eq!(
        (connection.last_insert_rowid(), connection.changes()),
        (1, 1)
    );
    let result = connection
        .execute("SELECT *, 1 AS one FROM t".to_owned(), vec![], Access::Full)
        .await
        .unwrap();
    assert_eq!(result.columns, ["a", "b", "c", "d", "e", "one"]);
    assert_eq!(
        result.rows,
        [[parameters, vec![Value::Integer(1)]].concat()]
    );
}

#[tokio::test]
async fn mistakes_answer_in_sqlites_words() {
    let (_directory, connection) = fresh().await;
    assert!(
        refusal(&*connection, "SELEC 1")
            .await
            .contains("syntax error")
    );
    assert!(
        refusal(&*connection, "SELECT * FROM nowhere")
            .await
            .contains("no such table")
    );
    assert!(
        refusal(&*connection, "SELECT ?")
            .await
            .contains("parameter")
    );
    assert!(
        refusal(&*connection, "SELECT 1; SELECT 2")
            .await
            .contains("ultiple")
    );
    assert!(
        refusal(&*connection, "SELECT 1\0 FROM t")
            .await
            .contains("null character")
    );
    assert!(
        refusal(&*connection, "SELECT CAST(x'ff' AS TEXT) AS a")
            .await
            .contains("`a`")
    );
    let more = connection
        .execute("SELECT 1".to_owned(), vec![Value::Null], Access::Full)
        .await
        .unwrap_err();
    assert!(matches!(more, Error::Io(text) if text.contains("parameter")));
    for empty in ["", "  -- nothing"] {
        assert_eq!(run(&*connection, empty).await.unwrap_or_default().len(), 0);
    }
    run(&*connection, "SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_transaction_goes_on_over_statements_and_is_rolled_back_when_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let local = Local::new(directory.path().join("x.db"), LIMITS, CommitGate::default());
    let first = local.connect(Arc::default()).await.unwrap();
    run(&*first, "CREATE TABLE t (a)").await.unwrap();
    run(&*first, "BEGIN IMMEDIATE").await.unwrap();
    run(&*first, "INSERT INTO t VALUES (1)").await.unwrap();
    let second = local.connect(Arc::default()).await.unwrap();
    assert_eq!(run(&*second, "SELECT a FROM t").await.unwrap().len(), 0);
    drop(first);
    // Waits until the lock of the one that was let go is free.
    run(&*second, "INSERT INTO t VALUES (2)").await.unwrap();
    assert_eq!(
        run(&*second, "SELECT a FROM t").await.unwrap(),
        [[Value::Integer(2)]]
    );
}

#[tokio::test]
async fn nothing_outside_of_the_database_can_be_reached() {
    let (directory, connection) = fresh().await;
    let other = directory.path().join("other.db");
    drop(connect(&other, LIMITS).await);
    let path = other.display();
    let new = directory.path().join("new.db");
    for sql in [
        format!("ATTACH '{path}' AS other"),
        format!("ATTACH 'file:{path}?mode=ro' AS other"),
        format!("ATTACH '{path}' || '' AS other"),
        "ATTACH 'file::memory:?cache=shared' AS other".to_owned(),
        format!("VACUUM INTO '{}'", new.display()),
        format!("VACUUM INTO 'file:{}'", new.display()),
        "SELECT load_extension('x')".to_owned(),
        "SELECT fts3_tokenizer('simple')".to_owned(),
        "PRAGMA database_list".to_owned(),
        "SELECT * FROM pragma_database_list".to_owned(),
        format!(
            "PRAGMA temp_store_directory = '{}'",
            directory.path().display()
        ),
    ] {
        let text = refusal(&*connection, &sql).await;
        assert!(
            text.contains("authoriz") || text.contains("prohibited"),
            "{sql}: {text}"
        );
    }
    let attach = connection.execute(
        "ATTACH ? AS other".to_owned(),
        vec![Value::Text(other.to_string_lossy().into_owned())],
        Access::Full,
    );
    assert!(matches!(attach.await, Err(Error::Io(_))));
    assert!(!new.exists());
}

#[tokio::test]
async fn the_hosts_settings_cannot_be_changed() {
    let (_directory, connection) = fresh().await;
    run(&*connection, "CREATE TABLE t (a)").await.unwrap();
    for sql in [
        "PRAGMA journal_mode = DELETE",
        "PRAGMA journal_mode(OFF)",
        "SELECT * FROM pragma_journal_mode('off')",
        "PRAGMA synchronous = OFF",
        "PRAGMA main.synchronous = 0",
        "PRAGMA max_page_count = 1000000",
        "PRAGMA mmap_size = 1000000",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA writable_schema = ON",
        "PRAGMA page_size = 65536",
        "PRAGMA schema_version = 7",
        "PRAGMA wal_autocheckpoint = 0",
        "PRAGMA journal_size_limit = -1",
        "PRAGMA hard_heap_limit = 1",
        "PRAGMA soft_heap_limit = 1",
        "PRAGMA temp_store = MEMORY",
        "PRAGMA threads = 8",
        "PRAGMA read_uncommitted = 1",
        "PRAGMA data_store_directory = '/'",
        "PRAGMA application_id = 1",
        "UPDATE sqlite_schema SET sql = ''",
    ] {
        assert!(run(&*connection, sql).await.is_err(), "{sql}");
    }
    let read = |sql: &'static str| {
        let connection = &connection;
        async move { run(&**connection, sql).await.unwrap().remove(0).remove(0) }
    };
    // What has no effect is not an error.
    run(&*connection, "PRAGMA busy_timeout = 1").await.unwrap();
    run(&*connection, "PRAGMA cache_size = 1000000")
        .await
        .unwrap();
    assert_eq!(read("PRAGMA cache_size").await, Value::Integer(-2000));
    assert_eq!(
        read("PRAGMA journal_mode = WAL").await,
        Value::Text("wal".to_owned())
    );
    assert_eq!(read("PRAGMA synchronous").await, Value::Integer(2));
    assert_eq!(read("PRAGMA max_page_count").await, Value::Integer(4096));
}

#[tokio::test]
async fn what_a_program_needs_is_allowed() {
    let (_directory, connection) = fresh().await;
    for sql in [
        "PRAGMA foreign_keys = OFF",
        "PRAGMA user_version = 3",
        "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT UNIQUE)",
        "CREATE INDEX i ON t (b)",
        "CREATE VIEW v AS SELECT b FROM t",
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = b || '!' WHERE a = NEW.a; END",
        "INSERT INTO t (b) VALUES ('x') ON CONFLICT DO NOTHING RETURNING a",
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 9) SELECT i FROM n",
        "CREATE VIRTUAL TABLE f USING fts5(text)",
        "INSERT INTO f VALUES ('a b')",
        "SELECT * FROM f WHERE f MATCH 'a'",
        "SELECT json_extract('{\"a\": 1}', '$.a')",
        "ALTER TABLE t ADD COLUMN c",
        "CREATE TEMP TABLE s (a)",
        "SAVEPOINT p",
        "DELETE FROM t",
        "ROLLBACK TO p",
        "RELEASE p",
        "ANALYZE",
        "PRAGMA table_info(t)",
        "PRAGMA integrity_check",
        "EXPLAIN QUERY PLAN SELECT * FROM t",
        "DROP TABLE f",
        "VACUUM",
        "ATTACH ':memory:' AS m",
        "CREATE TABLE m.t (a)",
        "DETACH m",
        "ATTACH '' AS m",
    ] {
        run(&*connection, sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[tokio::test]
async fn scratch_databases_are_bounded() {
    let (_directory, connection) = fresh().await;
    run(&*connection, "ATTACH ':memory:' AS m").await.unwrap();
    run(&*connection, "ATTACH '' AS n").await.unwrap();
    let fill = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 64) \
                SELECT zeroblob(1000000) AS a FROM n";
    for name in ["m", "n", "temp"] {
        let result = run(&*connection, &format!("CREATE TABLE {name}.t AS {fill}")).await;
        assert_eq!(result, Err(Error::DatabaseFull), "{name}");
    }
    assert!(run(&*connection, "ATTACH '' AS o").await.is_err());
}

#[tokio::test]
async fn a_full_database_says_so_and_takes_more_after_a_delete() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let connection = connect(
        &path,
        Limits {
            store_mib_max: 1,
            ..LIMITS
        },
    )
    .await;
    run(&*connection, "CREATE TABLE t (a)").await.unwrap();
    let insert = "INSERT INTO t VALUES (zeroblob(100000))";
    let mut count = 0;
    while run(&*connection, insert).await.is_ok() {
        count += 1;
    }
    assert!((5..11).contains(&count), "{count}");
    assert_eq!(run(&*connection, insert).await, Err(Error::DatabaseFull));
    run(&*connection, "DELETE FROM t WHERE rowid = 1")
        .await
        .unwrap();
    run(&*connection, insert).await.unwrap();
}

#[tokio::test]
async fn below_the_reserve_only_deletes_pass() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let connection = connect(&path, LIMITS).await;
    run(&*connection, "CREATE TABLE t (a)").await.unwrap();
    run(&*connection, "INSERT INTO t VALUES (1), (2)")
        .await
        .unwrap();
    let connection = connect(
        &path,
        Limits {
            free_bytes_min: u64::MAX,
            ..LIMITS
        },
    )
    .await;
    for sql in [
        "INSERT INTO t VALUES (3)",
        "UPDATE t SET a = 4",
        "CREATE TABLE u (a)",
        "VACUUM",
    ] {
        assert!(run(&*connection, sql).await.is_err(), "{sql}");
    }
    assert_eq!(
        run(&*connection, "INSERT INTO t VALUES (3)").await,
        Err(Error::DatabaseFull)
    );
    run(&*connection, "DELETE FROM t WHERE a = 1")
        .await
        .unwrap();
    assert_eq!(
        run(&*connection, "SELECT a FROM t").await.unwrap(),
        [[Value::Integer(2)]]
    );
    run(&*connection, "DROP TABLE t").await.unwrap();
}

fn from_now(milliseconds: u64) -> crate::capabilities::invocation::Deadline {
    crate::capabilities::invocation::Deadline::new(
        Instant::now() + Duration::from_millis(milliseconds),
    )
}

const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

#[tokio::test]
async fn an_endless_statement_ends_at_the_deadline_and_the_connection_works_on() {
    let directory = tempfile::tempdir().unwrap();
    let local = Local::new(directory.path().join("x.db"), LIMITS, CommitGate::default());
    let deadline = Arc::new(Deadline::default());
    let connection = local.connect(Arc::clone(&deadline)).await.unwrap();
    deadline.set(from_now(50));
    assert!(refusal(&*connection, ENDLESS).await.contains("deadline"));
    assert!(refusal(&*connection, "SELECT 1").await.contains("deadline"));
    deadline.set(from_now(60_000));
    run(&*connection, "SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_wait_for_a_lock_ends_at_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let local = Local::new(directory.path().join("x.db"), LIMITS, CommitGate::default());
    let holder = local.connect(Arc::default()).await.unwrap();
    run(&*holder, "CREATE TABLE t (a)").await.unwrap();
    run(&*holder, "BEGIN IMMEDIATE").await.unwrap();
    let deadline = Arc::new(Deadline::default());
    let waiter = local.connect(Arc::clone(&deadline)).await.unwrap();
    deadline.set(from_now(20));
    let refused = refusal(&*waiter, "INSERT INTO t VALUES (1)").await;
    assert!(
        refused.contains("locked") || refused.contains("deadline"),
        "{refused}"
    );
}

#[tokio::test]
async fn what_an_instance_runs_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let local = Local::new(directory.path().join("x.db"), LIMITS, CommitGate::default());
    let mut guest = guest_of(Arc::new(local));
    let mut view = guest.view();
    let handle = v2::HostConnection::open(&mut view, "default".to_owned())
        .await
        .unwrap();
    let connection = view.connection(&handle.unwrap()).unwrap();
    let running = tokio::spawn(async move { refusal(&*connection, ENDLESS).await });
    tokio::task::yield_now().await;
    drop(guest);
    assert!(running.await.unwrap().contains("ended"));
}

#[tokio::test]
async fn large_results_and_hungry_statements_are_ended() {
    let (_directory, connection) = fresh().await;
    let rows = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) \
                SELECT zeroblob(1000000) FROM n";
    assert!(refusal(&*connection, rows).await.contains("larger than"));
    assert!(
        refusal(&*connection, "SELECT randomblob(9000000)")
            .await
            .contains("too big")
    );
    let columns = vec!["randomblob(8000000)"; 100].join(", ");
    let text = refusal(&*connection, &format!("SELECT {columns}")).await;
    assert!(
        text.contains("memory") || text.contains("larger than"),
        "{text}"
    );
    run(&*connection, "SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_key_value_file_is_never_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let store = KeyValueStore::new(&path, KeyValueLimits::default());
    assert!(!store.exists("a").unwrap());
    let refused = Local::new(path, LIMITS, CommitGate::default())
        .connect(Arc::default())
        .await
        .err()
        .unwrap();
    assert!(matches!(refused, Error::Io(text) if !text.contains("x.db")));
}

struct Guest {
    context: Context,
    table: ResourceTable,
}

impl Guest {
    fn view(&mut self) -> SqliteView<'_> {
        SqliteView {
            context: &mut self.context,
            table: &mut self.table,
        }
    }
}

fn guest_of(backend: Arc<dyn Backend>) -> Guest {
    let mut config = Config::default();
    config.grant("default", Some(backend));
    config.grant("nowhere", None);
    Guest {
        context: Context::new(Arc::new(config)),
        table: ResourceTable::new(),
    }
}

fn guest(directory: &tempfile::TempDir) -> Guest {
    guest_of(Arc::new(Local::new(
        directory.path().join("x.db"),
        LIMITS,
        CommitGate::default(),
    )))
}

#[tokio::test]
async fn labels_answer_as_spin_does_and_hoarders_get_the_interfaces_own_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut guest = guest(&directory);
    let deadline = from_now(60_000).instant();
    let invocation = Invocation::root("".into(), TraceContext::start(), "x".into(), deadline);
    guest.context.begin(&invocation);
    let mut view = guest.view();
    let open = |label: &str| label.to_owned();
    let refused = v2::HostConnection::open(&mut view, open("other"))
        .await
        .unwrap();
    assert!(matches!(refused, Err(v2::Error::AccessDenied)));
    let unknown = v3::HostConnection::open(&mut view, open("nowhere"))
        .await
        .unwrap();
    assert!(matches!(unknown, Err(v3::Error::NoSuchDatabase)));
    let mut handles = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let handle = v3::HostConnection::open(&mut view, open("default"))
            .await
            .unwrap();
        handles.push(handle.unwrap());
    }
    let full = v3::HostConnection::open(&mut view, open("default"))
        .await
        .unwrap();
    assert!(matches!(full, Err(v3::Error::Io(_))));
    let handle = handles.pop().unwrap();
    let lent = Resource::new_borrow(handle.rep());
    let sql = "SELECT ?".to_owned();
    let parameters = vec![v3::Value::Integer(7)];
    let result = v3::HostConnection::execute(&mut view, lent, sql, parameters)
        .await
        .unwrap();
    assert!(matches!(
        result.unwrap().rows[0].values[..],
        [v3::Value::Integer(7)]
    ));
    v3::HostConnection::drop(&mut view, handle).await.unwrap();
    v3::HostConnection::open(&mut view, open("default"))
        .await
        .unwrap()
        .unwrap();
}

fn engine(has_concurrency: bool) -> Engine {
    let mut config = wasmtime::Config::new();
    config
        .concurrency_support(has_concurrency)
        .wasm_component_model_async(has_concurrency);
    Engine::new(&config).unwrap()
}

/// A component that imports one function of the connection of an interface.
fn importer(engine: &Engine, interface: &str, function: &str) -> Component {
    let text = format!(
        r#"(component (import "{interface}" (instance
            (export "connection" (type $connection (sub resource)))
            (type $cases (variant (case "no-such-database") (case "access-denied")
                (case "invalid-connection") (case "database-full") (case "io" string)))
            (export "error" (type $error (eq $cases)))
            {function})))"#
    );
    Component::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

const OPEN: &str = r#"(export "[static]connection.open" (func
    (param "database" string) (result (result (own $connection) (error $error)))))"#;
const CHANGES: &str = r#"(export "[method]connection.changes" (func
    (param "self" (borrow $connection)) (result u64)))"#;
const CHANGES_ASYNC: &str = r#"(export "[method]connection.changes-async" (func async
    (param "self" (borrow $connection)) (result u64)))"#;

#[test]
fn every_version_links_and_the_async_functions_where_the_engine_can() {
    for has_concurrency in [true, false] {
        let engine = engine(has_concurrency);
        let mut linker = Linker::<Guest>::new(&engine);
        add_to_linker(&mut linker, Guest::view).unwrap();
        if has_concurrency {
            add_concurrent_to_linker(&mut linker, Guest::view).unwrap();
        }
        let links = |interface, function| {
            let component = importer(&engine, interface, function);
            linker.instantiate_pre(&component).map(drop)
        };
        links("fermyon:spin/sqlite@2.0.0", OPEN).unwrap();
        for interface in ["spin:sqlite/sqlite@3.0.0", "spin:sqlite/sqlite@3.1.0"] {
            links(interface, OPEN).unwrap();
            links(interface, CHANGES).unwrap();
            if has_concurrency {
                links(interface, CHANGES_ASYNC).unwrap();
            }
        }
    }
}

/// Counts the rows of a stream.
struct Count(Arc<Mutex<usize>>);

impl StreamConsumer<Guest> for Count {
    type Item = v3::RowResult;

    fn poll_consume(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
        store: StoreContextMut<Guest>,
        mut source: Source<'_, v3::RowResult>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let mut rows = Vec::with_capacity(100);
        source.read(store, &mut rows)?;
        *self.0.lock().unwrap() += rows.len();
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

#[tokio::test]
async fn rows_stream_as_they_are_taken() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::new(&engine(true), guest(&directory));
    let counted = Arc::new(Mutex::new(0));
    let into = Arc::clone(&counted);
    store
        .run_concurrent(async move |accessor| {
            let accessor = &accessor.with_getter::<Sqlite>(Guest::view);
            let open = <Sqlite as v3::HostConnectionWithStore<Guest>>::open_async;
            let execute = <Sqlite as v3::HostConnectionWithStore<Guest>>::execute_async;
            let handle = open(accessor, "default".to_owned()).await.unwrap().unwrap();
            let lend = || Resource::new_borrow(handle.rep());
            let wrong = execute(accessor, lend(), "SELEC".to_owned(), vec![])
                .await
                .unwrap();
            assert!(matches!(wrong, Err(v3::Error::Io(_))));
            let sql = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 500) \
                       SELECT i FROM n";
            let answer = execute(accessor, lend(), sql.to_owned(), vec![])
                .await
                .unwrap();
            let (columns, rows, _end) = answer.unwrap();
            assert_eq!(columns, ["i"]);
            accessor.with(|mut access| rows.pipe(&mut access, Count(into)).unwrap());
            while *counted.lock().unwrap() < 500 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_closed_gate_holds_up_commits_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let gate = CommitGate::default();
    let local = Local::new(path, LIMITS, gate.clone());
    let connection = local.connect(Arc::default()).await.unwrap();
    run(&*connection, "CREATE TABLE t (a)").await.unwrap();
    // An open transaction keeps nobody from closing it: it is not under way to the disk.
    run(&*connection, "BEGIN").await.unwrap();
    run(&*connection, "INSERT INTO t VALUES (1)").await.unwrap();
    let closed = gate.close(Duration::ZERO).unwrap();
    run(&*connection, "INSERT INTO t VALUES (2)").await.unwrap();
    let rows = run(&*connection, "SELECT a FROM t").await.unwrap();
    assert_eq!(rows.len(), 2);
    let mut commit = connection.execute("COMMIT".to_owned(), vec![], Access::Full);
    let waiting = futures::poll!(&mut commit);
    assert!(waiting.is_pending());
    // Not committed yet, as another connection sees it.
    let other = local.connect(Arc::default()).await.unwrap();
    let rows = run(&*other, "SELECT a FROM t").await.unwrap();
    assert_eq!(rows.len(), 0);
    drop(closed);
    commit.await.unwrap();
    let rows = run(&*other, "SELECT a FROM t").await.unwrap();
    assert_eq!(rows.len(), 2);
    // Each way to write leaves it open behind itself.
    for sql in [
        "INSERT INTO t VALUES (3)",
        "INSERT INTO t VALUES (4) RETURNING a",
        "SAVEPOINT s",
        "DELETE FROM t",
        "RELEASE s",
        "VACUUM",
        "PRAGMA user_version = 7",
    ] {
        run(&*connection, sql).await.unwrap();
        assert!(gate.close(Duration::ZERO).is_some(), "{sql}");
    }
    refusal(&*connection, "INSERT INTO none VALUES (1)").await;
    assert!(gate.close(Duration::ZERO).is_some());
}

#[tokio::test]
async fn inside_an_atomic_handler_a_database_can_be_read_only() {
    let (_directory, connection) = fresh().await;
    let connection = &*connection;
    run(connection, "CREATE TABLE t (n INTEGER)").await.unwrap();
    run(connection, "INSERT INTO t VALUES (1)").await.unwrap();
    for sql in [
        "INSERT INTO t VALUES (2)",
        "UPDATE t SET n = 3",
        "DELETE FROM t RETURNING n",
        "CREATE TABLE u (n INTEGER)",
        "CREATE TEMP TABLE u (n INTEGER)",
        "DROP TABLE t",
        "BEGIN IMMEDIATE",
        "BEGIN EXCLUSIVE",
        "PRAGMA user_version = 5",
        "VACUUM",
    ] {
        let refused = read(connection, sql).await.unwrap_err();
        assert!(
            matches!(&refused, Error::Io(text) if text.contains("atomic handler")),
            "{sql}: {refused:?}"
        );
    }
    let one = vec![vec![Value::Integer(1)]];
    assert_eq!(read(connection, "SELECT n FROM t").await.unwrap(), one);
    // A transaction that only reads is harmless, and nothing can be written in it.
    read(connection, "BEGIN").await.unwrap();
    assert_eq!(read(connection, "SELECT n FROM t").await.unwrap(), one);
    assert!(read(connection, "INSERT INTO t VALUES (2)").await.is_err());
    read(connection, "COMMIT").await.unwrap();
    // One in which an earlier invocation of the instance wrote cannot be ended here.
    run(connection, "BEGIN").await.unwrap();
    run(connection, "INSERT INTO t VALUES (2)").await.unwrap();
    for sql in ["COMMIT", "SAVEPOINT a", "SELECT n FROM t"] {
        assert!(read(connection, sql).await.is_err(), "{sql}");
    }
    run(connection, "ROLLBACK").await.unwrap();
    assert_eq!(read(connection, "SELECT n FROM t").await.unwrap(), one);
}
