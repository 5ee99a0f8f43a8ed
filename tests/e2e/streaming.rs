//! Bodies that stream both ways: as they come, with trailers, and larger than the memory that they
//! may use.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::Connection;

const MIB: usize = 1 << 20;

/// What the host may grow by while a body of any size passes through.
const FLAT_KIB: u64 = 100 * 1024;

const CHUNKED: [(&str, &str); 1] = [("transfer-encoding", "chunked")];

/// A service whose limits do not end a transfer that takes long on a busy machine.
fn patient(id: &str, guest: &str) -> Service {
    Service::new(id, guest)
        .route(&format!("/{id}"))
        .setting("cpu_ms_max = 600000")
        .setting("timeout_ms = 600000")
}

fn start(connection: &mut Connection, path: &str, fields: &[(&str, &str)]) {
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: test\r\n");
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    connection.write(head + "\r\n").unwrap();
}

/// Sends `mebibytes` through an echo and counts what comes back.
fn passes_through(host: &Host, path: &str, mebibytes: usize) {
    let _warm = host.post(path, "x");
    let before = host.peak_memory_kib();
    let mut connection = host.connect();
    start(&mut connection, path, &CHUNKED);
    let mut writer = connection.writer();
    let sender = std::thread::spawn(move || {
        let block = vec![b'z'; MIB];
        for _ in 0..mebibytes {
            writer.chunk(&block).unwrap();
        }
        writer.chunk(b"").unwrap();
    });
    assert_eq!(connection.head().unwrap().0, 200);
    let mut bytes = 0;
    while let Some(chunk) = connection.next_chunk().unwrap() {
        assert!(chunk.iter().all(|&byte| byte == b'z'));
        bytes += chunk.len();
    }
    sender.join().unwrap();
    assert_eq!(bytes, mebibytes * MIB, "{path}");
    let grown = host.peak_memory_kib() - before;
    assert!(grown < FLAT_KIB, "{path}: the host grew by {grown} KiB");
}

#[test]
fn one_gibibyte_passes_through_a_0_2_guest_in_flat_memory() {
    let host = App::new([patient("two", "echo_two")]).start();
    passes_through(&host, "/two", 1024);
}

#[test]
fn one_gibibyte_passes_through_a_0_3_guest_in_flat_memory() {
    let host = App::new([patient("three", "echo_three")]).start();
    passes_through(&host, "/three", 1024);
}

#[test]
fn a_0_3_guest_that_copies_its_body_stays_in_flat_memory() {
    let host = App::new([patient("three", "echo_three")]).start();
    passes_through(&host, "/three?copy", 256);
}

#[test]
fn large_bodies_go_out_and_come_in_by_both_versions() {
    let sources = [
        patient("source2", "source_two"),
        patient("source3", "source_three"),
    ];
    let sinks = [patient("sink2", "sink_two"), patient("sink3", "sink_three")];
    let host = App::new(sources.into_iter().chain(sinks)).start();
    for version in ["2", "3"] {
        let odd = 33 * MIB + 17;
        let answer = host.get(&format!("/source{version}?bytes={odd}"));
        assert_eq!((answer.status, answer.body.len()), (200, odd));
        assert!(answer.body.iter().all(|&byte| byte == b'k'));
        let counted = host.post(&format!("/sink{version}"), vec![0; odd]);
        assert_eq!(counted.expect(200), odd.to_string());
        assert_eq!(host.post(&format!("/sink{version}"), "").expect(200), "0");
        assert_eq!(
            host.get(&format!("/source{version}?bytes=0")).expect(200),
            ""
        );
    }
}

#[test]
fn a_client_that_does_not_read_holds_the_guest_back() {
    for (guest, path) in [("source_two", "/source"), ("source_three", "/source")] {
        let host = App::new([patient("source", guest)]).start();
        let _warm = host.get("/source?bytes=1");
        let before = host.peak_memory_kib();
        let mut idle = host.connect();
        idle.send("GET", &format!("{path}?bytes={}", 1 << 30), &[], b"")
            .unwrap();
        assert_eq!(idle.head().unwrap().0, 200);
        // Others are served while it waits, and what it has not read stands nowhere.
        for _ in 0..50 {
            assert_eq!(host.get("/source?bytes=1000").body.len(), 1000);
        }
        let grown = host.peak_memory_kib() - before;
        assert!(grown < FLAT_KIB, "{guest}: the host grew by {grown} KiB");
    }
}

#[test]
fn the_answer_begins_before_the_request_has_ended() {
    let host = App::new([patient("two", "echo_two"), patient("three", "echo_three")]).start();
    for path in ["/two", "/three", "/three?copy"] {
        let mut connection = host.connect();
        start(&mut connection, path, &CHUNKED);
        connection.chunk(b"first").unwrap();
        assert_eq!(connection.head().unwrap().0, 200);
        assert_eq!(
            connection.next_chunk().unwrap().unwrap(),
            b"first",
            "{path}"
        );
        connection.chunk(b"second").unwrap();
        assert_eq!(
            connection.next_chunk().unwrap().unwrap(),
            b"second",
            "{path}"
        );
        connection.chunk(b"").unwrap();
        assert_eq!(connection.next_chunk().unwrap(), None, "{path}");
    }
}

#[test]
fn trailers_pass_through_both_versions() {
    let host = App::new([patient("two", "echo_two"), patient("three", "echo_three")]).start();
    for path in ["/two", "/three", "/three?copy"] {
        let mut connection = host.connect();
        let fields = [CHUNKED[0], ("te", "trailers"), ("trailer", "x-sum")];
        start(&mut connection, path, &fields);
        connection.chunk(b"body").unwrap();
        connection.write("0\r\nx-sum: 42\r\n\r\n").unwrap();
        let answer = connection.answer("POST").unwrap();
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "body"),
            "{path}"
        );
        assert_eq!(
            answer.trailers,
            [("x-sum".to_owned(), "42".to_owned())],
            "{path}"
        );
    }
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let host = App::new([patient("sink", "sink_two")]).start();
    let mut connection = host.connect();
    start(
        &mut connection,
        "/sink",
        &[("content-length", "3"), ("expect", "100-continue")],
    );
    // `head` would pass over the interim answer, which has no fields.
    let mut interim = connection.writer();
    interim.write("abc").unwrap();
    assert_eq!(connection.answer("POST").unwrap().expect(200), "3");
}

#[test]
fn a_client_that_leaves_in_the_middle_harms_nobody() {
    let services = [
        patient("two", "echo_two"),
        patient("source", "source_three"),
    ];
    let mut host = App::new(services).start();
    for _ in 0..20 {
        let mut sending = host.connect();
        start(&mut sending, "/two", &CHUNKED);
        sending.chunk(b"some").unwrap();
        sending.close();
        let mut reading = host.connect();
        reading
            .send("GET", "/source?bytes=100000000", &[], b"")
            .unwrap();
        assert_eq!(reading.head().unwrap().0, 200);
        reading.close();
    }
    assert_eq!(host.post("/two", "still here").expect(200), "still here");
    assert!(host.runs());
}
