//! Guests that do their worst while a neighbour serves: the host stays up, each gets its error, and
//! the neighbour's requests are answered meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::Answer;

/// How many requests reach the hostile service at once.
const AT_ONCE: usize = 4;

fn hostile(guest: &str) -> Service {
    Service::new("hostile", guest)
        .route("/hostile/...")
        .key_value_stores(&["default"])
        .sqlite_databases(&["default"])
        .setting("timeout_ms = 1500")
        .setting("cpu_ms_max = 1000")
        .setting("memory_max_mib = 32")
        .setting("store_mib_max = 4")
        .setting("log_kib_per_second = 16")
        .setting("body_idle_timeout_ms = 500")
}

fn start(service: Service) -> Host {
    let two = Service::new("neighbour-two", "hello_two").route("/two");
    let three = Service::new("neighbour-three", "hello_three").route("/three");
    let store = Service::new("neighbour-store", "key_value_spin_two").route("/store");
    let store = store.key_value_stores(&["neighbour-store"]);
    App::new([service, two, three, store])
        .key_value_store("neighbour-store")
        .start()
}

/// Asks the neighbours until all hostile requests have ended, at least a few times.
fn beside_neighbours(host: &Host, call: impl Fn() -> Answer + Sync) -> Vec<Answer> {
    let running = AtomicUsize::new(AT_ONCE);
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(&call));
                    running.fetch_sub(1, Ordering::Release);
                    answer.expect("the hostile request is answered")
                })
            })
            .collect();
        let mut asked = 0;
        while running.load(Ordering::Acquire) > 0 || asked < 3 {
            assert_eq!(host.get("/two").expect(200), "hello from 0.2\n");
            assert_eq!(host.get("/three").expect(200), "hello from 0.3\n");
            let set = host.post("/store?op=set&store=neighbour-store&key=a", "kept");
            assert_eq!(set.status, 200, "{set:?}");
            asked += 1;
        }
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

/// Runs the guest beside its neighbours and checks each of its answers.
fn survives(guest: &str, path: &str, statuses: &[u16]) -> Vec<Answer> {
    let mut host = start(hostile(guest));
    let answers = beside_neighbours(&host, || host.get(path));
    for answer in &answers {
        assert!(statuses.contains(&answer.status), "{guest}: {answer:?}");
    }
    assert!(host.runs(), "{guest} ended the host");
    assert_eq!(
        host.get("/store?op=get&store=neighbour-store&key=a")
            .expect(200),
        "kept"
    );
    answers
}

#[test]
fn a_guest_that_loops() {
    survives("loop_forever", "/hostile/", &[504]);
    survives("misbehave_three", "/hostile/loop", &[504]);
}

#[test]
fn a_guest_that_takes_all_memory() {
    survives("take_memory", "/hostile/", &[200]);
    survives("take_memory", "/hostile/?insist", &[500]);
}

#[test]
fn a_guest_that_traps() {
    survives("trap", "/hostile/", &[500]);
    survives("misbehave_three", "/hostile/trap", &[500]);
}

#[test]
fn a_guest_that_never_answers() {
    survives("wait_forever", "/hostile/", &[504]);
    survives("misbehave_three", "/hostile/never", &[504]);
    survives("no_response", "/hostile/", &[502]);
}

#[test]
fn a_guest_that_fills_its_store() {
    for answer in survives("fill_store", "/hostile/?store=default", &[422, 504]) {
        assert!(
            answer.status == 504 || answer.text().contains("Other"),
            "{answer:?}"
        );
    }
}

#[test]
fn a_full_store_refuses_writes_only() {
    let kv = Service::new("kv", "key_value_spin_two")
        .route("/kv")
        .key_value_stores(&["default"]);
    let host = App::new([
        hostile("fill_store").setting("instances_max = 4"),
        kv.setting("store_mib_max = 4"),
    ]);
    let host = host.start();
    let text = host.get("/hostile/?store=default").expect(422);
    assert!(text.contains("Other"), "{text}");
    let ask = |query: &str, body: Vec<u8>| host.post(&format!("/kv?store=default&{query}"), body);
    assert_eq!(ask("op=set&key=more", vec![0; 1 << 18]).status, 422);
    assert_eq!(ask("op=get&key=filler-0", vec![]).body.len(), 256 * 1024);
    assert_eq!(ask("op=delete&key=filler-0", vec![]).status, 200);
    assert_eq!(ask("op=delete&key=filler-1", vec![]).status, 200);
    assert_eq!(
        ask("op=set&key=more", vec![0; 1 << 16]).status,
        200,
        "there is room again"
    );
}

