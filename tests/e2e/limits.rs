//! Limits: what each answers, with a request id and no internals, and what they leave alone.

use kumiki_tests::app::{App, Service};
use kumiki_tests::http::Answer;
use kumiki_tests::wait;

/// An error answer of the host: a problem with the request's id and nothing of the insides.
fn problem(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{answer:?}"
    );
    let text = answer.text();
    for inside in [
        "wasm",
        "backtrace",
        "internal detail",
        "panicked",
        ".rs",
        "/root",
        "/tmp",
    ] {
        assert!(
            !text.contains(inside),
            "`{inside}` of the insides in {text}"
        );
    }
    let id = answer.json()["request_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(!id.is_empty(), "{text}");
    id
}

fn alone(guest: &str, setting: &str) -> App {
    let service = Service::new("service", guest)
        .route("/...")
        .key_value_stores(&["default"]);
    App::new([service.setting(setting)])
}

#[test]
fn a_handler_that_waits_too_long_is_504() {
    let host = alone("wait_forever", "timeout_ms = 200").start();
    let id = problem(&host.get("/"), 504);
    host.wait_for_output(&id);
    let three = alone("misbehave_three", "timeout_ms = 200").start();
    problem(&three.get("/never"), 504);
}

#[test]
fn a_handler_that_computes_without_end_is_504() {
    for (guest, path) in [("loop_forever", "/"), ("misbehave_three", "/loop")] {
        let by_time = alone(guest, "timeout_ms = 200").start();
        problem(&by_time.get(path), 504);
        let by_cpu = alone(guest, "cpu_ms_max = 200\ntimeout_ms = 600000").start();
        let id = problem(&by_cpu.get(path), 504);
        by_cpu.wait_for_output(&id);
        assert!(by_cpu.output().contains("200 ms"), "{}", by_cpu.output());
    }
}

#[test]
fn cpu_is_bounded_after_the_head_too() {
    let source = Service::new("source", "source_two")
        .route("/...")
        .setting("cpu_ms_max = 100");
    let host = App::new([source]).start();
    let mut connection = host.connect();
    connection
        .send("GET", "/?bytes=4000000000", &[], b"")
        .unwrap();
    assert_eq!(connection.head().unwrap().0, 200);
    let mut bytes = 0u64;
    while let Ok(Some(chunk)) = connection.next_chunk() {
        bytes += chunk.len() as u64;
    }
    assert!(bytes < 4_000_000_000, "the body ended by itself");
}

#[test]
fn a_trap_is_500_and_its_backtrace_is_in_the_log() {
    for (guest, path) in [("trap", "/"), ("misbehave_three", "/trap")] {
        let host = alone(guest, "").start();
        let id = problem(&host.get(path), 500);
        host.wait_for_output(&id);
        host.wait_for_output("wasm backtrace");
        host.wait_for_output("internal detail of the guest");
        assert_eq!(
            host.get(path).status,
            500,
            "the next request is answered too"
        );
    }
}

#[test]
fn a_trap_within_the_body_cuts_the_body_off() {
    let host = alone("trap", "").start();
    let mut connection = host.connect();
    connection.send("GET", "/?late", &[], b"").unwrap();
    let (status, _) = connection.head().unwrap();
    assert_eq!(status, 200);
    let whole = loop {
        match connection.next_chunk() {
            Ok(Some(chunk)) => assert!(chunk.iter().all(|&byte| byte == b't')),
            end => break end.is_ok(),
        }
    };
    assert!(!whole, "a broken body must not look whole");
    host.wait_for_output("internal detail of the guest");
}

#[test]
fn a_missing_answer_is_502() {
    problem(&alone("no_response", "").start().get("/"), 502);
    problem(&alone("misbehave_three", "").start().get("/error"), 502);
}

#[test]
fn memory_is_bounded_per_instance() {
    let host = alone("take_memory", "memory_max_mib = 16").start();
    let got: u64 = host.get("/").expect(200).parse().unwrap();
    assert!((4..=16).contains(&got), "{got} MiB of 16");
    problem(&host.get("/?insist"), 500);
    let larger = alone("take_memory", "memory_max_mib = 64").start();
    let got: u64 = larger.get("/").expect(200).parse().unwrap();
    assert!((32..=64).contains(&got), "{got} MiB of 64");
}

#[test]
fn a_full_stack_is_a_trap() {
    let mut host = alone("deep_recursion", "").start();
    problem(&host.get("/"), 500);
    assert!(host.runs());
}

#[test]
fn start_code_that_loops_is_ended() {
    let hello = Service::new("hello", "hello_two").route("/hello");
    let start = Service::new("start", "start_loop").route("/start");
    let start = start
        .setting("timeout_ms = 300")
        .setting("cpu_ms_max = 300");
    let host = App::new([start, hello]).start();
    let answer = host.get("/start");
    assert!(matches!(answer.status, 500 | 504), "{answer:?}");
    assert_eq!(host.get("/hello").status, 200);
}

