//! The instances of one service: made, kept ready, used again, and given up when the service is
//! idle. Who may have one is decided before, by [`super::admission`].

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use wasmtime::PoolConcurrencyLimitError;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi_http::WasiHttpCtx;

use super::code::{Code, CodeError, CodeLoader};
use super::engine::EngineKind;
use super::failure::InvocationError;
use super::host_places::{HostPlace, HostPlaces};
use super::instance::Instance;
use super::meter::{Meter, Metered, Stopped};
use super::state::{HANDLES_MAX, InstanceState, MemoryLimiter};
use crate::capabilities::invocation::Deadline;
use crate::capabilities::{files, http_out, key_value, logs, redis, sockets, sqlite, variables};
use crate::manifest::model::ServiceSettings;
use crate::telemetry::metrics::ServiceMetrics;

/// Invocations that an instance of WASI 0.3 serves, as in Spin.
const REUSE_MAX_03: u64 = 128;

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

/// The code and the instances of one service.
pub struct Instances {
    loader: Arc<CodeLoader>,
    grants: Grants,
    settings: ServiceSettings,
    reuse_max: u64,
    host_places: Arc<HostPlaces>,
    /// Places that the service holds, instances in the making included.
    held: Arc<AtomicUsize>,
    memory_bytes: Arc<AtomicU64>,
    code: ArcSwapOption<Code>,
    /// Held by the one who loads the code.
    loading: tokio::sync::Mutex<()>,
    /// Instances that wait for a call.
    idle: Mutex<Vec<Instance>>,
    /// Whether a task makes instances ahead of need.
    is_filling: AtomicBool,
    /// Calls that were given an instance, and how many of them came before the service was idle
    /// last.
    calls: AtomicU64,
    calls_before_idle: AtomicU64,
    /// When this was made, and how many milliseconds later it was used last.
    made: Instant,
    used_ms: AtomicU64,
    metrics: Arc<ServiceMetrics>,
}

impl Instances {
    pub fn new(
        loader: CodeLoader,
        grants: Grants,
        settings: ServiceSettings,
        host_places: Arc<HostPlaces>,
        metrics: Arc<ServiceMetrics>,
    ) -> Self {
        let reuse_max = settings.reuse_max.unwrap_or(match loader.artifact.kind() {
            EngineKind::Plain => 1,
            EngineKind::Concurrent => REUSE_MAX_03,
        });
        Self {
            loader: Arc::new(loader),
            grants,
            settings,
            reuse_max,
            host_places,
            held: Arc::default(),
            memory_bytes: Arc::default(),
            code: ArcSwapOption::empty(),
            loading: tokio::sync::Mutex::default(),
            idle: Mutex::default(),
            is_filling: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            calls_before_idle: AtomicU64::new(0),
            made: Instant::now(),
            used_ms: AtomicU64::new(0),
            metrics,
        }
    }

