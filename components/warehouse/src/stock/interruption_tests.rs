//! Whatever is asked for, however often, broken off or overtaken at any call of the store: nothing
//! is sold twice, nothing gets lost, and the others know what is so.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use kit::event::{Event, PublishError};
use kit::host::{Host, Incoming, Outgoing, SendError};
use kit::store::memory::Memory;
use kit::store::{Decide, KeyValue, Keys, StoreError};
use kit::testing::TestHost;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof, proptest};

use super::picking::PickOutcome;
use super::reservation::RESERVATION_MS;
use super::{Line, Stock, merge};

const SKUS: [&str; 3] = ["A", "B", "C"];
/// What each checkout asks for of each SKU.
const CHECKOUTS: [[u32; 3]; 4] = [[2, 1, 0], [1, 2, 3], [0, 3, 1], [4, 0, 0]];

#[derive(Clone, Copy, Debug)]
enum Step {
    Receive(usize, u32),
    Reserve(usize),
    Confirm(usize),
    Abandon(usize),
    Pick(usize),
    GiveBack(usize),
    Wait,
    Expire,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_usize, 1..5_u32).prop_map(|(sku, quantity)| Step::Receive(sku, quantity)),
        (0..4_usize).prop_map(Step::Reserve),
        (0..4_usize).prop_map(Step::Confirm),
        (0..4_usize).prop_map(Step::Abandon),
        (0..4_usize).prop_map(Step::Pick),
        (0..4_usize).prop_map(Step::GiveBack),
        Just(Step::Wait),
        Just(Step::Expire),
    ]
}

fn lines(checkout: usize) -> Vec<Line> {
    let quantities = SKUS.iter().zip(CHECKOUTS[checkout]);
    let quantities = quantities.filter(|(_, quantity)| *quantity > 0);
    let line = |(sku, quantity): (&&str, u32)| Line {
        sku: (*sku).to_owned(),
        quantity,
    };
    quantities.map(line).collect()
}

/// What happens at one call of the store.
enum Interruption<'t> {
    None,
    /// The process ends: this call and all later ones fail.
    Crash,
    /// Someone else comes in between.
    Overtaking(Box<dyn Fn() + 't>),
}

/// Surroundings in which something happens at one call.
struct Interrupted<'t> {
    host: &'t TestHost,
    store: InterruptedStore<'t>,
}

struct InterruptedStore<'t> {
    memory: &'t Memory,
    calls_before: Cell<i64>,
    interruption: RefCell<Interruption<'t>>,
}

impl InterruptedStore<'_> {
    fn call(&self) -> Result<(), StoreError> {
        let left = self.calls_before.get();
        self.calls_before.set(left - 1);
        let interruption = match left.cmp(&0) {
            std::cmp::Ordering::Greater => return Ok(()),
            std::cmp::Ordering::Less => self.interruption.borrow(),
            std::cmp::Ordering::Equal => {
                if let Interruption::Overtaking(other) = &*self.interruption.borrow() {
                    other();
                }
                self.interruption.borrow()
            }
        };
        match &*interruption {
            Interruption::Crash => Err(StoreError::Failed("the process has ended".to_owned())),
            Interruption::None | Interruption::Overtaking(_) => Ok(()),
        }
    }
}

impl KeyValue for InterruptedStore<'_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.call()?;
        self.memory.get(key)
    }

    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.call()?;
        self.memory.get_many(keys)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.call()?;
        self.memory.set(key, value)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.call()?;
        self.memory.delete(key)
    }

    fn keys(&self, cursor: Option<&str>) -> Result<Keys, StoreError> {
        self.call()?;
        self.memory.keys(cursor)
    }

    /// Interrupted between its read and its write.
    fn swap(&self, key: &str, change: &mut Decide<'_>) -> Result<bool, StoreError> {
        let mut interrupted = Ok(());
        let swapped = self.memory.swap(key, &mut |current| {
            let value = change(current);
            interrupted = self.call();
            value.filter(|_| interrupted.is_ok())
        });
        interrupted.and(swapped)
    }

    fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.call()?;
        self.memory.increment(key, delta)
    }
}

impl Host for Interrupted<'_> {
    fn store(&self) -> &dyn KeyValue {
        &self.store
    }

    fn publish(&self, event: &Event) -> Result<(), PublishError> {
        let called = self.store.call();
        called.map_err(|error| PublishError(format!("{error:?}")))?;
        self.host.publish(event)
    }

    fn now_ms(&self) -> u64 {
        self.host.now_ms()
    }

    fn random(&self, bytes: &mut [u8]) {
        self.host.random(bytes);
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.host.variable(name)
    }

    fn send(&self, request: &Outgoing) -> Result<Incoming, SendError> {
        self.host.send(request)
    }

    fn log(&self, line: &str) {
        self.host.log(line);
    }
}

/// What has to be true afterwards.
#[derive(Default)]
struct Model {
    received: RefCell<BTreeMap<usize, u32>>,
    picked: RefCell<BTreeSet<usize>>,
    returned: RefCell<BTreeSet<usize>>,
}

