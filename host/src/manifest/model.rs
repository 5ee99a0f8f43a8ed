//! The shape of a checked manifest: what the rest of the host reads. Nothing here parses.
//!
//! Every path is absolute. Templates (`{{ variable }}`) are kept as text and expanded by
//! [`crate::manifest::variables`] once the variables are known.

pub mod canary;
pub mod events;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use self::canary::Canary;
use self::events::{Atomic, BusSettings, Schedule, Subscription};

/// One application: a checked `spin.toml` of version 2.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The manifest file.
    pub path: PathBuf,
    /// The folder that relative paths in the manifest start from.
    pub directory: PathBuf,
    pub name: String,
    pub version: String,
    pub description: String,
    pub authors: Vec<String>,
    /// `[application.tool.kumiki]`.
    pub settings: ApplicationSettings,
    pub variables: BTreeMap<String, VariableDeclaration>,
    pub http_triggers: Vec<HttpTrigger>,
    pub redis_triggers: Vec<RedisTrigger>,
    /// By id. An inline component of a trigger stands here too, under the id that Spin gives it.
    pub components: BTreeMap<String, Component>,
}

#[derive(Clone)]
pub struct VariableDeclaration {
    pub description: Option<String>,
    /// `None`: the variable is required.
    pub default: Option<String>,
    /// A secret value never reaches a log or an error message.
    pub secret: bool,
}

impl fmt::Debug for VariableDeclaration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = if self.secret {
            None
        } else {
            self.default.as_deref()
        };
        out.debug_struct("VariableDeclaration")
            .field("description", &self.description)
            .field("default", &default)
            .field("required", &self.default.is_none())
            .field("secret", &self.secret)
            .finish()
    }
}

