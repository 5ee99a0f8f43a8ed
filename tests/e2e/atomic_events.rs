//! Events of atomic handlers: they leave with the commit, once and in order, and are acknowledged
//! with the commit of the one who handles them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::Connection;
use kumiki_tests::wait;

/// A service whose scripts are atomic at `/ID/atomic`, and which does what events tell it.
fn scripted(id: &str) -> Service {
    Service::new(id, "atomic_script")
        .route(&format!("/{id}/..."))
        .key_value_stores(&[id])
        .allowed_outbound_hosts(&["http://*.spin.internal"])
        .setting(format!("atomic = [\"/{id}/atomic\", \"/{id}/in\"]"))
        .setting("atomic_attempts_max = 100")
}

/// `cart` publishes, `shipping` handles.
fn app() -> App {
    let subscription = "subscriptions = [{ topic = \"order.*\", path = \"/shipping/in\", \
                        backoff_ms = 1, backoff_max_ms = 5, attempts_max = 50 }]";
    let bus = Service::new("events", "hello_two")
        .private()
        .setting("builtin = \"events\"");
    let door = Service::new("door", "wait_at_gate").private().gated();
    let shipping = scripted("shipping").setting(subscription);
    App::new([bus, scripted("cart"), shipping, door])
        .key_value_store("cart")
        .key_value_store("shipping")
        .gates("key_value_wasi")
        .observed()
}

/// The sum under a key of a service's own store.
fn sum(host: &Host, id: &str, key: &str) -> u64 {
    let script = format!("increment {id} {key} 0");
    let answer = host.post(&format!("/{id}/plain"), script).expect(200);
    answer.trim().parse().unwrap()
}

fn wait_for_sum(host: &Host, id: &str, key: &str, expected: u64) {
    wait::until(&format!("{key} of {id} to be {expected}"), || {
        (sum(host, id, key) == expected).then_some(())
    });
}

#[test]
fn events_leave_with_the_commit_and_not_without() {
    let host = app().start();
    for (number, end) in ["trap", "status 400", "unfinished", "silence"]
        .iter()
        .enumerate()
    {
        let script = format!("publish order.placed lost{number} increment shipping n 1000\n{end}");
        assert_ne!(host.post("/cart/atomic", script).status, 200);
    }
    let publish = |number: u32| {
        format!("publish order.placed e{number} swap shipping last {number};increment shipping n 1")
    };
    let script = [publish(1), publish(2), "increment cart n 1".to_owned()].join("\n");
    let answer = host.post("/cart/atomic", script).expect(200);
    assert_eq!(answer, "202 true\n202 true\n1\n");
    host.post("/cart/atomic", publish(3)).expect(200);
    wait_for_sum(&host, "shipping", "n", 3);
    // They came in the order in which they were published.
    let last = host
        .post("/shipping/plain", "get shipping last")
        .expect(200);
    assert_eq!(last, "3\n");
    // Outside they are on the bus at once.
    let answer = host.post("/cart/plain", publish(4)).expect(200);
    assert_eq!(answer, "202 \n");
    host.wait_for_no_lag();
    assert_eq!(sum(&host, "shipping", "n"), 4);
}

#[test]
fn a_run_that_met_a_conflict_publishes_nothing() {
    let host = app().start();
    // Each run publishes under another id, so that only the commit keeps it from being doubled.
    let script = "get cart a\npublish order.placed {new} increment shipping n 1\n\
                  call door.spin.internal/?gate=one\nset cart b 1";
    let address = host.address();
    thread::scope(|scope| {
        let running = scope.spawn(move || {
            let mut connection = Connection::open(address);
            connection
                .send("POST", "/cart/atomic", &[], script.as_bytes())
                .unwrap();
            connection.answer("POST").unwrap()
        });
        host.wait_for_held("one", 1);
        host.post("/cart/plain", "set cart a new").expect(200);
        host.open("one");
        running.join().unwrap().expect(200);
    });
    assert_eq!(host.counter("held-one"), 2);
    wait_for_sum(&host, "shipping", "n", 1);
    host.wait_for_no_lag();
    assert_eq!(sum(&host, "shipping", "n"), 1);
}

