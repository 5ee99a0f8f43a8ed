//! The engine on real files: durability, group commit, limits, races, and a model.

mod unit;
mod unit_properties;

use std::collections::BTreeMap;
use std::time::Instant;

use futures::future::join_all;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::{
    Arc, Duration, KEY_BYTES_MAX, KeyPage, KeyValueError, KeyValueStore, Limits, Operation,
    Outcome, Stores, VALUE_BYTES_MAX, Version, commit, schema,
};
use crate::storage::database;

fn limits() -> Limits {
    Limits {
        free_bytes_min: 0,
        ..Limits::default()
    }
}

fn store(directory: &tempfile::TempDir) -> Arc<KeyValueStore> {
    Arc::new(KeyValueStore::new(&directory.path().join("x.db"), limits()))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

async fn set(store: &KeyValueStore, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
    store.set(key.to_owned(), value.to_vec()).await
}

fn keys(store: &KeyValueStore) -> Vec<String> {
    let mut page = store.keys_page(None).unwrap();
    let mut all = page.keys;
    while let Some(cursor) = page.cursor {
        page = store.keys_page(Some(&cursor)).unwrap();
        assert!(!page.keys.is_empty());
        all.extend(page.keys);
    }
    all
}

#[tokio::test]
async fn keeps_what_was_written_when_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let first = store(&directory);
    first.open().await.unwrap();
    set(&first, "a", b"1").await.unwrap();
    set(&first, "nul\0key", b"").await.unwrap();
    let version = first.version("a").unwrap();
    drop(first);
    let second = store(&directory);
    assert_eq!(
        second.get_versioned("a").unwrap(),
        Some((b"1".to_vec(), version))
    );
    assert_eq!(second.get("nul\0key").unwrap(), Some(Vec::new()));
    // The counter went on where it was: the version of a deleted key does not come again.
    second.delete("a".to_owned()).await.unwrap();
    set(&second, "a", b"1").await.unwrap();
    assert_ne!(second.version("a").unwrap(), version);
}

#[tokio::test]
async fn what_is_acknowledged_is_in_the_log_before_anything_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    set(&store, "a", b"kept").await.unwrap();
    // A copy of the files as they are now is what a killed process leaves behind.
    let copy = tempfile::tempdir().unwrap();
    for name in ["x.db", "x.db-wal"] {
        std::fs::copy(directory.path().join(name), copy.path().join(name)).unwrap();
    }
    let recovered = KeyValueStore::new(&copy.path().join("x.db"), limits());
    assert_eq!(recovered.get("a").unwrap(), Some(b"kept".to_vec()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_are_committed_together_and_one_that_fails_takes_none_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    set(&store, "text", b"no integer").await.unwrap();
    let writes = (0..400).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            if number % 4 == 0 {
                let failed = store.increment("text".to_owned(), 1).await;
                assert_eq!(failed, Err(KeyValueError::NotAnInteger));
            } else {
                set(&store, &format!("k{number}"), b"v").await.unwrap();
                // A client reads its own write at once.
                assert_eq!(
                    store.get(&format!("k{number}")).unwrap(),
                    Some(b"v".to_vec())
                );
            }
        })
    });
    join_all(writes)
        .await
        .into_iter()
        .for_each(|done| done.unwrap());
    assert_eq!(keys(&store).len(), 301);
}

#[test]
fn units_of_one_transaction_stand_alone() {
    let directory = tempfile::tempdir().unwrap();
    let connection = database::open(&directory.path().join("x.db"), 1000).unwrap();
    schema::prepare(&connection).unwrap();
    let budget = commit::Budget {
        pages_max: 1000,
        is_below_reserve: false,
    };
    let operations = [
        Operation::Set(vec![("a".to_owned(), vec![1])]),
        Operation::Increment {
            key: "a".to_owned(),
            delta: 1,
        },
        Operation::Set(vec![("b".to_owned(), vec![2])]),
        Operation::Swap {
            key: "c".to_owned(),
            expected: Version::ABSENT,
            value: vec![3],
        },
        Operation::Swap {
            key: "a".to_owned(),
            expected: Version::ABSENT,
            value: vec![3],
        },
    ];
    let outcomes = commit::commit(&connection, operations.iter(), &budget).unwrap();
    assert_eq!(
        outcomes,
        [
            Ok(Outcome::Done),
            Err(KeyValueError::NotAnInteger),
            Ok(Outcome::Done),
            Ok(Outcome::Swapped(true)),
            Ok(Outcome::Swapped(false)),
        ]
    );
    let count: i64 = connection
        .query_row("SELECT count(*) FROM entries", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 3);
}

