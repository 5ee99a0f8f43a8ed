//! Units of atomic handlers on real files: snapshots, conflicts of each kind, outbox and inbox,
//! limits, and files of the older schema.

use std::path::Path;

use super::super::unit::{EVENTS_MAX, Unit, WRITE_BYTES_MAX};
use super::super::{
    Arc, Committed, DeliveryId, KeyPage, KeyValueError, KeyValueStore, Limits, VALUE_BYTES_MAX,
    Version,
};
use crate::storage::bus::NewEvent;
use crate::storage::database;

fn limits() -> Limits {
    Limits {
        free_bytes_min: 0,
        ..Limits::default()
    }
}

fn open(path: &Path) -> Arc<KeyValueStore> {
    Arc::new(KeyValueStore::new(path, limits()))
}

fn store(directory: &tempfile::TempDir) -> Arc<KeyValueStore> {
    open(&directory.path().join("x.db"))
}

async fn set(store: &KeyValueStore, key: &str, value: &str) {
    store.set(key.to_owned(), value.into()).await.unwrap();
}

fn write(unit: &Unit, key: &str, value: &str) {
    unit.set_many(vec![(key.to_owned(), value.into())]).unwrap();
}

fn text(value: Option<Vec<u8>>) -> Option<String> {
    value.map(|bytes| String::from_utf8(bytes).unwrap())
}

fn event(id: &str) -> NewEvent {
    NewEvent {
        topic: "order.placed".to_owned(),
        source: "cart".to_owned(),
        id: id.to_owned(),
        key: Some("k".to_owned()),
        delay_until_ms: Some(5),
        attributes: "{}".to_owned(),
        data: vec![1, 2, 3],
    }
}

fn delivery(position: i64) -> DeliveryId {
    DeliveryId {
        bus: 7,
        subscription: 3,
        position,
    }
}

fn ids(store: &KeyValueStore) -> Vec<(i64, String)> {
    let events = store.outbox(0, 1000).unwrap();
    events
        .into_iter()
        .map(|(number, event)| (number, event.id))
        .collect()
}

#[tokio::test]
async fn a_unit_sees_one_moment_and_its_own_writes() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    set(&store, "a", "1").await;
    set(&store, "b", "1").await;
    let unit = Unit::new(store.clone());
    assert_eq!(text(unit.get("a").unwrap()), Some("1".to_owned()));
    set(&store, "b", "2").await;
    set(&store, "c", "2").await;
    assert_eq!(text(unit.get("b").unwrap()), Some("1".to_owned()));
    assert!(!unit.exists("c").unwrap());
    write(&unit, "d", "own");
    unit.delete_many(vec!["a".to_owned()]).unwrap();
    assert_eq!(unit.increment("n".to_owned(), 2), Ok(2));
    assert_eq!(unit.increment("n".to_owned(), 3), Ok(5));
    assert_eq!(text(unit.get("d").unwrap()), Some("own".to_owned()));
    let asked = ["a", "b", "d"].map(str::to_owned);
    assert_eq!(
        unit.get_many(&asked).unwrap(),
        [None, Some(b"1".to_vec()), Some(b"own".to_vec())]
    );
    assert_eq!(unit.keys_page(None).unwrap().keys, ["b", "d", "n"]);
    // Nobody else sees any of it.
    assert_eq!(store.keys_page(None).unwrap().keys, ["a", "b", "c"]);
    assert_eq!(store.commit(&unit, None).await, Ok(Committed::Conflict));
    assert_eq!(store.keys_page(None).unwrap().keys, ["a", "b", "c"]);
}

