//! The flags of `kumiki up`, and how they become [`UpOptions`]. The flags of Spin keep Spin's
//! names, short forms, environment variables and meaning; those that would mean something else here
//! are refused by [`super::refused`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{FalseyValueParser, OsStringValueParser, TypedValueParser};

use crate::admin::address;
use crate::app::options::{
    Follow, LimitOverrides, LogDirectory, RoutesFormat, TlsFiles, UpOptions,
};
use crate::cli::locate::{LocateError, manifest_path};
use crate::cli::up::refused::{RefusedError, SpinArguments};
use crate::cli::up::values::{
    DurationLimit, VariableSource, VariablesError, parse_key_value, parse_listen_address,
};
use crate::manifest::folder_of;
use crate::manifest::runtime_config::FILE_NAME as RUNTIME_CONFIG;

/// The flags of `kumiki up`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki up                                     run ./spin.toml on http://127.0.0.1:3000\n  \
    kumiki up -f shop --listen 127.0.0.1:8080     run shop/spin.toml on another port\n  \
    kumiki up --build --variable password=@secret.txt\n  \
    kumiki up --tls-cert cert.pem --tls-key key.pem --listen 0.0.0.0:3443")]
pub struct UpArguments {
    /// The manifest, or the folder that holds a spin.toml [default: the nearest one upwards]
    #[arg(
        short = 'f',
        long = "file",
        visible_alias = "from",
        alias = "from-file"
    )]
    #[arg(value_name = "PATH")]
    pub file: Option<PathBuf>,

    /// The address and port to listen on
    #[arg(long, env = "SPIN_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:3000")]
    #[arg(value_name = "HOST:PORT", value_parser = parse_listen_address)]
    pub listen: SocketAddr,

    /// Take the next free port upwards where the given one is in use
    #[arg(long)]
    pub find_free_port: bool,

    /// Where the admin API answers: 127.0.0.1:PORT, [::1]:PORT, unix:/PATH, or off [default:
    /// 127.0.0.1:3001, or a free port where that one is in use]
    #[arg(long, value_name = "ADDRESS")]
    pub admin: Option<address::Setting>,

    /// Build the components first
    #[arg(long, env = "SPIN_ALWAYS_BUILD", value_parser = FalseyValueParser::new())]
    pub build: bool,

    /// Set an environment variable in every component
    #[arg(short = 'e', long = "env", value_name = "KEY=VALUE", value_parser = parse_key_value)]
    pub environment: Vec<(String, String)>,

    /// Set variables of the application; the last value of a name counts
    #[arg(
        long = "variable",
        value_name = "KEY=VALUE | KEY=@FILE | @FILE.json | @FILE.toml"
    )]
    pub variables: Vec<VariableSource>,

    /// Where stores, logs and compiled components are kept [default: .kumiki beside the manifest]
    #[arg(long, value_name = "DIR", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub state_dir: Option<PathBuf>,

    /// Stores, databases and variable providers [default: runtime-config.toml beside the manifest]
    #[arg(long, env = "RUNTIME_CONFIG_FILE", value_name = "FILE")]
    pub runtime_config_file: Option<PathBuf>,

    /// Run this profile of each component that has it
    #[arg(long)]
    pub profile: Option<String>,

    /// Run only these components
    #[arg(short = 'c', long = "component-id", value_name = "ID")]
    pub components: Vec<String>,

    /// Ignore every tool.kumiki table, as Spin does
    #[arg(long)]
    pub stock: bool,

    /// Seconds that running requests get to finish after SIGTERM or Ctrl-C
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub drain_timeout: u64,

    /// The certificate chain for HTTPS, in PEM
    #[arg(long, env = "SPIN_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The private key for HTTPS, in PEM
    #[arg(long, env = "SPIN_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Where the components' output is written; an empty value writes none [default: the state
    /// directory's logs]
    #[arg(short = 'L', long, env = "SPIN_LOG_DIR", value_name = "DIR")]
    #[arg(value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub log_dir: Option<PathBuf>,

    /// Empty the log files first
    #[arg(long)]
    pub truncate_logs: bool,

    /// Print no component's output here
    #[arg(short = 'q', long, aliases = ["sh", "shush", "silence-component-logs"])]
    #[arg(conflicts_with = "follow")]
    pub quiet: bool,

    /// Print only the output of these components here
    #[arg(long, value_name = "ID")]
    pub follow: Vec<String>,

    /// How the routes are printed
    #[arg(long, value_enum, default_value_t = RoutesFormat::Plain)]
    pub format: RoutesFormat,

    /// Bytes of memory that one instance may use, whatever the manifest says
    #[arg(long, env = "SPIN_MAX_INSTANCE_MEMORY", value_name = "BYTES")]
    pub max_instance_memory: Option<u64>,

    /// Resident memory of the host; above it, services that nobody calls leave memory early
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub memory_budget: Option<u64>,

    /// Time from a request to its answer's head, whatever the manifest says: 30, 30s, 500ms
    #[arg(long, value_name = "TIME")]
    pub request_timeout: Option<DurationLimit>,

    /// Bytes of a request's head, whatever the manifest says; at least 8192
    #[arg(long, env = "SPIN_HTTP1_MAX_BUF_SIZE", value_name = "BYTES")]
    #[arg(value_parser = clap::value_parser!(u64).range(8192..))]
    pub http1_max_buf_size: Option<u64>,

    /// Compile every component anew
    #[arg(long, env = "DISABLE_WASMTIME_CACHE", value_parser = FalseyValueParser::new())]
    #[arg(conflicts_with = "cache")]
    pub disable_cache: bool,

    /// Allocate every instance on demand
    #[arg(long)]
    pub disable_pooling: bool,

    #[command(flatten)]
    pub spin: SpinArguments,
}