#[test]
fn a_transaction_that_sqlite_rolled_back_names_its_culprit() {
    let directory = tempfile::tempdir().unwrap();
    let connection = database::open(&directory.path().join("x.db"), 40).unwrap();
    schema::prepare(&connection).unwrap();
    // A budget beyond the file's own limit, so that SQLite itself finds it full.
    let budget = commit::Budget {
        pages_max: 100_000,
        is_below_reserve: false,
    };
    let operations = [
        Operation::Set(vec![("a".to_owned(), vec![1])]),
        Operation::Set(vec![("large".to_owned(), vec![0; 400_000])]),
    ];
    let lost = commit::commit(&connection, operations.iter(), &budget).unwrap_err();
    assert_eq!(lost.culprit, Some(1), "{lost:?}");
    assert!(connection.is_autocommit());
}

#[tokio::test]
async fn the_others_are_committed_when_sqlite_rolls_everything_back_for_one() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    store.open().await.unwrap();
    // Stands for the errors after which SQLite undoes the whole transaction, such as a full disk.
    let outside = database::open(&directory.path().join("x.db"), 1000).unwrap();
    let trigger = "CREATE TRIGGER fails BEFORE INSERT ON entries WHEN NEW.key LIKE 'bad%'
                   BEGIN SELECT RAISE(ROLLBACK, 'undone'); END";
    outside.execute_batch(trigger).unwrap();
    // While the lock is taken the writes gather, and come in one transaction or two.
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let keys = ["first", "a", "bad1", "b", "bad2", "c"];
    let writes = tokio::spawn({
        let store = Arc::clone(&store);
        async move { join_all(keys.map(|key| set(&store, key, b"v"))).await }
    });
    tokio::task::yield_now().await;
    outside.execute_batch("COMMIT").unwrap();
    let failed = Err(KeyValueError::Failed);
    let answers = writes.await.unwrap();
    assert_eq!(
        answers,
        [Ok(()), Ok(()), failed.clone(), Ok(()), failed, Ok(())]
    );
    assert_eq!(self::keys(&store), ["a", "b", "c", "first"]);
}

#[tokio::test]
async fn a_full_store_refuses_sets_and_takes_them_again_after_a_delete() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let store = KeyValueStore::new(
        &path,
        Limits {
            store_mib_max: 1,
            ..limits()
        },
    );
    let mut written = 0;
    let value = vec![7; 50_000];
    loop {
        match set(&store, &format!("k{written}"), &value).await {
            Ok(()) => written += 1,
            Err(error) => {
                assert_eq!(error, KeyValueError::QuotaExceeded);
                break;
            }
        }
    }
    assert!(written > 5, "{written}");
    assert_eq!(store.get("k0").unwrap(), Some(value.clone()));
    assert_eq!(keys(&store).len(), written);
    // Several writers at the limit: each gets its own answer.
    let both = futures::join!(set(&store, "more", &value), store.delete("k0".to_owned()));
    assert_eq!(both, (Err(KeyValueError::QuotaExceeded), Ok(())));
    set(&store, "more", &value).await.unwrap();
    for number in 1..written {
        store.delete(format!("k{number}")).await.unwrap();
    }
    store.delete("more".to_owned()).await.unwrap();
    assert_eq!(keys(&store), [""; 0]);
    drop(store);
    assert!(std::fs::metadata(&path).unwrap().len() <= 1024 * 1024);
}

#[tokio::test]
async fn below_the_reserve_only_deletes_pass() {
    let directory = tempfile::tempdir().unwrap();
    set(&store(&directory), "a", b"1").await.unwrap();
    let path = directory.path().join("x.db");
    let store = KeyValueStore::new(
        &path,
        Limits {
            free_bytes_min: u64::MAX,
            ..limits()
        },
    );
    let refused = Err(KeyValueError::ReserveReached);
    assert_eq!(set(&store, "b", b"1").await, refused);
    assert_eq!(store.increment("c".to_owned(), 1).await.map(drop), refused);
    let version = store.version("a").unwrap();
    assert_eq!(
        store.swap("a".to_owned(), version, vec![]).await.map(drop),
        refused
    );
    store.delete("a".to_owned()).await.unwrap();
    assert!(!store.exists("a").unwrap());
}

