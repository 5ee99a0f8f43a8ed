//! The store of operations on real files: what it keeps, refuses and removes, and what is left of
//! it when its process is killed.

mod crash;
mod model;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::storage::backup::{Backups, restore};

/// A state directory with its store.
struct Place {
    folder: TempDir,
    /// `None` only while it is opened anew.
    open: Option<(StateDir, Operations)>,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let open = Some(open(&folder.path().join("state")));
        Place { folder, open }
    }

    fn operations(&self) -> &Operations {
        &self.open.as_ref().unwrap().1
    }

    fn state(&self) -> &StateDir {
        &self.open.as_ref().unwrap().0
    }

    fn reopen(&mut self) {
        drop(self.open.take());
        self.open = Some(open(&self.folder.path().join("state")));
    }

    /// The names of the files of the revisions.
    fn files(&self) -> Vec<String> {
        let entries = self.state().revisions().read_dir().unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn open(path: &Path) -> (StateDir, Operations) {
    let state = StateDir::open(path).unwrap();
    let operations = Operations::open(&state).unwrap();
    (state, operations)
}

fn line(action: &str, service: &str, revision: Option<Which>) -> AuditLine {
    AuditLine {
        by: "ci".to_owned(),
        action: action.to_owned(),
        service: Some(service.to_owned()),
        revision,
        detail: json!({ "steps": [1, 2] }),
    }
}

/// A change that gives a service weights.
fn weigh(service: &str, weights: &[(Which, u8)]) -> Change {
    Change {
        weights: BTreeMap::from([(service.to_owned(), weights.to_vec())]),
        audit: vec![line("weigh", service, None)],
        ..Change::default()
    }
}

/// Keeps what a revision is made of, and makes one with these weights.
fn deploy(
    operations: &Operations,
    service: &str,
    wasm: &str,
    weights: &[(Which, u8)],
) -> Result<Revision, OperationsError> {
    let wasm = operations.keep_wasm(wasm.as_bytes())?;
    let manifest = operations.keep_manifest("/srv/spin.toml", "text")?;
    let new = NewRevision {
        service: service.to_owned(),
        digest: wasm.digest().to_owned(),
        settings_digest: "settings".to_owned(),
        manifest: manifest.digest().to_owned(),
        origin: Origin::Deploy,
        by: "ci".to_owned(),
        note: Some("faster".to_owned()),
    };
    let mut made = operations.change(&Change {
        revisions: vec![new],
        audit: vec![line("deploy", service, Some(Which::New))],
        ..weigh(service, weights)
    })?;
    Ok(made.remove(0))
}

const ALL: [(Which, u8); 1] = [(Which::New, 100)];

fn to(number: u64) -> [(Which, u8); 1] {
    [(Which::Number(number), 100)]
}

/// The live weights of a service.
fn weights(operations: &Operations, service: &str) -> Vec<(u64, u8)> {
    let mut live = operations.live().unwrap();
    let weights = live.remove(service).unwrap_or_default();
    let weights = weights.into_iter();
    weights
        .map(|(revision, weight)| (revision.number, weight))
        .collect()
}

fn previous(operations: &Operations, service: &str) -> Option<u64> {
    let previous = operations.previous_live(service).unwrap();
    previous.map(|revision| revision.number)
}

#[test]
fn a_revision_and_all_around_it_come_back_after_a_start() {
    let mut place = Place::new();
    let operations = place.operations();
    let first = deploy(operations, "cart", "one", &ALL).unwrap();
    assert_eq!((first.number, first.origin), (1, Origin::Deploy));
    let canary = [(Which::New, 10), (Which::Number(1), 90)];
    let second = deploy(operations, "cart", "two", &canary).unwrap();
    let build = |digest: &str| Build {
        digest: digest.to_owned(),
        settings_digest: "s".to_owned(),
    };
    let gives = |digest| Change {
        from_manifest: BTreeMap::from([("cart".to_owned(), build(digest))]),
        audit: vec![line("start", "cart", None)],
        ..Change::default()
    };
    operations.change(&gives("a")).unwrap();
    operations.change(&gives("b")).unwrap();
    place.reopen();
    let operations = place.operations();
    let live = operations.live().unwrap();
    assert_eq!(live["cart"], [(first.clone(), 90), (second.clone(), 10)]);
    let given = operations.from_manifest().unwrap();
    assert_eq!(given, BTreeMap::from([("cart".to_owned(), build("b"))]));
    let revisions = operations.revisions("cart").unwrap();
    assert_eq!(revisions, [second.clone(), first.clone()]);
    assert_eq!(operations.revision("cart", 2).unwrap(), Some(second));
    assert_eq!(operations.revision("cart", 3).unwrap(), None);
    assert_eq!(operations.revision("other", 1).unwrap(), None);
    let manifest = operations.manifest(&first.manifest).unwrap().unwrap();
    assert_eq!(
        (&*manifest.path, &*manifest.text),
        ("/srv/spin.toml", "text")
    );
    let wasm = std::fs::read(operations.wasm_path(&first.digest)).unwrap();
    assert_eq!(wasm, b"one");
    let audit = operations.audit(0, None, 100).unwrap();
    let told: Vec<_> = audit
        .iter()
        .map(|entry| (&*entry.action, entry.revision))
        .collect();
    let deploys = [("deploy", Some(1)), ("deploy", Some(2))];
    assert_eq!(told[..2], deploys);
    assert_eq!(told.len(), 4);
    assert_eq!(audit[0].detail, json!({ "steps": [1, 2] }));
    let after = operations.audit(audit[0].id, Some("cart"), 1).unwrap();
    assert_eq!(after, audit[1..2]);
    assert_eq!(operations.audit(0, Some("other"), 9).unwrap(), []);
    let log = operations.weights_log(0, None, 100).unwrap();
    let over_time: Vec<_> = log.iter().map(|entry| entry.weights.clone()).collect();
    assert_eq!(over_time, [vec![(1, 100)], vec![(1, 90), (2, 10)]]);
    assert_eq!(log[1].audit_id, audit[1].id);
    // Without weights it is gone, and its number is not given again when it comes back.
    operations.change(&weigh("cart", &[])).unwrap();
    assert!(operations.live().unwrap().is_empty());
    assert!(operations.from_manifest().unwrap().is_empty());
    assert_eq!(operations.prune("cart", 0).unwrap(), [1, 2]);
    assert_eq!(deploy(operations, "cart", "one", &ALL).unwrap().number, 3);
}

#[test]
fn everything_is_private_and_what_an_upload_left_is_removed() {
    let mut place = Place::new();
    let kept = place.operations().keep_wasm(b"wasm").unwrap();
    let path = place.operations().wasm_path(kept.digest());
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&place.state().operations_file()), 0o600);
    assert_eq!(mode(&place.state().revisions()), 0o700);
    assert!(is_wasm_name(&place.files()[0]));
    // Again is nothing, and a file that was cut off is made whole.
    let made = path.metadata().unwrap().modified().unwrap();
    drop(place.operations().keep_wasm(b"wasm").unwrap());
    assert_eq!(path.metadata().unwrap().modified().unwrap(), made);
    std::fs::write(&path, "wa").unwrap();
    drop(place.operations().keep_wasm(b"wasm").unwrap());
    assert_eq!(std::fs::read(&path).unwrap(), b"wasm");
    drop(kept);
    let folder = place.state().revisions();
    std::fs::write(folder.join(".partial-x"), "half").unwrap();
    std::fs::write(folder.join("README"), "mine").unwrap();
    place.reopen();
    assert_eq!(place.files().len(), 2);
    place.operations().prune("cart", 10).unwrap();
    assert_eq!(place.files(), ["README"]);
}

