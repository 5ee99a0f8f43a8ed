//! One service's HTTP/1.1 client: connections through the guard, TLS, and the exchange of one
//! request.
//!
//! Own code rather than hyper-util's client, because that one gives a connection no deadline of its
//! own request and hides the causes of its errors.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{Error, WasiBody};

use super::body::TimedBody;
use super::pool::{Key, Lease, Pool};
use super::{Timeouts, errors, headers};
use crate::network::allowed_hosts::AllowedHosts;
use crate::network::guard::Guard;
use crate::network::tls::{TlsClient, TlsSetupError};

/// How a service's client is set up; `outbound_http` in the runtime config says the first and the
/// third.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Whether connections are used again.
    pub is_pooling: bool,
    /// Requests that the service may have under way at once; further ones wait within their connect
    /// timeout.
    pub requests_max: usize,
    /// A limit shared by all services of the app.
    pub app_limit: Option<Arc<Semaphore>>,
    /// Root certificates beside the public ones.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            is_pooling: true,
            requests_max: 256,
            app_limit: None,
            extra_roots: Vec::new(),
        }
    }
}

/// The client of one service. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    pool: Arc<Pool>,
    tls: TlsClient,
    limits: Vec<Arc<Semaphore>>,
}

/// Where a request goes.
pub(super) struct Route<'a> {
    pub(super) is_tls: bool,
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) way: Way<'a>,
}

/// Who vouches for the address.
pub(super) enum Way<'a> {
    /// The service's allowed hosts and the guard.
    Remote {
        guard: &'a Guard,
        allowed_hosts: &'a AllowedHosts,
    },
    /// The host's own listener; only the guard is asked.
    Listener {
        guard: &'a Guard,
        address: SocketAddr,
    },
}

impl Client {
    /// A client with the public root certificates of `webpki-roots` and those of the settings.
    pub fn new(settings: &ClientSettings) -> Result<Self, TlsSetupError> {
        let own_limit = Arc::new(Semaphore::new(settings.requests_max));
        Ok(Self {
            pool: Pool::new(settings.is_pooling),
            tls: TlsClient::new(&settings.extra_roots, &[b"http/1.1"])?,
            limits: std::iter::once(own_limit)
                .chain(settings.app_limit.clone())
                .collect(),
        })
    }

    #[cfg(test)]
    pub(super) fn idle_count(&self) -> usize {
        self.pool.idle_count()
    }

    /// Sends one request and returns the head of the response; the body streams on.
    pub(super) async fn send(
        &self,
        route: &Route<'_>,
        mut request: Request<WasiBody>,
        timeouts: &Timeouts,
    ) -> Result<Response<WasiBody>, Error> {
        let connect_end = timeouts.end_of(timeouts.connect);
        let permits = self.permits(connect_end).await?;
        let key = Key {
            is_tls: route.is_tls,
            host: route.host.to_owned(),
            port: route.port,
        };
        let (mut sender, mut is_reused) = match self.pool.take(&key) {
            Some(sender) => (sender, true),
            None => (self.connect(route, connect_end).await?, false),
        };
        let response = loop {
            let head_end = timeouts.end_of(timeouts.first_byte);
            let sent = timeout_at(head_end, sender.try_send_request(request)).await;
            match sent.map_err(|_| Error::HttpResponseTimeout)? {
                Ok(response) => break response,
                Err(mut failed) => match failed.take_message() {
                    // The server closed the idle connection before a byte of the request left.
                    Some(unsent) if is_reused => {
                        request = unsent;
                        sender = self.connect(route, connect_end).await?;
                        is_reused = false;
                    }
                    _ => return Err(errors::from_hyper(failed.into_error())),
                },
            }
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Error::HttpUpgradeFailed);
        }
        let lease = Lease {
            sender,
            key,
            pool: self.pool.clone(),
            permits,
        };
        let (mut head, body) = response.into_parts();
        headers::strip_response(&mut head.headers);
        let body = body.map_err(errors::from_hyper);
        let body = TimedBody::new(body, timeouts.between_bytes, Some(lease));
        Ok(Response::from_parts(head, body.boxed_unsync()))
    }

    async fn permits(&self, end: Instant) -> Result<Vec<OwnedSemaphorePermit>, Error> {
        let mut permits = Vec::with_capacity(self.limits.len());
        for limit in &self.limits {
            match timeout_at(end, limit.clone().acquire_owned()).await {
                Ok(Ok(permit)) => permits.push(permit),
                Ok(Err(_)) | Err(_) => return Err(Error::ConnectionLimitReached),
            }
        }
        Ok(permits)
    }

    async fn connect(
        &self,
        route: &Route<'_>,
        end: Instant,
    ) -> Result<SendRequest<WasiBody>, Error> {
        let left = end.saturating_duration_since(Instant::now());
        let stream = match route.way {
            Way::Remote {
                guard,
                allowed_hosts,
            } => {
                let scheme = if route.is_tls { "https" } else { "http" };
                guard
                    .connect(route.host, route.port, allowed_hosts, scheme, left)
                    .await
            }
            Way::Listener { guard, address } => guard.connect_address(address, left).await,
        };
        let stream = stream.map_err(errors::from_connect)?;
        let established = async {
            if route.is_tls {
                let stream = self.tls.handshake(route.host, stream).await;
                handshake(stream.map_err(errors::from_tls)?).await
            } else {
                handshake(stream).await
            }
        };
        timeout_at(end, established)
            .await
            .map_err(|_| Error::ConnectionTimeout)?
    }
}

/// Makes an HTTP/1.1 connection of a stream and drives it in a task of its own, which ends when the
/// sender is dropped or the server closes the connection.
async fn handshake<S>(stream: S) -> Result<SendRequest<WasiBody>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(errors::from_hyper)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an outbound connection ended with an error");
        }
    });
    Ok(sender)
}
