//! Backups of real files while others write them, and what comes back of them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::storage::database;
use crate::storage::key_value::{KeyValueStore, Limits, Stores};
use crate::storage::state_dir::StateDirError;
use crate::storage::state_dir::{DATA_FOLDERS, FORMAT_VERSION, RESTORE_MARKER};

/// A state directory and a place beside it.
struct Place {
    folder: TempDir,
    state: StateDir,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(&folder.path().join("state")).unwrap();
        Place { folder, state }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn backups(&self) -> Backups {
        Backups::new(&self.state, Vec::new())
    }

    fn take(&self, name: &str) -> Result<Report, BackupError> {
        self.backups().take(&self.path(name))
    }

    fn database(&self, file: &str) -> Connection {
        let connection = database::open(&self.state.path().join(file), 10_000).unwrap();
        connection
            .execute_batch("CREATE TABLE IF NOT EXISTS t (a)")
            .unwrap();
        connection
    }

    fn store(&self, stores: &Stores, label: &str) -> Arc<KeyValueStore> {
        stores.store(&self.state.key_value_file(label), Limits::default())
    }

    /// What lies beside the state directory.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn rows(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection
        .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
        .unwrap()
}

fn fill(connection: &Connection, rows: i64) {
    let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        INSERT INTO t SELECT randomblob(2000) FROM n";
    connection.execute(sql, [rows]).unwrap();
}

#[test]
fn a_snapshot_stays_while_others_write_and_checkpoint() {
    let place = Place::new();
    let writer = place.database("sqlite/a.db");
    fill(&writer, 3_000);
    let cut = cut::cut(place.state.path(), place.state.commit_gate()).unwrap();
    let reader = &cut.snapshots[0].connection;
    let path = place.path("copy.db");
    let mut to = Connection::open(&path).unwrap();
    let backup = rusqlite::backup::Backup::new(reader, &mut to).unwrap();
    let mut steps = 0;
    loop {
        let step = backup.step(100).unwrap();
        if step == rusqlite::backup::StepResult::Done {
            break;
        }
        steps += 1;
        // Changes pages that are copied already, pages that are not, and the number of them.
        writer.execute("UPDATE t SET a = zeroblob(10)", []).unwrap();
        fill(&writer, 50);
        let _ = writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }
    assert!(steps > 10, "{steps}");
    drop(backup);
    drop(to);
    assert_eq!(rows(&path), 3_000);
    let zeroed: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM t WHERE length(a) < 2000", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(zeroed, 0);
    let stop = Stop::new(&Arc::default(), TIME_MAX);
    assert_eq!(verify::check_file(&path, &stop).unwrap(), None);
}

#[test]
fn what_was_written_later_is_never_there_without_what_was_before() {
    let place = Place::new();
    // Files are begun in the order of their names; these lie between the two, so that without the
    // gate many writes would fall between the first and the last.
    for number in 0..200 {
        place.database(&format!("key-value/m{number}.db"));
    }
    let stores = Stores::new(place.state.commit_gate().clone());
    let (first, second) = (place.store(&stores, "a"), place.store(&stores, "z"));
    let is_over = AtomicBool::new(false);
    let counts = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.unwrap().block_on(async {
                while !is_over.load(Ordering::Relaxed) {
                    first.increment("count".to_owned(), 1).await.unwrap();
                    second.increment("count".to_owned(), 1).await.unwrap();
                }
            });
        });
        let take = || {
            let cut = cut::cut(place.state.path(), place.state.commit_gate()).unwrap();
            assert!(cut.snapshots.len() >= 200);
            ["key-value/a.db", "key-value/z.db"].map(|name| {
                let one = cut.snapshots.iter().find(|one| one.name == name);
                one.map_or(0, |one| count(&one.connection))
            })
        };
        let counts: Vec<[i64; 2]> = (0..20).map(|_| take()).collect();
        is_over.store(true, Ordering::Relaxed);
        writing.join().unwrap();
        counts
    });
    for [first, second] in counts {
        assert!(first == second || first == second + 1, "{first} {second}");
    }
}

