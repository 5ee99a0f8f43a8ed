//! One accepted connection: its handshake, its protocol, its limits and its end. Which connections
//! there are is left to the listener, what a request means to the gateway.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use http::uri::Scheme;
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::Gateway;
use super::head_guard::Verdict;
use super::streams::{StreamWatch, Streams};
use super::transport::{Protocol, Transport};

/// Streams of one HTTP/2 connection at once; what browsers and most servers use.
const HTTP2_STREAMS_MAX: u32 = 200;
/// A peer that does not answer a ping within this time is gone.
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(20);
/// The least buffer per HTTP/1 connection, so that small header limits do not slow bodies down.
const HTTP1_BUFFER_BYTES_MIN: usize = 128 * 1024;
/// How long a write may stall before any service has answered on the connection.
const WRITE_STALL_DEFAULT_MS: u64 = 30_000;

/// What the requests of a connection have in common.
#[derive(Debug)]
pub struct ConnectionState {
    client: SocketAddr,
    scheme: Scheme,
    verdict: Verdict,
    /// Requests that have begun.
    begun: AtomicU64,
    /// Requests whose answers have left, or were given up.
    ended: AtomicU64,
    body_idle_timeout_ms: AtomicU64,
    /// Whether the current request of HTTP/1 has a body that has not been read to its end.
    body_unread: AtomicBool,
}

/// Marks a request as running until it is dropped.
#[derive(Debug)]
pub struct ActiveRequest {
    state: Arc<ConnectionState>,
}

/// Why a connection ended before its time. The client sees only the end.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    #[error("the TLS handshake failed: {0}")]
    Handshake(io::Error),
    #[error("no request within {0} ms")]
    Silent(u64),
    #[error("the socket failed: {0}")]
    Socket(#[from] io::Error),
    #[error("HTTP failed: {0}")]
    Http(#[from] hyper::Error),
}

impl ConnectionState {
    /// The state of a connection without requests.
    pub fn new(client: SocketAddr, scheme: Scheme) -> Self {
        Self {
            client,
            scheme,
            verdict: Verdict::default(),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            body_idle_timeout_ms: AtomicU64::new(WRITE_STALL_DEFAULT_MS),
            body_unread: AtomicBool::new(false),
        }
    }

    /// The client's address, as the socket knows it.
    pub fn client(&self) -> SocketAddr {
        self.client
    }

    /// `https` behind TLS, else `http`.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Which of the connection's heads must be refused.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Counts a request; HTTP/1 requests are numbered from 1 in the order of their heads.
    pub fn begin(self: &Arc<Self>) -> (u64, ActiveRequest) {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        (
            number,
            ActiveRequest {
                state: self.clone(),
            },
        )
    }

    /// How long the client may take nothing of what is written to it.
    pub fn body_idle_timeout_ms(&self) -> u64 {
        self.body_idle_timeout_ms.load(Ordering::Relaxed)
    }

    /// Holds the connection to the timeout of the service that answers.
    pub fn set_body_idle_timeout_ms(&self, timeout_ms: u64) {
        self.body_idle_timeout_ms
            .store(timeout_ms, Ordering::Relaxed);
    }

    /// Notes whether a request's body is yet to be read.
    pub fn set_body_unread(&self, unread: bool) {
        self.body_unread.store(unread, Ordering::Relaxed);
    }

    /// Whether the client may still be sending a body that nobody reads.
    pub fn body_unread(&self) -> bool {
        self.body_unread.load(Ordering::Relaxed)
    }

    /// The number of requests so far, when none of them is running.
    fn idle_at(&self) -> Option<u64> {
        let ended = self.ended.load(Ordering::Acquire);
        (self.begun.load(Ordering::Acquire) == ended).then_some(ended)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.state.ended.fetch_add(1, Ordering::Release);
    }
}

/// Serves one connection to its end. When `drain` changes, running requests are finished and no
/// others taken.
pub async fn serve(
    gateway: Arc<Gateway>,
    stream: TcpStream,
    client: SocketAddr,
    tls: Option<TlsAcceptor>,
    drain: watch::Receiver<()>,
) -> Result<(), ConnectionError> {
    // Without it a streamed answer waits for the client's delayed acknowledgement, 40 ms each time.
    stream.set_nodelay(true)?;
    let patience = Patience::new(gateway.limits().header_read_timeout_ms);
    match tls {
        None => {
            let state = Arc::new(ConnectionState::new(client, Scheme::HTTP));
            serve_stream(gateway, stream, state, drain, patience).await
        }
        Some(acceptor) => {
            let state = Arc::new(ConnectionState::new(client, Scheme::HTTPS));
            let stream = patience.wait(&drain, acceptor.accept(stream)).await?;
            match stream {
                Some(Ok(stream)) => serve_stream(gateway, stream, state, drain, patience).await,
                Some(Err(error)) => Err(ConnectionError::Handshake(error)),
                None => Ok(()),
            }
        }
    }
}

async fn serve_stream<S>(
    gateway: Arc<Gateway>,
    stream: S,
    state: Arc<ConnectionState>,
    drain: watch::Receiver<()>,
    patience: Patience,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let opened = patience
        .wait(&drain, Transport::open(stream, state.clone()))
        .await?;
    match opened.transpose()?.flatten() {
        None => Ok(()),
        Some((transport, Protocol::Http1)) => serve_http1(gateway, transport, state, drain).await,
        Some((transport, Protocol::Http2)) => {
            serve_http2(gateway, transport, state, drain, patience).await
        }
    }
}

async fn serve_http1<S>(
    gateway: Arc<Gateway>,
    transport: Transport<S>,
    state: Arc<ConnectionState>,
    mut drain: watch::Receiver<()>,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = gateway.limits();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.header_read_timeout_ms))
        .max_header_size(limits.header_bytes_max)
        .max_buf_size(limits.header_bytes_max.max(HTTP1_BUFFER_BYTES_MIN));
    let service = service_fn(|request| answer(&gateway, &state, request));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(transport), service));
    tokio::select! {
        biased;
        result = connection.as_mut() => return Ok(result?),
        _ = drain.changed() => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}

