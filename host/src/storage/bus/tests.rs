//! Tests of the log on real files.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::clock::Clock;
use super::*;
use crate::manifest::model::events::{EVENT_BYTES_MAX, From as Start, TopicSettings};

/// A clock that the test sets.
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

const HOUR_MS: i64 = 3_600_000;

struct Log {
    bus: Arc<Bus>,
    clock: Arc<SetClock>,
}

fn open(folder: &Path, preset: TopicSettings) -> Log {
    let clock = Arc::new(SetClock(AtomicI64::new(1_000 * HOUR_MS)));
    let settings = BusSettings {
        preset,
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
    Log { bus, clock }
}

fn event(topic: &str, id: &str) -> NewEvent {
    NewEvent {
        topic: topic.into(),
        source: "cart".into(),
        id: id.into(),
        key: Some("k".into()),
        delay_until_ms: None,
        attributes: format!(r#"{{"id":"{id}"}}"#),
        data: b"data".to_vec(),
    }
}

fn wanted(topic: &str, from: Start) -> Wanted {
    Wanted {
        service: "shipping".into(),
        topic: topic.into(),
        path: "/events".into(),
        from,
    }
}

/// The positions of a pattern's events.
fn positions(bus: &Bus, pattern: &str, after: i64) -> Vec<i64> {
    let page = bus.events_after(pattern, after, 1000, usize::MAX).unwrap();
    page.events.iter().map(|event| event.position).collect()
}

fn settled(subscribed: &mut Subscribed, bus: &Bus, after: i64, position: i64) -> Settled {
    let topic = bus.event(position).unwrap().map(|event| event.topic_id);
    Settled {
        subscription: subscribed.id,
        position,
        topic,
        has_failed: false,
        change: subscribed.progress.settle(after, position),
    }
}

#[tokio::test]
async fn a_duplicate_is_not_stored_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), TopicSettings::default());
    let id = log.bus.id();
    let both = vec![event("a", "1"), event("a", "1")];
    assert_eq!(log.bus.publish(both).await.unwrap(), [true, false]);
    let mut other_source = event("a", "1");
    other_source.source = "shop".into();
    let others = vec![other_source, event("b", "1"), event("a", "2")];
    assert_eq!(log.bus.publish(others).await.unwrap(), [true; 3]);
    drop(log);
    let log = open(folder.path(), TopicSettings::default());
    assert_eq!(log.bus.id(), id);
    let again = log.bus.publish(vec![event("a", "1")]).await.unwrap();
    assert_eq!(again, [false]);
    assert_eq!(positions(&log.bus, "a", 0), [1, 2, 4]);
    assert_eq!(positions(&log.bus, "#", 0), [1, 2, 3, 4]);
    let next = log.bus.publish(vec![event("a", "3")]).await.unwrap();
    assert_eq!((next, positions(&log.bus, "a", 4)), (vec![true], vec![5]));
}

#[tokio::test]
async fn many_topics_are_walked_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), TopicSettings::default());
    for index in 0..60 {
        let topic = format!("t{}.x", index % 20);
        log.bus
            .publish(vec![event(&topic, &index.to_string())])
            .await
            .unwrap();
    }
    assert_eq!(positions(&log.bus, "*.x", 0), (1..=60).collect::<Vec<_>>());
    assert_eq!(positions(&log.bus, "t3.x", 4), [24, 44]);
    let page = log.bus.events_after("*.x", 10, 5, usize::MAX).unwrap();
    assert_eq!((page.read_to, page.is_cut), (15, true));
    let page = log.bus.events_after("*.x", 10, 50, 1).unwrap();
    assert_eq!(
        (page.events.len(), page.read_to, page.is_cut),
        (1, 11, true)
    );
}

#[tokio::test]
async fn the_backlog_of_the_slowest_subscriber_holds_publishers_back() {
    let folder = tempfile::tempdir().unwrap();
    let preset = TopicSettings {
        backlog_max: 3,
        ..TopicSettings::default()
    };
    let log = open(folder.path(), preset);
    let mut slow = log.bus.subscribe(wanted("a", Start::Now)).await.unwrap();
    let three = (1..=3).map(|id| event("a", &id.to_string())).collect();
    log.bus.publish(three).await.unwrap();
    let refused = log
        .bus
        .publish(vec![event("b", "1"), event("a", "4")])
        .await;
    let backlog = PublishError::Backlog { topic: "a".into() };
    assert_eq!(refused, Err(backlog));
    assert!(positions(&log.bus, "b", 0).is_empty(), "all or nothing");
    assert_eq!(log.bus.lag(slow.id), Some(3));
    let first = settled(&mut slow, &log.bus, 0, 1);
    log.bus.settle(first).await.unwrap();
    assert!(log.bus.publish(vec![event("a", "4")]).await.is_ok());
    assert!(log.bus.publish(vec![event("a", "5")]).await.is_err());
    // An outbox is not held back: what was committed is not lost.
    let relayed = log.bus.relay(7, vec![(1, event("a", "5"))]).await;
    assert!(relayed.is_ok());
    assert_eq!(log.bus.lag(slow.id), Some(4));
}

