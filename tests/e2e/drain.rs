//! The end: SIGTERM finishes what runs, takes nothing new, and exits 0.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::{self, Connection};
use kumiki_tests::wait;

fn host(arguments: &[&str]) -> Host {
    let lasting = Service::new("lasting", "outlive_client").route("/lasting");
    let store = Service::new("store", "key_value_spin_two").route("/store");
    let services = [lasting, store].map(|service| service.key_value_stores(&["default"]));
    App::new(services).arguments(arguments).start()
}

/// Waits until the handler runs that notes its beginning.
fn wait_for_begin(host: &Host) {
    wait::until("the handler to begin", || {
        let text = host.get("/store?op=get&store=default&key=begun").text();
        (text == "yes").then_some(())
    });
}

#[test]
fn a_running_request_is_finished_and_the_exit_is_clean() {
    let mut host = host(&[]);
    let address = host.address();
    let running =
        std::thread::spawn(move || http::request(address, "GET", "/lasting?ms=700", &[], b""));
    wait_for_begin(&host);
    let mut idle = host.connect();
    idle.send("GET", "/store?op=get&store=default&key=begun", &[], b"")
        .unwrap();
    assert_eq!(idle.answer("GET").unwrap().status, 200);
    host.terminate();
    assert_eq!(running.join().unwrap().expect(200), "slept");
    assert_eq!(host.wait().code(), Some(0));
    assert!(
        Connection::try_open(address).is_none(),
        "nobody listens any more"
    );
    assert!(idle.rest().is_ok(), "the idle connection was closed");
}

#[test]
fn new_clients_are_not_taken_while_it_drains() {
    let mut host = host(&[]);
    let address = host.address();
    let running =
        std::thread::spawn(move || http::request(address, "GET", "/lasting?ms=1500", &[], b""));
    wait_for_begin(&host);
    host.terminate();
    wait::until("the listener to close", || {
        Connection::try_open(address).is_none().then_some(())
    });
    assert!(host.runs(), "the request still runs");
    assert_eq!(running.join().unwrap().status, 200);
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn what_does_not_end_is_left_behind_after_the_time_to_drain() {
    let mut host = host(&["--drain-timeout", "1"]);
    let mut stuck = host.connect();
    stuck.send("GET", "/lasting?ms=600000", &[], b"").unwrap();
    wait_for_begin(&host);
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    assert!(stuck.answer("GET").is_err());
}

#[test]
fn an_idle_host_ends_at_once_and_starts_again() {
    let mut host = host(&[]);
    host.post("/store?op=set&store=default&key=a", "kept")
        .expect(200);
    let _idle = host.connect();
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    let host = host.restart();
    assert_eq!(
        host.get("/store?op=get&store=default&key=a").expect(200),
        "kept"
    );
}

#[test]
fn an_interrupt_drains_like_a_termination() {
    let mut host = host(&[]);
    let address = host.address();
    let running =
        std::thread::spawn(move || http::request(address, "GET", "/lasting?ms=700", &[], b""));
    wait_for_begin(&host);
    host.interrupt();
    assert_eq!(running.join().unwrap().expect(200), "slept");
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_the_drain_at_once() {
    let signals: [fn(&Host); 2] = [Host::terminate, Host::interrupt];
    for first in signals {
        for (second, code) in signals.into_iter().zip([143, 130]) {
            // Far more than the test would wait for the end.
            let mut host = host(&["--drain-timeout", "3600"]);
            let mut stuck = host.connect();
            stuck.send("GET", "/lasting?ms=600000", &[], b"").unwrap();
            wait_for_begin(&host);
            first(&host);
            let address = host.address();
            wait::until("the listener to close", || {
                Connection::try_open(address).is_none().then_some(())
            });
            assert!(host.runs(), "it drains");
            second(&host);
            assert_eq!(host.wait().code(), Some(code));
            assert!(stuck.answer("GET").is_err());
        }
    }
}