#[tokio::test]
async fn all_of_a_unit_is_committed_and_survives() {
    let directory = tempfile::tempdir().unwrap();
    let first = store(&directory);
    set(&first, "gone", "1").await;
    let unit = Unit::new(first.clone());
    write(&unit, "a", "1");
    unit.delete_many(vec!["gone".to_owned(), "never".to_owned()])
        .unwrap();
    assert_eq!(unit.increment("n".to_owned(), 4), Ok(4));
    unit.publish(vec![event("x"), event("y")]).unwrap();
    let handled = Some(delivery(1));
    assert_eq!(first.commit(&unit, handled).await, Ok(Committed::Whole));
    let id = first.store_id().unwrap();
    assert!(first.may_have_outbox());
    // A copy of the files as they are now is what a killed process leaves behind.
    let copy = tempfile::tempdir().unwrap();
    for name in ["x.db", "x.db-wal"] {
        std::fs::copy(directory.path().join(name), copy.path().join(name)).unwrap();
    }
    let second = store(&copy);
    assert_eq!(second.keys_page(None).unwrap().keys, ["a", "n"]);
    let outbox = second.outbox(0, 10).unwrap();
    assert_eq!(outbox, [(1, event("x")), (2, event("y"))]);
    assert!(second.was_handled(delivery(1)).unwrap());
    assert!(!second.was_handled(delivery(2)).unwrap());
    assert_eq!(second.store_id(), Ok(id));
    assert!(id >= 0);
}

/// What one unit does before another commit, and whether it conflicts with it.
struct Case {
    name: &'static str,
    unit: fn(&Unit),
    other: fn(&Unit),
    conflicts: bool,
}

const CASES: [Case; 14] = [
    Case {
        name: "a key that was read has changed",
        unit: |unit| drop(unit.get("a").unwrap()),
        other: |other| write(other, "a", "2"),
        conflicts: true,
    },
    Case {
        name: "a key that was read was set to what it was",
        unit: |unit| drop(unit.get("a").unwrap()),
        other: |other| write(other, "a", "1"),
        conflicts: true,
    },
    Case {
        name: "a key that was read is gone",
        unit: |unit| drop(unit.get("a").unwrap()),
        other: |other| other.delete_many(vec!["a".to_owned()]).unwrap(),
        conflicts: true,
    },
    Case {
        name: "an absent key has appeared",
        unit: |unit| assert_eq!(unit.get("new").unwrap(), None),
        other: |other| write(other, "new", "2"),
        conflicts: true,
    },
    Case {
        name: "a key asked for with exists has appeared",
        unit: |unit| assert!(!unit.exists("new").unwrap()),
        other: |other| write(other, "new", "2"),
        conflicts: true,
    },
    Case {
        name: "a key that a compare-and-swap was opened on has changed",
        unit: |unit| assert_ne!(unit.version("a").unwrap(), Version::ABSENT),
        other: |other| write(other, "a", "2"),
        conflicts: true,
    },
    Case {
        name: "a key of many that were read has changed",
        unit: |unit| drop(unit.get_many(&["b".to_owned(), "a".to_owned()]).unwrap()),
        other: |other| write(other, "a", "2"),
        conflicts: true,
    },
    Case {
        name: "a key has come after a listing",
        unit: |unit| drop(unit.keys_page(Some("z")).unwrap()),
        other: |other| write(other, "new", "2"),
        conflicts: true,
    },
    Case {
        name: "a key has gone after a listing",
        unit: |unit| drop(unit.keys_page(None).unwrap()),
        other: |other| other.delete_many(vec!["a".to_owned()]).unwrap(),
        conflicts: true,
    },
    Case {
        name: "two increments of one key",
        unit: |unit| assert_eq!(unit.increment("n".to_owned(), 1), Ok(1)),
        other: |other| assert_eq!(other.increment("n".to_owned(), 1), Ok(1)),
        conflicts: true,
    },
    Case {
        name: "a listing and a new value of a key that was there",
        unit: |unit| drop(unit.keys_page(None).unwrap()),
        other: |other| write(other, "a", "2"),
        conflicts: false,
    },
    Case {
        name: "two sets that read nothing",
        unit: |unit| write(unit, "a", "3"),
        other: |other| write(other, "a", "2"),
        conflicts: false,
    },
    Case {
        name: "a read of what the unit has written itself",
        unit: |unit| {
            write(unit, "a", "3");
            drop(unit.get("a").unwrap());
            assert!(unit.exists("a").unwrap());
        },
        other: |other| write(other, "a", "2"),
        conflicts: false,
    },
    Case {
        name: "a read of another key",
        unit: |unit| drop(unit.get("b").unwrap()),
        other: |other| write(other, "a", "2"),
        conflicts: false,
    },
];

