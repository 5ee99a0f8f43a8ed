//! The data of one instance's store: what the capabilities keep for it, and its memory limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::component::ResourceTable;
use wasmtime_wasi::sockets::WasiSocketsCtxView;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::meter::Meter;
use crate::capabilities::invocation::Invocation;
use crate::capabilities::{http_out, key_value, redis, sockets, sqlite, variables};

/// Handles that one instance may hold at once; one more is the interface's own error or a trap of
/// this guest alone.
pub const HANDLES_MAX: usize = 10_000;
/// Entries over all tables of one instance.
const TABLE_ELEMENTS_MAX: usize = 1_000_000;

/// Everything that belongs to one instance.
pub struct InstanceState {
    pub wasi: WasiCtx,
    pub table: ResourceTable,
    pub http: WasiHttpCtx,
    pub http_out: http_out::Context,
    pub key_value: key_value::Context,
    pub sqlite: sqlite::Context,
    pub redis: redis::Context,
    pub variables: variables::Context,
    pub sockets: sockets::Context,
    pub limiter: MemoryLimiter,
    /// What runs here now; nothing while the component is instantiated.
    pub invocation: Option<Arc<Invocation>>,
    /// What it has used.
    pub meter: Arc<Meter>,
}

impl InstanceState {
    /// Gives the capabilities the invocation that the instance serves from now on.
    pub fn begin(&mut self, invocation: &Arc<Invocation>, meter: Arc<Meter>) {
        self.http_out.begin(invocation.clone());
        self.sqlite.begin(invocation);
        self.key_value.begin(invocation);
        self.invocation = Some(invocation.clone());
        self.meter = meter;
    }

    /// Between two invocations the instance holds nothing of either.
    pub fn end(&mut self) {
        self.http_out.end();
        self.key_value.end();
        self.invocation = None;
    }

    pub fn key_value(&mut self) -> key_value::KeyValueView<'_> {
        key_value::KeyValueView {
            context: &mut self.key_value,
            table: &mut self.table,
        }
    }

    pub fn sockets(&mut self) -> sockets::SocketsView<'_> {
        sockets::SocketsView {
            context: &mut self.sockets,
            sockets: WasiSocketsCtxView {
                ctx: self.wasi.sockets(),
                table: &mut self.table,
            },
        }
    }

    pub fn sqlite(&mut self) -> sqlite::SqliteView<'_> {
        sqlite::SqliteView {
            context: &mut self.sqlite,
            table: &mut self.table,
        }
    }

    pub fn redis(&mut self) -> redis::RedisView<'_> {
        redis::RedisView {
            context: &mut self.redis,
            table: &mut self.table,
        }
    }

    pub fn variables(&mut self) -> variables::VariablesView<'_> {
        variables::VariablesView {
            context: &mut self.variables,
            table: &mut self.table,
        }
    }
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.http_out,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Holds all linear memories of an instance together under one limit.
pub struct MemoryLimiter {
    bytes: usize,
    bytes_max: usize,
    table_elements: usize,
    /// Bytes of all instances of the service.
    service_bytes: Arc<AtomicU64>,
}

impl MemoryLimiter {
    /// A limit in bytes over all linear memories of the instance.
    /// `service_bytes` counts the memory of all instances of the service.
    pub fn new(bytes_max: usize, service_bytes: Arc<AtomicU64>) -> Self {
        Self {
            bytes: 0,
            bytes_max,
            table_elements: 0,
            service_bytes,
        }
    }
}

impl Drop for MemoryLimiter {
    fn drop(&mut self) {
        self.service_bytes
            .fetch_sub(self.bytes as u64, Ordering::Relaxed);
    }
}

impl wasmtime::ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        let allowed = bytes <= self.bytes_max;
        if allowed {
            self.service_bytes
                .fetch_add((bytes - self.bytes) as u64, Ordering::Relaxed);
            self.bytes = bytes;
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = self
            .table_elements
            .saturating_add(desired.saturating_sub(current));
        let allowed = elements <= TABLE_ELEMENTS_MAX;
        if allowed {
            self.table_elements = elements;
        }
        Ok(allowed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use wasmtime::ResourceLimiter;

    use super::MemoryLimiter;

    #[test]
    fn all_memories_of_an_instance_share_the_limit() {
        let service_bytes = Arc::new(AtomicU64::new(0));
        let mut limiter = MemoryLimiter::new(100, service_bytes.clone());
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(60, 100, None).unwrap());
        assert!(!limiter.memory_growing(100, 101, None).unwrap());
        assert_eq!(service_bytes.load(Ordering::Relaxed), 100);
        drop(limiter);
        assert_eq!(service_bytes.load(Ordering::Relaxed), 0);
    }
}