#[test]
fn what_a_change_refuses_leaves_everything_as_it_was() {
    let place = Place::new();
    let operations = place.operations();
    deploy(operations, "cart", "one", &ALL).unwrap();
    let audit = operations.audit(0, None, 100).unwrap();
    let refused = |result: Result<_, OperationsError>, text: &str| {
        let error = result.err().unwrap().to_string();
        assert!(error.contains(text), "{error}");
        assert_eq!(weights(operations, "cart"), [(1, 100)], "{error}");
        assert_eq!(operations.audit(0, None, 100).unwrap(), audit, "{error}");
        assert_eq!(operations.revisions("cart").unwrap().len(), 1, "{error}");
    };
    let one = Which::Number(1);
    for bad in [
        &[(Which::New, 90)][..],
        &[(Which::New, 0), (one, 100)],
        &[(Which::New, 101)],
        &[(Which::New, 50), (Which::New, 50)],
        // The new one is the second, by its number as well.
        &[(Which::New, 50), (Which::Number(2), 50)],
    ] {
        let result = deploy(operations, "cart", "two", bad);
        refused(result.map(drop), "must be 100");
    }
    let result = deploy(operations, "cart", "two", &to(7));
    refused(result.map(drop), "no revision 7");
    let change = |change: &Change| operations.change(change).map(drop);
    refused(change(&weigh("cart", &ALL)), "exactly one");
    refused(change(&weigh("other", &to(1))), "`other` has no revision 1");
    let mut unnamed = weigh("cart", &[]);
    unnamed.audit.clear();
    refused(change(&unnamed), "audit log");
    // A line of another service cannot mean the new one.
    let mut foreign = weigh("cart", &[]);
    foreign.audit.push(line("x", "other", Some(Which::New)));
    refused(change(&foreign), "exactly one");
    let wasm = operations.keep_wasm(b"two").unwrap();
    let manifest = operations.keep_manifest("p", "t").unwrap();
    let new = NewRevision {
        service: "cart".to_owned(),
        digest: wasm.digest().to_owned(),
        settings_digest: String::new(),
        manifest: manifest.digest().to_owned(),
        origin: Origin::Apply,
        by: String::new(),
        note: None,
    };
    let making = |revisions: Vec<NewRevision>| Change {
        revisions,
        ..weigh("cart", &ALL)
    };
    refused(
        change(&making(vec![new.clone(), new.clone()])),
        "exactly one",
    );
    let mut absent = new.clone();
    absent.digest = "00".to_owned();
    refused(change(&making(vec![absent])), "upload it again");
    let mut absent = new.clone();
    absent.manifest = "00".to_owned();
    refused(change(&making(vec![absent])), "read it again");
    // No number was lost over it.
    assert_eq!(operations.change(&making(vec![new])).unwrap()[0].number, 2);
}

