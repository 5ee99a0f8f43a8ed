//! Ordinary requests: routes, bodies, protocols, answers.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::support::{Host, Setting, answers, patient, status};
use crate::gateway::tls;
use crate::telemetry::trace_context::TraceContext;

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn static_responses_are_sent_as_written_with_nothing_added() {
    let host = Host::start(Setting::default()).await;
    let answer = host.exchange(get("/hello")).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!((status(&answer), body), (200, "hello"));
    let mut names: Vec<&str> = head
        .lines()
        .skip(1)
        .map(|line| line.split(':').next().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["connection", "content-length", "date", "x-kind"]);
    let answer = host.exchange(get("/hello").replace("GET", "HEAD")).await;
    assert!(
        answer.contains("content-length: 5") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn the_reserved_paths_are_answered_by_the_host() {
    let host = Host::start(Setting::default()).await;
    assert!(
        host.exchange(get("/.well-known/spin/health"))
            .await
            .ends_with("\r\n\r\nOK")
    );
    let info = host.exchange(get("/.well-known/spin/info")).await;
    let info: serde_json::Value =
        serde_json::from_str(info.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(
        info,
        serde_json::json!({"name": "shop", "version": "1.2.3"})
    );
    assert_eq!(
        status(&host.exchange(get("/.well-known/spin/other")).await),
        404
    );
}

#[tokio::test]
async fn failures_are_problems_without_internals() {
    let host = Host::start(Setting::default()).await;
    for (path, code) in [
        ("/nothing", 404),
        ("/gone", 503),
        ("/script/trap", 500),
        ("/script/continue", 502),
    ] {
        let answer = host.exchange(get(path)).await;
        assert_eq!(status(&answer), code, "{path}");
        assert!(
            answer.contains("content-type: application/problem+json"),
            "{answer}"
        );
        assert!(answer.contains("x-request-id: "), "{answer}");
        assert!(!answer.contains("secret"), "{answer}");
    }
    assert!(host.exchange(get("/gone")).await.contains("retry-after: 1"));
}

#[tokio::test]
async fn requests_follow_each_other_on_a_connection() {
    let host = Host::start(Setting::default()).await;
    let first = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
    let chunked = "POST /script/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n";
    let sized = "POST /script/collect HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz";
    let all = [first, chunked, sized, &get("/hello")].concat();
    let answer = host.exchange(all).await;
    assert_eq!(answers(&answer), 4, "{answer}");
    assert!(answer.contains("\r\n\r\nxyz"), "{answer}");
}

#[tokio::test]
async fn a_client_cannot_forge_what_the_host_tells_a_guest() {
    let host = Host::start(Setting::default()).await;
    let request = "POST /script/echo?q=1 HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\
                   spin-client-addr: 6.6.6.6:6\r\nSPIN-Secret: x\r\nspin_full_url: y\r\n\r\n";
    assert_eq!(status(&host.exchange(request).await), 200);
    let headers = host.script.headers.lock().unwrap().clone();
    let all: Vec<_> = headers.get_all("spin-client-addr").iter().collect();
    assert_eq!(all.len(), 1);
    assert!(all[0].to_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(
        headers["spin-full-url"],
        "http://example.com/script/echo?q=1"
    );
    assert_eq!(headers["spin-path-match-action"], "echo");
    assert!(!headers.contains_key("spin-secret") && !headers.contains_key("spin_full_url"));
}

#[tokio::test]
async fn the_clients_trace_is_continued() {
    let host = Host::start(Setting::default()).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = get("/script/identity").replace(
        "Connection",
        &format!("traceparent: {parent}\r\nConnection"),
    );
    let answer = host.exchange(request).await;
    let (id, trace) = answer
        .split_once("\r\n\r\n")
        .unwrap()
        .1
        .split_once(' ')
        .unwrap();
    assert_eq!(id.len(), 32);
    assert!(
        trace.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
        "{trace}"
    );
    assert_ne!(trace, parent);
    let answer = host
        .exchange(get("/script/identity").replace("GET", "PUT"))
        .await;
    let trace = answer.rsplit(' ').next().unwrap();
    assert!(trace.parse::<TraceContext>().is_ok(), "{trace}");
}

#[tokio::test]
async fn http2_without_tls_is_spoken_by_prior_knowledge() {
    let host = Host::start(Setting::default()).await;
    let stream = TcpStream::connect(host.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::post("http://example.com/script/echo?x=y")
        .body(Full::new(Bytes::from_static(b"over h2")))
        .unwrap();
    let response = patient(sender.send_request(request)).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (200, Version::HTTP_2)
    );
    let body = patient(response.into_body().collect())
        .await
        .unwrap()
        .to_bytes();
    assert_eq!(body, "over h2");
    let headers = host.script.headers.lock().unwrap().clone();
    assert_eq!(
        headers["spin-full-url"],
        "http://example.com/script/echo?x=y"
    );
    let request = Request::get("http://a.spin.internal/hello")
        .body(Full::default())
        .unwrap();
    let response = patient(sender.send_request(request)).await.unwrap();
    assert_eq!(response.status(), 400);
}

/// A gateway with a certificate for `localhost`, and the root to check it by.
async fn tls_host() -> (Host, RootCertStore) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = (
        directory.path().join("c.pem"),
        directory.path().join("k.pem"),
    );
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    let tls = Some(tls::load(&certificate, &key).unwrap());
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    (
        Host::start(Setting {
            tls,
            ..Setting::default()
        })
        .await,
        roots,
    )
}

async fn tls_connect(host: &Host, roots: &RootCertStore, alpn: &[u8]) -> TlsStream<TcpStream> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(host.address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    patient(TlsConnector::from(Arc::new(config)).connect(name, stream))
        .await
        .unwrap()
}

#[tokio::test]
async fn tls_speaks_the_protocol_that_alpn_chose() {
    let (host, roots) = tls_host().await;
    let mut stream = tls_connect(&host, &roots, b"http/1.1").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    stream
        .write_all(get("/script/echo").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    patient(stream.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(status(&answer), 200);
    assert_eq!(
        host.script.headers.lock().unwrap()["spin-full-url"],
        "https://a/script/echo"
    );

    let stream = tls_connect(&host, &roots, b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://localhost/hello")
        .body(Full::<Bytes>::default())
        .unwrap();
    let response = patient(sender.send_request(request)).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (200, Version::HTTP_2)
    );
}

#[tokio::test]
async fn a_client_without_tls_does_not_disturb_the_others() {
    let (host, roots) = tls_host().await;
    let mut silent = host.connect().await;
    let garbage = host.exchange(get("/hello")).await;
    assert_eq!(answers(&garbage), 0, "{garbage}");
    let mut stream = tls_connect(&host, &roots, b"http/1.1").await;
    stream.write_all(get("/hello").as_bytes()).await.unwrap();
    let mut answer = String::new();
    patient(stream.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(status(&answer), 200);
    silent.send("x").await;
}
