//! Outbound HTTP: what a guest sends through `wasi:http`, 0.2 and 0.3 alike, becomes one of three
//! things – a request to a remote host, a chained call of another service, or a request to the
//! app's own listener.
//!
//! The bindings are wasmtime's; this is the hook behind them. Which addresses may be reached is
//! left to `network`, the chained call itself to the gateway. Redirects are not followed, nothing
//! is retried, and there is no cookie or cache.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Uri};
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::BodyExt;
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::capabilities::invocation::{Chain, ChainError, Invocation};
use crate::network::allowed_hosts::{AllowedHosts, Verdict, chained_service};
use crate::network::guard::Guard;

mod body;
mod client;
mod errors;
mod headers;
mod pool;
mod relative;
#[cfg(test)]
mod tests;

pub use client::{Client, ClientSettings};
pub use relative::{add_concurrent_to_linker, add_to_linker};

use body::TimedBody;
use client::{Route, Way};

/// Spin's timeout for each phase of an outbound request.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// What one service may send, and with what. The two cells are shared by all services of an app,
/// and filled once the listener and the gateway exist.
pub struct Config {
    /// The service's `allowed_outbound_hosts`.
    pub allowed_hosts: Arc<AllowedHosts>,
    /// The host's guard.
    pub guard: Arc<Guard>,
    /// The way to the other services of the app.
    pub chain: Arc<OnceLock<Arc<dyn Chain>>>,
    /// The app's own listener, which requests to `self` and those without an authority reach.
    pub self_address: Arc<OnceLock<SelfAddress>>,
    /// The service's own connections; no other service uses them.
    pub client: Client,
}

/// Where the app's listener is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfAddress {
    /// A listener on all interfaces is reached on loopback.
    pub address: SocketAddr,
    /// Whether the listener speaks TLS.
    pub is_tls: bool,
}

/// The outbound HTTP of one instance.
pub struct Context {
    config: Arc<Config>,
    invocation: Option<Arc<Invocation>>,
    /// Whether the instance's host calls are polled inside its own concurrent run, where no other
    /// instance may run.
    runs_concurrently: bool,
    has_warned: bool,
}

/// The three phases of a request, each bounded by the guest's option or by [`DEFAULT_TIMEOUT`], and
/// the first two by the invocation's deadline as well.
#[derive(Clone, Copy, Debug)]
struct Timeouts {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
    deadline: Option<Instant>,
}

enum Destination {
    Service(String),
    Listener(SelfAddress),
    Remote {
        is_tls: bool,
        host: String,
        port: u16,
    },
}

type SentRequest = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl Context {
    /// A context that serves no invocation yet. `runs_concurrently`: the instance lives in an
    /// engine with concurrency support, which polls host calls inside the run of their store.
    pub fn new(config: Arc<Config>, runs_concurrently: bool) -> Self {
        Self {
            config,
            invocation: None,
            runs_concurrently,
            has_warned: false,
        }
    }

    /// Enters the invocation that the instance serves from now on.
    pub fn begin(&mut self, invocation: Arc<Invocation>) {
        self.invocation = Some(invocation);
    }

    /// The invocation has ended; the instance serves none.
    pub fn end(&mut self) {
        self.invocation = None;
    }

    fn warn_once(&mut self, uri: &Uri) {
        if std::mem::replace(&mut self.has_warned, true) {
            return;
        }
        let scheme = uri.scheme_str().unwrap_or("http");
        let authority = uri.authority().map_or("self", without_userinfo);
        let request_id = self
            .invocation
            .as_ref()
            .map(|invocation| &*invocation.request_id);
        tracing::warn!(
            request_id,
            "an outbound request was denied; to permit it, add `{scheme}://{authority}` to the \
             component's allowed_outbound_hosts"
        );
    }
}

impl WasiHttpHooks for Context {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_result: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<SentRequest, Error>> + Send> {
        let destination = self.config.destination(request.uri());
        if matches!(destination, Err(Error::HttpRequestDenied)) {
            self.warn_once(request.uri());
        }
        let config = self.config.clone();
        let invocation = self.invocation.clone();
        let timeouts = Timeouts::new(options.unwrap_or_default(), invocation.as_deref());
        let destination = match destination {
            Ok(destination) => destination,
            Err(error) => return Box::new(async { Err(error) }),
        };
        let runs_elsewhere =
            self.runs_concurrently && matches!(destination, Destination::Service(_));
        let sending = async move {
            config
                .send(destination, request, invocation, timeouts)
                .await
        };
        Box::new(async move {
            let response = if runs_elsewhere {
                wasmtime_wasi::runtime::spawn(sending).await?
            } else {
                sending.await?
            };
            let finished = async { Ok(()) };
            Ok((
                response,
                Box::new(finished) as Box<dyn Future<Output = _> + Send>,
            ))
        })
    }
}

impl Timeouts {
    fn new(options: RequestOptions, invocation: Option<&Invocation>) -> Self {
        Self {
            connect: options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT),
            first_byte: options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT),
            between_bytes: options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT),
            deadline: invocation
                .and_then(|invocation| invocation.deadline.at())
                .map(Instant::from_std),
        }
    }

    /// The moment at which a phase that begins now must be over.
    fn end_of(&self, phase: Duration) -> Instant {
        let now = Instant::now();
        let end = now
            .checked_add(phase)
            .unwrap_or_else(|| now + DEFAULT_TIMEOUT);
        self.deadline.map_or(end, |deadline| deadline.min(end))
    }
}

