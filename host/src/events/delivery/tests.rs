//! Tests of deliveries on a real log, with a stand-in for the service that is called.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicI64;

use tempfile::TempDir;
use tokio::sync::Notify;

use super::*;
use crate::manifest::model::events::{BusSettings, EVENT_BYTES_MAX, From as Start, TopicSettings};
use crate::storage::bus::clock::Clock;
use crate::storage::bus::{NewEvent, Wanted};
use crate::storage::commit_gate::CommitGate;

/// A clock that the test sets; it also runs by itself, so that pauses end.
struct OffsetClock(AtomicI64);

impl Clock for OffsetClock {
    fn now_ms(&self) -> i64 {
        crate::storage::bus::clock::SystemClock.now_ms() + self.0.load(Ordering::SeqCst)
    }
}

/// Answers as the test says, by the event's id, and keeps what it was given.
#[derive(Default)]
struct Service {
    /// Outcomes of the next attempts; then the event is acknowledged.
    failing: Mutex<BTreeMap<String, VecDeque<Outcome>>>,
    /// Ids whose attempts never end.
    hanging: Mutex<Vec<String>>,
    seen: Mutex<Vec<(String, u32)>>,
    changed: Notify,
    forgotten: Mutex<Vec<DeliveryId>>,
}

impl Subscriber for Service {
    fn deliver(&self, delivery: Delivery) -> BoxFuture<'static, Outcome> {
        let id = delivery.event.attributes;
        self.seen
            .lock()
            .unwrap()
            .push((id.clone(), delivery.attempt));
        self.changed.notify_one();
        if self.hanging.lock().unwrap().contains(&id) {
            return std::future::pending().boxed();
        }
        let mut failing = self.failing.lock().unwrap();
        let outcome = failing.get_mut(&id).and_then(VecDeque::pop_front);
        let outcome = outcome.unwrap_or(Outcome::Acknowledged);
        async { outcome }.boxed()
    }

    fn forget(&self, id: DeliveryId) {
        self.forgotten.lock().unwrap().push(id);
        self.changed.notify_one();
    }
}

impl Service {
    fn fail(&self, id: &str, outcomes: usize) {
        let outcome = Outcome::Failed {
            reason: "status 500".into(),
            status: Some(500),
            body: b"broken".to_vec(),
            retry_after: None,
        };
        let outcomes = vec![outcome; outcomes].into();
        self.failing.lock().unwrap().insert(id.into(), outcomes);
    }

    /// Waits until the condition holds for what was seen.
    async fn wait(&self, is_enough: impl Fn(&[(String, u32)]) -> bool) -> Vec<(String, u32)> {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                let seen = self.seen.lock().unwrap().clone();
                if is_enough(&seen) {
                    return seen;
                }
                changed.await;
            }
        };
        let seen = tokio::time::timeout(Duration::from_secs(30), waiting).await;
        seen.unwrap_or_else(|_| panic!("only {:?}", self.seen.lock().unwrap()))
    }

    fn ids(seen: &[(String, u32)]) -> Vec<&str> {
        seen.iter().map(|(id, _)| id.as_str()).collect()
    }
}

struct Running {
    bus: Arc<Bus>,
    clock: Arc<OffsetClock>,
    service: Arc<Service>,
    commands: mpsc::Sender<Command>,
    counters: Arc<Counters>,
    phase: watch::Sender<Phase>,
    task: tokio::task::JoinHandle<()>,
    id: i64,
}

const QUICK: Retry = Retry {
    attempts_max: 3,
    backoff_ms: 1,
    backoff_max_ms: 2,
};

async fn start(folder: &Path, pattern: &str, concurrency: usize, retry: Retry) -> Running {
    let clock = Arc::new(OffsetClock(AtomicI64::new(0)));
    let settings = BusSettings {
        preset: TopicSettings::default(),
        topics: Vec::new(),
        event_bytes_max: EVENT_BYTES_MAX,
    };
    let bus = Bus::open(
        &folder.join("bus.db"),
        settings,
        0,
        CommitGate::default(),
        clock.clone(),
    )
    .unwrap();
    let wanted = Wanted {
        service: "shipping".into(),
        topic: pattern.into(),
        path: "/events".into(),
        from: Start::Beginning,
    };
    let subscribed = bus.subscribe(wanted).await.unwrap();
    let id = subscribed.id;
    let service = Arc::new(Service::default());
    let counters = Arc::new(Counters::default());
    let (commands, received) = mpsc::channel(4);
    let (phase, followed) = watch::channel(Phase::Running);
    let config = Config {
        bus: bus.clone(),
        pattern: pattern.into(),
        concurrency,
        retry,
        subscriber: service.clone(),
        counters: counters.clone(),
        commands: received,
        phase: followed,
    };
    let task = tokio::spawn(Deliveries::new(config, subscribed).run());
    Running {
        bus,
        clock,
        service,
        commands,
        counters,
        phase,
        task,
        id,
    }
}

