//! Clients that attack: slow, large and ambiguous requests. The host stays up and others are
//! served.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Host, Setting, answers, patient, status};
use crate::manifest::model::ApplicationSettings;

/// A request behind an attack that must never be answered.
const SMUGGLED: &str = "GET /hello HTTP/1.1\r\nHost: smuggled\r\n\r\n";

/// A request that closes its connection, to see whether the host still serves.
const PLAIN: &str = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fn quick() -> ApplicationSettings {
    ApplicationSettings {
        header_read_timeout_ms: 50,
        ..ApplicationSettings::default()
    }
}

#[tokio::test]
async fn silent_and_slow_clients_are_closed() {
    let host = Host::with_limits(quick()).await;
    for beginning in ["", "G", "PRI * HTTP/2.0\r\n", "GET /hello HTTP/1.1\r\nHos"] {
        let answer = host.exchange(beginning).await;
        assert_eq!(answers(&answer), 0, "{beginning:?}: {answer}");
    }
    // A connection that is idle between two requests is closed as well.
    let idle = host
        .exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!((answers(&idle), status(&idle)), (1, 200));
    // So is one of HTTP/2 that asks for nothing.
    let idle = host
        .exchange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await;
    assert_eq!(answers(&idle), 0);
    assert_eq!(status(&host.exchange(PLAIN).await), 200);
}

#[tokio::test]
async fn a_head_over_the_limit_is_431_and_one_at_the_limit_is_not() {
    let header_bytes_max = 1000;
    let limits = ApplicationSettings {
        header_bytes_max,
        ..ApplicationSettings::default()
    };
    let host = Host::with_limits(limits).await;
    let of_size = |bytes: usize| {
        let empty = PLAIN.replace("Host", "X-Pad: \r\nHost");
        empty.replace(
            "X-Pad: ",
            &format!("X-Pad: {}", "p".repeat(bytes - empty.len())),
        )
    };
    assert_eq!(of_size(header_bytes_max).len(), header_bytes_max);
    assert_eq!(status(&host.exchange(of_size(header_bytes_max)).await), 200);
    assert_eq!(
        status(&host.exchange(of_size(header_bytes_max + 1)).await),
        431
    );
    assert_eq!(status(&host.exchange(of_size(300_000)).await), 431);
    let endless = "GET /hello HTTP/1.1\r\nX-Pad: ".to_owned() + &"p".repeat(2000);
    assert_eq!(status(&host.exchange(endless).await), 431);
    let many = PLAIN.replace("Host", &("a: b\r\n".repeat(150) + "Host"));
    assert_eq!(status(&host.exchange(many).await), 431);
}

#[tokio::test]
async fn a_length_and_a_coding_together_are_refused_and_the_connection_ends() {
    let host = Host::start(Setting::default()).await;
    for headers in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "content-length: 4\r\ntransfer-encoding: Chunked",
    ] {
        let attack = format!(
            "POST /script/echo HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n0\r\n\r\n{SMUGGLED}"
        );
        let answer = host.exchange(attack).await;
        assert_eq!(
            (answers(&answer), status(&answer)),
            (1, 400),
            "{headers}: {answer}"
        );
        assert!(answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(status(&host.exchange(PLAIN).await), 200);
}

#[tokio::test]
async fn the_second_request_of_a_connection_is_judged_as_the_first() {
    let host = Host::start(Setting::default()).await;
    let attack = "POST /script/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\
                  Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let chunked = "POST /script/collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                   a\r\n0123456789\r\n0\r\n\r\n";
    let answer = host.exchange([chunked, attack, SMUGGLED].concat()).await;
    assert_eq!(answers(&answer), 2, "{answer}");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("HTTP/1.1 400 Bad Request"), "{answer}");
}

#[tokio::test]
async fn heads_that_servers_read_differently_are_refused() {
    let host = Host::start(Setting::default()).await;
    for (head, code) in [
        // Lengths that differ, or are no number.
        (
            "POST /script/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5",
            400,
        ),
        (
            "POST /script/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 5",
            400,
        ),
        (
            "POST /script/echo HTTP/1.1\r\nHost: a\r\nContent-Length: +4",
            400,
        ),
        (
            "POST /script/echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1",
            400,
        ),
        // Codings that are not exactly `chunked`.
        (
            "POST /script/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked",
            400,
        ),
        (
            "POST /script/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity",
            400,
        ),
        (
            "POST /script/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked",
            501,
        ),
        (
            "POST /script/echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked",
            400,
        ),
        (
            "POST /script/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked",
            400,
        ),
        (
            "POST /script/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked",
            400,
        ),
        // Lines that are folded, or end in something else than CRLF.
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded: 2", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\nX: 1", 400),
        ("GET /hello HTTP/1.1\nHost: a", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\rX: 1", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nX: a\0b", 400),
        // Request lines and targets.
        ("GET /hello HTTP/1.1\r\nX: 1", 400),
        ("GET /hello HTTP/1.1\r\nHost: a\r\nHost: b", 400),
        ("GET http://b/hello HTTP/1.1\r\nHost: a", 400),
        ("GET  /hello HTTP/1.1\r\nHost: a", 400),
        ("GET /hel lo HTTP/1.1\r\nHost: a", 400),
        ("GET /hello HTTP/3.0\r\nHost: a", 400),
        ("GET hello HTTP/1.1\r\nHost: a", 400),
        ("OPTIONS * HTTP/1.1\r\nHost: a", 400),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80", 501),
    ] {
        // The client ends its side, so that an answer after which the connection stays open ends
        // too.
        let mut client = host.connect().await;
        client.send(format!("{head}\r\n\r\n")).await;
        let _ = client.stream.shutdown().await;
        let answer = client.read_to_end().await;
        assert_eq!(
            (answers(&answer), status(&answer)),
            (1, code),
            "{head:?}: {answer}"
        );
    }
    assert_eq!(status(&host.exchange(PLAIN).await), 200);
}

