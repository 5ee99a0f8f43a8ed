//! The wasmtime engines: one without and one with 0.3 concurrency, both with pooled instances and
//! one epoch tick.
//!
//! An engine without `concurrency_support` runs a 0.2 call in about half the time, so a component
//! gets the plain engine unless it needs the other. What does not fit the pool's sizes runs in an
//! engine that allocates on demand. What is linked into a component is left to [`super::linker`].

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
};

/// The longest time that a guest computes before it yields to its neighbours.
pub const EPOCH_TICK: Duration = Duration::from_millis(5);

/// Component instances of one engine that may exist at once.
///
/// The other pool sizes follow from it: a Rust component takes several core instances (itself, the
/// WASI shims) and tables, and one memory.
pub const POOL_INSTANCES: u32 = 2000;

/// Which engine a component needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// WASI 0.2: no asynchronous function in any import or export.
    Plain,
    /// WASI 0.3.
    Concurrent,
}

impl EngineKind {
    /// The kind's name in cache entries and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Concurrent => "concurrent",
        }
    }
}

/// An engine could not be made: the host's fault, never a guest's.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine could not be started: {0}")]
pub struct EngineError(String);

/// All engines of the host.
pub struct Engines {
    plain: Engine,
    concurrent: Engine,
    plain_on_demand: OnceLock<Engine>,
    concurrent_on_demand: OnceLock<Engine>,
    is_pooling: bool,
}

impl Engines {
    /// Makes both engines and starts their epoch tick. Where the address space is too short for the
    /// pools, instances are allocated on demand and one warning says so. Without `pooling` they
    /// always are.
    pub fn start(pooling: bool) -> Result<Arc<Self>, EngineError> {
        let mut is_pooling = false;
        let (plain, concurrent) = match (pooled(EngineKind::Plain), pooled(EngineKind::Concurrent))
        {
            _ if !pooling => (
                on_demand(EngineKind::Plain)?,
                on_demand(EngineKind::Concurrent)?,
            ),
            (Ok(plain), Ok(concurrent)) => {
                is_pooling = true;
                (plain, concurrent)
            }
            (Err(reason), _) | (_, Err(reason)) => {
                tracing::warn!(
                    "instances are allocated on demand, which is slower: the pool needs more \
                     address space than this process may take ({reason:#}); raise `ulimit -v` to \
                     mend it"
                );
                (
                    on_demand(EngineKind::Plain)?,
                    on_demand(EngineKind::Concurrent)?,
                )
            }
        };
        let engines = Arc::new(Self {
            plain,
            concurrent,
            plain_on_demand: OnceLock::new(),
            concurrent_on_demand: OnceLock::new(),
            is_pooling,
        });
        start_epoch_tick(&engines)?;
        Ok(engines)
    }

    /// The engine that components of this kind run in.
    pub fn get(&self, kind: EngineKind) -> &Engine {
        match kind {
            EngineKind::Plain => &self.plain,
            EngineKind::Concurrent => &self.concurrent,
        }
    }

    /// Whether instances come from pools.
    pub fn is_pooling(&self) -> bool {
        self.is_pooling
    }

    /// The engine for a component whose memories or tables exceed the pool's sizes; made at first
    /// use.
    pub fn get_on_demand(&self, kind: EngineKind) -> Result<&Engine, EngineError> {
        let cell = match kind {
            EngineKind::Plain => &self.plain_on_demand,
            EngineKind::Concurrent => &self.concurrent_on_demand,
        };
        if let Some(engine) = cell.get() {
            return Ok(engine);
        }
        let engine = on_demand(kind)?;
        Ok(cell.get_or_init(|| engine))
    }

    fn increment_epochs(&self) {
        self.plain.increment_epoch();
        self.concurrent.increment_epoch();
        for cell in [&self.plain_on_demand, &self.concurrent_on_demand] {
            if let Some(engine) = cell.get() {
                engine.increment_epoch();
            }
        }
    }
}

fn start_epoch_tick(engines: &Arc<Engines>) -> Result<(), EngineError> {
    let engines = Arc::downgrade(engines);
    std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            while let Some(engines) = engines.upgrade() {
                engines.increment_epochs();
                drop(engines);
                std::thread::sleep(EPOCH_TICK);
            }
        })
        .map(drop)
        .map_err(|error| EngineError(error.to_string()))
}

fn base_config(kind: EngineKind) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .concurrency_support(kind == EngineKind::Concurrent);
    if kind == EngineKind::Concurrent {
        config.wasm_component_model_async(true);
    }
    config
}

fn on_demand(kind: EngineKind) -> Result<Engine, EngineError> {
    Engine::new(&base_config(kind)).map_err(|error| EngineError(format!("{error:#}")))
}

/// Resident pages and PAGEMAP_SCAN make a fresh instance twice as fast and let fresh calls scale
/// over threads.
fn pooled(kind: EngineKind) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(POOL_INSTANCES)
        .total_core_instances(POOL_INSTANCES * 4)
        .total_memories(POOL_INSTANCES)
        .total_tables(POOL_INSTANCES * 2)
        .total_stacks(POOL_INSTANCES)
        .table_elements(200_000)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(1 << 20)
        .async_stack_keep_resident(16 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = base_config(kind);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}
