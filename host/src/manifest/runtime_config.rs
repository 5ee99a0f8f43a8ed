//! The runtime config (`runtime-config.toml`): what stands behind the labels of a manifest, and
//! limits of the host. Read strictly, as the manifest is; opening what it names is left to storage
//! and to the capabilities.

mod reading;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use toml::de::DeTable;

use super::diagnostics::Diagnostics;
use super::reader::Document;

/// The name of a runtime config that is found beside a manifest without being named.
pub const FILE_NAME: &str = "runtime-config.toml";

/// A checked runtime config. Every path is absolute: a relative one starts from the folder of the
/// file. The default is that of no file at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// The file, when there is one.
    pub path: Option<PathBuf>,
    pub state_dir: DirectorySetting,
    pub log_dir: DirectorySetting,
    /// Bytes of linear memory that one instance of any component may have.
    pub max_instance_memory: Option<u64>,
    /// By label.
    pub key_value_stores: BTreeMap<String, KeyValueStore>,
    /// By label.
    pub sqlite_databases: BTreeMap<String, SqliteDatabase>,
    /// In the order of precedence.
    pub variables_providers: Vec<VariablesProvider>,
    pub outbound_http: OutboundHttp,
    pub outbound_pg: OutboundLimit,
    pub outbound_mysql: OutboundLimit,
    pub outbound_redis: OutboundLimit,
    pub outbound_mqtt: OutboundLimit,
    pub outbound_networking: OutboundNetworking,
    pub client_tls: Vec<ClientTls>,
}

/// A folder that may be set, or explicitly unset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DirectorySetting {
    /// Nothing is said: the preset holds.
    #[default]
    Preset,
    /// The empty text: there shall be none.
    Unset,
    Path(PathBuf),
}

impl DirectorySetting {
    /// The folder that is set, if one is.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Preset | Self::Unset => None,
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
pub enum KeyValueStore {
    /// A SQLite file; without a path, one in the state directory.
    Spin { path: Option<PathBuf> },
    /// The address may hold a password, so that Debug leaves it out.
    Redis { url: String },
}

impl fmt::Debug for KeyValueStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spin { path } => out.debug_struct("Spin").field("path", path).finish(),
            Self::Redis { .. } => out.debug_struct("Redis").finish_non_exhaustive(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqliteDatabase {
    /// A SQLite file; without a path, one in the state directory.
    Spin { path: Option<PathBuf> },
}

/// Where values of variables come from.
#[derive(Clone, PartialEq, Eq)]
pub enum VariablesProvider {
    /// Values by name. Any of them may belong to a secret variable, so that Debug leaves them out.
    Static { values: BTreeMap<String, String> },
    /// Environment variables `PREFIX_NAME`.
    Env {
        /// `None`: `SPIN_VARIABLE`.
        prefix: Option<String>,
        /// A file of such variables, used where the environment has none; it need not exist.
        dotenv_path: Option<PathBuf>,
    },
}

impl fmt::Debug for VariablesProvider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static { values } => {
                let names: Vec<&String> = values.keys().collect();
                out.debug_struct("Static").field("names", &names).finish()
            }
            Self::Env {
                prefix,
                dotenv_path,
            } => out
                .debug_struct("Env")
                .field("prefix", prefix)
                .field("dotenv_path", dotenv_path)
                .finish(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboundHttp {
    pub connection_pooling: Option<bool>,
    /// Connections open at once; zero allows none.
    pub max_connections: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboundLimit {
    /// Connections open at once; zero allows none.
    pub max_connections: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboundNetworking {
    /// Networks that no component may reach, whatever its grants.
    pub block_networks: Vec<IpNet>,
    /// `"private"` stands in `block_networks`: all private networks are blocked too.
    pub block_private_networks: bool,
    pub max_socket_connections: Option<u64>,
    pub max_total_connections: Option<u64>,
}

/// How the named components connect to the named hosts by TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    pub component_ids: Vec<String>,
    pub hosts: Vec<String>,
    pub ca_use_platform_roots: Option<bool>,
    pub ca_use_webpki_roots: Option<bool>,
    pub ca_roots_file: Option<PathBuf>,
    /// Given with `client_private_key_file` or not at all.
    pub client_cert_file: Option<PathBuf>,
    pub client_private_key_file: Option<PathBuf>,
}

/// Reads a runtime config.
///
/// # Errors
/// All mistakes of the file at once, or the one that it cannot be read.
pub fn load(path: &Path) -> Result<RuntimeConfig, Diagnostics> {
    let text = super::read_text(path, "name another with `--runtime-config-file`")?;
    parse(&text, path)
}

/// Reads a runtime config from its text; `path` is where it stands, for messages and relative
/// paths.
///
/// # Errors
/// All mistakes of the text.
pub fn parse(text: &str, path: &Path) -> Result<RuntimeConfig, Diagnostics> {
    let (tree, syntax) = DeTable::parse_recoverable(text);
    let document = Document::new(text);
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let config = reading::read(document.root(tree.get_ref()), &absolute);
    let found = document.into_diagnostics(&path.display().to_string(), &syntax);
    if found.mistakes() == 0 {
        Ok(config)
    } else {
        Err(found)
    }
}

#[cfg(test)]
mod tests;
