//! From one component of the manifest to a service that can be called: its artifact, its handler,
//! its grants. What the parts do is left to the runtime and to the capabilities.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

use super::stores::Stores;
use crate::capabilities::http_out::{Client, ClientSettings, SelfAddress};
use crate::capabilities::invocation::Chain;
use crate::capabilities::{files, http_out, logs, redis, sockets, variables};
use crate::cli::compose::dependencies;
use crate::cli::up::arguments::{Follow, UpOptions};
use crate::manifest::model::{Component, Manifest};
use crate::manifest::runtime_config::RuntimeConfig;
use crate::manifest::variables::{Resolver, VariableError};
use crate::network::allowed_hosts::AllowedHosts;
use crate::network::guard::Guard;
use crate::network::tls::{TlsClient, TlsSetupError};
use crate::runtime::absent;
use crate::runtime::artifact_cache::{ArtifactCache, ArtifactError};
use crate::runtime::engine::{EngineKind, Engines, POOL_INSTANCES};
use crate::runtime::handler::{Handler, HandlerError};
use crate::runtime::linker::Linkers;
use crate::runtime::service::{Grants, Service};
use crate::storage::state_dir::StateDir;

/// Everything that keeps the app from starting, said at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct LoadErrors(Vec<String>);

impl LoadErrors {
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
    Handler { path: String, error: HandlerError },
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
    #[error("the host's interfaces cannot be linked: {0}")]
    Linker(String),
}

/// What all services of an app are made with.
pub struct Parts<'a> {
    pub self_address: Arc<OnceLock<SelfAddress>>,
    options: &'a UpOptions,
    config: &'a RuntimeConfig,
    resolver: &'a Resolver,
    manifest: &'a Manifest,
    state: &'a StateDir,
    pub engines: Arc<Engines>,
    linkers: Linkers,
    cache: ArtifactCache,
    stores: Stores,
    guard: Arc<Guard>,
    chain: Arc<OnceLock<Arc<dyn Chain>>>,
    logs: Option<PathBuf>,
    requests_out: Option<Arc<Semaphore>>,
    redis_connections: Option<Arc<Semaphore>>,
    host_instances: Arc<Semaphore>,
}

impl<'a> Parts<'a> {
    pub fn new(
        manifest: &'a Manifest,
        options: &'a UpOptions,
        config: &'a RuntimeConfig,
        resolver: &'a Resolver,
        state: &'a StateDir,
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
            options,
            config,
            resolver,
            manifest,
            state,
            linkers: Linkers::new(&engines)?,
            engines,
            cache,
            stores: Stores::new(manifest, config, state)?,
            guard: Arc::new(guard(config)),
            chain: Arc::new(OnceLock::from(chain)),
            logs,
            requests_out: app_limit(config.outbound_http.max_connections),
            redis_connections: app_limit(config.outbound_redis.max_connections),
            host_instances: Arc::new(Semaphore::new(POOL_INSTANCES as usize)),
        })
    }

    /// The service that a component becomes.
    pub fn service(&self, component: &Component) -> Result<Service, LoadError> {
        let path = dependencies::artifact(component, self.manifest, &self.state.cache())?;
        let artifact = self.cache.load(&self.engines, &path)?;
        let engine = artifact.component.engine().clone();
        let mut linker = self
            .linkers
            .get(&artifact)
            .map_err(|error| LoadError::Linker(format!("{error:#}")))?;
        let allowed_hosts = Arc::new(self.allowed_hosts(component)?);
        let absent = absent::imports(&artifact.component);
        if !absent.is_empty() {
            tracing::warn!(
                "component `{}` imports what kumiki does not offer, and calls of it will fail: {}",
                component.id,
                absent.join(", ")
            );
            absent::add_to_linker(linker.to_mut(), &artifact.component, &allowed_hosts)
                .map_err(|error| LoadError::Linker(format!("{error:#}")))?;
        }
        let handler =
            Handler::new(&linker, &artifact.component).map_err(|error| LoadError::Handler {
                path: path.display().to_string(),
                error,
            })?;
        if artifact.kind == EngineKind::Concurrent {
            tracing::debug!(service = component.id, "runs with WASI 0.3 concurrency");
        }
        Ok(Service::new(
            component.id.clone(),
            engine,
            handler,
            self.grants(component, allowed_hosts)?,
            component.settings.clone(),
            self.host_instances.clone(),
        ))
    }

    fn grants(
        &self,
        component: &Component,
        allowed_hosts: Arc<AllowedHosts>,
    ) -> Result<Grants, LoadError> {
        let guard = Arc::new(self.guard.for_service());
        let variables = self.resolver.component_variables(component)?;
        Ok(Grants {
            environment: self.environment(component),
            files: files::Config::prepare(
                &component.files,
                &component.exclude_files,
                &self.manifest.directory,
                self.state.path(),
                &std::env::temp_dir(),
            )?,
            logs: logs::Config::new(
                &component.id,
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
