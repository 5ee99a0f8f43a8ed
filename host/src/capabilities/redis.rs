//! Outbound redis: `fermyon:spin/redis` and `spin:redis`, on connections that pass the guard.
//!
//! The protocol is the redis crate's. A connection belongs to the instance that opened it and ends
//! with it; pooling is left out, because a redis connection has state (its database, its
//! transactions).

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::{HasData, Linker, ResourceTable};

use crate::network::allowed_hosts::AllowedHosts;
use crate::network::guard::Guard;
use crate::network::tls::TlsClient;

mod async_interface;
mod connection;
mod plain_interface;
mod reply;
#[cfg(test)]
mod tests;

pub use connection::Connection;

use connection::Opener;

/// What the redis connections of one service may be.
#[derive(Clone)]
pub struct Config {
    /// The service's `allowed_outbound_hosts`, asked with the schemes `redis` and `rediss`.
    pub allowed_hosts: Arc<AllowedHosts>,
    /// The host's guard.
    pub guard: Arc<Guard>,
    /// For `rediss://` addresses.
    pub tls: TlsClient,
    /// The bounds on one instance.
    pub limits: Limits,
    /// `max_connections` of the runtime config's `outbound_redis`, shared by all services of the
    /// app.
    pub app_limit: Option<Arc<Semaphore>>,
}

/// The bounds on the connections of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once.
    pub connections_max: usize,
    /// Bytes that a server may send in answer to one command.
    pub reply_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 16,
            reply_bytes_max: 8 << 20,
        }
    }
}

/// The redis connections of one instance.
pub struct Context {
    opener: Opener,
}

/// The capability as the bindings see it.
pub struct RedisView<'a> {
    /// The instance's limits and grants.
    pub context: &'a mut Context,
    /// Where the instance's connections are.
    pub table: &'a mut ResourceTable,
}

struct HasRedis;

impl HasData for HasRedis {
    type Data<'a> = RedisView<'a>;
}

/// What can go wrong, in the cases that both versions of the interface have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum RedisError {
    #[error("the address is invalid, or not among the allowed outbound hosts")]
    InvalidAddress,
    #[error("too many connections are open")]
    TooManyConnections,
    #[error("the value is not of the type that the command needs")]
    WrongType,
    #[error("{0}")]
    Other(String),
}

impl Context {
    /// An instance without connections.
    pub fn new(config: Config) -> Self {
        Self {
            opener: Opener::new(config),
        }
    }
}

/// Adds `fermyon:spin/redis@2.0.0`.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> RedisView<'_>,
) -> wasmtime::Result<()> {
    plain_interface::add_to_linker(linker, get)
}

/// Adds `spin:redis@3.0.0`, whose functions are async: only for an engine with concurrency support.
pub fn add_concurrent_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> RedisView<'_>,
) -> wasmtime::Result<()> {
    async_interface::add_to_linker(linker, get)
}