#[tokio::test]
async fn a_unit_conflicts_with_what_it_read_and_with_nothing_else() {
    for case in &CASES {
        let directory = tempfile::tempdir().unwrap();
        let store = store(&directory);
        set(&store, "a", "1").await;
        set(&store, "b", "1").await;
        let (unit, other) = (Unit::new(store.clone()), Unit::new(store.clone()));
        (case.unit)(&unit);
        write(&unit, "mark", "there");
        (case.other)(&other);
        // Both wait for one transaction, so that the second is checked against the first in it.
        let (first, second) = futures::join!(store.commit(&other, None), store.commit(&unit, None));
        assert_eq!(first, Ok(Committed::Whole), "{}", case.name);
        let expected = if case.conflicts {
            Committed::Conflict
        } else {
            Committed::Whole
        };
        assert_eq!(second, Ok(expected), "{}", case.name);
        let is_marked = store.exists("mark").unwrap();
        assert_eq!(is_marked, !case.conflicts, "{}", case.name);
    }
}

#[tokio::test]
async fn a_swap_compares_with_the_snapshot_and_with_own_writes() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    set(&store, "a", "1").await;
    let outside = store.version("a").unwrap();
    let unit = Unit::new(store.clone());
    let swap = |key: &str, expected, value: &str| {
        unit.swap(key.to_owned(), expected, value.into()).unwrap()
    };
    assert!(!swap("a", Version::ABSENT, "2"));
    // A version that was read outside is the same inside.
    assert!(swap("a", outside, "2"));
    assert!(!swap("a", outside, "3"));
    let own = unit.version("a").unwrap();
    write(&unit, "a", "4");
    assert!(!swap("a", own, "5"));
    assert!(swap("a", unit.version("a").unwrap(), "6"));
    assert!(swap("new", Version::ABSENT, "1"));
    let inside = unit.version("a").unwrap();
    assert_eq!(store.commit(&unit, None).await, Ok(Committed::Whole));
    assert_eq!(text(store.get("a").unwrap()), Some("6".to_owned()));
    // A version of the unit means nothing outside, and nothing in another one.
    let stale = store.swap("a".to_owned(), inside, vec![]).await;
    assert_eq!(stale, Ok(false));
    let next = Unit::new(store.clone());
    write(&next, "a", "7");
    assert_eq!(next.swap("a".to_owned(), inside, vec![]), Ok(false));
}

#[tokio::test]
async fn numbers_of_events_have_no_gaps() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let store = Arc::new(KeyValueStore::new(
        &path,
        Limits {
            store_mib_max: 1,
            ..limits()
        },
    ));
    let publish = |id: &str| {
        let unit = Unit::new(store.clone());
        unit.publish(vec![event(id)]).unwrap();
        unit
    };
    let first = publish("first");
    let conflicting = publish("conflicting");
    conflicting.increment("n".to_owned(), 1).unwrap();
    let full = publish("full");
    for number in 0..4 {
        let value = (format!("k{number}"), vec![7; 400_000]);
        full.set_many(vec![value]).unwrap();
    }
    let last = publish("last");
    let abandoned = publish("abandoned");
    abandoned.abandon();
    store.increment("n".to_owned(), 1).await.unwrap();
    let answers = futures::join!(
        store.commit(&first, None),
        store.commit(&conflicting, None),
        store.commit(&full, None),
        store.commit(&abandoned, None),
        store.commit(&last, None),
    );
    let expected = (
        Ok(Committed::Whole),
        Ok(Committed::Conflict),
        Err(KeyValueError::QuotaExceeded),
        Ok(Committed::Whole),
        Ok(Committed::Whole),
    );
    assert_eq!(answers, expected);
    assert_eq!(store.keys_page(None).unwrap().keys, ["n"]);
    let published = [(1, "first".to_owned()), (2, "last".to_owned())];
    assert_eq!(ids(&store), published);
    // Also when all that was there is gone, and the file was closed.
    store.outbox_relayed(1);
    store.tidy_up().await.unwrap();
    assert_eq!(ids(&store), published[1..]);
    store.outbox_relayed(2);
    let next = publish("next");
    store.commit(&next, None).await.unwrap();
    drop((first, conflicting, full, last, abandoned, next));
    drop(store);
    let store = open(&path);
    assert_eq!(ids(&store), [(3, "next".to_owned())]);
    assert_eq!(store.outbox(3, 10), Ok(vec![]));
}