#[derive(Clone, Debug)]
pub struct HttpTrigger {
    pub id: String,
    pub route: HttpRoute,
    pub target: HttpTarget,
    pub executor: HttpExecutor,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpRoute {
    /// A pattern such as `/products/:id` or `/static/...`.
    Pattern(String),
    /// Reached by service chaining only.
    Private,
}

#[derive(Clone, Debug)]
pub enum HttpTarget {
    /// The id of a component in [`Manifest::components`].
    Component(String),
    Static(StaticResponse),
}

#[derive(Clone, Debug)]
pub struct StaticResponse {
    pub status_code: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpExecutor {
    Http,
    /// Parsed and refused at load with a clear error: CGI-style guests are not run.
    Wagi,
}

#[derive(Clone, Debug)]
pub struct RedisTrigger {
    pub id: String,
    pub channel: String,
    pub address: Option<String>,
    pub component: String,
}

#[derive(Clone, Debug)]
pub struct Component {
    pub id: String,
    pub source: Source,
    pub description: String,
    /// Templates by variable name.
    pub variables: BTreeMap<String, String>,
    pub environment: BTreeMap<String, String>,
    pub files: Vec<FileMount>,
    pub exclude_files: Vec<String>,
    /// Templates.
    pub allowed_outbound_hosts: Vec<String>,
    pub key_value_stores: Vec<String>,
    pub sqlite_databases: Vec<String>,
    pub build: Option<Build>,
    pub dependencies: BTreeMap<String, Dependency>,
    pub dependencies_inherit_configuration: bool,
    /// `[component.ID.tool.kumiki]`.
    pub settings: ServiceSettings,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Path(PathBuf),
    /// The digest is `sha256:` and 64 hexadecimal digits.
    Url {
        url: String,
        digest: String,
    },
    Registry {
        registry: Option<String>,
        package: String,
        version: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileMount {
    /// Files that match stand in the guest at the same path relative to its root.
    Glob(String),
    /// A file or folder, and where it stands in the guest.
    Placement {
        source: PathBuf,
        destination: String,
    },
}

#[derive(Clone, Debug)]
pub struct Build {
    /// Run one after the other by the shell; the first that fails ends the build.
    pub commands: Vec<String>,
    pub workdir: Option<PathBuf>,
    /// Globs relative to `workdir`.
    pub watch: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Dependency {
    pub source: DependencySource,
    pub export: Option<String>,
    pub inherit_configuration: InheritConfiguration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DependencySource {
    Version {
        registry: Option<String>,
        package: Option<String>,
        version: String,
    },
    Path(PathBuf),
    Url {
        url: String,
        digest: String,
    },
    Component(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InheritConfiguration {
    None,
    All,
    Some(Vec<String>),
}

/// `[application.tool.kumiki]`: limits of the listener, and what is kept of all services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationSettings {
    /// Bytes of a request's head that the listener accepts; more is answered 431.
    pub header_bytes_max: usize,
    /// Bytes of a request body; more is answered 413. `None`: no limit.
    pub body_bytes_max: Option<u64>,
    /// Time that a client has to send a request's head.
    pub header_read_timeout_ms: u64,
    /// Open connections; further clients wait to be accepted.
    pub connections_max: usize,
    /// Revisions of each service that are kept beside the live ones.
    pub revisions_kept: usize,
    /// Memory of all services together. `None`: no limit.
    pub memory_budget_mib: Option<u64>,
}

impl Component {
    /// What kumiki runs: the source of `[component.ID.tool.kumiki]` where there is one.
    pub fn live_source(&self) -> &Source {
        self.settings.source.as_ref().unwrap_or(&self.source)
    }
}

impl Default for ApplicationSettings {
    fn default() -> Self {
        Self {
            header_bytes_max: 64 * 1024,
            body_bytes_max: None,
            header_read_timeout_ms: 10_000,
            connections_max: 4096,
            revisions_kept: 10,
            memory_budget_mib: None,
        }
    }
}

/// `composed_only`: the grants that an artifact needs because its providers are composed into it.
/// Each of them is a grant of the component as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComposedOnly {
    pub key_value_stores: Vec<String>,
    pub sqlite_databases: Vec<String>,
    pub allowed_outbound_hosts: Vec<String>,
    /// Names.
    pub variables: Vec<String>,
    /// Names.
    pub environment: Vec<String>,
    pub files: Vec<FileMount>,
}

/// `[component.ID.tool.kumiki]`: limits of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSettings {
    /// The artifact that kumiki runs in the place of the component's `source`.
    pub source: Option<Source>,
    /// Linear memory of one instance.
    pub memory_max_mib: u64,
    /// From the call to the head of the answer.
    pub timeout_ms: u64,
    /// Longest pause between two reads or writes of a body.
    pub body_idle_timeout_ms: u64,
    /// CPU time of one invocation.
    pub cpu_ms_max: u64,
    /// Instances that run at once; further calls wait within their deadline.
    pub instances_max: usize,
    /// Of these, the ones that only linked and chained calls may take. `None`: a quarter.
    pub instances_reserved_for_links: Option<usize>,
    /// Calls that may wait for an instance; further ones are refused.
    pub queue_max: usize,
    /// Instances that are made ahead of need while the service is in use.
    pub fresh_instances_ready: usize,
    /// Invocations that one instance serves, one after the other. `None`: 1 with WASI 0.2, 128 with
    /// 0.3, as in Spin.
    pub reuse_max: Option<u64>,
    /// Without a call for so long, the service's instances leave memory.
    pub idle_timeout_ms: u64,
    /// Without a call for so long, its code does as well. `None`: with the instances.
    pub unload_after_ms: Option<u64>,
    /// Arguments of one linked call that the service makes, and its result.
    pub message_bytes_max: usize,
    /// By the interface that the component imports: the component whose live service answers.
    pub links: BTreeMap<String, String>,
    /// Grants of the component that its live service does not get.
    pub composed_only: ComposedOnly,
    /// Size of each of the service's own store files.
    pub store_mib_max: u64,
    /// Log output of the guest; what comes faster is dropped and counted.
    pub log_kib_per_second: u64,
    /// The bus, where it stands in the place of the component.
    pub bus: Option<BusSettings>,
    pub subscriptions: Vec<Subscription>,
    pub schedules: Vec<Schedule>,
    pub atomic: Atomic,
    /// Without it a canary is not judged.
    pub canary: Option<Canary>,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            source: None,
            memory_max_mib: 128,
            timeout_ms: 30_000,
            body_idle_timeout_ms: 30_000,
            cpu_ms_max: 10_000,
            instances_max: 128,
            instances_reserved_for_links: None,
            queue_max: 1024,
            fresh_instances_ready: 2,
            reuse_max: None,
            idle_timeout_ms: 60_000,
            unload_after_ms: None,
            message_bytes_max: 256 * 1024,
            links: BTreeMap::new(),
            composed_only: ComposedOnly::default(),
            store_mib_max: 256,
            log_kib_per_second: 256,
            bus: None,
            subscriptions: Vec::new(),
            schedules: Vec::new(),
            atomic: Atomic::default(),
            canary: None,
        }
    }
}
