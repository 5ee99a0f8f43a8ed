//! The running app: its services and the gateway before them, put together from a checked manifest.
//! Flags, the listener's address and the signals are left to [`super`]; one service to
//! [`super::parts`].

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use futures::FutureExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::admin;
use crate::admin::listener::Listener;
use crate::admin::tokens::Tokens;
use crate::app::descriptions;
use crate::app::elsewhere::elsewhere;
use crate::app::events::{self, RunningEvents};
use crate::app::fleet::{Fleet, FleetParts};
use crate::app::loading::{self, Loaded};
use crate::app::options::UpOptions;
use crate::app::parts::{LoadErrors, Parts};
use crate::capabilities::http_out::SelfAddress;
use crate::capabilities::logs;
use crate::events::endpoint::Endpoint;
use crate::gateway::chaining::Chaining;
use crate::gateway::listener::{self, Drained};
use crate::gateway::services::{ServiceTable, Services};
use crate::gateway::{self, Gateway, GatewayError, tls};
use crate::manifest::LoadOptions;
use crate::manifest::model::Manifest;
use crate::manifest::model::events::EVENT_BYTES_MAX;
use crate::manifest::runtime_config::RuntimeConfig;
use crate::manifest::variables::{Resolver, Sources};
use crate::runtime::engine::Engines;
use crate::runtime::idle;
use crate::runtime::registry::Registry;
use crate::storage::backup::Backups;
use crate::storage::bus::Bus;
use crate::storage::operations::Operations;
use crate::storage::ownership::{self, ServiceLabels};
use crate::storage::state_dir::StateDir;

/// Time that the last output of guests has to reach the log files.
const LOG_FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Time that the last events of atomic handlers have to reach the bus; they are not lost otherwise.
const RELAY_TIMEOUT: Duration = Duration::from_secs(2);

/// An app whose services are made.
struct Prepared<'a> {
    manifest: &'a Manifest,
    config: &'a RuntimeConfig,
    tls: Option<TlsAcceptor>,
    state: StateDir,
    admin: Option<(Listener, Tokens)>,
    table: Arc<ServiceTable>,
    parts: Parts,
    operations: Option<Arc<Operations>>,
    reading: LoadOptions,
    loaded: Loaded,
}

impl Prepared<'_> {
    /// Writes down what is live, and puts the gateway, the bus and the admin API around it.
    async fn begin(self) -> anyhow::Result<Application> {
        let Self {
            manifest,
            config,
            tls,
            state,
            admin,
            table,
            parts,
            operations,
            reading,
            loaded,
        } = self;
        let registry = loaded.registry;
        parts
            .host_places
            .set_reclaim(Arc::downgrade(&registry) as _);
        let bus = events::open(manifest, &state)?;
        table.publish(services(manifest, &registry, bus.as_ref()));
        let budget_mib = manifest.settings.memory_budget_mib;
        tokio::spawn(idle::sweep(Arc::downgrade(&registry), budget_mib));
        let gateway = gateway(manifest, table.clone())?;
        let revisions_kept = manifest.settings.revisions_kept;
        if let (Some(changes), Some(operations)) = (loaded.changes, &operations) {
            tokio::task::block_in_place(|| changes.store(operations, revisions_kept))?;
        }
        let events = match bus {
            Some(bus) => Some(events::prepare(bus, manifest, &parts.stores, &table).await?),
            None => None,
        };
        let subject = admin::Subject {
            operator: None,
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            observed: registry.clone(),
            descriptions: Arc::new(descriptions::all(manifest, &registry)),
            lines: parts.lines.clone(),
            backups: Arc::new(Backups::new(&state, elsewhere(config, state.path()))),
            events: events.as_ref().map(|running| running.events.clone()),
        };
        let (self_address, engines) = (parts.self_address.clone(), parts.engines.clone());
        let fleet = operations.map(|operations| {
            Fleet::new(FleetParts {
                parts,
                registry: registry.clone(),
                table,
                wiring: loaded.wiring,
                descriptions: subject.descriptions.clone(),
                operations,
                reading,
                revisions_kept,
            })
        });
        let admin = start_admin(admin, subject, fleet.transpose()?, &state)?;
        Ok(Application {
            _admin: admin,
            gateway: Arc::new(gateway),
            tls,
            self_address,
            _state: state,
            events,
            _registry: registry,
            _engines: engines,
        })
    }
}

