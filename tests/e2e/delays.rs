//! Events that are not delivered before their time.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use kumiki_tests::events::{app, event, taker};
use kumiki_tests::wait;
use serde_json::Value;

/// An event that is due so many seconds from now, and that moment.
fn delayed(id: &str, seconds: i64) -> (Value, SystemTime) {
    let now = SystemTime::now();
    let due = match u64::try_from(seconds) {
        Ok(seconds) => now + Duration::from_secs(seconds),
        Err(_) => now - Duration::from_secs(seconds.unsigned_abs()),
    };
    let mut event = event(id, "", "ok");
    let text = DateTime::<Utc>::from(due).to_rfc3339();
    event["kumikidelayuntil"] = text.into();
    (event, due)
}

#[test]
fn an_event_waits_for_its_time_also_over_a_restart() {
    let mut host = app(&[], [taker("a", "t", "/in", "")]).start();
    let (soon, due) = delayed("soon", 2);
    let (past, _) = delayed("past", -60);
    let (late, _) = delayed("late", 3600);
    host.publish("t", &[late, soon, past, event("now", "", "ok")]);
    let first = host.wait_for_taken("a", 2);
    let mut ids: Vec<_> = first.iter().map(|(id, _)| id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["now", "past"]);
    host.kill9();
    let host = host.restart();
    let taken = host.wait_for_taken("a", 3);
    assert_eq!(taken[2].0, "soon");
    assert!(SystemTime::now() >= due, "it came too early");
    host.wait_for_no_lag();
    let topics = host.events(&["topics"]);
    assert_eq!(
        (&topics[0]["delayed"], &topics[0]["events"]),
        (&1.into(), &3.into())
    );
}

#[test]
fn a_clock_that_was_ahead_delivers_once_it_is_right() {
    // The clock of a machine cannot be set from here: the file is told another time in its place.
    let mut host = app(&[], [taker("a", "t", "/in", "")]).start();
    let (late, _) = delayed("late", 86_400);
    host.publish("t", &[late]);
    host.terminate();
    host.wait();
    let bus = host.folder().join(".kumiki/events/bus.db");
    let connection = rusqlite::Connection::open(bus).unwrap();
    let changed = connection.execute("UPDATE delayed SET due_ms = due_ms - 86400000", []);
    assert_eq!(changed.unwrap(), 1);
    drop(connection);
    let host = host.restart();
    assert_eq!(host.wait_for_taken("a", 1)[0].0, "late");
    wait::until("the topic to have it", || {
        (host.events(&["topics"])[0]["delayed"] == 0).then_some(())
    });
}