#[test]
fn the_revision_before_is_the_one_that_had_most_calls() {
    let place = Place::new();
    let operations = place.operations();
    let now = |weights: &[(Which, u8)]| {
        operations.change(&weigh("cart", weights)).unwrap();
    };
    assert_eq!(previous(operations, "cart"), None);
    deploy(operations, "cart", "one", &ALL).unwrap();
    assert_eq!(previous(operations, "cart"), None);
    deploy(operations, "cart", "two", &ALL).unwrap();
    assert_eq!(previous(operations, "cart"), Some(1));
    // While a canary runs the one before is the one that it stands against.
    let half = [(Which::Number(2), 50), (Which::New, 50)];
    deploy(operations, "cart", "three", &half).unwrap();
    assert_eq!(previous(operations, "cart"), Some(2));
    now(&[(Which::Number(2), 1), (Which::Number(3), 99)]);
    assert_eq!(previous(operations, "cart"), Some(2));
    // A canary that was given up was never the one before.
    now(&to(2));
    now(&[(Which::Number(2), 90), (Which::Number(3), 10)]);
    now(&to(3));
    assert_eq!(previous(operations, "cart"), Some(2));
    now(&to(2));
    assert_eq!(previous(operations, "cart"), Some(3));
    now(&[]);
    assert_eq!(previous(operations, "cart"), Some(2));
    now(&to(1));
    assert_eq!(previous(operations, "cart"), Some(2));
}

