//! Compiles beside the traffic: few threads, of low priority, so that a deploy takes only the time
//! that calls leave over.

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Threads that compile at once.
const THREADS: usize = 1;
/// As `nice` counts: 0 is what calls run at, 19 the lowest priority.
const NICE: i32 = 5;

/// The threads, made at the first use.
#[derive(Clone)]
pub struct Compilers(Arc<ThreadPool>);

impl Compilers {
    pub fn start() -> Result<Self, ThreadPoolBuildError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(THREADS)
            .thread_name(|number| format!("compile-{number}"))
            .start_handler(|_| {
                // On Linux this is about the calling thread alone. Without it a deploy only takes
                // more from the calls.
                if let Err(error) = rustix::process::setpriority_process(None, NICE) {
                    tracing::debug!(%error, "compilation runs at the priority of calls");
                }
            })
            .build()?;
        Ok(Self(Arc::new(pool)))
    }

    /// Runs `work`, and all that it does side by side, on these threads.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.0.install(work)
    }
}
