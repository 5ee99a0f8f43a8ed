//! Places for connections, and the end of a host that still has work.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::support::{Host, Setting, patient, status};
use crate::gateway::listener::Drained;
use crate::manifest::model::ApplicationSettings;

const HOLD: &str = "GET /script/hold HTTP/1.1\r\nHost: a\r\n\r\n";
const PLAIN: &str = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_a_place() {
    let limits = ApplicationSettings {
        connections_max: 1,
        ..ApplicationSettings::default()
    };
    let host = Host::with_limits(limits).await;
    let mut first = host.connect().await;
    first.send(HOLD).await;
    patient(host.script.holding.notified()).await;
    let mut second = host.connect().await;
    second.send(PLAIN).await;
    // The second client is in the kernel's queue: it is served only once the first has left.
    let mut nothing = [0; 1];
    assert!(second.stream.try_read(&mut nothing).is_err());
    host.script.release.notify_one();
    first.read_until("held").await;
    assert!(second.stream.try_read(&mut nothing).is_err());
    drop(first);
    assert_eq!(status(&second.read_to_end().await), 200);
}

#[tokio::test]
async fn draining_finishes_a_running_request_and_takes_no_other() {
    let mut host = Host::start(Setting::default()).await;
    let mut idle = host.connect().await;
    idle.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").await;
    idle.read_until("hello").await;
    let mut silent = host.connect().await;
    let mut busy = host.connect().await;
    busy.send(HOLD).await;
    patient(host.script.holding.notified()).await;

    host.shut_down();
    assert_eq!(idle.read_to_end().await, "");
    assert_eq!(silent.read_to_end().await, "");
    assert!(patient(TcpStream::connect(host.address)).await.is_err());

    host.script.release.notify_one();
    let answer = busy.read_to_end().await;
    assert!(
        answer.ends_with("held") && answer.contains("connection: close"),
        "{answer}"
    );
    assert_eq!(host.drained().await, Drained::Finished);
}

#[tokio::test]
async fn draining_finishes_http2_streams() {
    let mut host = Host::start(Setting::default()).await;
    let stream = TcpStream::connect(host.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("http://a/script/hold")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let answer = tokio::spawn(sender.send_request(request));
    patient(host.script.holding.notified()).await;

    host.shut_down();
    host.script.release.notify_one();
    let response = patient(answer).await.unwrap().unwrap();
    let body = patient(response.into_body().collect())
        .await
        .unwrap()
        .to_bytes();
    assert_eq!(body, "held");
    patient(connection).await.unwrap().unwrap();
    assert_eq!(host.drained().await, Drained::Finished);
}

#[tokio::test]
async fn draining_ends_when_its_time_is_over() {
    let setting = Setting {
        drain_timeout: Duration::from_millis(1),
        ..Setting::default()
    };
    let mut host = Host::start(setting).await;
    let mut busy = host.connect().await;
    busy.send(HOLD).await;
    patient(host.script.holding.notified()).await;
    host.shut_down();
    assert_eq!(busy.read_to_end().await, "");
    assert_eq!(host.drained().await, Drained::Cut(1));
}