#[tokio::test]
async fn progress_survives_a_restart_with_its_holes() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), TopicSettings::default());
    let mut subscribed = log.bus.subscribe(wanted("a", Start::Now)).await.unwrap();
    let events = ["a", "b", "a", "b", "a"].iter().enumerate();
    let events = events
        .map(|(id, topic)| event(topic, &id.to_string()))
        .collect();
    log.bus.publish(events).await.unwrap();
    let last = settled(&mut subscribed, &log.bus, 3, 5);
    log.bus.settle(last).await.unwrap();
    let failure = Failure {
        attempts: 2,
        retry_at_ms: 5,
        reason: "status 500".into(),
    };
    let failed = log.bus.fail(subscribed.id, 1, failure.clone());
    failed.await.unwrap();
    drop(log);
    let log = open(folder.path(), TopicSettings::default());
    let mut again = log
        .bus
        .subscribe(wanted("a", Start::Beginning))
        .await
        .unwrap();
    assert_eq!(
        (again.id, &again.progress),
        (subscribed.id, &subscribed.progress)
    );
    assert_eq!(again.failures.get(&1), Some(&failure));
    assert_eq!(log.bus.lag(again.id), Some(2));
    assert!(log.bus.is_settled(again.id, 5).unwrap());
    assert!(!log.bus.is_settled(again.id, 3).unwrap());
    for (after, position) in [(1, 3), (0, 1)] {
        let mut one = settled(&mut again, &log.bus, after, position);
        one.has_failed = position == 1;
        log.bus.settle(one).await.unwrap();
    }
    let status = &log.bus.subscriptions().unwrap()[0];
    assert_eq!(
        (status.position, status.lag, status.failing),
        (5, Some(0), 0)
    );
}

#[tokio::test]
async fn a_new_subscription_begins_now_or_at_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), TopicSettings::default());
    log.bus.publish(vec![event("a", "1")]).await.unwrap();
    let mut late = wanted("a", Start::Now);
    let now = log.bus.subscribe(late.clone()).await.unwrap();
    late.path = "/other".into();
    late.from = Start::Beginning;
    let beginning = log.bus.subscribe(late).await.unwrap();
    assert_eq!((now.progress.low(), beginning.progress.low()), (1, 0));
    assert_eq!(log.bus.lag(now.id), Some(0));
    assert_eq!(log.bus.lag(beginning.id), Some(1));
    let gone = log.bus.deactivate_others(vec![now.id]).await.unwrap();
    assert_eq!(gone, ["shipping a /other"]);
    assert_eq!(
        log.bus.deactivate_others(vec![now.id]).await.unwrap(),
        [""; 0]
    );
}

#[tokio::test]
async fn delayed_events_join_their_topic_when_they_are_due() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), TopicSettings::default());
    let now = log.clock.now_ms();
    let mut late = event("a", "late");
    late.delay_until_ms = Some(now + 500);
    let mut later = event("a", "later");
    later.delay_until_ms = Some(now + 900);
    let mut past = event("a", "past");
    past.delay_until_ms = Some(now - 1);
    let all = vec![later, late.clone(), past];
    assert_eq!(log.bus.publish(all).await.unwrap(), [true; 3]);
    assert_eq!(log.bus.publish(vec![late]).await.unwrap(), [false]);
    assert_eq!(positions(&log.bus, "a", 0).len(), 1);
    assert_eq!(log.bus.next_due_ms(), now + 500);
    assert_eq!(log.bus.topics()[0].delayed, 2);
    drop(log.bus);
    let log = open(folder.path(), TopicSettings::default());
    assert_eq!(log.bus.next_due_ms(), now + 500);
    log.bus.release_due().await.unwrap();
    assert_eq!(positions(&log.bus, "a", 0).len(), 1);
    log.clock.0.store(now + 500, Ordering::SeqCst);
    log.bus.release_due().await.unwrap();
    assert_eq!(log.bus.next_due_ms(), now + 900);
    // The clock jumps.
    log.clock.0.store(now + 100 * HOUR_MS, Ordering::SeqCst);
    log.bus.release_due().await.unwrap();
    assert_eq!(log.bus.next_due_ms(), i64::MAX);
    let page = log.bus.events_after("a", 0, 10, usize::MAX).unwrap();
    let ids: Vec<_> = page.events.iter().map(|event| &event.attributes).collect();
    assert_eq!(
        ids,
        [r#"{"id":"past"}"#, r#"{"id":"late"}"#, r#"{"id":"later"}"#]
    );
    assert_eq!(log.bus.topics()[0].delayed, 0);
}