/// The counter in a key-value file.
fn count(connection: &Connection) -> i64 {
    let sql = "SELECT value FROM entries WHERE key = 'count'";
    let value: Option<Vec<u8>> = connection.query_row(sql, [], |row| row.get(0)).ok();
    i64::from_le_bytes(value.map_or([0; 8], |bytes| bytes.try_into().unwrap()))
}

#[test]
fn a_backup_comes_back_whole_and_private() {
    let mut place = Place::new();
    let connections = ["key-value/a.db", "sqlite/%41b.db", "events/bus.db"].map(|file| {
        let connection = place.database(file);
        fill(&connection, 10);
        connection
    });
    // Not whole yet, and not at all: neither is anybody's data.
    std::fs::write(place.state.path().join("sqlite/new.db"), "").unwrap();
    std::fs::write(place.state.path().join("sqlite/other.txt"), "x").unwrap();
    std::os::unix::fs::symlink("new.db", place.state.path().join("sqlite/link.db")).unwrap();
    connections[0].execute_batch("BEGIN").unwrap();
    fill(&connections[0], 5);
    let report = place.take("backup").unwrap();
    assert_eq!((report.files, report.not_copied.len()), (3, 1));
    assert!(report.not_copied[0].contains("sqlite/link.db"));
    drop(connections);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&report.directory), 0o700);
    for file in ["backup.json", "key-value/a.db", "events/bus.db"] {
        assert_eq!(mode(&report.directory.join(file)), 0o600, "{file}");
    }
    let again = place.take("backup").unwrap_err();
    assert!(matches!(again, BackupError::NotEmpty(_)), "{again}");

    place.state = StateDir::open(&place.path("other")).unwrap();
    let target = place.path("new");
    let restored = restore(&report.directory, &target, false).unwrap();
    assert_eq!(restored.moved_aside, None);
    assert_eq!((restored.files, restored.bytes), (3, report.bytes));
    let state = StateDir::open(&target).unwrap();
    for file in ["key-value/a.db", "sqlite/%41b.db", "events/bus.db"] {
        assert_eq!(rows(&state.path().join(file)), 10, "{file}");
        assert_eq!(mode(&state.path().join(file)), 0o600, "{file}");
    }
    assert!(!state.path().join("restore-staging").exists());
}

#[test]
fn what_was_there_is_moved_aside_and_only_when_asked() {
    let place = Place::new();
    fill(&place.database("key-value/a.db"), 3);
    let report = place.take("backup").unwrap();
    fill(&place.database("key-value/a.db"), 4);
    fill(&place.database("sqlite/b.db"), 1);
    let root = place.state.path().to_owned();
    let locked = restore(&report.directory, &root, true).unwrap_err();
    let in_use = matches!(locked, RestoreError::State(StateDirError::InUse { .. }));
    assert!(in_use, "{locked}");
    drop(place.state);
    let refused = restore(&report.directory, &root, false).unwrap_err();
    assert!(matches!(refused, RestoreError::HasStores(_)), "{refused}");
    assert_eq!(rows(&root.join("key-value/a.db")), 7);
    let restored = restore(&report.directory, &root, true).unwrap();
    let aside = restored.moved_aside.unwrap();
    assert!(aside.starts_with(&root), "{}", aside.display());
    assert_eq!(rows(&aside.join("key-value/a.db")), 7);
    assert_eq!(rows(&aside.join("sqlite/b.db")), 1);
    assert_eq!(rows(&root.join("key-value/a.db")), 3);
    assert!(!root.join("sqlite/b.db").exists());
    // Once more: within the second, too, nothing that was moved aside is overwritten.
    let again = restore(&report.directory, &root, true).unwrap();
    assert_ne!(again.moved_aside.unwrap(), aside);
    assert_eq!(rows(&aside.join("key-value/a.db")), 7);
}