impl Config {
    /// Where a request goes, or that it may not go there.
    fn destination(&self, uri: &Uri) -> Result<Destination, Error> {
        let scheme = uri.scheme_str().unwrap_or("https");
        let host = uri.host().unwrap_or_default();
        if matches!(host, "" | "self" | "self.alt") {
            if !self.allowed_hosts.permits_self() {
                return Err(Error::HttpRequestDenied);
            }
            let listener = self
                .self_address
                .get()
                .ok_or(Error::HttpRequestUriInvalid)?;
            return Ok(Destination::Listener(*listener));
        }
        let is_tls = scheme == "https";
        let port = port_of(uri, if is_tls { 443 } else { 80 })?;
        if let Some(id) = chained_service(host) {
            return match self.allowed_hosts.permits_service(scheme, id, port) {
                true => Ok(Destination::Service(id.to_owned())),
                false => Err(Error::HttpRequestDenied),
            };
        }
        match self.allowed_hosts.check(scheme, host, port) {
            Verdict::Denied => Err(Error::HttpRequestDenied),
            Verdict::Allowed | Verdict::AllowedIfAddressIn(_) => Ok(Destination::Remote {
                is_tls,
                host: host.to_ascii_lowercase(),
                port,
            }),
        }
    }

    async fn send(
        &self,
        destination: Destination,
        mut request: Request<WasiBody>,
        invocation: Option<Arc<Invocation>>,
        timeouts: Timeouts,
    ) -> Result<Response<WasiBody>, Error> {
        if request.method() == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        headers::strip_request(request.headers_mut());
        match destination {
            Destination::Service(id) => self.chain(&id, request, invocation, timeouts).await,
            Destination::Listener(listener) => {
                let address = on_loopback(listener.address);
                set_target(&mut request, &address.to_string())?;
                let route = Route {
                    is_tls: listener.is_tls,
                    host: &address.ip().to_string(),
                    port: address.port(),
                    way: Way::Listener {
                        guard: &self.guard,
                        address,
                    },
                };
                self.client.send(&route, request, &timeouts).await
            }
            Destination::Remote { is_tls, host, port } => {
                let authority = request
                    .uri()
                    .authority()
                    .ok_or(Error::HttpRequestUriInvalid)?;
                let authority = without_userinfo(authority).to_owned();
                set_target(&mut request, &authority)?;
                let way = Way::Remote {
                    guard: &self.guard,
                    allowed_hosts: &self.allowed_hosts,
                };
                let route = Route {
                    is_tls,
                    host: &host,
                    port,
                    way,
                };
                self.client.send(&route, request, &timeouts).await
            }
        }
    }

    async fn chain(
        &self,
        id: &str,
        request: Request<WasiBody>,
        invocation: Option<Arc<Invocation>>,
        timeouts: Timeouts,
    ) -> Result<Response<WasiBody>, Error> {
        let (Some(chain), Some(invocation)) = (self.chain.get(), invocation) else {
            let reason = "a service cannot be called before an invocation has begun";
            return Err(Error::InternalError(Some(reason.to_owned())));
        };
        let call = chain.call(id, request, &invocation);
        let mut response = tokio::time::timeout_at(timeouts.end_of(timeouts.first_byte), call)
            .await
            .map_err(|_| Error::HttpResponseTimeout)?
            .map_err(|error| match error {
                ChainError::NoSuchService(_) => Error::DestinationNotFound,
                ChainError::TooDeep(_) => Error::LoopDetected,
            })?;
        headers::strip_response(response.headers_mut());
        Ok(response.map(|body| TimedBody::new(body, timeouts.between_bytes, None).boxed_unsync()))
    }
}

/// The port of a URI; one that is written but is no port is an error, not the default.
fn port_of(uri: &Uri, default: u16) -> Result<u16, Error> {
    let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
    let host_and_port = without_userinfo(authority);
    match host_and_port
        .strip_prefix(authority.host())
        .unwrap_or_default()
    {
        "" | ":" => Ok(default),
        port => port
            .trim_start_matches(':')
            .parse()
            .map_err(|_| Error::HttpRequestUriInvalid),
    }
}

fn without_userinfo(authority: &Authority) -> &str {
    authority
        .as_str()
        .rsplit_once('@')
        .map_or(authority.as_str(), |(_, rest)| rest)
}

fn on_loopback(mut listener: SocketAddr) -> SocketAddr {
    match listener.ip() {
        ip if !ip.is_unspecified() => {}
        std::net::IpAddr::V4(_) => listener.set_ip(std::net::Ipv4Addr::LOCALHOST.into()),
        std::net::IpAddr::V6(_) => listener.set_ip(std::net::Ipv6Addr::LOCALHOST.into()),
    }
    listener
}

/// Puts the authority into the `host` field and leaves the path as the target, which is what an
/// origin server expects (RFC 9112, section 3.2.1).
fn set_target(request: &mut Request<WasiBody>, authority: &str) -> Result<(), Error> {
    let host = HeaderValue::try_from(authority).map_err(|_| Error::HttpRequestUriInvalid)?;
    request.headers_mut().insert(header::HOST, host);
    let path = request.uri().path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    *request.version_mut() = http::Version::HTTP_11;
    Ok(())
}
