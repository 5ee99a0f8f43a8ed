//! The hook against real servers on loopback: what is permitted, what travels, what fails how.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::{prop_assert_eq, proptest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::{Client, ClientSettings, Config, Context, SelfAddress, port_of};
use crate::capabilities::invocation::{Chain, ChainError, ChainResult, Invocation};
use crate::network::allowed_hosts::AllowedHosts;
use crate::network::guard::Guard;
use crate::telemetry::trace_context::TraceContext;

struct Service {
    allowed: Vec<String>,
    guard: Guard,
    settings: ClientSettings,
    chain: Option<Arc<dyn Chain>>,
    listener: Option<SelfAddress>,
}

fn service(allowed: &[&str]) -> Service {
    Service {
        allowed: allowed.iter().map(|entry| entry.to_string()).collect(),
        guard: Guard::default(),
        settings: ClientSettings::default(),
        chain: None,
        listener: None,
    }
}

impl Service {
    fn context(self) -> Context {
        let chain = OnceLock::new();
        let self_address = OnceLock::new();
        if let Some(value) = self.chain {
            let _ = chain.set(value);
        }
        if let Some(value) = self.listener {
            self_address.set(value).unwrap();
        }
        Context::new(
            Arc::new(Config {
                allowed_hosts: Arc::new(AllowedHosts::parse(&self.allowed).unwrap()),
                guard: Arc::new(self.guard),
                chain: Arc::new(chain),
                self_address: Arc::new(self_address),
                client: Client::new(&self.settings).unwrap(),
            }),
            false,
        )
    }
}

fn invocation(deadline: Duration) -> Arc<Invocation> {
    let deadline = Instant::now() + deadline;
    Invocation::root("r-1".into(), TraceContext::start(), "shop".into(), deadline)
}

fn get(uri: String) -> Request<WasiBody> {
    Request::get(uri).body(empty()).unwrap()
}