async fn serve_http2<S>(
    gateway: Arc<Gateway>,
    transport: Transport<S>,
    state: Arc<ConnectionState>,
    mut drain: watch::Receiver<()>,
    patience: Patience,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let header_bytes_max = u32::try_from(gateway.limits().header_bytes_max).unwrap_or(u32::MAX);
    let mut builder = http2::Builder::new(Streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(header_bytes_max)
        .keep_alive_interval(HTTP2_PING_TIMEOUT)
        .keep_alive_timeout(HTTP2_PING_TIMEOUT);
    let shared = state.clone();
    let service = service_fn(move |request| {
        let (gateway, state) = (gateway.clone(), shared.clone());
        async move { answer(&gateway, &state, request).await }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(transport), service));
    let mut closing = false;
    let mut idle_since = None;
    loop {
        tokio::select! {
            biased;
            result = connection.as_mut() => return Ok(result?),
            _ = drain.changed(), if !closing => {}
            // HTTP/2 has no timeout for the next head: without one, idle clients would keep their
            // places.
            () = tokio::time::sleep(patience.longest) => {
                let idle_at = state.idle_at();
                if idle_at.is_none() || idle_at != idle_since {
                    idle_since = idle_at;
                    continue;
                }
                if closing {
                    return Err(patience.exceeded());
                }
            }
        }
        closing = true;
        connection.as_mut().graceful_shutdown();
    }
}

async fn answer(
    gateway: &Gateway,
    state: &Arc<ConnectionState>,
    request: Request<Incoming>,
) -> Result<http::Response<super::body::OutgoingBody>, Infallible> {
    let (number, active) = state.begin();
    state.set_body_unread(!request.body().is_end_stream());
    let response = gateway.handle(request, number, state).await;
    Ok(response.map(|body| body.carried_by(active, StreamWatch::current())))
}

/// How long a client may take to say what it wants.
#[derive(Clone, Copy, Debug)]
struct Patience {
    longest: Duration,
    longest_ms: u64,
}

impl Patience {
    fn new(longest_ms: u64) -> Self {
        Self {
            longest: Duration::from_millis(longest_ms),
            longest_ms,
        }
    }

    /// The step's result; `None` when the host drains meanwhile, for nothing has been asked yet.
    async fn wait<T>(
        self,
        drain: &watch::Receiver<()>,
        step: impl Future<Output = T>,
    ) -> Result<Option<T>, ConnectionError> {
        let mut drain = drain.clone();
        tokio::select! {
            biased;
            _ = drain.changed() => Ok(None),
            result = tokio::time::timeout(self.longest, step) => match result {
                Ok(result) => Ok(Some(result)),
                Err(_) => Err(self.exceeded()),
            },
        }
    }

    fn exceeded(self) -> ConnectionError {
        ConnectionError::Silent(self.longest_ms)
    }
}
