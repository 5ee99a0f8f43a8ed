//! How the last calls of a service ended, in one word of memory.

use std::sync::atomic::{AtomicU64, Ordering};

/// Calls that are remembered.
const CALLS_MAX: u32 = 32;
/// Fewer calls than this say nothing about a service.
const CALLS_MIN: u32 = 4;
const MARK: u64 = 1 << CALLS_MAX;

/// The last 32 calls. The newest is the lowest bit, 1 for a failure; one bit more, above the
/// oldest, marks where the history begins.
///
/// Two calls that end at the same moment may be remembered as one: this is a judgement, not a
/// count. In return a service that is well is only read, never written, so that cores do not wait
/// for each other.
#[derive(Debug)]
pub struct Recent(AtomicU64);

impl Default for Recent {
    fn default() -> Self {
        Self(AtomicU64::new(1))
    }
}

impl Recent {
    /// Remembers how a call ended, and forgets the oldest.
    pub fn record(&self, is_success: bool) {
        let old = self.0.load(Ordering::Relaxed);
        let longer = old << 1 | u64::from(!is_success);
        let new = if longer < MARK << 1 {
            longer
        } else {
            longer & (MARK - 1) | MARK
        };
        if new != old {
            self.0.store(new, Ordering::Relaxed);
        }
    }

    /// Whether more than half of the last 32 calls failed; of fewer, while there are not more, but
    /// at least four.
    pub fn is_failing(&self) -> bool {
        let history = self.0.load(Ordering::Relaxed);
        let calls = history.checked_ilog2().unwrap_or(0);
        let failures = history.count_ones().saturating_sub(1);
        calls >= CALLS_MIN && failures * 2 > calls
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    fn after(calls: &[(bool, usize)]) -> bool {
        let recent = Recent::default();
        for (is_success, times) in calls {
            (0..*times).for_each(|_| recent.record(*is_success));
        }
        recent.is_failing()
    }

    #[test]
    fn a_service_fails_when_more_than_half_of_its_last_calls_did() {
        assert!(!after(&[]));
        assert!(!after(&[(false, 3)]));
        assert!(after(&[(false, 4)]));
        assert!(!after(&[(true, 2), (false, 2)]));
        assert!(after(&[(true, 2), (false, 3)]));
        assert!(!after(&[(true, 1000), (false, 16)]));
        assert!(after(&[(true, 1000), (false, 17)]));
        assert!(after(&[(false, 1000), (true, 15)]));
        assert!(!after(&[(false, 1000), (true, 16)]));
    }

    proptest::proptest! {
        #[test]
        fn the_word_agrees_with_a_list(calls: Vec<bool>) {
            let recent = Recent::default();
            for (ended, is_success) in calls.iter().enumerate() {
                recent.record(*is_success);
                let last = &calls[(ended + 1).saturating_sub(32)..=ended];
                let failures = last.iter().filter(|is_success| !**is_success).count();
                let expected = last.len() >= 4 && failures * 2 > last.len();
                proptest::prop_assert_eq!(recent.is_failing(), expected);
            }
        }
    }
}