fn empty() -> WasiBody {
    Empty::new()
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

fn full(text: &'static str) -> WasiBody {
    Full::new(Bytes::from_static(text.as_bytes()))
        .map_err(|never| match never {})
        .boxed_unsync()
}

async fn send(
    context: &mut Context,
    request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Error> {
    send_with(context, request, RequestOptions::default()).await
}

async fn send_with(
    context: &mut Context,
    request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    let sent = context.send_request(request, Some(options), Box::new(async { Ok(()) }));
    let (response, _) = Box::into_pin(sent).await?;
    Ok(response)
}

async fn text(response: Response<WasiBody>) -> String {
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

/// A server on loopback that counts its connections.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start<F, R, B>(answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
        R: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                let service = service_fn(move |request| {
                    let response = answer(request);
                    async { Ok::<_, Infallible>(response.await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self {
            address,
            connections,
        }
    }

    fn uri(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn permitted(&self) -> Context {
        service(&[&format!("http://{}", self.address)]).context()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn hello() -> Server {
    Server::start(|_| async { Response::new(Full::new(Bytes::from_static(b"hello"))) }).await
}

/// A server that reads one request head and then does what `answer` says with the bare connection.
async fn bare_server<F, R>(answer: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn read_head(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut chunk = [0; 1024];
        let count = stream.read(&mut chunk).await.unwrap();
        assert!(
            count > 0,
            "the client closed the connection inside the head"
        );
        seen.extend_from_slice(&chunk[..count]);
    }
}

#[tokio::test]
async fn a_permitted_request_reaches_the_server_in_origin_form() {
    let server = Server::start(|request: Request<Incoming>| async move {
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        let hops = ["expect", "connection", "te"].map(|name| request.headers().contains_key(name));
        let line = format!("{} {} {host} {hops:?}", request.method(), request.uri());
        Response::new(Full::new(Bytes::from(line)))
    })
    .await;
    let mut request = get(format!("http://user:secret@{}/a?b=c", server.address));
    request
        .headers_mut()
        .insert("expect", HeaderValue::from_static("100-continue"));
    request
        .headers_mut()
        .insert("te", HeaderValue::from_static("gzip"));
    let answer = text(send(&mut server.permitted(), request).await.unwrap()).await;
    assert_eq!(
        answer,
        format!("GET /a?b=c {} [false, false, false]", server.address)
    );
}

#[tokio::test]
async fn what_is_not_permitted_is_denied_from_the_future() {
    let server = hello().await;
    let mut context = service(&["https://example.com", "http://10.0.0.0/8:*"]).context();
    for uri in [
        server.uri("/"),
        format!("http://localhost:{}/", server.address.port()),
        "http://self.alt/".to_owned(),
        "/relative".to_owned(),
        "http://cart.spin.internal/".to_owned(),
        "https://example.org/".to_owned(),
    ] {
        let denied = send(&mut context, get(uri.clone())).await;
        assert!(matches!(denied, Err(Error::HttpRequestDenied)), "{uri}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_port_that_is_none_and_a_tunnel_are_refused() {
    let mut context = service(&["*://*:*"]).context();
    let wrong_port = send(&mut context, get("http://localhost:99999/".to_owned())).await;
    assert!(matches!(wrong_port, Err(Error::HttpRequestUriInvalid)));
    let mut tunnel = get("http://localhost:1/".to_owned());
    *tunnel.method_mut() = http::Method::CONNECT;
    let tunnel = send(&mut context, tunnel).await;
    assert!(matches!(tunnel, Err(Error::HttpRequestMethodInvalid)));
}

#[tokio::test]
async fn the_guard_stops_a_permitted_request() {
    let server = hello().await;
    let mut guarded = service(&["*://*:*"]);
    guarded.guard.refuse_endpoint(server.address);
    let mut context = guarded.context();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
    ] {
        let uri = format!("http://{host}:{}/", server.address.port());
        let stopped = send(&mut context, get(uri)).await;
        assert!(
            matches!(stopped, Err(Error::DestinationIpProhibited)),
            "{host}"
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_redirect_is_the_guests_to_follow() {
    let server = Server::start(|_| async {
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.status_mut() = StatusCode::FOUND;
        response
            .headers_mut()
            .insert("location", HeaderValue::from_static("/elsewhere"));
        response
    })
    .await;
    let response = send(&mut server.permitted(), get(server.uri("/")))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.headers()["location"], "/elsewhere");
}

#[tokio::test]
async fn connections_are_used_again_by_their_own_service_only() {
    let server = hello().await;
    let mut context = server.permitted();
    for _ in 0..5 {
        assert_eq!(
            text(send(&mut context, get(server.uri("/"))).await.unwrap()).await,
            "hello"
        );
        settle(&context).await;
    }
    assert_eq!(server.connections(), 1);
    text(
        send(&mut server.permitted(), get(server.uri("/")))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(server.connections(), 2);

    let mut closing = service(&["*://*:*"]);
    closing.settings.is_pooling = false;
    let mut context = closing.context();
    for _ in 0..3 {
        text(send(&mut context, get(server.uri("/"))).await.unwrap()).await;
    }
    assert_eq!(server.connections(), 5);
}

/// Waits until the connection of the last exchange is idle.
async fn settle(context: &Context) {
    while context.config.client.idle_count() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_is_replaced() {
    let address = bare_server(async |mut stream: TcpStream| {
        read_head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await
            .unwrap();
    })
    .await;
    let mut context = service(&["http://127.0.0.1:*"]).context();
    for _ in 0..20 {
        let response = send(&mut context, get(format!("http://{address}/")))
            .await
            .unwrap();
        assert_eq!(text(response).await, "ok");
    }
}

#[tokio::test]
async fn trailers_travel_both_ways() {
    let server = Server::start(|request: Request<Incoming>| async move {
        let collected = request.into_body().collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap();
        let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x")))];
        let last = Ok(Frame::trailers(trailers));
        let body = StreamBody::new(futures::stream::iter(frames.into_iter().chain([last])));
        Response::builder()
            .header("trailer", "checksum")
            .body(body)
            .unwrap()
    })
    .await;
    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", HeaderValue::from_static("42"));
    let frames = [
        Ok(Frame::data(Bytes::from_static(b"x"))),
        Ok(Frame::trailers(trailers.clone())),
    ];
    let body = StreamBody::new(futures::stream::iter(frames)).boxed_unsync();
    let request = Request::post(server.uri("/"))
        .header("trailer", "checksum")
        .header("te", "trailers")
        .body(body)
        .unwrap();
    let response = send(&mut server.permitted(), request).await.unwrap();
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers(), Some(&trailers));
}

#[tokio::test]
async fn bodies_are_read_only_as_fast_as_the_other_side_takes_them() {
    const CHUNK: usize = 64 * 1024;
    let taken = Arc::new(AtomicUsize::new(0));
    let server = Server::start(|_| std::future::pending::<Response<Empty<Bytes>>>()).await;
    let counter = taken.clone();
    let endless = futures::stream::repeat_with(move || {
        counter.fetch_add(CHUNK, Ordering::SeqCst);
        Ok(Frame::data(Bytes::from(vec![0; CHUNK])))
    });
    let request = Request::post(server.uri("/"))
        .body(StreamBody::new(endless).boxed_unsync())
        .unwrap();
    let options = RequestOptions {
        first_byte_timeout: Some(Duration::from_millis(300)),
        ..RequestOptions::default()
    };
    let answer = send_with(&mut server.permitted(), request, options).await;
    assert!(matches!(answer, Err(Error::HttpResponseTimeout)));
    let upload = taken.load(Ordering::SeqCst);
    assert!(
        upload < 64 << 20,
        "{upload} bytes were taken from a guest that nobody reads"
    );
}

#[tokio::test]
async fn a_gibibyte_is_not_held_when_the_guest_reads_a_little() {
    const CHUNK: usize = 1 << 20;
    let made = Arc::new(AtomicUsize::new(0));
    let counter = made.clone();
    let server = Server::start(move |_| {
        let counter = counter.clone();
        async move {
            let chunks = futures::stream::repeat_with(move || {
                counter.fetch_add(CHUNK, Ordering::SeqCst);
                Ok::<_, Infallible>(Frame::data(Bytes::from(vec![0; CHUNK])))
            });
            Response::new(StreamBody::new(chunks.take(1024)))
        }
    })
    .await;
    let mut response = send(&mut server.permitted(), get(server.uri("/")))
        .await
        .unwrap();
    for _ in 0..3 {
        response.body_mut().frame().await.unwrap().unwrap();
    }
    let sent = made.load(Ordering::SeqCst);
    assert!(
        sent < 64 << 20,
        "{sent} bytes are on their way to a guest that does not read"
    );
}

#[tokio::test]
async fn a_silent_server_runs_into_the_timeouts() {
    let silent = Server::start(|_| std::future::pending::<Response<Empty<Bytes>>>()).await;
    let options = RequestOptions {
        first_byte_timeout: Some(Duration::from_millis(1)),
        ..RequestOptions::default()
    };
    let mut context = silent.permitted();
    let late = send_with(&mut context, get(silent.uri("/")), options).await;
    assert!(matches!(late, Err(Error::HttpResponseTimeout)));

    context.begin(invocation(Duration::from_millis(20)));
    let late = send(&mut context, get(silent.uri("/"))).await;
    assert!(matches!(
        late,
        Err(Error::HttpResponseTimeout | Error::ConnectionTimeout)
    ));

    let stalling = Server::start(|_| async {
        let first = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x")));
        let stalled = futures::stream::iter([first]).chain(futures::stream::pending());
        Response::new(StreamBody::new(stalled))
    })
    .await;
    let options = RequestOptions {
        between_bytes_timeout: Some(Duration::from_millis(1)),
        ..RequestOptions::default()
    };
    let mut context = stalling.permitted();
    let mut response = send_with(&mut context, get(stalling.uri("/")), options)
        .await
        .unwrap()
        .into_body();
    let mut last = response.frame().await.unwrap();
    if last.is_ok() {
        last = response.frame().await.unwrap();
    }
    assert!(matches!(last, Err(Error::ConnectionReadTimeout)));
}

#[tokio::test]
async fn a_connection_that_fails_says_how() {
    let unused = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut context = service(&["*://*:*"]).context();
    let refused = send(&mut context, get(format!("http://{unused}/"))).await;
    assert!(matches!(refused, Err(Error::ConnectionRefused)));

    let closing = bare_server(async |mut stream: TcpStream| read_head(&mut stream).await).await;
    let closed = send(&mut context, get(format!("http://{closing}/"))).await;
    assert!(matches!(closed, Err(Error::ConnectionTerminated)));

    let babbling = bare_server(async |mut stream: TcpStream| {
        read_head(&mut stream).await;
        stream.write_all(b"no HTTP at all\r\n\r\n").await.unwrap();
    })
    .await;
    let nonsense = send(&mut context, get(format!("http://{babbling}/"))).await;
    assert!(matches!(nonsense, Err(Error::HttpProtocolError)));

    let cut = bare_server(async |mut stream: TcpStream| {
        read_head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
            .await
            .unwrap();
    })
    .await;
    let response = send(&mut context, get(format!("http://{cut}/")))
        .await
        .unwrap();
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn too_many_requests_at_once_wait_for_their_turn() {
    let silent = Server::start(|_| std::future::pending::<Response<Empty<Bytes>>>()).await;
    let mut limited = service(&["*://*:*"]);
    limited.settings.requests_max = 1;
    let mut context = limited.context();
    let first = context.send_request(
        get(silent.uri("/")),
        None,
        Box::new(async { Ok::<(), Error>(()) }),
    );
    let first = tokio::spawn(Box::into_pin(first));
    while silent.connections() == 0 {
        tokio::task::yield_now().await;
    }
    let options = RequestOptions {
        connect_timeout: Some(Duration::from_millis(1)),
        ..Default::default()
    };
    let second = send_with(&mut context, get(silent.uri("/")), options).await;
    assert!(matches!(second, Err(Error::ConnectionLimitReached)));
    first.abort();
}

#[tokio::test]
async fn self_is_the_apps_own_listener() {
    let server = hello().await;
    let mut own = service(&["http://self"]);
    own.listener = Some(SelfAddress {
        address: SocketAddr::new([0, 0, 0, 0].into(), server.address.port()),
        is_tls: false,
    });
    let mut context = own.context();
    for uri in ["http://self.alt/a", "https://self/b", "/c"] {
        let response = send(&mut context, get(uri.to_owned())).await.unwrap();
        assert_eq!(text(response).await, "hello", "{uri}");
    }
    let direct = send(&mut context, get(server.uri("/"))).await;
    assert!(matches!(direct, Err(Error::HttpRequestDenied)));
}

/// Another service, which remembers who called it with what.
#[derive(Default)]
struct Chained {
    calls: Mutex<HashMap<String, String>>,
}

impl Chain for Chained {
    fn call(
        &self,
        id: &str,
        request: Request<WasiBody>,
        caller: &Arc<Invocation>,
    ) -> Pin<Box<dyn Future<Output = ChainResult> + Send>> {
        self.calls
            .lock()
            .unwrap()
            .insert(id.to_owned(), caller.request_id.to_string());
        let answer = match id {
            "absent" => Err(ChainError::NoSuchService(id.to_owned())),
            "deep" => Err(ChainError::TooDeep(16)),
            _ => {
                let mut response = Response::new(full("chained"));
                let uri = HeaderValue::try_from(request.uri().to_string()).unwrap();
                response.headers_mut().insert("uri", uri);
                response
                    .headers_mut()
                    .insert("connection", HeaderValue::from_static("close"));
                Ok(response)
            }
        };
        Box::pin(async { answer })
    }
}

#[tokio::test]
async fn a_handler_whose_answer_has_begun_may_still_call_others() {
    let chained = Arc::new(Chained::default());
    let mut caller = service(&["http://*.spin.internal"]);
    caller.chain = Some(chained);
    let mut context = caller.context();
    let past = invocation(Duration::ZERO);
    context.begin(past.clone());
    past.deadline.meet();
    let response = send(&mut context, get("http://cart.spin.internal/".to_owned())).await;
    assert_eq!(text(response.unwrap()).await, "chained");
}

#[tokio::test]
async fn a_chained_call_takes_no_socket_and_carries_the_invocation() {
    let chained = Arc::new(Chained::default());
    let mut caller = service(&["http://*.spin.internal"]);
    caller.chain = Some(chained.clone());
    let mut context = caller.context();
    let early = send(&mut context, get("http://cart.spin.internal/".to_owned())).await;
    assert!(matches!(early, Err(Error::InternalError(_))));

    context.begin(invocation(Duration::from_secs(60)));
    let response = send(&mut context, get("http://cart.spin.internal/a".to_owned()))
        .await
        .unwrap();
    assert_eq!(response.headers()["uri"], "http://cart.spin.internal/a");
    assert!(!response.headers().contains_key("connection"));
    assert_eq!(text(response).await, "chained");
    assert_eq!(chained.calls.lock().unwrap()["cart"], "r-1");

    let absent = send(&mut context, get("http://absent.spin.internal/".to_owned())).await;
    assert!(matches!(absent, Err(Error::DestinationNotFound)));
    let deep = send(&mut context, get("http://deep.spin.internal/".to_owned())).await;
    assert!(matches!(deep, Err(Error::LoopDetected)));
}

#[tokio::test]
async fn tls_trusts_what_is_signed_by_a_known_root() {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = issued.cert.der().clone();
    let key =
        rustls_pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let address = bare_server(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(|_| async {
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"secret"))))
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await;
    let uri = format!("https://localhost:{}/", address.port());
    let stranger = send(&mut service(&["*://*:*"]).context(), get(uri.clone())).await;
    assert!(matches!(stranger, Err(Error::TlsCertificateError)));

    let mut trusting = service(&["https://localhost:*"]);
    trusting.settings.extra_roots = vec![certificate];
    let response = send(&mut trusting.context(), get(uri)).await.unwrap();
    assert_eq!(text(response).await, "secret");

    let plain = hello().await;
    let uri = format!("https://localhost:{}/", plain.address.port());
    let no_tls = send(&mut service(&["*://*:*"]).context(), get(uri)).await;
    assert!(matches!(no_tls, Err(Error::TlsProtocolError)));
}

proptest! {
    #[test]
    fn a_written_port_is_never_taken_for_the_default(
        user in "(user(:pw)?@)?", host in r"([a-z]{1,5}(\.[a-z]{1,3})?|\[::1\])", port: u32,
    ) {
        let uri = |port: &str| format!("http://{user}{host}{port}/").parse::<http::Uri>();
        prop_assert_eq!(port_of(&uri("").unwrap(), 80).unwrap(), 80);
        if let Ok(uri) = uri(&format!(":{port}")) {
            prop_assert_eq!(port_of(&uri, 80).ok(), u16::try_from(port).ok());
        }
    }
}