impl Model {
    /// Does a step; false: it has to be done again, as the bus does. A delivery does not come again
    /// in this model, because no one remembers it.
    fn run(&self, host: &dyn Host, step: Step) -> bool {
        let stock = Stock::new(host);
        let id = |checkout: usize| format!("checkout.{checkout}");
        match step {
            Step::Receive(sku, quantity) => {
                let received = stock.receive(SKUS[sku], "main", quantity);
                if received.is_ok() {
                    *self.received.borrow_mut().entry(sku).or_default() += quantity;
                }
                true
            }
            Step::Reserve(checkout) => {
                let _ = stock.reserve(&id(checkout), &lines(checkout));
                true
            }
            Step::Confirm(checkout) => {
                let lines = merge(&lines(checkout)).unwrap();
                stock.confirm(&id(checkout), &lines).is_ok()
            }
            Step::Abandon(checkout) => stock.abandon(&id(checkout)).is_ok(),
            Step::Pick(checkout) => {
                let lines = merge(&lines(checkout)).unwrap();
                let outcome = stock.pick(&id(checkout), &lines);
                if outcome == Ok(PickOutcome::Picked) {
                    self.picked.borrow_mut().insert(checkout);
                }
                outcome.is_ok()
            }
            Step::GiveBack(checkout) => {
                let lines = merge(&lines(checkout)).unwrap();
                let is_done = stock.give_back(&id(checkout), &lines).is_ok();
                if is_done {
                    self.returned.borrow_mut().insert(checkout);
                }
                is_done
            }
            Step::Wait => true,
            Step::Expire => stock.expire().and_then(|()| stock.forget()).is_ok(),
        }
    }

    fn check(&self, host: &TestHost) {
        Stock::new(host).expire().unwrap();
        for (number, sku) in SKUS.iter().enumerate() {
            let Some(item) = Stock::new(host).item(sku).unwrap() else {
                continue;
            };
            let on_hand: u32 = item.places().iter().map(|(_, on_hand)| on_hand).sum();
            assert!(item.held() <= on_hand, "{sku} is sold twice: {item:?}");
            assert_eq!(item.available(), on_hand - item.held());
            let (picked, returned) = (self.picked.borrow(), self.returned.borrow());
            let picked = picked.difference(&returned);
            let picked: u32 = picked.map(|checkout| CHECKOUTS[*checkout][number]).sum();
            let received = self.received.borrow().get(&number).copied().unwrap_or(0);
            assert_eq!(on_hand + picked, received, "{sku} gets lost: {item:?}");
            assert_eq!(item.sold(), u64::from(picked));
            let events = host.events.borrow();
            let mut told = events
                .iter()
                .filter(|event| event.topic == "stock.changed" && event.data["sku"] == *sku);
            let told = told.next_back().map(|event| event.data["available"] != 0);
            assert_eq!(told, Some(item.available() > 0), "{sku}: {item:?}");
        }
        self.check_returned(host);
    }

    fn check_returned(&self, host: &TestHost) {
        for checkout in self.returned.borrow().iter() {
            let id = format!("checkout.{checkout}");
            for sku in SKUS {
                let item = Stock::new(host).item(sku).unwrap().unwrap_or_default();
                let is_kept = item
                    .hold(&id)
                    .is_some_and(|hold| !super::reservation::is_reserved(hold));
                assert!(!is_kept, "{sku} is kept for {id}, which was given back");
            }
        }
    }

    /// A step with something happening at one of its calls, done again until it is done.
    fn run_interrupted(&self, host: &TestHost, step: Step, calls: i64, other: Option<Step>) {
        if let Step::Wait = step {
            host.now_ms.set(host.now_ms.get() + RESERVATION_MS / 2);
        }
        let interruption = match other {
            Some(other) => Interruption::Overtaking(Box::new(move || {
                assert!(self.run(host, other));
            })),
            // What is not repeated is not broken off either: it ends by itself, or it is not known
            // whether it was done.
            None if matches!(step, Step::Receive(..)) => Interruption::None,
            None => Interruption::Crash,
        };
        let interrupted = Interrupted {
            host,
            store: InterruptedStore {
                memory: &host.memory,
                calls_before: Cell::new(calls),
                interruption: RefCell::new(interruption),
            },
        };
        if !self.run(&interrupted, step) {
            assert!(self.run(host, step));
        }
    }
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1000))]

    #[test]
    fn a_crash_loses_nothing_and_sells_nothing_twice(
        steps in vec((step(), 0..12_i64), 1..24),
    ) {
        let (host, model) = (TestHost::default(), Model::default());
        for (step, calls) in steps {
            model.run_interrupted(&host, step, calls, None);
            model.check(&host);
        }
    }

    #[test]
    fn what_is_overtaken_loses_nothing_and_sells_nothing_twice(
        steps in vec((step(), 0..12_i64, step()), 1..24),
    ) {
        let (host, model) = (TestHost::default(), Model::default());
        for (step, calls, other) in steps {
            model.run_interrupted(&host, step, calls, Some(other));
            model.check(&host);
        }
    }
}