#[tokio::test]
async fn additions_to_the_outbox_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let unit = Unit::new(store.clone());
    unit.publish(vec![event("a")]).unwrap();
    let (told, committed) = futures::join!(store.outbox_added(), store.commit(&unit, None));
    assert_eq!((told, committed), ((), Ok(Committed::Whole)));
    // Also to one who comes later.
    let unit = Unit::new(store.clone());
    unit.publish(vec![event("b")]).unwrap();
    store.commit(&unit, None).await.unwrap();
    store.outbox_added().await;
    assert_eq!(store.outbox(0, 1).unwrap().len(), 1);
    assert_eq!(store.outbox(0, 9).unwrap().len(), 2);
}

#[tokio::test]
async fn a_delivery_is_handled_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let count = |key: &str| {
        let unit = Unit::new(store.clone());
        unit.increment(key.to_owned(), 1).unwrap();
        unit
    };
    let (one, two) = (count("a"), count("b"));
    let same = Some(delivery(5));
    let answers = futures::join!(store.commit(&one, same), store.commit(&two, same));
    assert_eq!(
        answers,
        (Ok(Committed::Whole), Ok(Committed::HandledBefore))
    );
    assert_eq!(store.keys_page(None).unwrap().keys, ["a"]);
    // A unit that wrote nothing still acknowledges, and one that conflicts does not.
    let nothing = Unit::new(store.clone());
    let answer = store.commit(&nothing, Some(delivery(-2))).await;
    assert_eq!(answer, Ok(Committed::Whole));
    let conflicting = count("a");
    store.increment("a".to_owned(), 1).await.unwrap();
    let answer = store.commit(&conflicting, Some(delivery(9))).await;
    assert_eq!(answer, Ok(Committed::Conflict));
    assert_eq!(store.deliveries(), Ok(vec![delivery(-2), delivery(5)]));
    store.forget_deliveries(vec![delivery(5), delivery(77)]);
    store.tidy_up().await.unwrap();
    assert_eq!(store.deliveries(), Ok(vec![delivery(-2)]));
    assert!(!store.was_handled(delivery(5)).unwrap());
}

#[tokio::test]
async fn a_store_is_tidied_up_when_it_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let before = open(&path);
    let unit = Unit::new(before.clone());
    unit.publish(vec![event("e")]).unwrap();
    before.commit(&unit, Some(delivery(1))).await.unwrap();
    before.outbox_relayed(1);
    before.forget_deliveries(vec![delivery(1)]);
    drop((unit, before));
    let store = open(&path);
    assert_eq!(store.outbox(0, 9), Ok(vec![]));
    assert_eq!(store.deliveries(), Ok(vec![]));
}

#[tokio::test]
async fn an_ended_unit_does_nothing_more() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let unit = Unit::new(store.clone());
    unit.get("a").unwrap();
    write(&unit, "a", "1");
    unit.abandon();
    let ended = KeyValueError::UnitEnded;
    assert_eq!(unit.get("a"), Err(ended.clone()));
    assert_eq!(unit.delete_many(vec![]), Err(ended.clone()));
    assert_eq!(unit.publish(vec![event("a")]), Err(ended.clone()));
    assert_eq!(unit.keys_page(None), Err(ended));
    assert_eq!(store.commit(&unit, None).await, Ok(Committed::Whole));
    assert!(!store.exists("a").unwrap());
}