#[tokio::test]
async fn an_outbox_is_copied_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), TopicSettings::default());
    let rows = |numbers: std::ops::RangeInclusive<i64>| {
        let row = |number: i64| (number, event("a", &number.to_string()));
        numbers.map(row).collect::<Vec<_>>()
    };
    log.bus.relay(7, rows(1..=3)).await.unwrap();
    drop(log);
    let preset = TopicSettings {
        retention_hours: 0,
        ..TopicSettings::default()
    };
    let log = open(folder.path(), preset);
    // The events themselves may be gone: the number tells, not the duplicate.
    log.clock.0.fetch_add(1, Ordering::SeqCst);
    assert_eq!(log.bus.remove_old().await.unwrap(), 3);
    log.bus.relay(7, rows(2..=5)).await.unwrap();
    assert_eq!(positions(&log.bus, "a", 0), [4, 5]);
    log.bus.relay(8, rows(1..=1)).await.unwrap();
    assert_eq!(positions(&log.bus, "a", 0).len(), 3);
}

#[tokio::test]
async fn retention_spares_what_is_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let preset = TopicSettings {
        retention_hours: 1,
        ..TopicSettings::default()
    };
    let log = open(folder.path(), preset);
    let mut slow = log.bus.subscribe(wanted("a", Start::Now)).await.unwrap();
    let two = vec![event("a", "1"), event("a", "2"), event("b", "1")];
    log.bus.publish(two).await.unwrap();
    assert_eq!(log.bus.remove_old().await.unwrap(), 0);
    log.clock.0.fetch_add(2 * HOUR_MS, Ordering::SeqCst);
    let first = settled(&mut slow, &log.bus, 0, 1);
    log.bus.settle(first).await.unwrap();
    assert_eq!(
        log.bus.remove_old().await.unwrap(),
        2,
        "the first of a, and b"
    );
    assert_eq!(positions(&log.bus, "#", 0), [2]);
    assert_eq!(log.bus.topics()[0].events, 1);
    // Its duplicate is known no more, and it is a new event.
    let again = log.bus.publish(vec![event("a", "1")]).await.unwrap();
    assert_eq!(again, [true]);
}

#[tokio::test]
async fn retention_by_size_takes_the_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let preset = TopicSettings {
        retention_mib: 1,
        keep_unacknowledged: false,
        ..TopicSettings::default()
    };
    let log = open(folder.path(), preset);
    let slow = log.bus.subscribe(wanted("a", Start::Now)).await.unwrap();
    for id in 0..6 {
        let mut large = event("a", &id.to_string());
        large.data = vec![0; 300_000];
        log.bus.publish(vec![large]).await.unwrap();
    }
    assert_eq!(log.bus.remove_old().await.unwrap(), 3);
    assert_eq!(positions(&log.bus, "a", 0), [4, 5, 6]);
    assert_eq!(log.bus.lag(slow.id), Some(3));
}

#[tokio::test]
async fn dead_letters_outlive_their_events() {
    let folder = tempfile::tempdir().unwrap();
    let preset = TopicSettings {
        retention_hours: 1,
        ..TopicSettings::default()
    };
    let log = open(folder.path(), preset);
    let mut subscribed = log.bus.subscribe(wanted("*", Start::Now)).await.unwrap();
    log.bus.publish(vec![event("a", "1")]).await.unwrap();
    let death = Death {
        attempts: 3,
        reason: "status 500".into(),
        status: Some(500),
        body: b"no".to_vec(),
    };
    for _ in 0..2 {
        let buried = log.bus.bury(subscribed.id, 1, death.clone());
        buried.await.unwrap();
    }
    let one = settled(&mut subscribed, &log.bus, 0, 1);
    log.bus.settle(one).await.unwrap();
    assert_eq!(log.bus.lag(subscribed.id), Some(0));
    log.clock.0.fetch_add(2 * HOUR_MS, Ordering::SeqCst);
    assert_eq!(log.bus.remove_old().await.unwrap(), 1);
    let listed = log.bus.dead_letters(Some("shipping"), 0, 10).unwrap();
    assert_eq!((listed.len(), listed[0].data.len()), (1, 0));
    assert_eq!(log.bus.dead_letters(Some("other"), 0, 10).unwrap(), []);
    let letter = log.bus.dead_letter(listed[0].id).unwrap().unwrap();
    assert_eq!((&letter.death, &*letter.topic), (&death, "a"));
    assert_eq!((&*letter.data, &*letter.pattern), (&b"data"[..], "*"));
    assert!(log.bus.retry_dead(letter.id).await.unwrap());
    let retried = log.bus.retried("shipping", "*", "/events").unwrap();
    assert_eq!(retried, [letter.id]);
    log.bus.bury_again(letter.id, death).await.unwrap();
    let letter = log.bus.dead_letter(letter.id).unwrap().unwrap();
    assert_eq!((letter.death.attempts, letter.is_retried), (6, false));
    assert!(log.bus.drop_dead(letter.id).await.unwrap());
    assert!(!log.bus.drop_dead(letter.id).await.unwrap());
}

