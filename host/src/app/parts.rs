//! From one component of the manifest to a service that can be called: its artifact, its handler,
//! its grants. What the parts do is left to the runtime and to the capabilities.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

use super::overrides::{self, OverrideError};
use super::stores::Stores;
use crate::app::dependencies;
use crate::app::options::{Follow, UpOptions};
use crate::capabilities::http_out::{Client, ClientSettings, SelfAddress};
use crate::capabilities::invocation::Chain;
use crate::capabilities::{files, http_out, logs, redis, sockets, variables};
use crate::manifest::model::{Component, Manifest};
use crate::manifest::runtime_config::RuntimeConfig;
use crate::manifest::variables::{Resolver, VariableError};
use crate::network::allowed_hosts::AllowedHosts;
use crate::network::guard::Guard;
use crate::network::tls::{TlsClient, TlsSetupError};
use crate::runtime::absent;
use crate::runtime::artifact_cache::{Artifact, ArtifactCache, ArtifactError};
use crate::runtime::atomic::AtomicHandlers;
use crate::runtime::code::{CodeError, CodeLoader};
use crate::runtime::engine::{EngineKind, Engines, POOL_INSTANCES};
use crate::runtime::host_places::HostPlaces;
use crate::runtime::instances::{Grants, Instances};
use crate::runtime::linker::Linkers;
use crate::runtime::links::Link;
use crate::runtime::revision::Revision;
use crate::runtime::service::Service;
use crate::runtime::standstill::Standstill;
use crate::storage::state_dir::StateDir;
use crate::telemetry::metrics::ServiceMetrics;

/// Places of the pool that only services without an instance may take.
const POOL_RESERVED: usize = POOL_INSTANCES as usize / 10;

/// Everything that keeps the app from starting, said at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct LoadErrors(Vec<String>);

impl LoadErrors {
    /// Errors that were found together.
    pub fn of(errors: Vec<String>) -> Self {
        Self(errors)
    }

    /// Nothing, if there are no errors.
    pub fn check(errors: Vec<String>) -> Result<(), Self> {
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Self(errors))
        }
    }
}

/// Why one service cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Source(#[from] dependencies::ArtifactError),
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error("{path}: {error}")]
    Code { path: String, error: CodeError },
    #[error(
        "{path}: it exports no HTTP handler that kumiki can call \
         (wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3.0); its exports are: {exports}"
    )]
    NoHandler { path: String, exports: String },
    #[error(transparent)]
    Variable(#[from] VariableError),
    #[error("allowed_outbound_hosts: {0}")]
    AllowedHosts(String),
    #[error(transparent)]
    Files(#[from] files::FilesError),
    #[error("the log files cannot be opened: {0}")]
    Logs(std::io::Error),
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    #[error(transparent)]
    Stores(#[from] super::stores::StoreError),
}

/// A component whose artifact is known.
pub struct Inspected<'m> {
    pub component: Cow<'m, Component>,
    pub artifact: Artifact,
    pub allowed_hosts: Arc<AllowedHosts>,
}

/// What a revision is made with beside its component.
pub struct Build<'a> {
    pub number: u64,
    pub links: Vec<Arc<Link>>,
    /// Whether its HTTP handler is called.
    pub is_handling: bool,
    /// Where the manifest stands that its files are named in.
    pub directory: &'a Path,
    /// Those of its service.
    pub metrics: Arc<ServiceMetrics>,
}

/// What all services of an app are made with.
pub struct Parts {
    pub self_address: Arc<OnceLock<SelfAddress>>,
    options: UpOptions,
    config: RuntimeConfig,
    resolver: Resolver,
    /// The state directory, and the artifact cache in it.
    state: PathBuf,
    cache_folder: PathBuf,
    pub engines: Arc<Engines>,
    linkers: Arc<Linkers>,
    cache: Arc<ArtifactCache>,
    pub stores: Stores,
    guard: Arc<Guard>,
    chain: Arc<OnceLock<Arc<dyn Chain>>>,
    logs: Option<PathBuf>,
    pub lines: Arc<logs::Lines>,
    requests_out: Option<Arc<Semaphore>>,
    redis_connections: Option<Arc<Semaphore>>,
    pub host_places: Arc<HostPlaces>,
    standstill: Arc<Standstill>,
}