/// Why the flags cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum ArgumentsError {
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error(transparent)]
    Refused(#[from] RefusedError),
    #[error(transparent)]
    Variables(#[from] VariablesError),
    /// A file that a flag names is not there.
    #[error("{flag} names {path}, which is not a file")]
    NotAFile { flag: &'static str, path: PathBuf },
    /// An empty `--state-dir`, which means "keep nothing" to Spin.
    #[error("--state-dir is empty; kumiki keeps what it acknowledged, so name a folder")]
    EmptyStateDir,
}

impl UpArguments {
    /// Resolves the flags. Reads the files that they name, and nothing else.
    pub fn resolve(self, current_directory: &Path) -> Result<UpOptions, ArgumentsError> {
        self.spin.check()?;
        let manifest_path = manifest_path(self.file.as_deref(), current_directory)?;
        let existing = |flag, path: PathBuf| {
            let path = current_directory.join(path);
            if path.is_file() {
                Ok(path)
            } else {
                Err(ArgumentsError::NotAFile { flag, path })
            }
        };
        let runtime_config_file = match self.runtime_config_file {
            Some(path) => Some(existing("--runtime-config-file", path)?),
            None => Some(folder_of(&manifest_path).join(RUNTIME_CONFIG)).filter(|p| p.is_file()),
        };
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(certificate), Some(key)) => Some(TlsFiles {
                certificate: existing("--tls-cert", certificate)?,
                key: existing("--tls-key", key)?,
            }),
            _ => None,
        };
        if self
            .state_dir
            .as_ref()
            .is_some_and(|path| path.as_os_str().is_empty())
        {
            return Err(ArgumentsError::EmptyStateDir);
        }
        let mut variables = BTreeMap::new();
        for source in &self.variables {
            variables.extend(source.read(current_directory)?);
        }
        Ok(UpOptions {
            profile: self.profile,
            stock: self.stock,
            components: self.components,
            build: self.build,
            listen: self.listen,
            find_free_port: self.find_free_port,
            admin: self.admin.unwrap_or_default().below(current_directory),
            tls,
            format: self.format,
            drain_timeout_seconds: self.drain_timeout,
            environment: self.environment.into_iter().collect(),
            variables,
            runtime_config_file,
            state_dir: self.state_dir.map(|path| current_directory.join(path)),
            log_directory: log_directory(self.log_dir, current_directory),
            truncate_logs: self.truncate_logs,
            follow: follow(self.quiet, self.follow),
            compiled_cache: !self.disable_cache,
            pooling: !self.disable_pooling,
            limits: LimitOverrides {
                memory_bytes_max: self.max_instance_memory,
                timeout_ms: self.request_timeout.map(|limit| limit.0),
                header_bytes_max: self.http1_max_buf_size,
                memory_budget_mib: self.memory_budget,
                instance_reuse_max: self.spin.reuse_max(),
                instance_concurrent_reuse_max: self.spin.concurrent_reuse_max(),
                instance_idle_timeout_ms: self.spin.idle_timeout_ms(),
            },
            manifest_path,
        })
    }
}

fn log_directory(given: Option<PathBuf>, current_directory: &Path) -> LogDirectory {
    match given {
        None => LogDirectory::Default,
        Some(path) if path.as_os_str().is_empty() => LogDirectory::Off,
        Some(path) => LogDirectory::At(current_directory.join(path)),
    }
}

fn follow(quiet: bool, named: Vec<String>) -> Follow {
    match (quiet, named.is_empty()) {
        (true, _) => Follow::None,
        (false, true) => Follow::All,
        (false, false) => Follow::Only(named),
    }
}

#[cfg(test)]
mod tests;
