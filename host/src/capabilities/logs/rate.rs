//! How much a service may write: a token bucket that holds one second's worth. Counting what is
//! dropped is left to the caller.

use std::time::Duration;

use super::line::LINE_BYTES_MAX;

/// Lets lines pass up to a rate. Once one is dropped, all are until the bucket is half full again,
/// so that a service which writes without end is told so about twice a second, not at every line.
pub struct Gate {
    bytes_per_second: u64,
    credit_max: u128,
    /// What may be written now, in billionths of a byte: what a nanosecond adds is whole then, and
    /// nothing is lost to rounding however often this is asked.
    credit: u128,
    /// When `credit` was right.
    filled_at: Option<Duration>,
    is_closed: bool,
}

const CREDIT_PER_BYTE: u128 = 1_000_000_000;

impl Gate {
    /// A full bucket. A rate of 0 lets nothing pass.
    pub fn new(kib_per_second: u64) -> Gate {
        let bytes_per_second = kib_per_second.saturating_mul(1024);
        // The longest line must fit, with the mark of its cut, or it would never pass.
        let bytes_max = match bytes_per_second {
            0 => 0,
            rate => rate.max(2 * (LINE_BYTES_MAX as u64 + 64)),
        };
        let credit_max = u128::from(bytes_max) * CREDIT_PER_BYTE;
        let credit = credit_max;
        Gate {
            bytes_per_second,
            credit_max,
            credit,
            filled_at: None,
            is_closed: false,
        }
    }

    /// Whether a line of so many bytes passes now, at a time that never runs backwards.
    pub fn admit(&mut self, bytes: u64, now: Duration) -> bool {
        let passed = now.saturating_sub(self.filled_at.replace(now).unwrap_or(now));
        let gained = passed
            .as_nanos()
            .saturating_mul(self.bytes_per_second.into());
        self.credit = self.credit.saturating_add(gained).min(self.credit_max);
        if self.is_closed && self.credit < self.credit_max / 2 {
            return false;
        }
        let left = self.credit.checked_sub(u128::from(bytes) * CREDIT_PER_BYTE);
        self.is_closed = left.is_none();
        self.credit = left.unwrap_or(self.credit);
        !self.is_closed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::proptest;

    use super::Gate;

    #[test]
    fn one_second_may_be_written_at_once_and_then_the_rate() {
        let mut gate = Gate::new(256);
        let passed = (0..1000)
            .filter(|_| gate.admit(1024, Duration::ZERO))
            .count();
        assert_eq!(passed, 256);
        assert!(!gate.admit(1024, Duration::from_millis(499)));
        assert!(gate.admit(1024, Duration::from_millis(500)));
        let passed = (0..1000)
            .filter(|_| gate.admit(1024, Duration::from_millis(500)))
            .count();
        assert_eq!(passed, 127);
    }

    #[test]
    fn the_longest_line_passes_at_the_lowest_rate_and_nothing_at_none() {
        assert!(Gate::new(1).admit(16 * 1024 + 64, Duration::ZERO));
        assert!(!Gate::new(0).admit(1, Duration::ZERO));
        assert!(Gate::new(u64::MAX).admit(1024, Duration::MAX));
    }

    proptest! {
        #[test]
        fn no_pattern_of_writes_passes_more_than_the_rate(
            steps in proptest::collection::vec((0u64..100_000, 1u64..20_000), 0..200),
        ) {
            let mut gate = Gate::new(64);
            let (mut now, mut passed) = (Duration::ZERO, 0);
            for (microseconds, bytes) in steps {
                now += Duration::from_micros(microseconds);
                if gate.admit(bytes, now) {
                    passed += bytes;
                }
            }
            assert!(passed as f64 <= 65_536.0 * (1.0 + now.as_secs_f64()) + 1.0);
        }
    }
}
