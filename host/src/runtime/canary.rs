//! Whether a new revision does worse than the old one beside it, by the rule of the manifest.
//!
//! Left to others: who counts the calls, when a window ends, and what follows from the verdict.

use crate::manifest::model::canary::Canary;
use crate::telemetry::metrics::HistogramSnapshot;

/// What was counted of one revision since it began.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub calls: u64,
    /// Those of the calls that failed.
    pub failed: u64,
    pub times: HistogramSnapshot,
}

/// The calls of one revision within a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowStats {
    pub calls: u64,
    pub failed: u64,
    /// `None` when there was no call.
    pub p99_ns: Option<u64>,
}

/// What a window says of the new revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It had too few calls.
    Undecided,
    Fine,
    /// With the reason.
    Worse(String),
}

/// A window over counts that only grow.
#[derive(Debug, Default)]
pub struct Window {
    begun: Counts,
}

impl Window {
    /// Begins now.
    pub fn begin(now: Counts) -> Self {
        Self { begun: now }
    }

    /// What has come since it began.
    pub fn stats(&self, now: &Counts) -> WindowStats {
        let times = now.times.since(&self.begun.times);
        WindowStats {
            calls: now.calls.saturating_sub(self.begun.calls),
            failed: now.failed.saturating_sub(self.begun.failed),
            p99_ns: times.quantile_ns(0.99),
        }
    }

    /// What has come since it began; the next window begins now.
    pub fn end(&mut self, now: Counts) -> WindowStats {
        let stats = self.stats(&now);
        self.begun = now;
        stats
    }
}

impl WindowStats {
    /// Failed calls; none where there was no call.
    fn failed_percent(&self) -> f64 {
        100.0 * self.failed as f64 / self.calls.max(1) as f64
    }
}

/// Holds the new revision's window against the old one's of the same time.
pub fn judge(rule: &Canary, new: &WindowStats, old: &WindowStats) -> Verdict {
    if new.calls < rule.calls_min {
        return Verdict::Undecided;
    }
    let (new_failed, old_failed) = (new.failed_percent(), old.failed_percent());
    if new_failed - old_failed > rule.errors_max_percent_more {
        return Verdict::Worse(format!(
            "errors {new_failed:.1} % of {} calls, against {old_failed:.1} % of {}",
            new.calls, old.calls
        ));
    }
    // Of few calls the p99 is the slowest one, which says nothing.
    let old_p99_ns = old.p99_ns.filter(|_| old.calls >= rule.calls_min);
    if let (Some(new_ns), Some(old_ns)) = (new.p99_ns, old_p99_ns)
        && new_ns as f64 > old_ns as f64 * rule.p99_max_ratio
    {
        return Verdict::Worse(format!(
            "p99 {} of {} calls, against {} of {}",
            time(new_ns),
            new.calls,
            time(old_ns),
            old.calls
        ));
    }
    Verdict::Fine
}