/// An app whose services are loaded, and which can answer as soon as it gets a listener.
pub struct Application {
    gateway: Arc<Gateway>,
    tls: Option<TlsAcceptor>,
    self_address: Arc<OnceLock<SelfAddress>>,
    /// Held, because it answers until it is dropped; before the state, in which it has its files.
    _admin: Option<admin::Running>,
    /// Held, so that no second host opens the stores.
    _state: StateDir,
    events: Option<RunningEvents>,
    /// Held, because links lead to its services.
    _registry: Arc<Registry>,
    /// Held, because the epoch tick ends with them.
    _engines: Arc<Engines>,
}

impl Application {
    /// Opens the state directory and the stores, resolves the variables, compiles and checks every
    /// service. `address` is the one that clients will be served on.
    pub async fn load(
        manifest: &Manifest,
        config: &RuntimeConfig,
        options: &UpOptions,
        address: SocketAddr,
    ) -> anyhow::Result<Application> {
        let resolver = resolver(manifest, options, config)?;
        if !config.client_tls.is_empty() {
            tracing::warn!("[[client_tls]] of the runtime config is not applied");
        }
        let tls = options
            .tls
            .as_ref()
            .map(|files| tls::load(&files.certificate, &files.key))
            .transpose()?;
        check_ownership(manifest, options.stock)?;
        let state = StateDir::open(&options.state_directory(config.state_dir.path()))?;
        let admin = open_admin(options, &state, address)?;
        let services = Arc::new(ServiceTable::default());
        let chain = Arc::new(Chaining::new(services.clone()));
        let mut parts = Parts::new(manifest, options, config, resolver, &state, chain)?;
        // Before any service is made, whose guard this is.
        if let Some(endpoint) = admin.as_ref().and_then(|(open, _)| open.endpoint()) {
            parts.refuse_endpoint(endpoint);
        }
        // As in Spin, a stock run remembers nothing of what ran before.
        let operations = match options.stock {
            true => None,
            false => Some(Arc::new(Operations::open(&state)?)),
        };
        let admin =
            admin.map(|(listener, tokens)| (listener, tokens.with_store(operations.clone())));
        let reading = LoadOptions {
            profile: options.profile.clone(),
            stock: options.stock,
        };
        let loaded = tokio::task::block_in_place(|| {
            loading::load(manifest, &parts, operations.as_deref(), &reading)
        })?;
        let prepared = Prepared {
            manifest,
            config,
            tls,
            state,
            admin,
            table: services,
            parts,
            operations,
            reading,
            loaded,
        };
        prepared.begin().await
    }

    /// Answers clients until `stop` is ready, then accepts no more, and gives what runs
    /// `drain_timeout` to finish.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
        drain_timeout: Duration,
    ) -> anyhow::Result<()> {
        let address = reachable(
            listener
                .local_addr()
                .context("the listener has no address")?,
        );
        let _ = self.self_address.set(SelfAddress {
            address,
            is_tls: self.tls.is_some(),
        });
        if let Some(running) = &self.events {
            running.events.begin();
        }
        let stop = stop.shared();
        let clients = listener::serve(
            self.gateway,
            listener,
            self.tls,
            stop.clone(),
            drain_timeout,
        );
        let deliveries = async {
            stop.await;
            if let Some(running) = &self.events {
                running.events.stop(drain_timeout).await;
            }
        };
        let (drained, ()) = tokio::join!(clients, deliveries);
        // Handlers that ended last have published last.
        if let Some(running) = self.events {
            running.relays.finish(RELAY_TIMEOUT).await;
        }
        match drained {
            Drained::Finished => tracing::info!("all requests were finished"),
            Drained::Cut(connections) => {
                tracing::warn!("{connections} connections were cut when the drain timeout ended");
            }
        }
        if !logs::flush(LOG_FLUSH_TIMEOUT) {
            tracing::warn!("the last lines of guests were not written in time");
        }
        Ok(())
    }
}