/// What a restore leaves that ends at some step, and that the next one makes whole.
#[test]
fn an_interrupted_restore_is_finished_by_the_next() {
    let stores = DATA_FOLDERS
        .into_iter()
        .chain(["operations.db", "operations.db-wal"]);
    let stores: Vec<_> = stores.collect();
    for (moved, placed) in [
        (0, 0),
        (1, 0),
        (1, 1),
        (2, 1),
        (3, 2),
        (3, 3),
        (4, 4),
        (5, 4),
        (6, 6),
    ] {
        let place = Place::new();
        fill(&place.database("key-value/a.db"), 3);
        fill(&place.database("events/bus.db"), 2);
        fill(&place.database("operations.db"), 5);
        let backup = place.take("backup").unwrap().directory;
        fill(&place.database("key-value/a.db"), 4);
        fill(&place.database("operations.db"), 1);
        // As a crash leaves it.
        std::fs::write(place.state.path().join("operations.db-wal"), "").unwrap();
        fill(&place.database("sqlite/b.db"), 1);
        let root = place.state.path().to_owned();
        drop(place.state);
        let aside = root.join("before-restore-x");
        let marker = r#"{"aside":"before-restore-x","old":
            ["key-value","sqlite","events","revisions","operations.db","operations.db-wal"]}"#;
        std::fs::write(root.join(RESTORE_MARKER), marker).unwrap();
        for store in &stores[..moved] {
            std::fs::create_dir_all(&aside).unwrap();
            std::fs::rename(root.join(store), aside.join(store)).unwrap();
        }
        for store in &stores[..placed] {
            let path = root.join(store);
            if DATA_FOLDERS.contains(store) {
                std::fs::create_dir(&path).unwrap();
                std::fs::write(path.join("half.db"), "").unwrap();
            } else {
                std::fs::write(path, "half").unwrap();
            }
        }
        let refused = StateDir::open(&root).unwrap_err();
        assert!(refused.to_string().contains("interrupted"), "{refused}");
        // It was begun with --replace, and need not be asked again.
        let restored = restore(&backup, &root, false).unwrap();
        assert_eq!(restored.moved_aside, Some(aside.clone()));
        assert_eq!(rows(&aside.join("key-value/a.db")), 7, "{moved} {placed}");
        assert_eq!(rows(&aside.join("sqlite/b.db")), 1);
        let state = StateDir::open(&root).unwrap();
        assert_eq!(rows(&state.key_value_file("a")), 3);
        assert_eq!(rows(&state.events_file()), 2);
        assert_eq!(rows(&state.operations_file()), 5);
        assert_eq!(rows(&aside.join("operations.db")), 6);
        assert!(!root.join("operations.db-wal").exists());
        assert!(!root.join("key-value/half.db").exists());
        assert!(!root.join("sqlite/b.db").exists());
    }
}

#[test]
fn a_backup_that_changed_is_refused_before_anything_is_touched() {
    let place = Place::new();
    fill(&place.database("key-value/a.db"), 30);
    let backup = place.take("backup").unwrap().directory;
    let file = backup.join("key-value/a.db");
    let target = place.path("new");
    let refused = |text: &str| {
        let error = restore(&backup, &target, false).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
        assert!(!target.exists());
    };
    let whole = std::fs::read(&file).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    std::fs::write(&file, &changed).unwrap();
    refused("SHA-256");
    std::fs::write(&file, &whole[..whole.len() - 4096]).unwrap();
    refused("bytes in the place of");
    std::fs::remove_file(&file).unwrap();
    refused("missing");
    // With digests that fit, SQLite still tells.
    let mut changed = whole.clone();
    changed[4096..12_288].fill(0xa5);
    std::fs::write(&file, &changed).unwrap();
    let stop = Stop::new(&Arc::default(), TIME_MAX);
    let mut index = Index::read(&backup).unwrap();
    index.files[0].sha256 = verify::digest(&file, &stop).unwrap().1;
    std::fs::remove_file(backup.join("backup.json")).unwrap();
    index.write(&backup).unwrap();
    refused("is damaged");
    std::fs::write(&file, &whole).unwrap();
    index.files[0].sha256 = verify::digest(&file, &stop).unwrap().1;
    index.format = FORMAT_VERSION + 1;
    std::fs::remove_file(backup.join("backup.json")).unwrap();
    index.write(&backup).unwrap();
    refused("newer kumiki");
    std::fs::remove_file(backup.join("backup.json")).unwrap();
    refused("no backup.json");
}