fn time(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000_000 => format!("{:.1} µs", nanoseconds as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", nanoseconds as f64 / 1e6),
        1_000_000_000.. => format!("{:.1} s", nanoseconds as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::telemetry::metrics::Histogram;

    fn stats(calls: u64, failed: u64, p99_ns: u64) -> WindowStats {
        WindowStats {
            calls,
            failed,
            p99_ns: (calls > 0).then_some(p99_ns),
        }
    }

    fn worse(reason: &str) -> Verdict {
        Verdict::Worse(reason.to_owned())
    }

    #[test]
    fn the_reason_reads_as_in_the_manual() {
        let rule = Canary::default();
        assert_eq!(
            judge(&rule, &stats(98, 20, 1000), &stats(881, 0, 1000)),
            worse("errors 20.4 % of 98 calls, against 0.0 % of 881")
        );
        assert_eq!(
            judge(&rule, &stats(98, 0, 41_200_000), &stats(881, 0, 900_000)),
            worse("p99 41.2 ms of 98 calls, against 900.0 µs of 881")
        );
    }

    #[test]
    fn few_calls_decide_nothing() {
        let rule = Canary::default();
        let old = stats(1000, 0, 1000);
        assert_eq!(
            judge(&rule, &stats(49, 49, 1_000_000), &old),
            Verdict::Undecided
        );
        assert_eq!(judge(&rule, &stats(0, 0, 0), &old), Verdict::Undecided);
        let slow = stats(50, 0, 1_000_000);
        assert_eq!(judge(&rule, &slow, &stats(49, 0, 1)), Verdict::Fine);
        assert!(matches!(
            judge(&rule, &slow, &stats(50, 0, 1)),
            Verdict::Worse(_)
        ));
    }

    #[test]
    fn bounds_are_still_fine() {
        let rule = Canary::default();
        let old = stats(100, 5, 1000);
        assert_eq!(judge(&rule, &stats(100, 6, 2000), &old), Verdict::Fine);
        assert!(matches!(
            judge(&rule, &stats(100, 7, 2000), &old),
            Verdict::Worse(_)
        ));
        assert!(matches!(
            judge(&rule, &stats(100, 6, 2001), &old),
            Verdict::Worse(_)
        ));
    }

    #[test]
    fn a_new_revision_alone_is_held_against_no_errors() {
        let alone = judge(&Canary::default(), &stats(60, 6, 10), &stats(0, 0, 0));
        assert_eq!(
            alone,
            worse("errors 10.0 % of 60 calls, against 0.0 % of 0")
        );
    }

    #[test]
    fn a_window_holds_what_came_within_it() {
        let times = Histogram::default();
        let counts = |calls, failed| Counts {
            calls,
            failed,
            times: times.snapshot(),
        };
        let mut window = Window::begin(counts(0, 0));
        assert_eq!(window.stats(&counts(0, 0)), WindowStats::default());
        (0..100).for_each(|_| times.record_ns(1_000_000_000));
        let first = window.end(counts(100, 3));
        assert_eq!((first.calls, first.failed), (100, 3));
        assert!(first.p99_ns > Some(700_000_000), "{first:?}");
        // What was slow before does not count any more.
        (0..10).for_each(|_| times.record_ns(1000));
        let second = window.end(counts(110, 3));
        assert_eq!((second.calls, second.failed), (10, 0));
        assert!(second.p99_ns < Some(2000), "{second:?}");
        assert_eq!(window.end(counts(110, 3)), WindowStats::default());
    }

    fn any_rule() -> impl Strategy<Value = Canary> {
        (1..200_u64, 0.0..=100.0_f64, 1.0..=1000.0_f64).prop_map(|(calls_min, errors, ratio)| {
            Canary {
                calls_min,
                errors_max_percent_more: errors,
                p99_max_ratio: ratio,
                ..Canary::default()
            }
        })
    }

    fn any_stats() -> impl Strategy<Value = WindowStats> {
        let counts = (0..1000_u64).prop_flat_map(|calls| (Just(calls), 0..=calls));
        (counts, 0..10_000_000_000_u64).prop_map(|((calls, failed), p99)| stats(calls, failed, p99))
    }

    proptest! {
        #[test]
        fn what_is_equal_is_never_worse(rule in any_rule(), both in any_stats()) {
            let verdict = judge(&rule, &both, &both);
            prop_assert!(!matches!(verdict, Verdict::Worse(_)), "{:?}", verdict);
        }

        #[test]
        fn more_failures_and_longer_times_are_never_better(
            rule in any_rule(),
            new in any_stats(),
            old in any_stats(),
            more in 0..1000_u64,
            longer in 0..10_000_000_000_u64,
        ) {
            let harder = WindowStats {
                failed: (new.failed + more).min(new.calls),
                p99_ns: new.p99_ns.map(|p99| p99 + longer),
                ..new
            };
            if matches!(judge(&rule, &new, &old), Verdict::Worse(_)) {
                let verdict = judge(&rule, &harder, &old);
                prop_assert!(matches!(verdict, Verdict::Worse(_)), "{:?}", verdict);
            }
            if judge(&rule, &harder, &old) == Verdict::Fine {
                prop_assert_eq!(judge(&rule, &new, &old), Verdict::Fine);
            }
        }

        #[test]
        fn a_verdict_needs_calls_enough(
            rule in any_rule(),
            new in any_stats(),
            old in any_stats(),
        ) {
            let undecided = judge(&rule, &new, &old) == Verdict::Undecided;
            prop_assert_eq!(undecided, new.calls < rule.calls_min);
        }
    }
}
