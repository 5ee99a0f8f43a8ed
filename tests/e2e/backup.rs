//! `kumiki backup` and `kumiki restore`: what was written later is never in a copy without what was
//! written before it, whatever stores the two lie in, and a copy comes back or is refused.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::{Host, Refusal, run};

/// Two key-value stores and a database.
fn app() -> App {
    let stores = Service::new("kv", "key_value_wasi").route("/kv");
    let sql = Service::new("sql", "sqlite_spin_two").route("/sql");
    App::new([
        stores.key_value_stores(&["first", "last"]),
        sql.sqlite_databases(&["between"]),
    ])
    .key_value_store("first")
    .key_value_store("last")
    .sqlite_database("between")
}

fn increment(host: &Host, store: &str, key: &str, delta: i64) -> i64 {
    let path = format!("/kv?op=increment&store={store}&key={key}&delta={delta}");
    host.get(&path).expect(200).parse().unwrap()
}

fn sql(host: &Host, statement: &str) -> String {
    host.post("/sql?database=between", statement).expect(200)
}

fn rows(host: &Host, writer: usize) -> i64 {
    let count = sql(host, &format!("SELECT count(*) FROM t WHERE a = {writer}"));
    let digits: String = count.lines().nth(1).unwrap().chars().collect();
    let digits = digits.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.trim_end_matches(')').parse().unwrap()
}

fn state(host: &Host) -> String {
    host.folder().join(".kumiki").display().to_string()
}

fn succeeded(outcome: &Refusal) {
    assert_eq!(outcome.status.code(), Some(0), "{outcome}");
}

fn failed(outcome: &Refusal, text: &str) {
    assert_eq!(outcome.status.code(), Some(1), "{outcome}");
    assert!(outcome.stderr.contains(text), "no `{text}` in {outcome}");
}

/// A folder for backups, outside of any state directory.
struct Shelf(tempfile::TempDir);

impl Shelf {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn names(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

#[test]
fn a_backup_under_load_is_one_moment_and_comes_back() {
    const WRITERS: usize = 4;
    let shelf = Shelf::new();
    let host = app().start();
    sql(&host, "CREATE TABLE t (a)");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let write = |writer: usize| {
            let key = format!("count-{writer}");
            while !is_over.load(Ordering::Relaxed) {
                increment(&host, "first", &key, 1);
                sql(&host, &format!("INSERT INTO t VALUES ({writer})"));
                increment(&host, "last", &key, 1);
            }
        };
        for writer in 0..WRITERS {
            scope.spawn(move || write(writer));
        }
        kumiki_tests::wait::until("every writer to have begun", || {
            let begun = |writer| increment(&host, "last", &format!("count-{writer}"), 0) > 0;
            (0..WRITERS).all(begun).then_some(())
        });
        for number in 0..5 {
            let outcome = run(host.folder(), &["backup", &shelf.path(&number.to_string())]);
            if number == 4 {
                is_over.store(true, Ordering::Relaxed);
            }
            succeeded(&outcome);
            assert!(
                outcome.stdout.contains("no write could commit for"),
                "{outcome}"
            );
        }
    });
    for number in 0..5 {
        let new = shelf.path(&format!("state-{number}"));
        let backup = shelf.path(&number.to_string());
        let restored = run(host.folder(), &["restore", &backup, "--state-dir", &new]);
        succeeded(&restored);
        // Two stores and the bus; what is live, and the WebAssembly of its two services.
        assert!(restored.stdout.contains("6 files"), "{restored}");
        let copy = app().arguments(&["--state-dir", &new]).start();
        for writer in 0..WRITERS {
            let key = format!("count-{writer}");
            let counts = [
                increment(&copy, "first", &key, 0),
                rows(&copy, writer),
                increment(&copy, "last", &key, 0),
            ];
            assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
            assert!(counts[0] - counts[2] <= 1 && counts[2] > 0, "{counts:?}");
        }
    }
}

#[test]
fn without_a_host_the_command_copies_by_itself() {
    let shelf = Shelf::new();
    let mut host = app().start();
    assert_eq!(increment(&host, "first", "a", 7), 7);
    // What was acknowledged lies in the log alone.
    host.kill9();
    let backup = shelf.path("backup");
    succeeded(&run(host.folder(), &["backup", &backup]));
    // The original is as it was, too.
    let restored = run(
        host.folder(),
        &["restore", &backup, "--state-dir", &shelf.path("new")],
    );
    succeeded(&restored);
    let copy = app()
        .arguments(&["--state-dir", &shelf.path("new")])
        .start();
    assert_eq!(increment(&copy, "first", "a", 0), 7);
    assert_eq!(increment(&host.restart(), "first", "a", 0), 7);
    let nothing = run(
        Path::new("/"),
        &[
            "backup",
            &shelf.path("other"),
            "--state-dir",
            &shelf.path("none"),
        ],
    );
    failed(&nothing, "there is no state directory");
    assert!(!Path::new(&shelf.path("none")).exists());
}