#[test]
fn a_backup_that_fails_leaves_nothing() {
    let place = Place::new();
    fill(&place.database("sqlite/a.db"), 2_000);
    fill(&place.database("key-value/b.db"), 30);
    let names = place.names();
    for (path, text) in [
        (place.path("no/where"), "make it first"),
        (place.state.path().join("inside"), "state directory"),
        ("relative".into(), "absolute"),
        (place.state.path().to_owned(), "not an empty folder"),
        (place.state.path().join("version"), "not an empty folder"),
    ] {
        let error = place.backups().take(&path).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
    let backups = place.backups();
    backups.is_stopping.store(true, Ordering::Relaxed);
    let error = backups.take(&place.path("stopped")).unwrap_err();
    assert!(matches!(error, BackupError::Stopped), "{error}");
    assert_eq!(place.names(), names);
    let one = place.backups();
    let running = one.one.lock().unwrap();
    let error = one.take(&place.path("second")).unwrap_err();
    assert!(matches!(error, BackupError::AnotherRuns), "{error}");
    drop(running);
    // A file of the host's own that is broken is no backup.
    let file = place.state.key_value_file("b");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4096..].fill(0xa5);
    std::fs::write(&file, &bytes).unwrap();
    let error = place.take("damaged").unwrap_err();
    assert!(matches!(error, BackupError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("key-value/b.db"), "{error}");
    assert_eq!(place.names(), names);
}

#[test]
fn a_fault_in_a_guests_database_keeps_no_one_else_from_a_backup() {
    let place = Place::new();
    let guest = place.database("sqlite/a.db");
    // What a guest demands of its own values is no fault.
    guest
        .execute_batch(
            "PRAGMA ignore_check_constraints = ON;
             CREATE TABLE small (a CHECK (a < 3));
             INSERT INTO small VALUES (9);",
        )
        .unwrap();
    assert!(place.take("first").unwrap().faulty.is_empty());
    guest
        .execute_batch(
            "CREATE TABLE names (a);
             CREATE INDEX i ON names (a);
             INSERT INTO names VALUES ('x'), ('y');
             PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON names (length(a))'
                 WHERE name = 'i';",
        )
        .unwrap();
    fill(&place.database("key-value/b.db"), 3);
    let report = place.take("second").unwrap();
    assert_eq!(report.files, 2);
    assert_eq!(report.faulty.len(), 1, "{report:?}");
    assert!(report.faulty[0].starts_with("sqlite/a.db: "), "{report:?}");
    let restored = restore(&report.directory, &place.path("new"), false).unwrap();
    assert_eq!(restored.faulty, report.faulty);
}

#[test]
fn an_empty_folder_takes_a_backup_also_through_a_link() {
    let place = Place::new();
    fill(&place.database("key-value/a.db"), 3);
    std::fs::create_dir(place.path("empty")).unwrap();
    std::os::unix::fs::symlink("empty", place.path("link")).unwrap();
    let report = place.take("link").unwrap();
    assert_eq!(report.directory, place.path("empty"));
    assert_eq!(rows(&place.path("link").join("key-value/a.db")), 3);
}
