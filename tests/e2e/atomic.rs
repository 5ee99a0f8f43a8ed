//! Atomic handlers: what commits, what does not, what a handler sees meanwhile, and that it runs
//! again after a conflict.

use std::collections::BTreeSet;
use std::thread;

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::{Answer, Connection, request};
use kumiki_tests::wait;

/// The service under test, whose scripts are atomic below `/cart/atomic`.
fn cart() -> Service {
    Service::new("cart", "atomic_script")
        .route("/cart/...")
        .key_value_stores(&["cart", "other"])
        .sqlite_databases(&["other"])
        .allowed_outbound_hosts(&["http://*.spin.internal"])
        .setting(r#"atomic = ["/cart/atomic", "/cart/atomic/..."]"#)
}

/// An app of this service, with a door at which its handlers wait in their middle.
fn app(cart: Service) -> App {
    let door = Service::new("door", "wait_at_gate").private().gated();
    App::new([cart, door])
        .key_value_store("cart")
        .key_value_store("other")
        .sqlite_database("other")
        .gates("key_value_wasi")
}

/// Runs a script atomically.
fn atomically(host: &Host, script: &str) -> Answer {
    host.post("/cart/atomic", script)
}

/// Runs a script as it is.
fn plainly(host: &Host, script: &str) -> String {
    host.post("/cart/plain", script).expect(200)
}

/// A value in the service's own store.
fn value(host: &Host, key: &str) -> String {
    plainly(host, &format!("get cart {key}")).trim().to_owned()
}

#[test]
fn writes_are_seen_inside_at_once_and_outside_after_the_commit() {
    let mut host = app(cart()).start();
    plainly(&host, "set cart a 1\nset cart gone 1");
    let script = "get cart a\nset cart a 2\nget cart a\nincrement cart n 5\nincrement cart n 1\n\
                  delete cart gone\nexists cart gone\nkeys cart\nget-many cart a,gone\n\
                  swap cart a 3\nget cart a\nswap cart new 1";
    let answer = atomically(&host, script).expect(200);
    let expected = "1\nset\n2\n5\n6\ndeleted\nfalse\na,n\n2,(none)\nswapped\n3\nswapped\n";
    assert_eq!(answer, expected);
    // The answer came after the commit, which outlives the host.
    host.kill9();
    let host = host.restart();
    assert_eq!(plainly(&host, "keys cart"), "a,n,new\n");
    assert_eq!(value(&host, "a"), "3");
}

#[test]
fn what_does_not_succeed_changes_nothing() {
    let app = app(cart().setting("timeout_ms = 2000"));
    let host = app.start();
    let cases = [
        ("trap", 500),
        ("silence", 502),
        ("unfinished", 502),
        ("status 404", 404),
        ("status 500", 500),
        ("status 302", 302),
        ("large 1048577", 502),
        ("spin", 504),
        ("call door.spin.internal/?gate=closed", 504),
    ];
    for (end, status) in cases {
        let answer = atomically(&host, &format!("set cart a written\n{end}"));
        assert_eq!(answer.status, status, "{end}: {}", answer.text());
        assert_eq!(value(&host, "a"), "(none)", "{end}");
    }
    // An answer that was not committed is delivered as it is.
    let answer = atomically(&host, "set cart a written\nstatus 409");
    assert_eq!(answer.expect(409), "set\n");
    // Outside, each write counts by itself.
    let trapped = host.post("/cart/plain", "set cart a written\ntrap");
    assert_eq!(trapped.status, 500);
    assert_eq!(value(&host, "a"), "written");
}

#[test]
fn the_statuses_of_the_manifest_commit_and_no_others() {
    let cart = cart().setting(r#"atomic_commit_status = ["404", "5xx"]"#);
    let host = app(cart).start();
    for (status, commits) in [(200, false), (404, true), (405, false), (503, true)] {
        let script = format!("set cart s{status} yes\nstatus {status}");
        assert_eq!(atomically(&host, &script).status, status);
        let expected = if commits { "yes" } else { "(none)" };
        assert_eq!(value(&host, &format!("s{status}")), expected, "{status}");
    }
}

#[test]
fn bodies_are_held_and_bounded() {
    let host = app(cart()).start();
    let fits = format!("set cart a 1\n{}", "\n".repeat(1024 * 1024 - 13));
    assert_eq!(fits.len(), 1024 * 1024);
    let answer = atomically(&host, "large 1048576");
    assert_eq!(answer.body.len(), 1024 * 1024);
    assert_eq!(answer.header("content-length"), Some("1048576"));
    let answer = atomically(&host, &format!("{fits}\n"));
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    answer.expect(413);
    // Also when the length is not told ahead.
    let mut connection = host.connect();
    let head = "POST /cart/atomic HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    connection.write(head).unwrap();
    let mut sent = 0;
    while sent <= 1024 * 1024 && connection.chunk(&[b'\n'; 65536]).is_ok() {
        sent += 65536;
    }
    let _answered_early = connection.chunk(b"");
    assert_eq!(connection.answer("POST").unwrap().status, 413);
    // One that ends early never reaches the handler.
    let mut connection = host.connect();
    let head = "POST /cart/atomic HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n";
    connection.write(head).unwrap();
    connection.write("set cart early 1\n").unwrap();
    drop(connection);
    assert_eq!(value(&host, "early"), "(none)");
}

#[test]
fn a_path_is_atomic_also_when_it_is_encoded() {
    let host = app(cart()).start();
    let paths = [
        "/cart/atomic",
        "/cart/atomic/x",
        "/cart/%61tomic",
        "/cart/atomic%2Fx?q=1",
    ];
    for path in paths {
        let answer = host.post(path, "set cart a 1\nstatus 400");
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(value(&host, "a"), "(none)", "{path}");
    }
    for path in ["/cart/atomics", "/cart/%2561tomic"] {
        assert_eq!(host.post(path, "set cart a 1\nstatus 400").status, 400);
        assert_eq!(value(&host, "a"), "1", "{path}");
        plainly(&host, "delete cart a");
    }
    // A chained request is like one from outside.
    plainly(&host, "call cart.spin.internal/cart/atomic");
}

/// The answers of the scripts, which all wait at the gate until all are there.
fn together(host: &Host, gate: &str, scripts: &[&str]) -> Vec<Answer> {
    let address = host.address();
    thread::scope(|scope| {
        let begun: Vec<_> = scripts
            .iter()
            .map(|script| {
                scope.spawn(move || {
                    request(
                        address,
                        "POST",
                        "/cart/atomic",
                        &[("kumiki-invocation-id", "forged")],
                        script.as_bytes(),
                    )
                })
            })
            .collect();
        host.wait_for_held(gate, scripts.len() as u64);
        host.open(gate);
        begun.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

#[test]
fn after_a_conflict_the_handler_runs_again_in_another_instance() {
    // Instances are used again, so that one which did not commit would be seen.
    let host = app(cart()
        .setting("reuse_max = 100")
        .setting("atomic_attempts_max = 50"))
    .start();
    let script = "id\ncount\nget cart n\ncall door.spin.internal/?gate=both\nincrement cart n 1\n\
                  increment other n 1";
    let answers = together(&host, "both", &[script; 4]);
    let mut sums = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut counts = Vec::new();
    for answer in answers {
        let text = answer.expect(200);
        let lines: Vec<&str> = text.lines().collect();
        let [id, count, _before, held, sum, other] = lines[..] else {
            panic!("{text}");
        };
        assert_eq!(held, "200 held");
        assert!(other.contains("atomic handler"), "{other}");
        assert_eq!(
            id.len(),
            36,
            "a header of the client's own is replaced: {id}"
        );
        ids.insert(id.to_owned());
        counts.push(count.parse::<usize>().unwrap());
        sums.insert(sum.parse::<u32>().unwrap());
    }
    assert_eq!(sums, BTreeSet::from([1, 2, 3, 4]));
    assert_eq!(ids.len(), 4);
    // An instance serves again only after a commit, so nobody is its second without a first.
    let served = |number| counts.iter().filter(|count| **count == number).count();
    assert!(
        (1..4).all(|number| served(number) >= served(number + 1)),
        "{counts:?}"
    );
    // Four held at the gate at first, and one at least of each pair ran again, with the same id.
    let runs = host.counter("held-both");
    assert!(runs >= 5, "{runs}");
}

#[test]
fn each_run_of_an_invocation_has_the_same_id_and_another_instance() {
    let host = app(cart().setting("reuse_max = 100")).start();
    // The gate is open for the second run, which finds what others wrote meanwhile.
    let script = "id\ncount\nget cart a\ncall door.spin.internal/?gate=one\nset cart b 1\n\
                  call gatekeeper.spin.internal/gate?op=increment&store=gate&key=run-{id}";
    let address = host.address();
    let answer = thread::scope(|scope| {
        let running =
            scope.spawn(move || request(address, "POST", "/cart/atomic", &[], script.as_bytes()));
        host.wait_for_held("one", 1);
        plainly(&host, "set cart a new");
        host.open("one");
        running.join().unwrap()
    });
    let text = answer.expect(200);
    assert!(text.contains("\n1\nnew\n"), "{text}");
    let id = text.lines().next().unwrap();
    assert_eq!(host.counter("held-one"), 2);
    // What left at once has happened twice, and the other side could tell.
    assert_eq!(host.counter(&format!("run-{id}")), 2);
}

#[test]
fn conflicts_without_end_are_answered_503() {
    let host = app(cart().setting("atomic_attempts_max = 1")).start();
    let address = host.address();
    let script = "get cart a\ncall door.spin.internal/?gate=one\nset cart b 1";
    let answer = thread::scope(|scope| {
        let running =
            scope.spawn(move || request(address, "POST", "/cart/atomic", &[], script.as_bytes()));
        host.wait_for_held("one", 1);
        plainly(&host, "set cart a new");
        host.open("one");
        running.join().unwrap()
    });
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.expect(503);
    assert_eq!(value(&host, "b"), "(none)");
    // Without anybody in the way it succeeds.
    atomically(&host, script).expect(200);
}

#[test]
fn nothing_is_lost_between_many_handlers_at_once() {
    let host = app(cart().setting("atomic_attempts_max = 100")).start();
    let address = host.address();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                let mut connection = Connection::open(address);
                for _ in 0..25 {
                    let script = b"increment cart n 1\nincrement cart m -1";
                    connection
                        .send("POST", "/cart/atomic", &[], script)
                        .unwrap();
                    connection.answer("POST").unwrap().expect(200);
                }
            });
        }
    });
    let sums = plainly(&host, "increment cart n 0\nincrement cart m 0");
    assert_eq!(sums, "100\n-100\n");
}