#[test]
fn a_prune_leaves_what_is_live_what_a_rollback_needs_and_what_is_held() {
    let place = Place::new();
    let operations = place.operations();
    for wasm in ["a", "b", "c", "d", "e"] {
        deploy(operations, "cart", wasm, &ALL).unwrap();
    }
    deploy(operations, "other", "a", &ALL).unwrap();
    operations.change(&weigh("cart", &to(2))).unwrap();
    operations.change(&weigh("cart", &to(4))).unwrap();
    let held = operations.keep_wasm(b"held").unwrap();
    let manifest = operations.keep_manifest("held", "text").unwrap();
    // 4 is live, 2 was before it.
    assert_eq!(operations.prune("cart", 2).unwrap(), [1, 3]);
    assert_eq!(previous(operations, "cart"), Some(2));
    // `a` is the other's as well.
    assert_eq!(place.files().len(), 5);
    assert!(operations.wasm_path(held.digest()).is_file());
    assert!(operations.manifest(manifest.digest()).unwrap().is_some());
    // Held twice it stays until both let go.
    let digest = held.digest().to_owned();
    let again = operations.keep_wasm(b"held").unwrap();
    drop(held);
    assert_eq!(operations.prune("cart", 0).unwrap(), [2, 5]);
    assert!(operations.wasm_path(&digest).is_file());
    assert_eq!(previous(operations, "cart"), None);
    let manifest_digest = manifest.digest().to_owned();
    drop((again, manifest));
    assert!(operations.prune("cart", 0).unwrap().is_empty());
    assert!(!operations.wasm_path(&digest).exists());
    assert_eq!(operations.manifest(&manifest_digest).unwrap(), None);
    assert_eq!(place.files().len(), 2);
    assert_eq!(weights(operations, "cart"), [(4, 100)]);
}

#[test]
fn uploads_and_prunes_at_the_same_time_lose_nothing() {
    let place = Place::new();
    let operations = place.operations();
    std::thread::scope(|scope| {
        let uploads = ["x", "y"].map(|service| {
            scope.spawn(move || {
                for round in 0..40 {
                    // Both have the same files, which are orphans again and again.
                    let wasm = format!("{}", round % 3);
                    let made = deploy(operations, service, &wasm, &ALL).unwrap();
                    assert!(operations.wasm_path(&made.digest).is_file());
                }
            })
        });
        while uploads.iter().any(|upload| !upload.is_finished()) {
            for service in ["x", "y"] {
                operations.prune(service, 1).unwrap();
            }
        }
    });
    for revisions in operations.live().unwrap().values() {
        let path = operations.wasm_path(&revisions[0].0.digest);
        assert!(path.is_file(), "{}", path.display());
    }
}