fn gateway(manifest: &Manifest, services: Arc<ServiceTable>) -> Result<Gateway, GatewayError> {
    for trigger in &manifest.redis_triggers {
        tracing::warn!("trigger `{}`: Redis triggers are not served", trigger.id);
    }
    Gateway::new(gateway::Config {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        limits: manifest.settings.clone(),
        triggers: manifest.http_triggers.clone(),
        services,
    })
}

/// Has the operator's requests answered. Without a fleet nothing can be changed.
fn start_admin(
    admin: Option<(Listener, Tokens)>,
    mut subject: admin::Subject,
    fleet: Option<Arc<Fleet>>,
    state: &StateDir,
) -> anyhow::Result<Option<admin::Running>> {
    let Some((listener, tokens)) = admin else {
        return Ok(None);
    };
    if let Some(fleet) = fleet {
        subject.operator = Some(Arc::new(fleet));
    }
    Ok(Some(admin::start(listener, tokens, subject, state)?))
}

/// Takes the admin API's address, so that no service can be given a way to it.
fn open_admin(
    options: &UpOptions,
    state: &StateDir,
    address: SocketAddr,
) -> anyhow::Result<Option<(Listener, Tokens)>> {
    admin::clear(state.path())?;
    let Some(listener) = Listener::open(&options.admin, address)? else {
        return Ok(None);
    };
    Ok(Some((listener, Tokens::open(state.path())?)))
}

fn resolver(
    manifest: &Manifest,
    options: &UpOptions,
    config: &RuntimeConfig,
) -> anyhow::Result<Resolver> {
    let sources = Sources {
        command_line: &options.variables,
        providers: &config.variables_providers,
        environment: &|name| std::env::var(name).ok(),
        dotenv: Some(".env".as_ref()),
    };
    Ok(Resolver::new(&manifest.variables, &sources)?)
}

/// A composed artifact holds several services in one sandbox, so a stock run shares stores.
fn check_ownership(manifest: &Manifest, stock: bool) -> anyhow::Result<()> {
    let labels: Vec<_> = manifest
        .components
        .values()
        .map(|component| ServiceLabels {
            service: &component.id,
            key_value: &component.key_value_stores,
            sqlite: &component.sqlite_databases,
        })
        .collect();
    let errors = ownership::check(&labels);
    if stock && !errors.is_empty() {
        tracing::info!(
            "a stock run: services may open each other's stores, as composed artifacts do"
        );
        return Ok(());
    }
    LoadErrors::check(errors.iter().map(ToString::to_string).collect())?;
    Ok(())
}

/// The services that have an HTTP trigger, as the gateway calls them, and those that the host
/// itself calls. One that is only linked may export a handler as well, and nobody was given a way
/// to it.
fn services(manifest: &Manifest, registry: &Registry, bus: Option<&Arc<Bus>>) -> Services {
    let mut services = Services::default();
    for id in loading::called_by_host(manifest) {
        if let Some(service) = registry.get(id)
            && let Some(main) = service.main()
        {
            services.insert_unreached(id, service, main.settings());
        }
    }
    for id in loading::triggered(manifest) {
        if let Some(service) = registry.get(id)
            && let Some(main) = service.main()
        {
            services.insert(id, service, main.settings());
        }
    }
    if let (Some(component), Some(bus)) = (loading::bus(manifest), bus) {
        let settings = &component.settings;
        let event_bytes_max = settings.bus.as_ref().map(|bus| bus.event_bytes_max);
        let event_bytes_max = event_bytes_max.unwrap_or(EVENT_BYTES_MAX);
        let endpoint = Endpoint::new(bus.clone(), event_bytes_max);
        services.insert(&component.id, Arc::new(endpoint), settings);
    }
    services
}

/// A listener on all interfaces is reached on loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    address
}
