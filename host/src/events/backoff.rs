//! How long to wait before an event is tried again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::manifest::model::events::Retry;

/// The longest pause that a subscriber may ask for by `Retry-After`.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// The pause after the attempt of this number, counted from 1: it doubles with each up to the
/// longest, and is drawn between its half and its whole, so that what failed together is not tried
/// again together. `random` is drawn from all of its range.
pub fn pause_ms(retry: &Retry, attempt: u32, random: u64) -> u64 {
    let doublings = attempt.saturating_sub(1).min(63);
    let whole = retry.backoff_ms.saturating_mul(1u64 << doublings);
    let whole = whole.min(retry.backoff_max_ms).max(1);
    let half = whole / 2;
    half + random % (whole - half + 1)
}

/// A random number, good enough to spread pauses.
pub fn random() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_is_between_half_and_all_of_its_backoff(
            attempt in 1u32..200, backoff_ms in 1u64..100_000, max in 1u64..1_000_000,
            random in any::<u64>(),
        ) {
            let retry = Retry { attempts_max: 10, backoff_ms, backoff_max_ms: max };
            let whole = (0..attempt - 1)
                .try_fold(backoff_ms, |whole, _| (whole < max).then(|| whole * 2))
                .map_or(max, |whole| whole.min(max));
            let pause = pause_ms(&retry, attempt, random);
            prop_assert!(pause >= whole / 2 && pause <= whole, "{pause} of {whole}");
        }
    }
}
