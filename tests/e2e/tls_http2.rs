//! TLS and HTTP/2: the same answers by every protocol that the listener speaks.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How many connections the host takes at once.
const PLACES: usize = 16;

/// A host with a certificate of its own for `localhost`.
fn tls_host() -> (Host, CertificateDer<'static>) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let host = App::new([
        Service::new("hello", "hello_two").route("/hello"),
        Service::new("shape", "request_shape").route("/shape"),
        Service::new("echo", "echo_three").route("/echo"),
    ])
    .file("cert.pem", certified.cert.pem())
    .file("key.pem", certified.signing_key.serialize_pem())
    .arguments(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"])
    .setting(format!("connections_max = {PLACES}"))
    .setting("header_read_timeout_ms = 1000")
    .start();
    (host, certified.cert.der().clone())
}

async fn connect(host: &Host, root: CertificateDer<'static>, alpn: &str) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let stream = TcpStream::connect(host.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn get(host: &Host, path: &str) -> Request<Full<Bytes>> {
    let url = format!("https://{}{path}", host.address());
    Request::get(url)
        .header("spin-made-up", "yes")
        .body(Full::default())
        .unwrap()
}

/// The target is the path alone, as every client but a proxy's sends it.
fn get_of_1_1(path: &str) -> Request<Full<Bytes>> {
    let request = Request::get(path).header("host", "localhost");
    request.body(Full::default()).unwrap()
}

#[tokio::test]
async fn http_1_1_over_tls() {
    let (host, root) = tls_host();
    let stream = connect(&host, root, "http/1.1").await;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = get_of_1_1("/shape");
    let shape = text(sender.send_request(request).await.unwrap()).await;
    assert!(
        shape.contains("https://localhost/shape"),
        "spin-full-url in {shape}"
    );
}

#[tokio::test]
async fn http_2_over_tls() {
    let (host, root) = tls_host();
    let stream = connect(&host, root, "h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(get(&host, "/hello")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(text(answer).await, "hello from 0.2\n");
    let shape = text(sender.send_request(get(&host, "/shape")).await.unwrap()).await;
    assert!(!shape.contains("spin-made-up"), "{shape}");
    assert!(
        shape.contains(&host.address().to_string()),
        "the authority is in {shape}"
    );
}

#[tokio::test]
async fn http_2_without_tls() {
    let echo = Service::new("echo", "echo_three").route("/echo");
    let host = App::new([echo, Service::new("hello", "hello_two").route("/hello")]).start();
    let stream = TcpStream::connect(host.address()).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    // Many requests at once on one connection, and bodies larger than a flow-control window.
    let calls: Vec<_> = (0..32)
        .map(|number| {
            let mut sender = sender.clone();
            let body = vec![b'a' + u8::try_from(number % 26).unwrap(); 200_000];
            let url = format!("http://{}/echo", host.address());
            let request = Request::post(url)
                .body(Full::new(Bytes::from(body.clone())))
                .unwrap();
            tokio::spawn(async move {
                let answer = sender.send_request(request).await.unwrap();
                assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), body);
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(
        host.get("/hello").status,
        200,
        "1.1 is spoken on the same port"
    );
}

#[tokio::test]
async fn a_client_that_breaks_the_handshake_does_not_stop_the_listener() {
    let (host, root) = tls_host();
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\xff\xff", b""] {
        let mut broken = host.connect();
        broken.write(bytes).unwrap();
        broken.close();
    }
    // Those that never finish their handshake hold nobody up, though they take every place.
    let _slow: Vec<_> = (0..PLACES).map(|_| host.connect()).collect();
    let stream = connect(&host, root, "http/1.1").await;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = get_of_1_1("/hello");
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
}

#[test]
fn a_certificate_that_cannot_be_read_is_named() {
    let app = App::new([Service::new("hello", "hello_two").route("/")]);
    let refusal = app
        .file("cert.pem", "no certificate")
        .file("key.pem", "no key")
        .arguments(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"])
        .refused();
    assert!(refusal.stderr.contains(".pem"), "{refusal}");
}
