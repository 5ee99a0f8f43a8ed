//! Units of atomic handlers against a model that runs them one after the other.

use std::collections::BTreeMap;

use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::super::unit::Unit;
use super::super::{Arc, Committed, KeyValueStore, Limits};
use crate::storage::bus::NewEvent;

fn store(directory: &tempfile::TempDir) -> Arc<KeyValueStore> {
    let limits = Limits {
        free_bytes_min: 0,
        ..Limits::default()
    };
    Arc::new(KeyValueStore::new(&directory.path().join("x.db"), limits))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn event() -> NewEvent {
    NewEvent {
        topic: "t".to_owned(),
        source: "s".to_owned(),
        id: "i".to_owned(),
        key: None,
        delay_until_ms: None,
        attributes: String::new(),
        data: Vec::new(),
    }
}

/// One thing that a unit does.
#[derive(Clone, Debug)]
enum Step {
    Get(u8),
    Exists(u8),
    List,
    Set(u8, u8),
    Delete(u8),
    Increment(u8),
    Swap(u8, u8),
    Publish,
}

/// What happens next: a step of one of the units, its commit, or a write of somebody else.
#[derive(Clone, Debug)]
enum Action {
    Unit(usize, Step),
    Commit(usize),
    Outside(u8, u8),
    OutsideDelete(u8),
    Reopen,
}

const UNITS: usize = 3;

fn action() -> impl Strategy<Value = Action> {
    let key = || 0..4u8;
    let step = prop_oneof![
        key().prop_map(Step::Get),
        key().prop_map(Step::Exists),
        Just(Step::List),
        (key(), any::<u8>()).prop_map(|(key, value)| Step::Set(key, value)),
        key().prop_map(Step::Delete),
        key().prop_map(Step::Increment),
        (key(), any::<u8>()).prop_map(|(key, value)| Step::Swap(key, value)),
        Just(Step::Publish),
    ];
    prop_oneof![
        6 => (0..UNITS, step).prop_map(|(unit, step)| Action::Unit(unit, step)),
        2 => (0..UNITS).prop_map(Action::Commit),
        1 => (key(), any::<u8>()).prop_map(|(key, value)| Action::Outside(key, value)),
        1 => key().prop_map(Action::OutsideDelete),
        1 => Just(Action::Reopen),
    ]
}

fn key(number: u8) -> String {
    format!("k{number}")
}

/// Runs a step on a unit and says what was seen.
fn run(unit: &Unit, step: &Step) -> String {
    match step {
        Step::Get(number) => format!("{:?}", unit.get(&key(*number)).unwrap()),
        Step::Exists(number) => format!("{:?}", unit.exists(&key(*number)).unwrap()),
        Step::List => format!("{:?}", unit.keys_page(None).unwrap().keys),
        Step::Set(number, value) => {
            unit.set_many(vec![(key(*number), vec![*value])]).unwrap();
            String::new()
        }
        Step::Delete(number) => {
            unit.delete_many(vec![key(*number)]).unwrap();
            String::new()
        }
        Step::Increment(number) => format!("{:?}", unit.increment(key(*number), 1)),
        Step::Swap(number, value) => {
            let (name, value) = (key(*number), vec![*value]);
            let version = unit.version(&name).unwrap();
            format!("{:?}", unit.swap(name, version, value).unwrap())
        }
        Step::Publish => {
            unit.publish(vec![event()]).unwrap();
            String::new()
        }
    }
}

/// Runs a step on the model and says what was seen; counts events.
fn run_model(model: &mut BTreeMap<String, Vec<u8>>, events: &mut i64, step: &Step) -> String {
    match step {
        Step::Get(number) => format!("{:?}", model.get(&key(*number))),
        Step::Exists(number) => format!("{:?}", model.contains_key(&key(*number))),
        Step::List => format!("{:?}", model.keys().collect::<Vec<_>>()),
        Step::Set(number, value) => {
            model.insert(key(*number), vec![*value]);
            String::new()
        }
        Step::Delete(number) => {
            model.remove(&key(*number));
            String::new()
        }
        Step::Increment(number) => {
            let sum = super::super::add(model.get(&key(*number)).cloned(), 1);
            if let Ok(sum) = sum {
                model.insert(key(*number), sum.to_le_bytes().to_vec());
            }
            format!("{sum:?}")
        }
        Step::Swap(number, value) => {
            model.insert(key(*number), vec![*value]);
            "true".to_owned()
        }
        Step::Publish => {
            *events += 1;
            String::new()
        }
    }
}

/// A unit on its way, with what it did and saw.
#[derive(Default)]
struct Running {
    unit: Option<Unit>,
    seen: Vec<(Step, String)>,
    /// Whether nothing else was committed since it began.
    is_alone: bool,
}

async fn interleave(actions: Vec<Action>) {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = store(&directory);
    let mut model = BTreeMap::new();
    let mut events = 0;
    let mut running: [Running; UNITS] = Default::default();
    for action in actions {
        match action {
            Action::Unit(index, step) => {
                let current = &mut running[index];
                let unit = current.unit.get_or_insert_with(|| {
                    current.is_alone = true;
                    Unit::new(engine.clone())
                });
                let seen = run(unit, &step);
                current.seen.push((step, seen));
            }
            Action::Commit(index) => {
                let Running {
                    unit: Some(unit),
                    seen,
                    is_alone,
                } = std::mem::take(&mut running[index])
                else {
                    continue;
                };
                match engine.commit(&unit, None).await.unwrap() {
                    // As if it had run at this moment, at once and alone. One that changes nothing
                    // ran at the moment of its snapshot.
                    Committed::Whole if is_alone || changes(&seen) => {
                        for (step, saw) in seen {
                            let expected = run_model(&mut model, &mut events, &step);
                            assert_eq!(saw, expected, "{step:?}");
                        }
                        running.iter_mut().for_each(|other| other.is_alone = false);
                    }
                    Committed::Whole => {}
                    Committed::Conflict => assert!(!is_alone),
                    Committed::HandledBefore => panic!("there was no delivery"),
                }
            }
            Action::Outside(number, value) => {
                engine.set(key(number), vec![value]).await.unwrap();
                model.insert(key(number), vec![value]);
                running.iter_mut().for_each(|other| other.is_alone = false);
            }
            Action::OutsideDelete(number) => {
                engine.delete(key(number)).await.unwrap();
                model.remove(&key(number));
                running.iter_mut().for_each(|other| other.is_alone = false);
            }
            Action::Reopen => {
                running = Default::default();
                drop(engine);
                engine = store(&directory);
            }
        }
        let entries = engine.keys_page(None).unwrap().keys;
        assert!(entries.iter().eq(model.keys()));
        for (key, value) in &model {
            assert_eq!(engine.get(key).unwrap().as_ref(), Some(value));
        }
        let numbers = engine.outbox(0, 1000).unwrap().into_iter();
        assert!(numbers.map(|(number, _)| number).eq(1..=events));
    }
}

/// Whether the steps of a unit wrote or published anything.
fn changes(seen: &[(Step, String)]) -> bool {
    seen.iter().any(|(step, saw)| match step {
        Step::Get(_) | Step::Exists(_) | Step::List => false,
        Step::Set(..) | Step::Delete(_) | Step::Swap(..) | Step::Publish => true,
        Step::Increment(_) => saw.starts_with("Ok"),
    })
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn interleaved_units_equal_a_serial_order(
        actions in proptest::collection::vec(action(), 0..60)
    ) {
        block_on(interleave(actions));
    }
}