#[test]
fn a_guest_that_writes_logs_without_end() {
    let mut host = start(hostile("endless_logs"));
    let before = host.peak_memory_kib();
    let answers = beside_neighbours(&host, || host.get("/hostile/"));
    assert!(
        answers.iter().all(|answer| answer.status == 504),
        "{answers:?}"
    );
    assert!(
        host.logs().len() < 4 << 20,
        "{} bytes of logs",
        host.logs().len()
    );
    assert!(host.peak_memory_kib() - before < 200 * 1024);
    assert!(host.runs());
}

#[test]
fn a_guest_that_hoards_handles() {
    for kind in ["fields", "pollable"] {
        survives(
            "hoard_handles",
            &format!("/hostile/?kind={kind}"),
            &[422, 500, 504],
        );
    }
    for kind in ["store", "connection"] {
        let path = format!("/hostile/?kind={kind}");
        let answers = survives("hoard_handles", &path, &[422, 500, 504]);
        assert!(
            answers.iter().any(|answer| answer.status == 422),
            "{kind}: {answers:?}"
        );
    }
}

#[test]
fn a_guest_that_hoards_sockets() {
    let path = "/hostile/?kind=socket";
    let host = start(hostile("hoard_handles"));
    for answer in beside_neighbours(&host, || host.get(path)) {
        assert!(answer.text().starts_with("0 then"), "{answer:?}");
    }
    let granted = hostile("hoard_handles").allowed_outbound_hosts(&["*://127.0.0.1:1"]);
    let host = start(granted);
    for answer in beside_neighbours(&host, || host.get(path)) {
        assert!(answer.text().starts_with("128 then"), "{answer:?}");
    }
}

#[test]
fn a_guest_that_runs_an_endless_query() {
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT count(*) FROM n";
    for guest in ["sqlite_spin_two", "sqlite_spin_three", "sqlite_async"] {
        let host = start(hostile(guest));
        let path = "/hostile/?database=default";
        for answer in beside_neighbours(&host, || host.post(path, endless)) {
            assert!(matches!(answer.status, 422 | 504), "{guest}: {answer:?}");
        }
        assert_eq!(host.post(path, "SELECT 1").status, 200, "{guest}");
    }
}

#[test]
fn a_guest_whose_rows_take_all_memory() {
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200) \
                SELECT randomblob(900000) FROM n";
    for guest in ["sqlite_spin_two", "sqlite_spin_three", "sqlite_async"] {
        let mut host = start(hostile(guest));
        let before = host.peak_memory_kib();
        let answers = beside_neighbours(&host, || host.post("/hostile/?database=default", rows));
        assert!(answers.iter().all(|answer| answer.status != 200), "{guest}");
        let grown = host.peak_memory_kib() - before;
        assert!(grown < 1 << 20, "{guest}: the host grew by {grown} KiB");
        assert!(host.runs());
    }
}

#[test]
fn a_guest_that_fills_its_stack() {
    survives("deep_recursion", "/hostile/", &[500]);
}

#[test]
fn a_guest_whose_start_code_loops() {
    survives("start_loop", "/hostile/", &[500, 504]);
}

#[test]
fn a_guest_that_stalls_its_body() {
    let mut host = start(hostile("stall_body"));
    let stalled = || {
        let mut connection = host.connect();
        connection.send("GET", "/hostile/", &[], b"").unwrap();
        let (status, headers) = connection.head().unwrap();
        assert_eq!(connection.next_chunk().unwrap().unwrap(), b"the first part");
        assert!(
            connection.next_chunk().is_err(),
            "a stalled body must not look whole"
        );
        Answer {
            status,
            headers,
            body: Vec::new(),
            trailers: Vec::new(),
        }
    };
    beside_neighbours(&host, stalled);
    assert!(host.runs());
}

#[test]
fn a_guest_that_answers_with_huge_headers() {
    for path in [
        "/hostile/?count=1000&bytes=1000",
        "/hostile/?count=1&bytes=3000000",
    ] {
        survives("huge_headers", path, &[200, 431, 500, 502]);
    }
}
