//! Services are called by the clock.

use kumiki_tests::events::{app, taking};
use kumiki_tests::host::Host;
use kumiki_tests::wait;
use rusqlite::Connection;

fn schedule(cron: &str, path: &str, more: &str) -> String {
    format!("schedules = [{{ cron = {cron:?}, path = {path:?}{more} }}]")
}

/// Waits until a service was called so often, and gives the scheduled times.
fn times(host: &Host, id: &str, count: usize) -> Vec<String> {
    let taken = host.wait_for_taken(id, count);
    taken.into_iter().map(|(time, _)| time).collect()
}

#[test]
fn a_service_is_called_at_each_time_and_tried_again() {
    let every = schedule("* * * * * *", "/tick", ", backoff_ms = 1");
    let host = app(&[], [taking("clock").setting(every)]).start();
    let times = times(&host, "clock", 3);
    let mut sorted = times.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(times, sorted, "each time once, in order");
    assert!(
        times[0].ends_with('Z') && times[0].contains('T'),
        "{times:?}"
    );
    // Nobody else reaches the path.
    assert_eq!(host.post("/tick", "x").status, 404);
}

#[test]
fn only_a_missed_time_that_is_to_be_caught_up_runs_at_the_start() {
    // On a day that is not today, whatever day the test runs on, and none of the coming ones.
    let yearly = "0 0 1 1 *";
    let catching = schedule(yearly, "/make-up", ", catch_up = true");
    let skipping = schedule(yearly, "/let-go", "");
    let services = [
        taking("catching").setting(catching),
        taking("skipping").setting(skipping),
    ];
    let mut host = app(&[], services).start();
    host.wait_for_output("Serving");
    let bus = host.folder().join(".kumiki/events/bus.db");
    wait::until("both schedules to be known", || {
        let connection = Connection::open(&bus).unwrap();
        let count = connection.query_row("SELECT count(*) FROM schedules", [], |row| {
            row.get::<_, i64>(0)
        });
        (count.unwrap() == 2).then_some(())
    });
    host.terminate();
    host.wait();
    // As if the host had been down for years.
    let connection = Connection::open(&bus).unwrap();
    let changed = connection.execute("UPDATE schedules SET last_ms = 1600000000000", []);
    assert_eq!(changed.unwrap(), 2);
    drop(connection);
    let host = host.restart();
    let times = times(&host, "catching", 1);
    assert!(times[0].ends_with("-01-01T00:00:00Z"), "{times:?}");
    host.wait_for_output("a scheduled time was missed");
    host.wait_for_no_lag();
    assert_eq!(host.taken("catching").len(), 1, "once, not once per year");
    assert!(host.taken("skipping").is_empty());
}
