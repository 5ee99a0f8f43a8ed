//! Counts its own calls in memory, by `wasi:http` 0.2: shows whether an instance is used again.

use std::sync::atomic::{AtomicU64, Ordering};

use kumiki_guests::incoming::Request;

static CALLS: AtomicU64 = AtomicU64::new(0);

kumiki_guests::guest!(handle);

fn handle(_request: Request) -> String {
    (CALLS.fetch_add(1, Ordering::Relaxed) + 1).to_string()
}
