//! SQL by its three interfaces: rows and parameters, who may open what, and what no statement may
//! do.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::Answer;

const INTERFACES: [(&str, &str); 3] = [
    ("two", "sqlite_spin_two"),
    ("plain", "sqlite_spin_three"),
    ("async", "sqlite_async"),
];

fn services() -> Vec<Service> {
    let service = |(id, guest): (&str, &str)| {
        Service::new(id, guest)
            .route(&format!("/{id}"))
            .sqlite_databases(&["default"])
    };
    INTERFACES.into_iter().map(service).collect()
}

fn execute(host: &Host, id: &str, statement: &str) -> Answer {
    host.post(&format!("/{id}?database=default"), statement)
}

/// The lines after the columns.
fn rows(host: &Host, id: &str, statement: &str) -> Vec<String> {
    let text = execute(host, id, statement).expect(200);
    let head = if id == "two" { 1 } else { 2 };
    text.lines().skip(head).map(str::to_owned).collect()
}

#[test]
fn every_interface_writes_and_reads_rows_of_every_type() {
    for service in services() {
        let id = service.id().to_owned();
        let host = App::new([service]).start();
        let create = "CREATE TABLE item (id INTEGER PRIMARY KEY, a, b, c, d)";
        execute(&host, &id, create).expect(200);
        let insert = "INSERT INTO item (a, b, c, d) VALUES (7, 1.5, x'00ff', NULL)";
        let inserted = execute(&host, &id, insert).expect(200);
        assert!(
            id == "two" || inserted.starts_with("1 changed, row 1"),
            "{inserted}"
        );
        let found = rows(&host, &id, "SELECT a, b, c, d FROM item");
        assert_eq!(found.len(), 1, "{id}");
        for part in ["Integer(7)", "Real(1.5)", "Blob([0, 255])", "Null"] {
            assert!(found[0].contains(part), "{id}: {found:?}");
        }
        let bound = "/".to_owned() + &id + "?database=default&text=it%27s&text=x";
        let answer = host.post(&bound, "SELECT ?1 || ?2 AS joined").expect(200);
        assert!(
            answer.contains("joined") && answer.contains("it'sx"),
            "{answer}"
        );
    }
}

#[test]
fn the_interfaces_see_one_database_and_it_survives_kill_9() {
    let mut host = App::new(services()).start();
    execute(&host, "two", "CREATE TABLE t (x TEXT)").expect(200);
    for (id, _) in INTERFACES {
        execute(&host, id, &format!("INSERT INTO t VALUES ('{id}')")).expect(200);
    }
    host.kill9();
    let host = host.restart();
    for (id, _) in INTERFACES {
        let found = rows(&host, id, "SELECT x FROM t ORDER BY x");
        assert_eq!(found.len(), 3, "{id}: {found:?}");
    }
}

#[test]
fn a_reader_of_a_stream_may_stop_early() {
    let host = App::new(services()).start();
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) \
                   SELECT i FROM n";
    let first = host
        .post("/async?database=default&first=3", numbers)
        .expect(200);
    assert_eq!(first.lines().count(), 5, "{first}");
    let all = host.post("/async?database=default", numbers).expect(200);
    assert_eq!(all.lines().count(), 100_002);
}

#[test]
fn a_database_without_a_grant_is_denied() {
    for (id, guest) in INTERFACES {
        let host = App::new([Service::new(id, guest).route(&format!("/{id}"))]).start();
        let text = execute(&host, id, "SELECT 1").expect(422);
        assert!(text.contains("AccessDenied"), "{id}: {text}");
    }
}

#[test]
fn a_mistake_in_sql_is_an_error_of_the_interface() {
    let host = App::new(services()).start();
    for (id, _) in INTERFACES {
        let text = execute(&host, id, "SELEKT 1").expect(422);
        assert!(
            text.contains("Io(") && text.contains("SELEKT"),
            "{id}: {text}"
        );
    }
}

#[test]
fn statements_that_reach_out_of_the_database_are_refused() {
    let host = App::new(services()).start();
    let outside = host.folder().join("outside.db");
    let statements = [
        format!("ATTACH '{}' AS other", outside.display()),
        "ATTACH '../default.db' AS other".to_owned(),
        format!("VACUUM INTO '{}'", outside.display()),
        "SELECT load_extension('x')".to_owned(),
        "PRAGMA journal_mode = DELETE".to_owned(),
        "PRAGMA synchronous = OFF".to_owned(),
        "PRAGMA writable_schema = ON".to_owned(),
    ];
    for (id, _) in INTERFACES {
        for statement in &statements {
            let answer = execute(&host, id, statement);
            assert_eq!(answer.status, 422, "{id}: {statement}: {}", answer.text());
        }
        assert_eq!(rows(&host, id, "SELECT 1").len(), 1);
    }
    assert!(!outside.exists());
    execute(&host, "two", "ATTACH ':memory:' AS scratch").expect(200);
}

#[test]
fn another_services_file_cannot_be_attached() {
    let owner = Service::new("owner", "sqlite_spin_two").route("/owner");
    let thief = Service::new("thief", "sqlite_spin_two").route("/thief");
    let app = App::new([
        owner.sqlite_databases(&["owner"]),
        thief.sqlite_databases(&["default"]),
    ]);
    let host = app.sqlite_database("owner").start();
    host.post("/owner?database=owner", "CREATE TABLE secret (x)")
        .expect(200);
    let denied = host
        .post("/thief?database=owner", "SELECT * FROM secret")
        .expect(422);
    assert!(denied.contains("AccessDenied"), "{denied}");
    let mut folders = vec![host.folder().join(".kumiki")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let list = if entry.path().is_dir() {
                &mut folders
            } else {
                &mut files
            };
            list.push(entry.path());
        }
    }
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|suffix| suffix == "db"))
    {
        let attach = format!("ATTACH '{}' AS stolen", file.display());
        assert_eq!(host.post("/thief?database=default", attach).status, 422);
    }
}

#[test]
fn an_endless_query_ends_at_the_deadline_and_spares_the_neighbours() {
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT count(*) FROM n";
    let slow = services()
        .into_iter()
        .map(|service| service.setting("timeout_ms = 500"));
    let hello = Service::new("hello", "hello_two").route("/hello");
    let mut host = App::new(slow.chain([hello])).start();
    for (id, _) in INTERFACES {
        let answer = std::thread::scope(|scope| {
            let query = scope.spawn(|| execute(&host, id, endless));
            while !query.is_finished() {
                assert_eq!(host.get("/hello").status, 200);
            }
            query.join().unwrap()
        });
        assert!(matches!(answer.status, 422 | 504), "{id}: {answer:?}");
        assert_eq!(rows(&host, id, "SELECT 1").len(), 1, "{id}");
    }
    assert!(host.runs());
}

#[test]
fn a_database_does_not_grow_over_its_quota() {
    let service = Service::new("sql", "sqlite_spin_two").route("/sql");
    let service = service
        .sqlite_databases(&["default"])
        .setting("store_mib_max = 2");
    let host = App::new([service]).start();
    execute(&host, "sql", "CREATE TABLE t (x BLOB)").expect(200);
    let insert = "INSERT INTO t VALUES (randomblob(500000))";
    let refused = (0..10)
        .map(|_| execute(&host, "sql", insert))
        .find(|answer| answer.status != 200);
    let text = refused.expect("the quota ends the inserts").expect(422);
    assert!(
        text.contains("DatabaseFull") || text.contains("full"),
        "{text}"
    );
    execute(&host, "sql", "DELETE FROM t").expect(200);
    execute(&host, "sql", insert).expect(200);
}
