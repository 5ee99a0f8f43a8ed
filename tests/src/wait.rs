//! Waiting on a condition with a deadline.

use std::time::{Duration, Instant};

/// How long a test waits for something that should come at once. Long, because the machine may be
/// busy: a test that passes never waits for it to end.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks `condition` again and again until it gives a value, and returns it.
///
/// # Panics
/// With `what` when nothing came within [`PATIENCE`].
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            Instant::now() < deadline,
            "waited {PATIENCE:?} in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