#[test]
fn a_running_host_keeps_its_stores_from_being_replaced() {
    let shelf = Shelf::new();
    let mut host = app().start();
    increment(&host, "first", "a", 1);
    let backup = shelf.path("backup");
    succeeded(&run(host.folder(), &["backup", &backup]));
    increment(&host, "first", "a", 1);
    let restore = ["restore", backup.as_str(), "--replace"];
    failed(&run(host.folder(), &restore), "is in use by another kumiki");
    assert_eq!(increment(&host, "first", "a", 0), 2);
    host.terminate();
    host.wait();
    failed(&run(host.folder(), &restore[..2]), "--replace");
    let replaced = run(host.folder(), &restore);
    succeeded(&replaced);
    assert!(replaced.stdout.contains("before-restore-"), "{replaced}");
    let host = host.restart();
    assert_eq!(increment(&host, "first", "a", 0), 1);
}

#[test]
fn a_copy_that_changed_is_refused() {
    let shelf = Shelf::new();
    let host = app().start();
    increment(&host, "first", "a", 1);
    let backup = shelf.path("backup");
    succeeded(&run(host.folder(), &["backup", &backup]));
    let file = Path::new(&backup).join("key-value/first.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let new = shelf.path("new");
    let refused = run(host.folder(), &["restore", &backup, "--state-dir", &new]);
    failed(&refused, "key-value/first.db is damaged");
    assert!(!Path::new(&new).exists());
}

#[test]
fn a_backup_that_cannot_be_taken_says_why_and_leaves_nothing() {
    let shelf = Shelf::new();
    let host = app().start();
    increment(&host, "first", "a", 1);
    let full = shelf.path("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(Path::new(&full).join("mine"), "").unwrap();
    let names = shelf.names();
    let backup = |path: &str| run(host.folder(), &["backup", path]);
    failed(&backup(&full), "not an empty folder");
    failed(&backup(&shelf.path("no/where")), "make it first");
    failed(&backup(".kumiki/backup"), "state directory");
    assert_eq!(shelf.names(), names);
    let state = state(&host);
    let elsewhere = ["backup", "here", "--state-dir", state.as_str()];
    succeeded(&run(shelf.0.path(), &elsewhere));
    assert!(Path::new(&shelf.path("here/backup.json")).exists());
}

#[test]
fn stores_that_lie_elsewhere_are_named() {
    let shelf = Shelf::new();
    let stores = Service::new("kv", "key_value_wasi").route("/kv");
    let stores = stores.key_value_stores(&["default", "out", "far"]);
    let mut host = App::new([stores])
        .runtime_config("[key_value_store.out]\ntype = \"spin\"\npath = \"out.db\"\n")
        .runtime_config("[key_value_store.far]\ntype = \"redis\"\n")
        .runtime_config("url = \"redis://:secret@127.0.0.1:1\"\n")
        .start();
    increment(&host, "default", "a", 1);
    increment(&host, "out", "a", 1);
    let named = |outcome: &Refusal| {
        succeeded(outcome);
        // The store that is here; what is live, and the WebAssembly of its service.
        assert!(outcome.stdout.starts_with("3 files ("), "{outcome}");
        for text in ["`out` is in", "out.db", "`far` is in Redis"] {
            assert!(outcome.stdout.contains(text), "{outcome}");
        }
        assert!(!outcome.stdout.contains("secret"), "{outcome}");
    };
    named(&run(host.folder(), &["backup", &shelf.path("running")]));
    host.kill9();
    named(&run(host.folder(), &["backup", &shelf.path("ended")]));
}

#[test]
fn a_host_without_an_admin_api_is_said() {
    let shelf = Shelf::new();
    let host = app().arguments(&["--admin", "off"]).start();
    let refused = run(host.folder(), &["backup", &shelf.path("backup")]);
    failed(&refused, "has no admin API");
    assert!(
        refused.stderr.contains(&host.pid().to_string()),
        "{refused}"
    );
    assert!(shelf.names().is_empty());
}
