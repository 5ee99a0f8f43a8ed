//! Clients that take every place for a connection and do nothing more with it: each loses it at a
//! timeout, so that others are answered.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::Connection;

const PLACES: usize = 8;

fn host() -> Host {
    let service = |id: &str, guest| {
        let service = Service::new(id, guest).route(&format!("/{id}"));
        service.setting("body_idle_timeout_ms = 300")
    };
    App::new([
        service("hello", "hello_two"),
        service("source-two", "source_two"),
        service("source-three", "source_three"),
        service("sink-two", "sink_two"),
        service("sink-three", "sink_three"),
    ])
    .setting(format!("connections_max = {PLACES}"))
    .setting("header_read_timeout_ms = 300")
    .start()
}

/// Takes every place by `idle`, with as many silent clients waiting behind, and asks as one more.
fn crowd(idle: impl Fn(&mut Connection)) {
    let host = host();
    let mut connections: Vec<_> = (0..PLACES).map(|_| host.connect()).collect();
    connections.iter_mut().for_each(idle);
    let waiting: Vec<_> = (0..PLACES).map(|_| host.connect()).collect();
    assert_eq!(host.get("/hello").status, 200);
    for mut connection in waiting {
        connection.rest().unwrap();
    }
    drop(connections);
    assert_eq!(host.get("/hello").status, 200);
}

fn ask(connection: &mut Connection) {
    connection.send("GET", "/hello", &[], b"").unwrap();
    assert_eq!(connection.answer("GET").unwrap().status, 200);
}

#[test]
fn clients_that_say_nothing() {
    crowd(|_| {});
}

#[test]
fn clients_that_ask_once() {
    crowd(ask);
}

#[test]
fn clients_that_never_end_a_head() {
    crowd(|connection| {
        connection.write("GET /hello HTTP/1.1\r\nx-slow: ").unwrap();
    });
    crowd(|connection| {
        ask(connection);
        connection.write("GET /hello HTTP/1.1\r\n").unwrap();
    });
}

#[test]
fn clients_that_never_end_a_body() {
    for service in ["sink-two", "sink-three", "hello"] {
        for framing in [
            "content-length: 10\r\n\r\nabc",
            "transfer-encoding: chunked\r\n\r\na\r\nabc",
        ] {
            crowd(|connection| {
                let head = format!("POST /{service} HTTP/1.1\r\nhost: a\r\n{framing}");
                connection.write(head).unwrap();
            });
        }
    }
}

#[test]
fn clients_that_never_read() {
    for service in ["source-two", "source-three"] {
        crowd(|connection| {
            let path = format!("/{service}?bytes={}", 1 << 30);
            connection.send("GET", &path, &[], b"").unwrap();
        });
    }
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// The beginning of a connection of HTTP/2, with a window for bodies of this many bytes.
fn preface(window: u8) -> Vec<u8> {
    let settings = frame(4, 0, 0, &[0, 4, 0, 0, 0, window]);
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat()
}

/// The head of a request, which may go on with a body. Header fields are literals without a table.
fn head(method: &str, path: &str, flags: u8) -> Vec<u8> {
    let fields = [
        (":method", method),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", path),
    ];
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.bytes());
        }
    }
    frame(1, flags, 1, &block)
}

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

#[test]
fn clients_of_http_2_that_ask_nothing() {
    crowd(|connection| connection.write("PRI * HTTP/2.0\r\n\r\n").unwrap());
    crowd(|connection| connection.write(preface(255)).unwrap());
    crowd(|connection| {
        let head = head("GET", "/hello", END_STREAM | END_HEADERS);
        connection.write([preface(255), head].concat()).unwrap();
    });
}

#[test]
fn clients_of_http_2_that_never_end_a_head_or_body() {
    crowd(|connection| {
        let head = head("GET", "/hello", END_STREAM);
        connection.write([preface(255), head].concat()).unwrap();
    });
    for path in ["/sink-two", "/sink-three", "/hello"] {
        crowd(|connection| {
            let head = head("POST", path, END_HEADERS);
            connection.write([preface(255), head].concat()).unwrap();
        });
    }
}

#[test]
fn clients_of_http_2_that_never_take_a_body() {
    let large = format!("?bytes={}", 1 << 30);
    let paths = [
        "/hello".to_owned(),
        format!("/source-two{large}"),
        format!("/source-three{large}"),
    ];
    for path in paths {
        crowd(|connection| {
            let head = head("GET", &path, END_STREAM | END_HEADERS);
            connection.write([preface(0), head].concat()).unwrap();
        });
    }
}