impl Running {
    async fn publish(&self, topic: &str, events: &[(&str, Option<&str>)]) {
        let event = |(id, key): &(&str, Option<&str>)| NewEvent {
            topic: topic.into(),
            source: "cart".into(),
            id: (*id).into(),
            key: key.map(str::to_owned),
            delay_until_ms: None,
            attributes: (*id).into(),
            data: Vec::new(),
        };
        let events = events.iter().map(event).collect();
        self.bus.publish(events).await.unwrap();
    }

    async fn stop(self) {
        self.phase.send(Phase::Stopping).unwrap();
        self.task.await.unwrap();
    }

    /// Waits until so many acknowledgements are on disk.
    async fn wait_for_forgotten(&self, count: usize) {
        let enough = |_: &[(String, u32)]| self.service.forgotten.lock().unwrap().len() >= count;
        self.service.wait(enough).await;
    }
}

#[tokio::test]
async fn events_of_a_key_wait_for_each_other_and_others_do_not() {
    let folder = TempDir::new().unwrap();
    let running = start(folder.path(), "order.*", 4, QUICK).await;
    running.service.fail("a1", 2);
    let events = [("a1", Some("a")), ("b1", Some("b")), ("a2", Some("a"))];
    running.publish("order.placed", &events).await;
    running
        .publish("order.paid", &[("a3", Some("a")), ("free", None)])
        .await;
    let seen = running.service.wait(|seen| seen.len() == 7).await;
    let of_a: Vec<_> = seen.iter().filter(|(id, _)| id.starts_with('a')).collect();
    let of_a: Vec<_> = of_a
        .iter()
        .map(|(id, attempt)| (id.as_str(), *attempt))
        .collect();
    assert_eq!(
        of_a,
        [("a1", 1), ("a1", 2), ("a1", 3), ("a2", 1), ("a3", 1)]
    );
    running.wait_for_forgotten(5).await;
    assert_eq!(running.bus.lag(running.id), Some(0));
    assert_eq!(running.counters.delivered.load(Ordering::Relaxed), 5);
    assert_eq!(running.counters.failed.load(Ordering::Relaxed), 2);
    running.stop().await;
}

#[tokio::test]
async fn a_poison_event_becomes_a_dead_letter_and_its_key_goes_on() {
    let folder = TempDir::new().unwrap();
    let running = start(folder.path(), "a", 1, QUICK).await;
    running.service.fail("poison", 3);
    running
        .publish("a", &[("poison", Some("k")), ("next", Some("k"))])
        .await;
    let seen = running
        .service
        .wait(|seen| Service::ids(seen).contains(&"next"))
        .await;
    assert_eq!(Service::ids(&seen), ["poison", "poison", "poison", "next"]);
    let letters = running.bus.dead_letters(None, 0, 10).unwrap();
    let letter = running.bus.dead_letter(letters[0].id).unwrap().unwrap();
    assert_eq!((letter.death.attempts, letter.death.status), (3, Some(500)));
    assert_eq!(letter.death.body, b"broken");
    // Tried again it fails once more, is dead again, and then goes through.
    running.service.fail("poison", 3);
    for rounds in 1..=2 {
        assert!(running.bus.retry_dead(letter.id).await.unwrap());
        running
            .commands
            .send(Command::Retry(letter.id))
            .await
            .unwrap();
        let enough = |seen: &[(String, u32)]| seen.len() >= 4 + [3, 4][rounds - 1];
        running.service.wait(enough).await;
        if rounds == 1 {
            let is_dead = || {
                !running
                    .bus
                    .dead_letter(letter.id)
                    .unwrap()
                    .unwrap()
                    .is_retried
            };
            while !is_dead() {
                tokio::task::yield_now().await;
            }
        }
    }
    running.wait_for_forgotten(3).await;
    assert!(running.bus.dead_letter(letter.id).unwrap().is_none());
    running.stop().await;
}