#[tokio::test]
async fn connections_of_snapshots_are_fit_for_the_next_reader() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    set(&store, "a", "0").await;
    for round in 0..20 {
        let units: Vec<Unit> = (0..20).map(|_| Unit::new(store.clone())).collect();
        for unit in &units {
            assert_eq!(text(unit.get("a").unwrap()), Some(round.to_string()));
        }
        set(&store, "a", &(round + 1).to_string()).await;
        drop(units);
        assert_eq!(text(store.get("a").unwrap()), Some((round + 1).to_string()));
    }
    // Nothing reads the log any more, so it can be written back.
    let outside = database::open(&directory.path().join("x.db"), 1000).unwrap();
    let is_busy: bool = outside
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .unwrap();
    assert!(!is_busy);
}

/// The log would grow for as long as some snapshot is there, whichever.
#[tokio::test]
async fn the_log_begins_anew_also_while_snapshots_overlap() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let mut reading = Unit::new(store.clone());
    reading.get("a").unwrap();
    for _ in 0..200 {
        let value = vec![0; VALUE_BYTES_MAX];
        store.set("a".to_owned(), value).await.unwrap();
        let next = Unit::new(store.clone());
        next.get("a").unwrap();
        reading = next;
    }
    drop(reading);
    let log = std::fs::metadata(directory.path().join("x.db-wal")).unwrap();
    assert!(log.len() < 150 << 20, "{}", log.len());
}

#[tokio::test]
async fn pages_of_keys_have_the_units_writes_in_them() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let entries = (0..2500).map(|number| (format!("{number:04}"), vec![]));
    store.set_many(entries.collect()).await.unwrap();
    let unit = Unit::new(store.clone());
    // All of the first page goes, and many keys come in the middle and behind the end.
    let gone = (0..1000).map(|number| format!("{number:04}"));
    unit.delete_many(gone.collect()).unwrap();
    let come = (0..1500).map(|number| (format!("1500+{number:04}"), vec![]));
    unit.set_many(come.collect()).unwrap();
    write(&unit, "z", "");
    let mut expected: Vec<String> = (1000..2500).map(|number| format!("{number:04}")).collect();
    expected.extend((0..1500).map(|number| format!("1500+{number:04}")));
    expected.push("z".to_owned());
    expected.sort();
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let KeyPage { keys, cursor: next } = unit.keys_page(cursor.as_deref()).unwrap();
        assert!(keys.len() <= 1000);
        all.extend(keys);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(all, expected);
}

#[tokio::test]
async fn what_a_unit_may_hold_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let unit = Unit::new(store.clone());
    let value = || vec![0; VALUE_BYTES_MAX];
    let fitting = WRITE_BYTES_MAX / VALUE_BYTES_MAX - 1;
    for number in 0..fitting {
        unit.set_many(vec![(number.to_string(), value())]).unwrap();
    }
    // What a write replaces counts no longer.
    for _ in 0..3 {
        unit.set_many(vec![("0".to_owned(), b"small".to_vec())])
            .unwrap();
        unit.set_many(vec![("0".to_owned(), value())]).unwrap();
    }
    let more = unit.set_many(vec![("a".to_owned(), value()), ("b".to_owned(), vec![])]);
    assert_eq!(more, Err(KeyValueError::UnitTooLarge));
    assert!(!unit.exists("b").unwrap());
    let events = vec![event("e"); EVENTS_MAX + 1];
    assert_eq!(unit.publish(events), Err(KeyValueError::TooManyEvents));
    let large = NewEvent {
        data: vec![0; 1 << 20],
        ..event("e")
    };
    let publish = |count| unit.publish(vec![large.clone(); count]);
    assert_eq!(publish(4), Err(KeyValueError::TooManyEvents));
    assert_eq!(publish(3), Ok(()));
    assert_eq!(publish(1), Err(KeyValueError::TooManyEvents));
    assert_eq!(store.commit(&unit, None).await, Ok(Committed::Whole));
    assert_eq!(store.keys_page(None).unwrap().keys.len(), fitting);
    assert_eq!(store.outbox(0, 10).unwrap().len(), 3);
}