#[tokio::test]
async fn keys_and_values_over_the_limit_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let key = "k".repeat(KEY_BYTES_MAX);
    set(&store, &key, &vec![0; VALUE_BYTES_MAX]).await.unwrap();
    assert_eq!(store.get(&key).unwrap().unwrap().len(), VALUE_BYTES_MAX);
    let too_long = format!("{key}k");
    assert_eq!(
        set(&store, &too_long, b"").await,
        Err(KeyValueError::KeyTooLong)
    );
    assert_eq!(store.get(&too_long), Err(KeyValueError::KeyTooLong));
    let too_large = vec![0; VALUE_BYTES_MAX + 1];
    assert_eq!(
        set(&store, "k", &too_large).await,
        Err(KeyValueError::ValueTooLarge)
    );
    // One key named again and again would otherwise take any amount of the host's memory.
    let keys = vec![key; 100];
    assert_eq!(store.get_many(&keys), Err(KeyValueError::ResultTooLarge));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_between_many_that_compare_and_swap() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let tasks = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for _ in 0..50 {
                loop {
                    let (sum, version) = match store.get_versioned("sum").unwrap() {
                        Some((value, version)) => {
                            (i64::from_le_bytes(value.try_into().unwrap()), version)
                        }
                        None => (0, Version::ABSENT),
                    };
                    let next = (sum + 1).to_le_bytes().to_vec();
                    if store.swap("sum".to_owned(), version, next).await.unwrap() {
                        break;
                    }
                }
            }
        })
    });
    join_all(tasks)
        .await
        .into_iter()
        .for_each(|done| done.unwrap());
    assert_eq!(store.increment("sum".to_owned(), 0).await, Ok(400));
}

#[tokio::test]
async fn integers_are_spins_and_do_not_wrap() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    assert_eq!(store.increment("n".to_owned(), -5).await, Ok(-5));
    assert_eq!(
        store.get("n").unwrap(),
        Some((-5i64).to_le_bytes().to_vec())
    );
    set(&store, "n", &i64::MAX.to_le_bytes()).await.unwrap();
    assert_eq!(
        store.increment("n".to_owned(), 1).await,
        Err(KeyValueError::OutOfRange)
    );
    assert_eq!(
        store.get("n").unwrap(),
        Some(i64::MAX.to_le_bytes().to_vec())
    );
}

#[tokio::test]
async fn pages_hold_every_key_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    assert_eq!(
        store.keys_page(None).unwrap(),
        KeyPage {
            keys: vec![],
            cursor: None
        }
    );
    let mut entries: Vec<String> = (0..2500).map(|number| format!("{number:04}")).collect();
    store
        .set_many(entries.iter().map(|key| (key.clone(), vec![])).collect())
        .await
        .unwrap();
    let first = store.keys_page(None).unwrap();
    assert_eq!(first.cursor.as_deref(), Some("0999"));
    assert_eq!(keys(&store), entries);
    assert_eq!(
        store.keys_page(Some("2499")).unwrap(),
        KeyPage {
            keys: vec![],
            cursor: None
        }
    );
    store.delete_many(entries.split_off(1000)).await.unwrap();
    assert_eq!(
        store.keys_page(None).unwrap(),
        KeyPage {
            keys: entries,
            cursor: None
        }
    );
}

#[tokio::test]
async fn an_idle_store_is_closed_and_opens_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let idle_timeout = Duration::from_millis(1);
    let store = Arc::new(KeyValueStore::new(
        &path,
        Limits {
            idle_timeout,
            ..limits()
        },
    ));
    for round in 0..3u8 {
        set(&store, "a", &[round]).await.unwrap();
        assert_eq!(store.get("a").unwrap(), Some(vec![round]));
        // SQLite removes the log when the last connection is closed.
        let deadline = Instant::now() + Duration::from_secs(10);
        while path.with_file_name("x.db-wal").exists() {
            assert!(Instant::now() < deadline, "the file stays open");
            tokio::task::yield_now().await;
        }
    }
}

#[test]
fn a_file_of_another_kind_or_of_a_newer_host_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let other = database::open(&path, 100).unwrap();
    other
        .execute_batch("CREATE TABLE spin_key_value (store TEXT)")
        .unwrap();
    drop(other);
    let store = KeyValueStore::new(&path, limits());
    assert_eq!(store.get("a"), Err(KeyValueError::Failed));
    assert_eq!(block_on(set(&store, "a", b"")), Err(KeyValueError::Failed));
    drop(store);

    std::fs::remove_file(&path).unwrap();
    let connection = database::open(&path, 100).unwrap();
    schema::prepare(&connection).unwrap();
    connection.execute_batch("PRAGMA user_version = 3").unwrap();
    assert!(matches!(
        schema::prepare(&connection),
        Err(schema::SchemaError::Newer(3))
    ));
}