#[tokio::test]
async fn a_target_in_absolute_form_is_served() {
    let host = Host::start(Setting::default()).await;
    let absolute = PLAIN.replace("/hello", "http://a/hello");
    assert_eq!(status(&host.exchange(absolute).await), 200);
    let old = "GET /hello HTTP/1.0\r\n\r\n";
    assert_eq!(status(&host.exchange(old).await), 200);
}

#[tokio::test]
async fn broken_chunks_end_the_body_and_the_connection() {
    let host = Host::start(Setting::default()).await;
    for chunks in [
        "zz\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcX\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
    ] {
        let head = "POST /script/collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = host.exchange([head, chunks, SMUGGLED].concat()).await;
        assert!(answers(&answer) <= 1, "{chunks:?}: {answer}");
        assert_ne!(status(&answer), 200, "{chunks:?}: {answer}");
        let end = host.script.body_end.lock().unwrap().take();
        assert_ne!(end.as_deref(), Some("whole"), "{chunks:?}");
    }
    assert_eq!(status(&host.exchange(PLAIN).await), 200);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let limits = ApplicationSettings {
        body_bytes_max: Some(8),
        ..ApplicationSettings::default()
    };
    let host = Host::with_limits(limits).await;
    let sized = |bytes: usize| {
        format!(
            "POST /script/collect HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
             Content-Length: {bytes}\r\n\r\n{}",
            "x".repeat(bytes)
        )
    };
    assert_eq!(status(&host.exchange(sized(8)).await), 200);
    assert_eq!(status(&host.exchange(sized(9)).await), 413);
    let chunked = "POST /script/collect HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                   Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n";
    assert_eq!(status(&host.exchange(chunked).await), 413);
    let end = host.script.body_end.lock().unwrap().take().unwrap();
    assert!(end.contains("exceeds limit: 8 bytes"), "{end}");
}

#[tokio::test]
async fn a_client_that_still_sends_gets_its_early_answer() {
    let host = Host::start(Setting::default()).await;
    let body = vec![b'x'; 8 << 20];
    let head = format!(
        "POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (mut reader, mut writer) = host.connect().await.stream.into_split();
    let sending = tokio::spawn(async move {
        writer.write_all(head.as_bytes()).await?;
        writer.write_all(&body).await?;
        std::io::Result::Ok(writer)
    });
    let mut answer = String::new();
    patient(reader.read_to_string(&mut answer))
        .await
        .expect("reset");
    assert_eq!(status(&answer), 404);
    patient(sending).await.unwrap().expect("reset");
}

#[tokio::test]
async fn bodies_that_stall_are_cut() {
    let setting = Setting {
        body_idle_timeout_ms: 50,
        ..Setting::default()
    };
    let host = Host::start(setting).await;
    // The client promises more than it sends.
    let stalled = "POST /script/collect HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc";
    let answer = host.exchange(stalled).await;
    assert_eq!(status(&answer), 500, "{answer}");
    let end = host.script.body_end.lock().unwrap().take().unwrap();
    assert!(end.contains("read timeout"), "{end}");
    // The service begins an answer and goes on with nothing.
    let answer = host
        .exchange("GET /script/silent HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(status(&answer), 200);
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_closed() {
    let setting = Setting {
        body_idle_timeout_ms: 50,
        ..Setting::default()
    };
    let mut host = Host::start(setting).await;
    let mut client = host.connect().await;
    client
        .send("GET /script/endless HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    client.read_until("200 OK").await;
    // The answer never ends, so only giving up the client lets the host drain.
    host.shut_down();
    assert_eq!(
        host.drained().await,
        crate::gateway::listener::Drained::Finished
    );
}

#[tokio::test]
async fn an_http2_client_that_opens_no_window_loses_its_stream() {
    let setting = Setting {
        body_idle_timeout_ms: 50,
        ..Setting::default()
    };
    let host = Host::start(setting).await;
    let stream = TcpStream::connect(host.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let get = |path: &str| {
        let uri = format!("http://a{path}");
        Request::get(uri).body(Empty::<Bytes>::new()).unwrap()
    };
    // The body is never read, so its window closes; the stream's end drops the guest's answer.
    let response = patient(sender.send_request(get("/script/endless")))
        .await
        .unwrap();
    patient(host.script.dropped.notified()).await;
    // The connection and its other streams are not touched.
    let other = patient(sender.send_request(get("/hello"))).await.unwrap();
    assert_eq!(other.status(), 200);
    drop(response);
}

#[tokio::test]
async fn an_http2_head_over_the_limit_is_refused() {
    let limits = ApplicationSettings {
        header_bytes_max: 1000,
        ..ApplicationSettings::default()
    };
    let host = Host::with_limits(limits).await;
    let stream = TcpStream::connect(host.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = |pad: usize| {
        let builder = Request::get("http://a/hello").header("x-pad", "p".repeat(pad));
        builder.body(Empty::<Bytes>::new()).unwrap()
    };
    let small = patient(sender.send_request(request(10))).await.unwrap();
    assert_eq!(small.status(), 200);
    let large = patient(sender.send_request(request(2000))).await;
    assert_eq!(large.unwrap().status(), 431);
}