    /// An instance for a call that may run now. `may_wait`: nobody waits for the caller, so the
    /// call may wait for a place in the host's pool.
    pub async fn take(
        &self,
        meter: &Arc<Meter>,
        may_wait: bool,
        deadline: Instant,
    ) -> Result<Instance, InvocationError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if let Some(instance) = self.pop_ready() {
            return Ok(instance);
        }
        let place = self
            .host_places
            .take(&self.held, may_wait, deadline)
            .await
            .ok_or(InvocationError::Saturated(self.settings.instances_max))?;
        // One that was made ahead meanwhile: with another there would be too many.
        if self.is_over_limit()
            && let Some(instance) = self.pop_ready()
        {
            return Ok(instance);
        }
        self.make(place, meter).await
    }

    fn pop_ready(&self) -> Option<Instance> {
        let instance = self.idle().pop()?;
        if instance.served() > 0 {
            self.metrics.instances_reused.increment();
        }
        Some(instance)
    }

    /// Keeps an instance that was made ahead, unless a call has made its own meanwhile and there
    /// would be too many. Who makes one counts it before it looks here.
    fn keep_ready(&self, instance: Instance) {
        let mut idle = self.idle();
        if !self.is_over_limit() {
            idle.push(instance);
        }
    }

    /// Whether a call and the task that makes instances ahead took the last place both.
    fn is_over_limit(&self) -> bool {
        self.held() > self.settings.instances_max
    }

    /// Keeps an instance that ended its call well for the next one, if it may serve one more.
    pub fn give_back(self: &Arc<Self>, mut instance: Instance) {
        let is_current = self
            .code
            .load()
            .as_ref()
            .is_some_and(|code| Arc::ptr_eq(code, instance.code()));
        if is_current && instance.served() < self.reuse_max {
            instance.end();
            self.idle().push(instance);
        } else {
            drop(instance);
            self.fill();
        }
    }

    /// Drops an instance that must not serve again: it may remember what was never committed.
    pub fn discard(self: &Arc<Self>, instance: Instance) {
        drop(instance);
        self.fill();
    }

    /// Makes instances ahead of need, off the calls' path.
    fn fill(self: &Arc<Self>) {
        if self.wanted() == 0 || self.is_filling.swap(true, Ordering::Acquire) {
            return;
        }
        let instances = self.clone();
        tokio::spawn(async move {
            instances.make_ready().await;
            instances.is_filling.store(false, Ordering::Release);
        });
    }

    /// Loads the code and makes the instances that shall be ready, at least one: whether the
    /// service can be started is known then.
    pub async fn warm(self: &Arc<Self>) -> Result<(), InvocationError> {
        let timeout_ms = self.settings.timeout_ms;
        let timeout = Duration::from_millis(timeout_ms);
        let wanted = self.settings.fresh_instances_ready.max(1);
        // Each is made once: calls that come meanwhile may take them at once.
        for _ in self.ready()..wanted.min(self.settings.instances_max) {
            let deadline = Instant::now() + timeout;
            let place = self.host_places.take(&self.held, true, deadline).await;
            let place = place.ok_or(InvocationError::Saturated(self.settings.instances_max))?;
            let meter = self.meter(Deadline::new(deadline));
            let making = Metered::new(Box::pin(self.make(place, &meter)), meter.clone());
            let made = tokio::time::timeout(timeout, making).await;
            let made = made.unwrap_or(Err(InvocationError::DeadlineExceeded(timeout_ms)))?;
            self.idle().push(made);
            self.set_used(Instant::now());
        }
        Ok(())
    }

    /// Drops what waits for a call, and says whether there was any.
    pub fn drop_idle(&self) -> bool {
        let idle = std::mem::take(&mut *self.idle());
        !idle.is_empty()
    }

    /// Drops instances, and makes none ahead before calls come again.
    pub fn rest(&self) {
        self.calls_before_idle
            .store(self.calls(), Ordering::Relaxed);
        self.drop_idle();
        self.grants.logs.close();
    }

    /// Drops instances and code.
    pub fn unload(&self) {
        self.rest();
        self.code.store(None);
    }

    /// Notes that a call ended or runs, or that the code was wanted for one.
    pub fn set_used(&self, now: Instant) {
        let used = now.saturating_duration_since(self.made).as_millis();
        let used_ms = u64::try_from(used).unwrap_or(u64::MAX);
        self.used_ms.store(used_ms, Ordering::Relaxed);
    }

    /// When it was used last, to a millisecond.
    pub fn used(&self) -> Instant {
        self.made + Duration::from_millis(self.used_ms.load(Ordering::Relaxed))
    }

    /// Calls that were given an instance.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Whether there is anything to unload.
    pub fn is_loaded(&self) -> bool {
        self.code.load().is_some()
    }

    /// What the code takes of the address space, in bytes; 0 while it is not in memory.
    pub fn code_bytes(&self) -> u64 {
        self.code.load().as_ref().map_or(0, |code| code.bytes())
    }

    /// Whether the code is being loaded.
    pub fn is_loading(&self) -> bool {
        self.loading.try_lock().is_err()
    }

    /// Instances that wait for a call.
    pub fn ready(&self) -> usize {
        self.idle().len()
    }

    /// Instances, those in the making included.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Linear memory of all instances, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// What runs here.
    pub fn loader(&self) -> &CodeLoader {
        &self.loader
    }

    /// The service's limits.
    pub fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    /// The code, brought into memory if it is not there.
    pub async fn code(&self) -> Result<Arc<Code>, InvocationError> {
        if let Some(code) = self.code.load_full() {
            return Ok(code);
        }
        let _loading = self.loading.lock().await;
        if let Some(code) = self.code.load_full() {
            return Ok(code);
        }
        let failed = |error: CodeError| InvocationError::Instantiation(error.to_string());
        let code = match self.loader.load_cached().map_err(failed)? {
            Some(code) => code,
            None => self.compile().await?.map_err(failed)?,
        };
        let code = Arc::new(code);
        self.set_used(Instant::now());
        self.code.store(Some(code.clone()));
        self.metrics.cold_starts.increment();
        Ok(code)
    }

    /// The code that the cache has lost, made off the threads that serve calls.
    async fn compile(&self) -> Result<Result<Code, CodeError>, InvocationError> {
        let loader = self.loader.clone();
        tokio::task::spawn_blocking(move || loader.load())
            .await
            .map_err(|error| InvocationError::Instantiation(error.to_string()))
    }

    /// A fresh instance.
    async fn make(
        &self,
        place: HostPlace,
        meter: &Arc<Meter>,
    ) -> Result<Instance, InvocationError> {
        let code = self.code().await?;
        let state = self.state(meter.clone())?;
        self.metrics.instances_made.increment();
        Instance::make(code, state, place)
            .await
            .map_err(|error| self.explain(&error))
    }

    async fn make_ready(&self) {
        let timeout = Duration::from_millis(self.settings.timeout_ms);
        while self.wanted() > 0 {
            let Some(place) = self.host_places.try_take(&self.held) else {
                return;
            };
            let deadline = Deadline::new(Instant::now() + timeout);
            let meter = self.meter(deadline);
            let making = Metered::new(Box::pin(self.make(place, &meter)), meter.clone());
            match tokio::time::timeout(timeout, making).await {
                Ok(Ok(instance)) => self.keep_ready(instance),
                // The next call meets the same failure, and its caller is told.
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }

    /// Instances that should be made now: calls come, and fewer instances wait for one than the
    /// service wants.
    fn wanted(&self) -> usize {
        // A single call does not say that another one follows.
        let calls = self.calls() - self.calls_before_idle.load(Ordering::Relaxed);
        if calls < 2 || !self.is_loaded() {
            return 0;
        }
        let room = self.settings.instances_max.saturating_sub(self.held());
        let wanted = self.settings.fresh_instances_ready;
        wanted.saturating_sub(self.ready()).min(room)
    }

    /// A meter for a call of this service.
    pub fn meter(&self, deadline: Deadline) -> Arc<Meter> {
        let cpu_max = Duration::from_millis(self.settings.cpu_ms_max);
        Arc::new(Meter::new(deadline, cpu_max))
    }

    fn state(&self, meter: Arc<Meter>) -> Result<InstanceState, InvocationError> {
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
        let runs_concurrently = self.loader.artifact.kind() == EngineKind::Concurrent;
        Ok(InstanceState {
            wasi: wasi.build(),
            table,
            http: WasiHttpCtx::new(),
            http_out: http_out::Context::new(grants.http_out.clone(), runs_concurrently),
            key_value: key_value::Context::new(grants.key_value.clone()),
            sqlite: sqlite::Context::new(grants.sqlite.clone()),
            redis: redis::Context::new(grants.redis.clone()),
            variables: variables::Context::new(grants.variables.clone()),
            sockets: sockets::Context::default(),
            limiter: MemoryLimiter::new(memory_bytes_max, self.memory_bytes.clone()),
            invocation: None,
            meter,
        })
    }

    /// What ended a guest, in the service's own figures.
    pub fn explain(&self, error: &wasmtime::Error) -> InvocationError {
        let settings = &self.settings;
        if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
            return InvocationError::Saturated(settings.instances_max);
        }
        match error.downcast_ref::<Stopped>() {
            Some(Stopped::Deadline) => InvocationError::DeadlineExceeded(settings.timeout_ms),
            Some(Stopped::Cpu) => InvocationError::CpuExceeded(settings.cpu_ms_max),
            None => InvocationError::Trap(format!("{error:?}")),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