#[test]
fn one_file_has_one_engine() {
    let directory = tempfile::tempdir().unwrap();
    let stores = Stores::default();
    let path = directory.path().join("x.db");
    let first = stores.store(&path, limits());
    assert!(Arc::ptr_eq(&first, &stores.store(&path, limits())));
    assert!(!Arc::ptr_eq(
        &first,
        &stores.store(&directory.path().join("y.db"), limits())
    ));
}

#[derive(Clone, Debug)]
enum Step {
    Set(String, Vec<u8>),
    SetMany(Vec<(String, Vec<u8>)>),
    Delete(String),
    DeleteMany(Vec<String>),
    Increment(String, i64),
    Swap {
        key: String,
        is_stale: bool,
        value: Vec<u8>,
    },
    Get(String),
    GetMany(Vec<String>),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    // Few keys, so that steps meet.
    let key = || prop_oneof!["[a-c]", Just(String::new()), "é\u{0}?"];
    let value = || proptest::collection::vec(any::<u8>(), 0..12);
    let integer = || any::<i64>().prop_map(|number| number.to_le_bytes().to_vec());
    let value = move || prop_oneof![value(), integer()];
    prop_oneof![
        (key(), value()).prop_map(|(key, value)| Step::Set(key, value)),
        proptest::collection::vec((key(), value()), 0..4).prop_map(Step::SetMany),
        key().prop_map(Step::Delete),
        proptest::collection::vec(key(), 0..4).prop_map(Step::DeleteMany),
        (key(), any::<i64>()).prop_map(|(key, delta)| Step::Increment(key, delta)),
        (key(), any::<bool>(), value()).prop_map(|(key, is_stale, value)| Step::Swap {
            key,
            is_stale,
            value
        }),
        key().prop_map(Step::Get),
        proptest::collection::vec(key(), 0..4).prop_map(Step::GetMany),
        Just(Step::Reopen),
    ]
}

/// What an increment does to the model: the new value, or why there is none.
fn model_increment(
    model: &BTreeMap<String, Vec<u8>>,
    key: &str,
    delta: i64,
) -> Result<i64, KeyValueError> {
    let current = match model.get(key) {
        None => return Ok(delta),
        Some(bytes) => bytes
            .clone()
            .try_into()
            .map_err(|_| KeyValueError::NotAnInteger)?,
    };
    i64::from_le_bytes(current)
        .checked_add(delta)
        .ok_or(KeyValueError::OutOfRange)
}

async fn run_steps(steps: Vec<Step>) {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = store(&directory);
    let mut model = BTreeMap::new();
    let mut versions_seen = std::collections::HashSet::new();
    for step in steps {
        match step {
            Step::Set(key, value) => {
                engine.set(key.clone(), value.clone()).await.unwrap();
                let version = engine.version(&key).unwrap();
                assert!(versions_seen.insert(version.0), "{version:?} came again");
                model.insert(key, value);
            }
            Step::SetMany(entries) => {
                engine.set_many(entries.clone()).await.unwrap();
                model.extend(entries);
            }
            Step::Delete(key) => {
                engine.delete(key.clone()).await.unwrap();
                model.remove(&key);
            }
            Step::DeleteMany(keys) => {
                engine.delete_many(keys.clone()).await.unwrap();
                model.retain(|key, _| !keys.contains(key));
            }
            Step::Increment(key, delta) => {
                let expected = model_increment(&model, &key, delta);
                assert_eq!(engine.increment(key.clone(), delta).await, expected);
                if let Ok(sum) = expected {
                    model.insert(key, sum.to_le_bytes().to_vec());
                }
            }
            Step::Swap {
                key,
                is_stale,
                value,
            } => {
                let current = engine.version(&key).unwrap();
                let expected = if is_stale { Version(i64::MAX) } else { current };
                let swapped = engine
                    .swap(key.clone(), expected, value.clone())
                    .await
                    .unwrap();
                assert_eq!(swapped, !is_stale);
                if swapped {
                    model.insert(key, value);
                }
            }
            Step::Get(key) => {
                assert_eq!(engine.get(&key).unwrap(), model.get(&key).cloned());
                assert_eq!(engine.exists(&key).unwrap(), model.contains_key(&key));
            }
            Step::GetMany(keys) => {
                let expected: Vec<_> = keys.iter().map(|key| model.get(key).cloned()).collect();
                assert_eq!(engine.get_many(&keys).unwrap(), expected);
            }
            Step::Reopen => {
                drop(engine);
                engine = store(&directory);
            }
        }
        assert!(keys(&engine).iter().eq(model.keys()));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]
    #[test]
    fn behaves_as_a_map(steps in proptest::collection::vec(step(), 0..30)) {
        block_on(run_steps(steps));
    }
}