#[tokio::test]
async fn below_the_reserve_units_may_delete_and_acknowledge() {
    let directory = tempfile::tempdir().unwrap();
    let before = store(&directory);
    set(&before, "a", "1").await;
    let unit = Unit::new(before.clone());
    unit.publish(vec![event("e")]).unwrap();
    before.commit(&unit, Some(delivery(1))).await.unwrap();
    drop((unit, before));
    let nearly_full = Limits {
        free_bytes_min: u64::MAX,
        ..limits()
    };
    let path = directory.path().join("x.db");
    let store = Arc::new(KeyValueStore::new(&path, nearly_full));
    let refused = Err(KeyValueError::ReserveReached);
    let unit = Unit::new(store.clone());
    write(&unit, "b", "1");
    assert_eq!(store.commit(&unit, Some(delivery(2))).await, refused);
    let unit = Unit::new(store.clone());
    unit.publish(vec![event("f")]).unwrap();
    assert_eq!(store.commit(&unit, None).await, refused);
    let unit = Unit::new(store.clone());
    unit.delete_many(vec!["a".to_owned()]).unwrap();
    let committed = store.commit(&unit, Some(delivery(3))).await;
    assert_eq!(committed, Ok(Committed::Whole));
    store.forget_deliveries(vec![delivery(1)]);
    store.outbox_relayed(1);
    store.tidy_up().await.unwrap();
    assert_eq!(store.deliveries(), Ok(vec![delivery(3)]));
    assert_eq!(store.outbox(0, 9), Ok(vec![]));
    assert!(!store.exists("a").unwrap());
}

/// The tables of the first schema, as its hosts made them, and the entries `a` = `1` and `b` = `2`.
const SCHEMA_1: &str = "
    CREATE TABLE entries (
        key TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX entries_by_key ON entries (key);
    CREATE TABLE counter (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        version INTEGER NOT NULL,
        key_set_version INTEGER NOT NULL
    ) STRICT;
    INSERT INTO counter VALUES (1, 4, 3);
    PRAGMA application_id = 1802857835;
    PRAGMA user_version = 1;
    INSERT INTO entries VALUES ('a', 1, x'31'), ('b', 4, x'32');";

#[tokio::test]
async fn a_file_of_the_first_schema_is_migrated_in_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let old = database::open(&path, 1000).unwrap();
    old.execute_batch(SCHEMA_1).unwrap();
    drop(old);
    let store = open(&path);
    assert!(!store.may_have_outbox());
    assert_eq!(text(store.get("b").unwrap()), Some("2".to_owned()));
    assert!(!store.may_have_outbox());
    assert_eq!(store.version("b"), Ok(Version(4)));
    let id = store.store_id().unwrap();
    assert!(id > 0);
    let unit = Unit::new(store.clone());
    assert_eq!(unit.keys_page(None).unwrap().keys, ["a", "b"]);
    write(&unit, "c", "3");
    unit.publish(vec![event("e")]).unwrap();
    assert_eq!(store.commit(&unit, None).await, Ok(Committed::Whole));
    assert!(store.version("c").unwrap().0 > 4);
    drop((unit, store));
    let store = open(&path);
    assert_eq!(store.store_id(), Ok(id));
    assert_eq!(ids(&store), [(1, "e".to_owned())]);
}

#[tokio::test]
async fn a_full_file_of_the_first_schema_still_opens() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let old = database::open(&path, 100_000).unwrap();
    old.execute_batch(SCHEMA_1).unwrap();
    let fill = "INSERT INTO entries VALUES ('large', 5, zeroblob(3000000))";
    old.execute_batch(fill).unwrap();
    drop(old);
    let small = Limits {
        store_mib_max: 1,
        ..limits()
    };
    let store = KeyValueStore::new(&path, small);
    assert_eq!(text(store.get("a").unwrap()), Some("1".to_owned()));
    let full = store.set("c".to_owned(), vec![]).await;
    assert_eq!(full, Err(KeyValueError::QuotaExceeded));
    store.delete("large".to_owned()).await.unwrap();
    store.set("c".to_owned(), vec![]).await.unwrap();
}