#[test]
fn the_audit_log_takes_no_change() {
    let place = Place::new();
    deploy(place.operations(), "cart", "one", &ALL).unwrap();
    let before = place.operations().audit(0, None, 9).unwrap();
    let other = Connection::open(place.state().operations_file()).unwrap();
    for sql in [
        "UPDATE audit SET made_by = 'nobody'",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit VALUES (1, 0, 'nobody', 'x', NULL, NULL, '{}')",
    ] {
        let error = other.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    assert_eq!(place.operations().audit(0, None, 9).unwrap(), before);
}

#[test]
fn tokens_are_found_by_their_digest_and_each_change_is_told() {
    let mut place = Place::new();
    let token = |name: &str, sha256: &str| NewToken {
        name: name.to_owned(),
        role: Role::Deployer,
        services: vec!["cart".to_owned(), "search".to_owned()],
        sha256: sha256.to_owned(),
    };
    let operations = place.operations();
    let added = line("token add", "cart", None);
    operations.add_token(&token("ci", "aa"), &added).unwrap();
    let again = operations
        .add_token(&token("ci", "bb"), &added)
        .unwrap_err();
    assert!(matches!(again, OperationsError::TokenExists(_)), "{again}");
    assert!(operations.add_token(&token("b", "aa"), &added).is_err());
    place.reopen();
    let operations = place.operations();
    let found = operations.token_by_sha256("aa").unwrap().unwrap();
    assert_eq!((&*found.name, found.role), ("ci", Role::Deployer));
    assert_eq!(found.services, ["cart", "search"]);
    assert_eq!(operations.token_by_sha256("bb").unwrap(), None);
    assert_eq!(operations.tokens().unwrap(), [found]);
    let removed = line("token remove", "cart", None);
    operations.remove_token("ci", &removed).unwrap();
    let again = operations.remove_token("ci", &removed).unwrap_err();
    assert!(matches!(again, OperationsError::NoToken(_)), "{again}");
    assert_eq!(operations.token_by_sha256("aa").unwrap(), None);
    let audit = operations.audit(0, None, 9).unwrap();
    let actions: Vec<_> = audit.iter().map(|entry| &*entry.action).collect();
    assert_eq!(actions, ["token add", "token remove"]);
}

#[test]
fn a_newer_file_and_a_foreign_one_are_refused() {
    let place = Place::new();
    let state = place.state();
    let other = Connection::open(state.operations_file()).unwrap();
    other.pragma_update(None, "user_version", 2).unwrap();
    let error = Operations::open(state).unwrap_err().to_string();
    assert!(error.contains("operations.db has schema 2"), "{error}");
    assert!(error.contains("newer kumiki"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    let other = Connection::open(state.operations_file()).unwrap();
    other.execute_batch("CREATE TABLE t (a)").unwrap();
    let error = Operations::open(&state).unwrap_err();
    assert!(matches!(error, OperationsError::Foreign(_)), "{error}");
}

#[test]
fn a_backup_has_it_and_a_restore_brings_it_back() {
    let mut place = Place::new();
    let operations = place.operations();
    let first = deploy(operations, "cart", "one", &ALL).unwrap();
    let second = deploy(operations, "cart", "two", &ALL).unwrap();
    drop(operations.keep_wasm(b"nobody's").unwrap());
    let root = place.folder.path().canonicalize().unwrap();
    let take = |name: &str| {
        let backups = Backups::new(place.state(), Vec::new());
        backups.take(&root.join(name)).unwrap()
    };
    let report = take("whole");
    assert_eq!(report.files, 3, "{report:?}");
    assert!(report.not_copied.is_empty(), "{report:?}");
    let name = |revision: &Revision| format!("revisions/{}", wasm_name(&revision.digest));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&report.directory.join(name(&first))), 0o600);
    // What is not there, or not what it was, is named.
    std::fs::remove_file(operations.wasm_path(&first.digest)).unwrap();
    std::fs::write(operations.wasm_path(&second.digest), "owt").unwrap();
    let partial = take("partial");
    let mut missing = partial.not_copied;
    missing.sort();
    let mut expected = [
        format!("{} is missing", name(&first)),
        format!("{} is damaged", name(&second)),
    ];
    expected.sort();
    assert_eq!((partial.files, missing), (1, expected.to_vec()));
    deploy(operations, "cart", "three", &ALL).unwrap();
    // As a crash leaves it, with its log beside it.
    let state = root.join("state");
    let log = std::fs::read(state.join("operations.db-wal")).unwrap();
    drop(place.open.take());
    std::fs::write(state.join("operations.db-wal"), log).unwrap();
    let restored = restore(&report.directory, &state, true).unwrap();
    let aside = restored.moved_aside.unwrap();
    assert!(aside.join("operations.db").is_file());
    assert!(!state.join("operations.db-wal").exists());
    place.reopen();
    let operations = place.operations();
    assert_eq!(weights(operations, "cart"), [(2, 100)]);
    let damaged = name(&first);
    for (revision, wasm) in [(first, "one"), (second, "two")] {
        let path = operations.wasm_path(&revision.digest);
        assert_eq!(std::fs::read_to_string(path).unwrap(), wasm);
    }
    drop(place.open.take());
    let wasm = report.directory.join(damaged);
    std::fs::write(&wasm, "eno").unwrap();
    let refused = restore(&report.directory, &state, true).unwrap_err();
    assert!(refused.to_string().contains("SHA-256"), "{refused}");
}
