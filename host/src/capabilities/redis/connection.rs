//! One redis connection: opened through the guard, bounded in number and in what a server may
//! answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ConnectionAddr, IntoConnectionInfo, Value};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::{Config, RedisError, reply};
use crate::network::guard::ConnectError;

/// For the connection, its TLS and redis' own greeting together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For one answer. Commands may block on purpose (BLPOP), and the invocation's deadline ends them
/// anyway.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// What an instance needs to open connections. Clones count against the same limit.
#[derive(Clone)]
pub(super) struct Opener {
    config: Config,
    open: Arc<Semaphore>,
}

/// An open connection, the resource of both interfaces. It ends with its resource.
pub struct Connection {
    commands: MultiplexedConnection,
    driver: AbortHandle,
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Opener {
    pub(super) fn new(config: Config) -> Self {
        let open = Arc::new(Semaphore::new(config.limits.connections_max));
        Self { config, open }
    }

    pub(super) async fn open(&self, address: &str) -> Result<Connection, RedisError> {
        let target = Target::parse(address).ok_or(RedisError::InvalidAddress)?;
        let end = Instant::now() + CONNECT_TIMEOUT;
        let timed_out = || RedisError::Other("no connection within 10 s".to_owned());
        let permits = self.permits(end).await?;
        let left = end.saturating_duration_since(Instant::now());
        let Config {
            guard,
            allowed_hosts,
            tls,
            ..
        } = &self.config;
        let connected = guard
            .connect(
                &target.host,
                target.port,
                allowed_hosts,
                target.scheme(),
                left,
            )
            .await
            .map_err(from_connect)?;
        let established = async {
            if target.is_tls {
                let stream = tls.handshake(&target.host, connected).await;
                let stream = stream.map_err(|error| RedisError::Other(error.to_string()))?;
                self.greet(&target, stream, permits).await
            } else {
                self.greet(&target, connected, permits).await
            }
        };
        timeout_at(end, established)
            .await
            .map_err(|_| timed_out())?
    }

    async fn permits(&self, end: Instant) -> Result<Vec<OwnedSemaphorePermit>, RedisError> {
        let own = self.open.clone().try_acquire_owned();
        let mut permits = vec![own.map_err(|_| RedisError::TooManyConnections)?];
        if let Some(limit) = self.config.app_limit.clone() {
            match timeout_at(end, limit.acquire_owned()).await {
                Ok(Ok(permit)) => permits.push(permit),
                Ok(Err(_)) | Err(_) => return Err(RedisError::TooManyConnections),
            }
        }
        Ok(permits)
    }

    async fn greet<S>(
        &self,
        target: &Target,
        stream: S,
        permits: Vec<OwnedSemaphorePermit>,
    ) -> Result<Connection, RedisError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let bytes_max = self.config.limits.reply_bytes_max;
        let stream = BoundedStream {
            inner: stream,
            bytes_max,
            bytes_read: 0,
        };
        let settings = AsyncConnectionConfig::new().set_response_timeout(Some(RESPONSE_TIMEOUT));
        let info = target.info.redis_settings();
        let (commands, driver) = MultiplexedConnection::new_with_config(info, stream, settings)
            .await
            .map_err(reply::from_redis)?;
        let driver = tokio::spawn(driver).abort_handle();
        Ok(Connection {
            commands,
            driver,
            _permits: permits,
        })
    }
}

impl Connection {
    /// A handle to send commands with, which several can use at once.
    pub(super) fn commands(&self) -> Commands {
        Commands {
            connection: self.commands.clone(),
        }
    }
}

/// Sends commands on a connection.
pub(super) struct Commands {
    connection: MultiplexedConnection,
}

impl Commands {
    pub(super) async fn run(mut self, command: Cmd) -> Result<Value, RedisError> {
        command
            .query_async(&mut self.connection)
            .await
            .map_err(reply::from_redis)
    }
}

/// Where an address leads.
pub(super) struct Target {
    is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    info: redis::ConnectionInfo,
}

impl Target {
    /// Reads `redis://…` and `rediss://…`. The redis crate is built without TLS and reads the
    /// second as the first; paths to Unix sockets are no addresses here.
    pub(super) fn parse(address: &str) -> Option<Self> {
        let (scheme, rest) = address.split_once("://")?;
        let is_tls = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return None,
        };
        let info = format!("redis://{rest}")
            .as_str()
            .into_connection_info()
            .ok()?;
        match info.addr().clone() {
            ConnectionAddr::Tcp(host, port) => Some(Self {
                is_tls,
                host,
                port,
                info,
            }),
            _ => None,
        }
    }

    fn scheme(&self) -> &'static str {
        if self.is_tls { "rediss" } else { "redis" }
    }
}

fn from_connect(error: ConnectError) -> RedisError {
    match error {
        ConnectError::NotAllowed => RedisError::InvalidAddress,
        ConnectError::Refused(reason) => {
            tracing::warn!(%reason, "a redis connection was stopped by the guard");
            RedisError::InvalidAddress
        }
        other @ (ConnectError::Resolve(_) | ConnectError::TimedOut | ConnectError::Connect(_)) => {
            RedisError::Other(other.to_string())
        }
    }
}

/// A stream that fails when more is read than one answer may have. The redis crate holds an answer
/// whole, and so a server could otherwise fill the host's memory.
struct BoundedStream<S> {
    inner: S,
    bytes_max: usize,
    /// Since the last command was sent.
    bytes_read: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.bytes_read += buffer.filled().len() - before;
        if self.bytes_read > self.bytes_max {
            let text = format!("the answer is larger than {} bytes", self.bytes_max);
            return Poll::Ready(Err(io::Error::other(text)));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.bytes_read = 0;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