#[tokio::test]
async fn a_replay_is_a_new_subscription_in_the_same_place() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), TopicSettings::default());
    let mut subscribed = log.bus.subscribe(wanted("a", Start::Now)).await.unwrap();
    let three: Vec<_> = (1..=3).map(|id| event("a", &id.to_string())).collect();
    log.bus.publish(three[..1].to_vec()).await.unwrap();
    log.clock.0.fetch_add(10, Ordering::SeqCst);
    log.bus.publish(three[1..].to_vec()).await.unwrap();
    for (after, position) in [(0, 1), (1, 2), (2, 3)] {
        let one = settled(&mut subscribed, &log.bus, after, position);
        log.bus.settle(one).await.unwrap();
    }
    let from = log.bus.position_before(log.clock.now_ms()).unwrap();
    let replayed = log.bus.replay(subscribed.id, from).await.unwrap().unwrap();
    assert!(replayed.id > subscribed.id);
    assert_eq!((from, replayed.progress.low()), (1, 1));
    assert_eq!(log.bus.lag(replayed.id), Some(2));
    assert!(log.bus.replay(subscribed.id, 0).await.unwrap().is_none());
    assert_eq!(log.bus.subscriptions().unwrap().len(), 1);
}

#[tokio::test]
async fn publishers_who_wait_share_commits_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), TopicSettings::default());
    let publishers = (0..64).map(|publisher| {
        let bus = log.bus.clone();
        tokio::spawn(async move {
            for number in 0..50 {
                let id = format!("{publisher}-{number}");
                assert_eq!(bus.publish(vec![event("a", &id)]).await, Ok(vec![true]));
            }
        })
    });
    for publisher in publishers.collect::<Vec<_>>() {
        publisher.await.unwrap();
    }
    let status = &log.bus.topics()[0];
    assert_eq!((status.events, status.published), (3200, 3200));
    let mut after = 0;
    let mut seen = 0;
    loop {
        let page = log.bus.events_after("a", after, 100, usize::MAX).unwrap();
        if page.events.is_empty() {
            break;
        }
        seen += page.events.len();
        after = page.read_to;
    }
    assert_eq!(seen, 3200);
}

#[test]
fn another_database_is_not_taken_for_a_bus() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.db");
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE t (x)").unwrap();
    let clock = Arc::new(SetClock(AtomicI64::new(0)));
    let refused = Bus::open(
        &path,
        BusSettings::default(),
        0,
        CommitGate::default(),
        clock,
    );
    assert!(refused.is_err_and(|error| error.to_string().contains("not a bus")));
}

#[tokio::test]
async fn a_full_disk_refuses_events_and_still_takes_acknowledgements() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.db");
    let log = open(folder.path(), TopicSettings::default());
    let mut subscribed = log.bus.subscribe(wanted("a", Start::Now)).await.unwrap();
    log.bus.publish(vec![event("a", "1")]).await.unwrap();
    let one = settled(&mut subscribed, &log.bus, 0, 1);
    drop(log);
    let clock = Arc::new(SetClock(AtomicI64::new(0)));
    // No disk has so much.
    let bus = Bus::open(
        &path,
        BusSettings::default(),
        u64::MAX,
        CommitGate::default(),
        clock,
    )
    .unwrap();
    bus.subscribe(wanted("a", Start::Now)).await.unwrap();
    let refused = bus.publish(vec![event("a", "2")]).await;
    assert_eq!(refused, Err(PublishError::DiskNearlyFull));
    bus.settle(one).await.unwrap();
    assert_eq!(bus.lag(subscribed.id), Some(0));
}