#[test]
fn a_body_that_stalls_is_cut_off() {
    for (guest, path) in [("stall_body", "/"), ("misbehave_three", "/stall")] {
        let host = alone(guest, "body_idle_timeout_ms = 200").start();
        let mut connection = host.connect();
        connection.send("GET", path, &[], b"").unwrap();
        assert_eq!(connection.head().unwrap().0, 200);
        assert_eq!(
            connection.next_chunk().unwrap().unwrap(),
            b"the first part",
            "{guest}"
        );
        let end = connection.next_chunk();
        assert!(
            end.is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock),
            "{guest}"
        );
    }
}

#[test]
fn a_client_that_stalls_its_body_is_given_up() {
    for guest in ["sink_two", "sink_three"] {
        let host = alone(guest, "body_idle_timeout_ms = 200").start();
        let mut connection = host.connect();
        connection
            .write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc")
            .unwrap();
        let answered = connection.answer("POST").map(|answer| answer.status);
        assert!(
            answered.as_ref().map_or(true, |status| *status >= 400),
            "{guest}: {answered:?}"
        );
    }
}

#[test]
fn more_calls_than_instances_wait_and_then_get_503() {
    let slow = Service::new("slow", "stall_body").route("/");
    let slow = slow.setting("instances_max = 1");
    let host = App::new([slow.setting("timeout_ms = 500")]).start();
    let mut first = host.connect();
    first.send("GET", "/", &[], b"").unwrap();
    // From its head on the first call holds the only instance, until its body is given up.
    assert_eq!(first.head().unwrap().0, 200);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| host.get("/"))).collect();
        for call in waiting {
            let answer = call.join().unwrap();
            problem(&answer, 503);
            assert!(answer.header("retry-after").is_some(), "{answer:?}");
        }
    });
}

#[test]
fn a_client_that_leaves_does_not_end_a_handler_that_has_begun() {
    let service = Service::new("lasting", "outlive_client").route("/lasting");
    let store = Service::new("store", "key_value_spin_two").route("/store");
    let services = [service, store].map(|service| service.key_value_stores(&["default"]));
    let host = App::new(services).start();
    let noted = |key: &str| {
        let text = host
            .get(&format!("/store?op=get&store=default&key={key}"))
            .text();
        (text == "yes").then_some(())
    };
    let mut connection = host.connect();
    connection.send("GET", "/lasting?ms=300", &[], b"").unwrap();
    wait::until("the handler to begin", || noted("begun"));
    connection.close();
    wait::until("the handler to end by itself", || noted("ended"));
}

#[test]
fn instances_are_used_again_by_spins_rules() {
    let two = Service::new("two", "count_two").route("/two");
    let three = Service::new("three", "count_three").route("/three");
    let once = Service::new("once", "count_three").route("/once");
    let host = App::new([two, three, once.setting("reuse_max = 1")]).start();
    for number in 1..=5 {
        assert_eq!(host.get("/two").expect(200), "1");
        assert_eq!(host.get("/three").expect(200), number.to_string());
        assert_eq!(host.get("/once").expect(200), "1");
    }
}

#[test]
fn large_heads_and_bodies_are_refused() {
    let sink = Service::new("sink", "sink_two").route("/...");
    let app = App::new([sink])
        .setting("header_bytes_max = 16384")
        .setting("body_bytes_max = 1000");
    let host = app.start();
    let long = "h".repeat(20_000);
    assert_eq!(
        host.request("GET", "/", &[("x-long", &long)], "").status,
        431
    );
    assert_eq!(host.post("/", vec![0; 1000]).expect(200), "1000");
    problem(&host.post("/", vec![0; 1001]), 413);
    let mut connection = host.connect();
    connection
        .write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .unwrap();
    for _ in 0..11 {
        if connection.chunk(&[0; 100]).is_err() {
            break;
        }
    }
    let _closed = connection.chunk(b"");
    let answered = connection.answer("POST").map(|answer| answer.status);
    assert!(
        answered.as_ref().map_or(true, |status| *status != 200),
        "{answered:?}"
    );
}

#[test]
fn more_connections_than_allowed_wait_their_turn() {
    let hello = Service::new("hello", "hello_two").route("/...");
    let host = App::new([hello]).setting("connections_max = 2").start();
    let mut open: Vec<_> = (0..2).map(|_| host.connect()).collect();
    for connection in &mut open {
        connection.send("GET", "/", &[], b"").unwrap();
        assert_eq!(connection.answer("GET").unwrap().status, 200);
    }
    let mut third = host.connect();
    third.send("GET", "/", &[], b"").unwrap();
    let waiting = std::thread::spawn(move || third.answer("GET").unwrap().status);
    // The first two still work while the third waits; when one leaves, the third has its turn.
    let mut first = open.remove(0);
    first.send("GET", "/", &[], b"").unwrap();
    assert_eq!(first.answer("GET").unwrap().status, 200);
    first.close();
    assert_eq!(waiting.join().unwrap(), 200);
}