impl Parts {
    pub fn new(
        manifest: &Manifest,
        options: &UpOptions,
        config: &RuntimeConfig,
        resolver: Resolver,
        state: &StateDir,
        chain: Arc<dyn Chain>,
    ) -> anyhow::Result<Self> {
        let cache = if options.compiled_cache {
            ArtifactCache::open(&state.cache())
        } else {
            ArtifactCache::none()
        };
        let logs = options.log_directory(&config.log_dir, state.path());
        if options.truncate_logs {
            logs.as_deref().map(remove_logs).transpose()?;
        }
        let engines = Engines::start(options.pooling)?;
        Ok(Self {
            self_address: Arc::new(OnceLock::new()),
            resolver,
            state: state.path().to_owned(),
            cache_folder: state.cache(),
            linkers: Arc::new(Linkers::new(&engines)?),
            engines,
            cache: Arc::new(cache),
            stores: Stores::new(manifest, config, state)?,
            guard: Arc::new(guard(config)),
            chain: Arc::new(OnceLock::from(chain)),
            logs,
            lines: Arc::default(),
            requests_out: app_limit(config.outbound_http.max_connections),
            redis_connections: app_limit(config.outbound_redis.max_connections),
            host_places: Arc::new(HostPlaces::new(POOL_INSTANCES as usize, POOL_RESERVED)),
            standstill: Arc::default(),
            options: options.clone(),
            config: config.clone(),
        })
    }

    /// Keeps every service that is made from now on from an endpoint of the host's own.
    pub fn refuse_endpoint(&mut self, endpoint: SocketAddr) {
        Arc::make_mut(&mut self.guard).refuse_endpoint(endpoint);
    }

    /// A manifest with what the command line changes in it.
    pub fn overridden(&self, mut manifest: Manifest) -> Result<Manifest, OverrideError> {
        overrides::apply(&mut manifest, &self.options, &self.config)?;
        Ok(manifest)
    }