#[tokio::test]
async fn one_that_never_answers_holds_back_its_key_alone_and_is_given_again() {
    let folder = TempDir::new().unwrap();
    let running = start(folder.path(), "a", 2, QUICK).await;
    running.service.hanging.lock().unwrap().push("hangs".into());
    let events = [
        ("hangs", Some("k")),
        ("behind", Some("k")),
        ("other", Some("l")),
        ("free", None),
    ];
    running.publish("a", &events).await;
    running.wait_for_forgotten(2).await;
    let seen = running.service.seen.lock().unwrap().clone();
    assert_eq!(Service::ids(&seen), ["hangs", "other", "free"]);
    // As if the host were killed.
    running.task.abort();
    let Running { bus, task, .. } = running;
    let _ = task.await;
    drop(bus);
    let again = start(folder.path(), "a", 2, QUICK).await;
    let seen = again.service.wait(|seen| seen.len() == 2).await;
    assert_eq!(Service::ids(&seen), ["hangs", "behind"]);
    again.stop().await;
}

#[tokio::test]
async fn attempts_are_counted_over_restarts_and_what_was_not_begun_is_not_counted() {
    let folder = TempDir::new().unwrap();
    let slow = Retry {
        attempts_max: 3,
        backoff_ms: 3_600_000,
        backoff_max_ms: 3_600_000,
    };
    let running = start(folder.path(), "a", 1, slow).await;
    running.service.fail("e", 1);
    running.publish("a", &[("e", None)]).await;
    while running.bus.subscriptions().unwrap()[0].failing == 0 {
        tokio::task::yield_now().await;
    }
    running.stop().await;
    let running = start(folder.path(), "a", 1, QUICK).await;
    let busy = Outcome::NotBegun {
        reason: "busy".into(),
    };
    let outcomes = VecDeque::from(vec![busy; 5]);
    running
        .service
        .failing
        .lock()
        .unwrap()
        .insert("e".into(), outcomes);
    let seen = running.service.wait(|seen| seen.len() == 6).await;
    assert!(seen.iter().all(|(_, attempt)| *attempt == 2), "{seen:?}");
    running.wait_for_forgotten(1).await;
    assert_eq!(running.bus.subscriptions().unwrap()[0].failing, 0);
    running.stop().await;
}

#[tokio::test]
async fn a_clock_that_jumps_ends_no_pause_late() {
    let folder = TempDir::new().unwrap();
    let slow = Retry {
        attempts_max: 9,
        backoff_ms: 600_000,
        backoff_max_ms: 600_000,
    };
    let running = start(folder.path(), "a", 1, slow).await;
    running.service.fail("e", 2);
    running.publish("a", &[("e", None)]).await;
    running.service.wait(|seen| seen.len() == 1).await;
    // Forward, beyond the pause; then back by years.
    for (jump_ms, attempts) in [(3_600_000, 2), (-100_000_000_000, 3)] {
        running.clock.0.fetch_add(jump_ms, Ordering::SeqCst);
        running.service.wait(|seen| seen.len() == attempts).await;
    }
    running.stop().await;
}

#[tokio::test]
async fn a_replay_gives_the_events_again_as_new_deliveries() {
    let folder = TempDir::new().unwrap();
    let running = start(folder.path(), "a", 1, QUICK).await;
    running
        .publish("a", &[("1", None), ("2", None), ("3", None)])
        .await;
    running.wait_for_forgotten(3).await;
    let (done, answer) = oneshot::channel();
    let replay = Command::Replay { after: 1, done };
    running.commands.send(replay).await.unwrap();
    answer.await.unwrap().unwrap();
    running.wait_for_forgotten(5).await;
    let seen = running.service.seen.lock().unwrap().clone();
    assert_eq!(Service::ids(&seen), ["1", "2", "3", "2", "3"]);
    let forgotten = running.service.forgotten.lock().unwrap().clone();
    assert_ne!(forgotten[1].subscription, forgotten[3].subscription);
    running.stop().await;
}

#[tokio::test]
async fn a_long_row_behind_a_failing_event_does_not_hold_other_keys() {
    let folder = TempDir::new().unwrap();
    let slow = Retry {
        attempts_max: 9,
        backoff_ms: 600_000,
        backoff_max_ms: 600_000,
    };
    let running = start(folder.path(), "a", 1, slow).await;
    running.service.fail("k0", 1);
    let ids: Vec<String> = (0..3000).map(|id| format!("k{id}")).collect();
    let events: Vec<_> = ids.iter().map(|id| (id.as_str(), Some("k"))).collect();
    running.publish("a", &events).await;
    running.publish("a", &[("other", Some("l"))]).await;
    let seen = running.service.wait(|seen| seen.len() == 2).await;
    assert_eq!(Service::ids(&seen), ["k0", "other"]);
    running.clock.0.fetch_add(3_600_000, Ordering::SeqCst);
    let seen = running.service.wait(|seen| seen.len() == 3002).await;
    let expected: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_eq!(Service::ids(&seen[2..])[1..], expected[1..]);
    running.stop().await;
}
