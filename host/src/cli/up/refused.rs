//! Spin's flags that are not ours: the harmless ones are accepted, so that a script written for
//! Spin runs unchanged; those whose absence would change what the app does are refused, with the
//! reason.

use std::path::PathBuf;

use clap::Args;

use crate::cli::up::values::{CountLimit, DurationLimit};

/// Spin's flags of `spin up`, apart from those that `kumiki up` documents itself.
#[derive(Clone, Debug, Default, Args)]
pub struct SpinArguments {
    /// Requests that one instance serves in its life, at most
    #[arg(long, value_name = "COUNT", hide = true)]
    pub max_instance_reuse_count: Option<CountLimit>,

    /// Requests that one instance serves at a time, at most
    #[arg(long, value_name = "COUNT", hide = true)]
    pub max_instance_concurrent_reuse_count: Option<CountLimit>,

    /// Time that an idle instance is kept for, at most
    #[arg(
        long,
        env = "SPIN_HTTP_IDLE_INSTANCE_TIMEOUT_SECS",
        value_name = "TIME",
        hide = true
    )]
    pub idle_instance_timeout: Option<DurationLimit>,

    /// No effect: compiled components are kept in the state directory
    #[arg(long, env = "WASMTIME_CACHE_FILE", value_name = "FILE", hide = true)]
    pub cache: Option<PathBuf>,

    /// No effect: downloads are kept in the state directory
    #[arg(long, value_name = "DIR", hide = true)]
    pub cache_dir: Option<PathBuf>,

    /// No effect: the copies of files are the host's own business
    #[arg(long = "temp", alias = "tmp", value_name = "DIR", hide = true)]
    pub temporary: Option<PathBuf>,

    #[arg(long, hide = true)]
    pub direct_mounts: bool,

    #[arg(long, hide = true)]
    pub allow_transient_write: bool,

    #[arg(long = "key-value", value_name = "KEY=VALUE", hide = true)]
    pub key_values: Vec<String>,

    #[arg(long, value_name = "STATEMENT", hide = true)]
    pub sqlite: Vec<String>,

    #[arg(long, value_name = "REFERENCE", hide = true)]
    pub from_registry: Option<String>,

    /// No effect without a registry
    #[arg(short = 'k', long, hide = true)]
    pub insecure: bool,

    #[arg(long, hide = true)]
    pub experimental_wasi_otel: bool,

    #[arg(long, value_name = "FEATURE", hide = true)]
    pub experimental_wasm_feature: Vec<String>,
}

/// A flag of Spin that would mean something else here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedError {
    #[error(
        "--allow-transient-write is refused: a component's files are read-only here; keep what it \
         writes in a key-value store or a database"
    )]
    TransientWrite,
    #[error(
        "--direct-mounts is refused: a component's files are copied when it is loaded, so a change \
         of them is not seen before the next start; `kumiki watch` starts again when they change"
    )]
    DirectMounts,
    #[error(
        "--key-value is refused: a store belongs to its services here; let the service write its \
         first data itself, or send it a request that does"
    )]
    KeyValue,
    #[error(
        "--sqlite is refused: a database belongs to its service here; let the service run its \
         statements itself, such as CREATE TABLE IF NOT EXISTS"
    )]
    Sqlite,
    #[error(
        "--from-registry is refused: apps are run from their manifest; fetch the app and name its \
         spin.toml with --file"
    )]
    Registry,
    #[error(
        "--experimental-wasi-otel is refused: wasi:otel is not offered; a component that imports \
         it would not start"
    )]
    Otel,
    #[error(
        "--experimental-wasm-feature is refused: components are compiled with the features of the \
         WebAssembly standard only"
    )]
    WasmFeature,
}

impl SpinArguments {
    /// Refuses what would change the app's meaning.
    pub fn check(&self) -> Result<(), RefusedError> {
        let refusals = [
            (self.allow_transient_write, RefusedError::TransientWrite),
            (self.direct_mounts, RefusedError::DirectMounts),
            (!self.key_values.is_empty(), RefusedError::KeyValue),
            (!self.sqlite.is_empty(), RefusedError::Sqlite),
            (self.from_registry.is_some(), RefusedError::Registry),
            (self.experimental_wasi_otel, RefusedError::Otel),
            (
                !self.experimental_wasm_feature.is_empty(),
                RefusedError::WasmFeature,
            ),
        ];
        match refusals.into_iter().find(|(given, _)| *given) {
            Some((_, refusal)) => Err(refusal),
            None => Ok(()),
        }
    }

    pub(super) fn reuse_max(&self) -> Option<u64> {
        self.max_instance_reuse_count.map(|limit| limit.0)
    }

    pub(super) fn concurrent_reuse_max(&self) -> Option<u64> {
        self.max_instance_concurrent_reuse_count
            .map(|limit| limit.0)
    }

    pub(super) fn idle_timeout_ms(&self) -> Option<u64> {
        self.idle_instance_timeout.map(|limit| limit.0)
    }
}