    /// What can be said of a component before its links are known.
    pub fn inspect<'m>(
        &self,
        component: &'m Component,
        manifest: &Manifest,
    ) -> Result<Inspected<'m>, LoadError> {
        let path = dependencies::artifact(component, manifest, &self.cache_folder)?;
        self.inspect_file(Cow::Borrowed(component), &path)
    }

    /// The same of a component that runs another file than its manifest names.
    pub fn inspect_file<'m>(
        &self,
        component: Cow<'m, Component>,
        path: &Path,
    ) -> Result<Inspected<'m>, LoadError> {
        let artifact = self.cache.inspect(&self.engines, path)?;
        let allowed_hosts = Arc::new(self.allowed_hosts(&component)?);
        Ok(Inspected {
            component,
            artifact,
            allowed_hosts,
        })
    }

    /// A service without a revision.
    pub fn service(&self, id: &str) -> Service {
        Service::new(id.into(), Arc::default(), self.standstill.clone())
    }

    /// The revision that a component becomes. `metrics` are those of its service.
    pub fn revision(
        &self,
        inspected: Inspected<'_>,
        build: Build<'_>,
    ) -> Result<Revision, LoadError> {
        let Inspected {
            component,
            artifact,
            allowed_hosts,
        } = inspected;
        let absent = absent::imports(artifact.contract());
        if !absent.is_empty() {
            tracing::warn!(
                "component `{}` imports what kumiki does not offer, and calls of it will fail: {}",
                component.id,
                absent.join(", ")
            );
        }
        let grants = self.grants(&component, build.directory, allowed_hosts.clone())?;
        let loader = CodeLoader {
            engines: self.engines.clone(),
            linkers: self.linkers.clone(),
            cache: self.cache.clone(),
            artifact,
            links: build.links,
            allowed_hosts,
        };
        check_code(&loader, build.is_handling)?;
        let mut settings = component.settings.clone();
        if loader.artifact.kind() == EngineKind::Concurrent {
            // Spin's flag is about instances of WASI 0.3 alone.
            let of_command_line = self.options.limits.instance_reuse_max;
            settings.reuse_max = settings.reuse_max.or(of_command_line);
        }
        let atomic = self.stores.of_atomic(&component)?;
        let atomic =
            atomic.map(|store| AtomicHandlers::new(component.settings.atomic.clone(), store));
        let host_places = self.host_places.clone();
        let instances = Instances::new(loader, grants, settings, host_places, build.metrics);
        Ok(Revision::new(build.number, instances, atomic))
    }

    fn grants(
        &self,
        component: &Component,
        directory: &Path,
        allowed_hosts: Arc<AllowedHosts>,
    ) -> Result<Grants, LoadError> {
        let guard = Arc::new(self.guard.for_service());
        let variables = self.resolver.component_variables(component)?;
        Ok(Grants {
            environment: self.environment(component),
            files: files::Config::prepare(
                &component.files,
                &component.exclude_files,
                directory,
                &self.state,
                &std::env::temp_dir(),
            )?,
            logs: logs::Config::new(
                &component.id,
                self.lines.clone(),
                self.logs.clone(),
                self.echoes(&component.id),
                component.settings.log_kib_per_second,
            )
            .map_err(LoadError::Logs)?,
            variables: variables::Config {
                service: component.id.clone(),
                values: Arc::new(variables),
            },
            key_value: Arc::new(self.stores.key_value(component)?),
            sqlite: Arc::new(self.stores.sqlite(component)),
            redis: redis::Config {
                allowed_hosts: allowed_hosts.clone(),
                guard: guard.clone(),
                tls: TlsClient::new(&[], &[])?,
                limits: redis::Limits::default(),
                app_limit: self.redis_connections.clone(),
            },
            http_out: Arc::new(http_out::Config {
                allowed_hosts: allowed_hosts.clone(),
                guard: guard.clone(),
                chain: self.chain.clone(),
                self_address: self.self_address.clone(),
                client: self.client()?,
            }),
            sockets: sockets::Config {
                allowed_hosts,
                guard,
            },
        })
    }

    fn allowed_hosts(&self, component: &Component) -> Result<AllowedHosts, LoadError> {
        let entries: Result<Vec<_>, _> = component
            .allowed_outbound_hosts
            .iter()
            .map(|template| self.resolver.expand(template))
            .collect();
        AllowedHosts::parse(&entries?).map_err(|errors| {
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            LoadError::AllowedHosts(self.resolver.redact(&errors.join("; ")))
        })
    }

    /// The flag `--env` goes before the manifest, as in Spin.
    fn environment(&self, component: &Component) -> Vec<(String, String)> {
        let mut environment = component.environment.clone();
        environment.extend(self.options.environment.clone());
        environment.into_iter().collect()
    }

    fn echoes(&self, id: &str) -> bool {
        match &self.options.follow {
            Follow::All => true,
            Follow::None => false,
            Follow::Only(ids) => ids.iter().any(|followed| followed == id),
        }
    }

    /// One client per service: connections are never shared between services.
    fn client(&self) -> Result<Client, TlsSetupError> {
        Client::new(&ClientSettings {
            is_pooling: self.config.outbound_http.connection_pooling.unwrap_or(true),
            app_limit: self.requests_out.clone(),
            ..ClientSettings::default()
        })
    }
}

/// Whether the component can be linked, and answers HTTP if a trigger leads to it. What held once
/// holds for the same artifact and the same links.
fn check_code(loader: &CodeLoader, is_triggered: bool) -> Result<(), LoadError> {
    let path = || loader.artifact.path().display().to_string();
    let key = loader.check_key(is_triggered);
    if loader.cache.is_checked(&loader.engines, &key) {
        return Ok(());
    }
    let code = loader.load().map_err(|error| LoadError::Code {
        path: path(),
        error,
    })?;
    if is_triggered && code.handler.is_none() {
        return Err(LoadError::NoHandler {
            path: path(),
            exports: code.exports().join(", "),
        });
    }
    loader.cache.set_checked(&loader.engines, &key);
    Ok(())
}

/// Removes what guests wrote in earlier runs.
fn remove_logs(directory: &Path) -> std::io::Result<()> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with("_stdout.txt") || name.ends_with("_stderr.txt") {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// A limit that all services of the app share.
fn app_limit(max: Option<u64>) -> Option<Arc<Semaphore>> {
    let max = usize::try_from(max?)
        .unwrap_or(usize::MAX)
        .min(Semaphore::MAX_PERMITS);
    Some(Arc::new(Semaphore::new(max)))
}

fn guard(config: &RuntimeConfig) -> Guard {
    let networking = &config.outbound_networking;
    Guard::new(
        &networking.block_networks,
        networking.block_private_networks,
    )
}
