//! What an app is run with: every path absolute, every value read. The flags that it is made from
//! are left to the command line.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::admin::address;
use crate::manifest::folder_of;
use crate::manifest::runtime_config::DirectorySetting;

/// The state directory's name beside the manifest, where nothing else names it.
pub const STATE_DIRECTORY: &str = ".kumiki";

/// How the routes are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RoutesFormat {
    /// One line for each route.
    #[default]
    Plain,
    /// One JSON document.
    Json,
}

/// What `kumiki up` does: every path absolute, every value read. Debug names the manifest alone,
/// because variables may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct UpOptions {
    pub manifest_path: PathBuf,
    pub profile: Option<String>,
    pub stock: bool,
    /// The only components that run; empty: all.
    pub components: Vec<String>,
    pub build: bool,
    pub listen: SocketAddr,
    pub find_free_port: bool,
    pub admin: address::Setting,
    pub tls: Option<TlsFiles>,
    pub format: RoutesFormat,
    /// Time that running requests get after the first signal.
    pub drain_timeout_seconds: u64,
    /// Set in every component, over the manifest's own.
    pub environment: BTreeMap<String, String>,
    /// Given on the command line; they go before every provider.
    pub variables: BTreeMap<String, String>,
    pub runtime_config_file: Option<PathBuf>,
    /// Given with `--state-dir`. [`UpOptions::state_directory`] says which one counts.
    pub state_dir: Option<PathBuf>,
    pub log_directory: LogDirectory,
    pub truncate_logs: bool,
    pub follow: Follow,
    /// Compiled components are kept in the state directory and taken from there.
    pub compiled_cache: bool,
    /// Instances come from a pool, where the machine has the address space.
    pub pooling: bool,
    /// Values that go over the manifest's.
    pub limits: LimitOverrides,
}

/// The files of HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Where components' output is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogDirectory {
    /// Where the runtime config says, else `logs` in the state directory.
    Default,
    At(PathBuf),
    /// Nowhere.
    Off,
}

/// Which components' output is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Follow {
    All,
    None,
    Only(Vec<String>),
}

/// Limits of the command line, which count for the host or for every component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitOverrides {
    pub memory_bytes_max: Option<u64>,
    pub timeout_ms: Option<u64>,
    pub header_bytes_max: Option<u64>,
    /// Resident memory of the host.
    pub memory_budget_mib: Option<u64>,
    /// Requests that one instance serves in its life, at most.
    pub instance_reuse_max: Option<u64>,
    /// Requests that one instance serves at a time, at most.
    pub instance_concurrent_reuse_max: Option<u64>,
    /// Time that an idle instance is kept for, at most.
    pub instance_idle_timeout_ms: Option<u64>,
}

impl fmt::Debug for UpOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("UpOptions")
            .field("manifest_path", &self.manifest_path)
            .finish_non_exhaustive()
    }
}

impl UpOptions {
    /// The state directory: the flag's, else the runtime config's, else `.kumiki` beside the
    /// manifest. There is no running without one, so a config that unsets it gets the last.
    pub fn state_directory(&self, configured: Option<&Path>) -> PathBuf {
        let folder = folder_of(&self.manifest_path);
        match (&self.state_dir, configured) {
            (Some(given), _) => given.clone(),
            (None, Some(configured)) => folder.join(configured),
            (None, None) => folder.join(STATE_DIRECTORY),
        }
    }

    /// Where components' output is written: the flag's folder, else the runtime config's, else
    /// `logs` in the state directory. `None`: nowhere.
    pub fn log_directory(&self, configured: &DirectorySetting, state: &Path) -> Option<PathBuf> {
        match (&self.log_directory, configured) {
            (LogDirectory::Off, _) | (LogDirectory::Default, DirectorySetting::Unset) => None,
            (LogDirectory::At(path), _) => Some(path.clone()),
            (LogDirectory::Default, DirectorySetting::Path(configured)) => Some(configured.clone()),
            (LogDirectory::Default, DirectorySetting::Preset) => Some(state.join("logs")),
        }
    }
}