#[test]
fn other_stores_and_databases_can_be_read_only() {
    let host = app(cart()).start();
    plainly(&host, "set other a 1\nsql other CREATE TABLE t (n INTEGER)");
    plainly(&host, "sql other INSERT INTO t VALUES (7)");
    let reads = "get other a\nkeys other\nsql other SELECT n FROM t";
    let answer = atomically(&host, reads).expect(200);
    assert_eq!(answer, "1\na\n[Value::Integer(7)]\n");
    for write in [
        "set other a 2",
        "delete other a",
        "increment other n 1",
        "swap other a 2",
        "sql other DELETE FROM t",
        "sql other BEGIN IMMEDIATE",
    ] {
        let answer = atomically(&host, write).expect(200);
        assert!(
            answer.contains("an atomic handler can write only"),
            "{write}: {answer}"
        );
    }
    assert_eq!(atomically(&host, reads).expect(200), answer);
    // Who is called from inside is not part of the transaction.
    let script = "set cart a 1\ncall cart.spin.internal/cart/plain\nstatus 400";
    assert!(atomically(&host, script).expect(400).contains("200"));
}

#[test]
fn handles_of_an_earlier_invocation_lead_into_the_transaction() {
    let host = app(cart()
        .setting("reuse_max = 100")
        .setting("instances_max = 1"))
    .start();
    assert_eq!(
        plainly(&host, "keep cart\nkept set a 1\ncount"),
        "Ok(())\nset\n1\n"
    );
    plainly(&host, "connect other");
    let script = "kept get a\nkept set a 2\nkept get a\nkept increment n 1";
    let committed = atomically(&host, &format!("{script}\ncount")).expect(200);
    assert_eq!(committed, "1\nset\n2\n1\n2\n");
    // The instance has committed, so it serves again, and outside of the transaction.
    assert_eq!(
        plainly(&host, "kept set b 1\nget cart b\ncount"),
        "set\n1\n3\n"
    );
    let database = atomically(&host, "sql-kept CREATE TABLE t (n)\nsql-kept SELECT 1");
    let text = database.expect(200);
    assert!(text.contains("an atomic handler can write only"), "{text}");
    assert!(text.ends_with("[Value::Integer(1)]\n"), "{text}");
    let failed = atomically(&host, "kept set a 9\nkept set other 1\nstatus 400");
    assert_eq!(failed.status, 400);
    assert_eq!(value(&host, "a"), "2");
    // Another instance than the one that did not commit.
    assert_eq!(plainly(&host, "count"), "1\n");
}