#[test]
fn a_failed_delivery_leaves_nothing_and_is_tried_again_with_the_same_id() {
    let host = app().start();
    let script = "publish order.placed e \
                  increment shipping n 1;call door.spin.internal/?gate=try-{id};status 500";
    // The handler never succeeds; each attempt writes and takes nothing of it.
    host.post("/cart/plain", script).expect(200);
    let dead = wait::until("the attempt at the door", || {
        let answer = host.post("/cart/plain", "increment cart x 1");
        answer.expect(200);
        let keys = host.get("/gate?op=keys&store=gate&key=").expect(200);
        keys.lines()
            .find_map(|key| key.strip_prefix("held-try-").map(str::to_owned))
    });
    host.open(&format!("try-{dead}"));
    wait::until("several attempts", || {
        (host.counter(&format!("held-try-{dead}")) >= 3).then_some(())
    });
    assert_eq!(sum(&host, "shipping", "n"), 0);
    let keys = host.get("/gate?op=keys&store=gate&key=").expect(200);
    let ids = keys.lines().filter(|key| key.starts_with("held-try-"));
    assert_eq!(ids.count(), 1, "{keys}");
}

/// What commits with the answer to a client does not acknowledge an event: only 2xx does.
#[test]
fn a_delivery_that_is_refused_commits_nothing_whatever_status_commits_for_clients() {
    let committing = scripted("cart")
        .setting("atomic_commit_status = [\"2xx\", 503]")
        .setting(
            "subscriptions = [{ topic = \"order.*\", path = \"/cart/in\", \
             backoff_ms = 1, backoff_max_ms = 5, attempts_max = 3 }]",
        );
    let bus = Service::new("events", "hello_two")
        .private()
        .setting("builtin = \"events\"");
    let host = App::new([bus, committing]).key_value_store("cart").start();
    let answer = host.post("/cart/atomic", "increment cart clients 1\nstatus 503");
    assert_eq!(answer.status, 503);
    assert_eq!(sum(&host, "cart", "clients"), 1);
    let script = "publish order.placed e increment cart events 1;status 503";
    host.post("/cart/plain", script).expect(200);
    host.wait_for_no_lag();
    assert_eq!(sum(&host, "cart", "events"), 0);
    // Not taken three times, so it is a dead letter.
    let dead = host.events(&["dead", "list"]);
    assert_eq!(dead.as_array().map(Vec::len), Some(1), "{dead}");
}

/// Posts orders until it is told to stop or the host is gone, and counts those that were accepted.
fn order(host: &Host, name: &str, stop: &AtomicBool, accepted: &AtomicU64) {
    let Some(mut connection) = Connection::try_open(host.address()) else {
        return;
    };
    for number in 0.. {
        let script = format!(
            "increment cart orders 1\n\
             publish order.placed {name}-{number} increment shipping seen 1\n\
             publish order.paid {name}-{number} increment shipping paid 2"
        );
        let sent = connection.send("POST", "/cart/atomic", &[], script.as_bytes());
        match sent.and_then(|()| connection.answer("POST")) {
            Ok(answer) if answer.status == 200 => {
                accepted.fetch_add(1, Ordering::Relaxed);
            }
            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
            Err(_) => return,
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Every order was counted once by the one who took it and once by the one who was told of it,
/// whenever the host was killed.
#[test]
fn orders_are_handled_exactly_once_through_kill_9() {
    let mut host = app().start();
    let accepted = AtomicU64::new(0);
    for round in 0..4 {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let (shared, stop, accepted) = (&host, &stop, &accepted);
            let orderers: Vec<_> = (0..3)
                .map(|number| {
                    let name = format!("r{round}-{number}");
                    scope.spawn(move || order(shared, &name, stop, accepted))
                })
                .collect();
            let before = accepted.load(Ordering::Relaxed);
            wait::until("orders", || {
                (accepted.load(Ordering::Relaxed) >= before + 25).then_some(())
            });
            kill(shared.pid());
            for orderer in orderers {
                orderer.join().unwrap();
            }
            stop.store(true, Ordering::Relaxed);
        });
        host.kill9();
        host = host.restart();
    }
    let orders = sum(&host, "cart", "orders");
    assert!(orders >= accepted.load(Ordering::Relaxed));
    wait_for_sum(&host, "shipping", "seen", orders);
    wait_for_sum(&host, "shipping", "paid", orders * 2);
    host.wait_for_no_lag();
    assert_eq!(sum(&host, "shipping", "seen"), orders);
    assert_eq!(sum(&host, "shipping", "paid"), orders * 2);
}

/// As `kill -9` does, while others still hold the host.
fn kill(pid: u32) {
    let status = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(status.unwrap().success());
}
