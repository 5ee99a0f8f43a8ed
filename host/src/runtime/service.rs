//! One service of the app: its current revision, its grants and limits, and the call of its
//! handler.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, PoolConcurrencyLimitError, Store};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi_http::{WasiBody, WasiHttpCtx};

use super::answer::{AnswerLimits, Head, ObservedBody, Run};
use super::handler::Handler;
use super::meter::{self, Meter, Stopped};
use super::state::{HANDLES_MAX, InstanceState, MemoryLimiter};
use crate::capabilities::invocation::Invocation;
use crate::capabilities::{files, http_out, key_value, logs, redis, sockets, sqlite, variables};
use crate::manifest::model::ServiceSettings;

/// What the manifest lets a service reach.
pub struct Grants {
    pub environment: Vec<(String, String)>,
    pub files: files::Config,
    pub logs: logs::Config,
    pub variables: variables::Config,
    pub key_value: Arc<key_value::Config>,
    pub sqlite: Arc<sqlite::Config>,
    pub redis: redis::Config,
    pub http_out: Arc<http_out::Config>,
    pub sockets: sockets::Config,
}

/// A service that is ready to be called.
pub struct Service {
    id: String,
    engine: Engine,
    handler: Handler,
    grants: Grants,
    settings: ServiceSettings,
    /// One permit per instance that the service may run at once.
    instances: Arc<Semaphore>,
    /// One permit per instance that fits the host's pool.
    host_instances: Arc<Semaphore>,
}

/// A place for one instance, in the service's own limit and in the host's pool.
struct Admission {
    _instance: OwnedSemaphorePermit,
    _host_instance: OwnedSemaphorePermit,
}

impl Service {
    pub fn new(
        id: String,
        engine: Engine,
        handler: Handler,
        grants: Grants,
        settings: ServiceSettings,
        host_instances: Arc<Semaphore>,
    ) -> Self {
        let instances = Arc::new(Semaphore::new(settings.instances_max));
        Self {
            id,
            engine,
            handler,
            grants,
            settings,
            instances,
            host_instances,
        }
    }

    /// The component's id in the manifest.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The service's limits.
    pub fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    /// Runs the service's HTTP handler once and returns the head of its answer; the body streams
    /// on. When the returned future is dropped before it is ready (the client left), a handler
    /// that has begun still runs to its end.
    pub async fn handle(
        self: Arc<Self>,
        request: http::Request<WasiBody>,
        invocation: Invocation,
    ) -> Head {
        let admission = self.admit(invocation.deadline.instant()).await?;
        let meter = Arc::new(Meter::new(
            invocation.deadline.clone(),
            Duration::from_millis(self.settings.cpu_ms_max),
        ));
        let limits = AnswerLimits {
            deadline: invocation.deadline.instant(),
            timeout_ms: self.settings.timeout_ms,
            body_idle: Duration::from_millis(self.settings.body_idle_timeout_ms),
        };
        let (head_sender, head) = oneshot::channel();
        let guest = self.guest(request, invocation, meter.clone(), head_sender, admission);
        Run::new(Box::pin(guest), head, meter, limits)
            .answer()
            .await
    }

    /// Waits for a free instance, at most until the deadline.
    async fn admit(&self, deadline: Instant) -> Result<Admission, InvocationError> {
        let saturated = || InvocationError::Saturated(self.settings.instances_max);
        let waiting = async {
            let instance = self.instances.clone().acquire_owned().await.ok()?;
            let host_instance = self.host_instances.clone().acquire_owned().await.ok()?;
            Some(Admission {
                _instance: instance,
                _host_instance: host_instance,
            })
        };
        tokio::time::timeout_at(deadline.into(), waiting)
            .await
            .ok()
            .flatten()
            .ok_or_else(saturated)
    }

    /// One guest from its empty store to its end. The limits hold before instantiation, because
    /// start code can loop.
    async fn guest(
        self: Arc<Self>,
        request: http::Request<WasiBody>,
        invocation: Invocation,
        meter: Arc<Meter>,
        head: oneshot::Sender<Head>,
        _admission: Admission,
    ) -> Result<(), InvocationError> {
        let mut store = Store::new(&self.engine, self.state()?);
        store.limiter(|state| &mut state.limiter);
        meter::install(&mut store, meter.clone());
        store.data_mut().begin(&invocation);
        let observed = meter.clone();
        let request = request.map(|body| ObservedBody::new(body, observed).boxed_unsync());
        let ended = self.handler.run(&mut store, request, head).await;
        if ended.is_err() {
            // Said before the store goes: its end closes a streaming body as if it were complete.
            meter.fail();
        }
        ended.map_err(|error| self.explain(&error))
    }

    fn state(&self) -> Result<InstanceState, InvocationError> {
        let grants = &self.grants;
        let mut wasi = WasiCtx::builder();
        wasi.envs(&grants.environment)
            .stdout(grants.logs.stdout())
            .stderr(grants.logs.stderr());
        sockets::apply(&grants.sockets, &mut wasi);
        grants
            .files
            .apply(&mut wasi)
            .map_err(|error| InvocationError::Instantiation(error.to_string()))?;
        let memory_bytes_max =
            usize::try_from(self.settings.memory_max_mib << 20).unwrap_or(usize::MAX);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Ok(InstanceState {
            wasi: wasi.build(),
            table,
            http: WasiHttpCtx::new(),
            http_out: http_out::Context::new(
                grants.http_out.clone(),
                self.engine.get_concurrency_support(),
            ),
            key_value: key_value::Context::new(grants.key_value.clone()),
            sqlite: sqlite::Context::new(grants.sqlite.clone()),
            redis: redis::Context::new(grants.redis.clone()),
            variables: variables::Context::new(grants.variables.clone()),
            sockets: sockets::Context::default(),
            limiter: MemoryLimiter::new(memory_bytes_max),
        })
    }

    fn explain(&self, error: &wasmtime::Error) -> InvocationError {
        let settings = &self.settings;
        if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
            return InvocationError::Saturated(settings.instances_max);
        }
        let stopped = error.downcast_ref::<Stopped>();
        if stopped.is_some() {
            tracing::warn!(
                service = self.id,
                "a guest was stopped while it computed: {error:?}"
            );
        }
        match stopped {
            Some(Stopped::Deadline) => InvocationError::DeadlineExceeded(settings.timeout_ms),
            Some(Stopped::Cpu) => InvocationError::CpuExceeded(settings.cpu_ms_max),
            None => InvocationError::Trap(format!("{error:?}")),
        }
    }
}

/// Why an invocation has no answer. The texts are for the log, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// The guest trapped; the text has the wasm backtrace.
    #[error("the guest trapped: {0}")]
    Trap(String),
    /// The handler returned, or ended, without an answer.
    #[error("the guest ended without a response")]
    NoResponse,
    /// The guest answered with an error of `wasi:http` in the place of a response.
    #[error("the guest answered with an error: {0}")]
    GuestError(String),
    /// The head of the answer did not come before the deadline.
    #[error("no answer within {0} ms")]
    DeadlineExceeded(u64),
    /// The invocation used more CPU time than its service may.
    #[error("more than {0} ms of CPU time used")]
    CpuExceeded(u64),
    /// All instances are busy and none became free before the deadline.
    #[error("all {0} instances are busy")]
    Saturated(usize),
    /// The instance could not be made, which is the host's or the operator's fault.
    #[error("the instance could not be made: {0}")]
    Instantiation(String),
}