#[test]
fn what_is_killed_in_the_middle_has_not_happened() {
    let mut host = app(cart()).start();
    plainly(&host, "set cart a 1");
    let mut connection = host.connect();
    let script = b"set cart a 2\nset cart b 2\ncall door.spin.internal/?gate=never";
    connection
        .send("POST", "/cart/atomic", &[], script)
        .unwrap();
    host.wait_for_held("never", 1);
    // Nobody sees what is not committed.
    assert_eq!(plainly(&host, "get cart a\nget cart b"), "1\n(none)\n");
    host.kill9();
    let host = host.restart();
    assert_eq!(plainly(&host, "get cart a\nget cart b"), "1\n(none)\n");
}

#[test]
fn a_client_that_leaves_does_not_keep_the_handler_from_committing() {
    let host = app(cart()).start();
    let mut connection = host.connect();
    let script = b"set cart a 1\ncall door.spin.internal/?gate=left";
    connection
        .send("POST", "/cart/atomic", &[], script)
        .unwrap();
    host.wait_for_held("left", 1);
    drop(connection);
    host.open("left");
    wait::until("the commit", || (value(&host, "a") == "1").then_some(()));
}

#[test]
fn every_interface_of_stores_is_within_the_transaction() {
    for (guest, id) in [
        ("key_value_spin_two", "two"),
        ("key_value_spin_three", "three"),
    ] {
        let service = Service::new(id, guest)
            .route("/...")
            .key_value_stores(&[id, "default"])
            .setting(r#"atomic = ["/atomic"]"#)
            .setting(r#"atomic_commit_status = ["2xx"]"#);
        let host = App::new([service]).key_value_store(id).start();
        let ask = |path: &str, operation: &str, store: &str, key: &str, value: &str| {
            let path = format!("{path}?op={operation}&store={store}&key={key}");
            host.post(&path, value)
        };
        assert_eq!(
            ask("/atomic", "set", id, "a", "1").expect(200),
            "",
            "{guest}"
        );
        assert_eq!(ask("/plain", "get", id, "a", "").expect(200), "1");
        assert_eq!(ask("/atomic", "get", id, "a", "").expect(200), "1");
        assert_eq!(ask("/atomic", "exists", id, "b", "").expect(200), "false");
        assert_eq!(ask("/atomic", "keys", id, "", "").expect(200), "a");
        let refused = ask("/atomic", "set", "default", "a", "1").expect(422);
        assert!(
            refused.contains("an atomic handler can write only"),
            "{refused}"
        );
        assert_eq!(
            ask("/atomic", "get", "default", "a", "").expect(200),
            "(none)"
        );
        ask("/atomic", "delete", id, "a", "").expect(200);
        assert_eq!(ask("/plain", "exists", id, "a", "").expect(200), "false");
        let too_long = "k".repeat(2000);
        ask("/atomic", "set", id, &too_long, "1").expect(422);
        assert_eq!(ask("/plain", "keys", id, "", "").expect(200), "");
    }
}

#[test]
fn a_service_without_a_store_of_its_own_is_refused() {
    let service = || {
        Service::new("cart", "hello_two")
            .route("/...")
            .setting(r#"atomic = ["/a"]"#)
    };
    let refused = App::new([service()]).refused();
    assert!(refused.stderr.contains("cart"), "{refused}");
    assert!(refused.stderr.contains("key_value_stores"), "{refused}");
    let elsewhere = "[key_value_store.cart]\ntype = \"redis\"\nurl = \"redis://127.0.0.1:1\"\n";
    let refused = App::new([service().key_value_stores(&["cart"])])
        .runtime_config(elsewhere)
        .refused();
    assert!(refused.stderr.contains("file of this host"), "{refused}");
    // A stock engine knows of no transactions.
    let host = App::new([service()]).arguments(&["--stock"]).start();
    host.get("/a").expect(200);
}
