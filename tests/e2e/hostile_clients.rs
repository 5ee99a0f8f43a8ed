//! Clients that send what no honest client sends: heads that never end, heads of megabytes, and
//! requests that two servers would read differently.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;

fn host() -> Host {
    let sink = Service::new("sink", "sink_two").route("/sink");
    let hello = Service::new("hello", "hello_two").route("/...");
    App::new([sink, hello])
        .setting("header_read_timeout_ms = 300")
        .start()
}

/// Sends bytes and reads until the host closes the connection, or until its first answer when it
/// keeps it open.
fn exchange(host: &Host, bytes: impl AsRef<[u8]>) -> String {
    let mut connection = host.connect();
    let _closed_early = connection.write(bytes);
    String::from_utf8_lossy(&connection.rest().unwrap()).into_owned()
}

fn answers(text: &str) -> usize {
    text.matches("HTTP/1.1 ").count()
}

/// A request with this framing whose body holds a second request: one answer of 400, and the second
/// is never run.
fn refused_whole(framing: &str, body: &str) {
    let host = host();
    let text = exchange(
        &host,
        format!("POST /sink HTTP/1.1\r\nhost: a\r\n{framing}\r\n{body}"),
    );
    assert!(text.starts_with("HTTP/1.1 400"), "{framing:?}: {text}");
    assert_eq!(answers(&text), 1, "{framing:?}: {text}");
    assert_eq!(host.get("/").status, 200);
}

const SMUGGLED: &str = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";

#[test]
fn a_length_beside_a_coding_is_refused() {
    let length = SMUGGLED.len();
    refused_whole(
        &format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        SMUGGLED,
    );
    refused_whole(
        &format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
        SMUGGLED,
    );
    refused_whole(
        "Transfer-Encoding: chunked\r\ncontent-length: 4\r\n",
        SMUGGLED,
    );
}

#[test]
fn two_lengths_are_refused() {
    refused_whole("content-length: 5\r\ncontent-length: 6\r\n", "hello!");
    refused_whole("content-length: 5, 6\r\n", "hello!");
}

#[test]
fn lengths_that_are_no_numbers_are_refused() {
    for length in ["+5", "-1", "0x5", "5 5", "", "99999999999999999999999999"] {
        refused_whole(&format!("content-length: {length}\r\n"), "hello");
    }
}

#[test]
fn codings_that_servers_read_differently_are_refused() {
    let codings = [
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
        " transfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding:\u{b}chunked\r\n",
    ];
    for coding in codings {
        let host = host();
        let request = format!("POST /sink HTTP/1.1\r\nhost: a\r\n{coding}\r\n{SMUGGLED}");
        let text = exchange(&host, request);
        assert_eq!(answers(&text), 1, "{coding:?}: {text}");
        let status = text.get(9..12).unwrap_or_default();
        assert!(matches!(status, "400" | "501"), "{coding:?}: {text}");
    }
}

#[test]
fn chunks_of_a_malformed_size_end_the_request() {
    for size in ["zz", "-1", "5 x", "ffffffffffffffffff", "0x5"] {
        let host = host();
        let head = "POST /sink HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let text = exchange(&host, format!("{head}{size}\r\nhello\r\n{SMUGGLED}"));
        assert!(answers(&text) <= 1, "{size}: {text}");
        assert!(
            !text.contains("hello from"),
            "{size}: the smuggled request ran: {text}"
        );
        assert_eq!(host.get("/").status, 200);
    }
}

#[test]
fn malformed_heads_are_refused() {
    let heads = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET / HTTP/9.9\r\nhost: a\r\n\r\n",
        "GET /\r\n\r\n",
        "GET  /two-spaces HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nbad header: x\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nx: \0\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
        "nonsense\r\n\r\n",
    ];
    for head in heads {
        let host = host();
        let text = exchange(&host, head);
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 4"),
            "{head:?}: {text}"
        );
        assert!(answers(&text) <= 1, "{head:?}: {text}");
        assert_eq!(host.get("/").status, 200);
    }
}

#[test]
fn a_head_that_never_ends_is_given_up() {
    let host = host();
    let mut slow: Vec<_> = (0..50).map(|_| host.connect()).collect();
    for connection in &mut slow {
        connection
            .write("GET / HTTP/1.1\r\nhost: a\r\nx-slow: ")
            .unwrap();
    }
    assert_eq!(host.get("/").status, 200, "others are served meanwhile");
    for mut connection in slow {
        let text = String::from_utf8(connection.rest().unwrap()).unwrap();
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 408"),
            "{text}"
        );
    }
}

#[test]
fn a_client_that_sends_nothing_is_given_up() {
    let host = host();
    let mut silent = host.connect();
    silent.rest().unwrap();
    assert_eq!(host.get("/").status, 200);
}

#[test]
fn huge_heads_are_refused() {
    let host = host();
    let long_header = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "h".repeat(4 << 20)
    );
    let many: String = (0..20_000)
        .map(|number| format!("x-{number}: y\r\n"))
        .collect();
    let many_headers = format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n");
    let long_path = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "p".repeat(4 << 20));
    let before = host.peak_memory_kib();
    for head in [long_header, many_headers, long_path] {
        let text = exchange(&host, &head);
        let status = text.get(9..12).unwrap_or("none");
        assert!(
            matches!(status, "431" | "414" | "none"),
            "{}",
            text.get(..200).unwrap_or(&text)
        );
        assert_eq!(host.get("/").status, 200);
    }
    assert!(host.peak_memory_kib() - before < 100 * 1024);
}

#[test]
fn paths_are_judged_as_the_guest_sees_them() {
    let shape = Service::new("shape", "request_shape").route("/api/...");
    let host = App::new([shape]).start();
    for path in [
        "/api/../api/x",
        "/api/%2e%2e/x",
        "/api//x",
        "/api/x%00y",
        "/api/%zz",
    ] {
        let answer = host.get(path);
        assert!(
            matches!(answer.status, 200 | 400 | 404),
            "{path}: {answer:?}"
        );
        if answer.status == 200 {
            assert_eq!(answer.json()["path_with_query"], path);
        }
    }
    assert_eq!(
        host.get("/other/../api/x").status,
        404,
        "the host does not resolve dots"
    );
}

#[test]
fn a_request_in_absolute_form_is_routed_by_its_path() {
    let host = host();
    let request = "GET http://shop.example/somewhere HTTP/1.1\r\nhost: shop.example\r\n\
                   connection: close\r\n\r\n";
    let text = exchange(&host, request);
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}

#[test]
fn connections_that_are_opened_and_dropped_cost_nothing() {
    let mut host = host();
    for _ in 0..500 {
        drop(host.connect());
    }
    assert_eq!(host.get("/").status, 200);
    assert!(host.runs());
}
