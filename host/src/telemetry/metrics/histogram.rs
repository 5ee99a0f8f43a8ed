//! A histogram of times that many threads record into at once, without a lock.
//!
//! The buckets are quarters of powers of two, from 256 ns to 69 s, so a quantile is at most a
//! quarter off. Where a bound of [`EXPOSED_BOUNDS_NS`] lies within such a quarter, the quarter is
//! two buckets: what is exposed is then counted exactly, not estimated.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The upper bounds that are shown to the outside: 1, 2 and 5 of every power of ten from 1 µs to
/// 50 s, in nanoseconds. A time that equals a bound lies below it.
pub const EXPOSED_BOUNDS_NS: [u64; 24] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
    20_000_000_000,
    50_000_000_000,
];

/// Times up to 2^8 ns share the first bucket, those above 2^36 ns the last.
const FIRST_POWER: u32 = 8;
const LAST_POWER: u32 = 36;
const QUARTERS: usize = 4 * (LAST_POWER - FIRST_POWER) as usize;
const BUCKETS: usize = QUARTERS + EXPOSED_BOUNDS_NS.len() + 2;

/// One quarter of a power of two.
#[derive(Clone, Copy)]
struct Quarter {
    /// Its first bucket.
    bucket: u8,
    /// Where its second one begins, or a number that no time reaches.
    split_ns: u64,
}

struct Layout {
    quarters: [Quarter; QUARTERS],
    /// The greatest time in each bucket but the last, which has none.
    bounds_ns: [u64; BUCKETS - 1],
}

static LAYOUT: Layout = layout();

#[expect(
    clippy::indexing_slicing,
    reason = "this runs while the host is compiled, where a wrong index is an error"
)]
const fn layout() -> Layout {
    let mut layout = Layout {
        quarters: [Quarter {
            bucket: 0,
            split_ns: u64::MAX,
        }; QUARTERS],
        bounds_ns: [0; BUCKETS - 1],
    };
    layout.bounds_ns[0] = 1 << FIRST_POWER;
    let (mut quarter, mut exposed, mut bucket) = (0, 0, 1);
    while quarter < QUARTERS {
        layout.quarters[quarter].bucket = bucket as u8;
        let upper_ns = (5 + quarter as u64 % 4) << (FIRST_POWER - 2 + quarter as u32 / 4);
        if exposed < EXPOSED_BOUNDS_NS.len() && EXPOSED_BOUNDS_NS[exposed] < upper_ns {
            layout.quarters[quarter].split_ns = EXPOSED_BOUNDS_NS[exposed];
            layout.bounds_ns[bucket] = EXPOSED_BOUNDS_NS[exposed];
            exposed += 1;
            bucket += 1;
        }
        layout.bounds_ns[bucket] = upper_ns;
        bucket += 1;
        quarter += 1;
    }
    layout
}

/// Times of calls. Takes its memory, about 1 KiB, when the first one is recorded.
#[derive(Debug, Default)]
pub struct Histogram(OnceLock<Box<Counts>>);

#[derive(Debug)]
struct Counts {
    buckets: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            sum_ns: AtomicU64::new(0),
        }
    }
}

/// What a histogram held at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// By bucket; empty when nothing was recorded.
    buckets: Vec<u64>,
    sum_ns: u64,
}

/// How many times there were up to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The bound; a time that equals it is counted.
    pub bound_ns: u64,
    /// All times up to it, those below smaller bounds included.
    pub count: u64,
}

impl Histogram {
    /// Records one time.
    pub fn record_ns(&self, nanoseconds: u64) {
        let counts = self.0.get_or_init(Box::default);
        if let Some(bucket) = counts.buckets.get(bucket_of(nanoseconds)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        counts.sum_ns.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Whether anything was recorded.
    pub fn is_used(&self) -> bool {
        self.0.get().is_some()
    }

    /// What it holds now. A time that is recorded meanwhile may be counted and not yet summed.
    pub fn snapshot(&self) -> HistogramSnapshot {
        let Some(counts) = self.0.get() else {
            return HistogramSnapshot::default();
        };
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        HistogramSnapshot {
            buckets: counts.buckets.iter().map(load).collect(),
            sum_ns: load(&counts.sum_ns),
        }
    }
}

impl HistogramSnapshot {
    /// What was recorded since `earlier`, a snapshot of the same histogram.
    pub fn since(&self, earlier: &Self) -> Self {
        let earlier_counts = earlier.buckets.iter().chain(std::iter::repeat(&0));
        let counts = self.buckets.iter().zip(earlier_counts);
        Self {
            buckets: counts
                .map(|(now, then)| now.saturating_sub(*then))
                .collect(),
            sum_ns: self.sum_ns.wrapping_sub(earlier.sum_ns),
        }
    }

    /// Takes in the times of another one.
    pub fn add(&mut self, other: &Self) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (count, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *count += more;
        }
        self.sum_ns += other.sum_ns;
    }

    /// How many times were recorded.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The sum of all times.
    pub fn sum_ns(&self) -> u64 {
        self.sum_ns
    }

    /// A time that the share `quantile` (0 to 1) of all times does not exceed: exact to its bucket,
    /// within which the times are taken as evenly spread. `None` when nothing was recorded.
    pub fn quantile_ns(&self, quantile: f64) -> Option<u64> {
        let rank = (quantile.clamp(0.0, 1.0) * self.count() as f64).max(1.0);
        let mut below = 0;
        let mut lower_ns = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            // The last bucket has no bound: its times are at least as long as the one before it.
            let upper_ns = LAYOUT.bounds_ns.get(bucket).copied().unwrap_or(lower_ns);
            if *count > 0 && (below + count) as f64 >= rank {
                let share = (rank - below as f64) / *count as f64;
                return Some(lower_ns + ((upper_ns - lower_ns) as f64 * share) as u64);
            }
            below += count;
            lower_ns = upper_ns;
        }
        None
    }

    /// The counts up to each of [`EXPOSED_BOUNDS_NS`].
    pub fn exposed(&self) -> Vec<Bucket> {
        let mut bounded = LAYOUT.bounds_ns.iter().zip(&self.buckets).peekable();
        let mut count = 0;
        let up_to = |bound_ns| {
            while let Some((_, more)) = bounded.next_if(|(upper_ns, _)| **upper_ns <= bound_ns) {
                count += more;
            }
            Bucket { bound_ns, count }
        };
        EXPOSED_BOUNDS_NS.into_iter().map(up_to).collect()
    }
}

/// The number of the bucket that a time belongs to.
fn bucket_of(nanoseconds: u64) -> usize {
    // Bounds belong to the bucket below them, as Prometheus counts; powers of two to the one above.
    let below = nanoseconds.saturating_sub(1);
    let Some(power) = below.checked_ilog2().filter(|power| *power >= FIRST_POWER) else {
        return 0;
    };
    let quarter = (power - FIRST_POWER) as usize * 4 + (below >> (power - 2) & 3) as usize;
    match LAYOUT.quarters.get(quarter) {
        Some(found) => usize::from(found.bucket) + usize::from(below >= found.split_ns),
        None => BUCKETS - 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bounds_rise_and_include_every_exposed_one() {
        assert!(LAYOUT.bounds_ns.is_sorted_by(|a, b| a < b));
        assert_eq!(LAYOUT.bounds_ns[BUCKETS - 2], 1 << LAST_POWER);
        for bound in EXPOSED_BOUNDS_NS {
            assert!(LAYOUT.bounds_ns.contains(&bound), "{bound}");
        }
        for pair in LAYOUT.bounds_ns.windows(2) {
            assert!(pair[1] - pair[0] <= pair[0] / 4, "{pair:?}");
        }
    }

    #[test]
    fn every_bound_is_the_last_time_of_its_bucket() {
        for (bucket, bound) in LAYOUT.bounds_ns.into_iter().enumerate() {
            assert_eq!(bucket_of(bound), bucket, "{bound}");
            assert_eq!(bucket_of(bound + 1), bucket + 1, "{bound} + 1");
        }
        assert_eq!(bucket_of(0), 0);
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn an_unused_histogram_holds_nothing() {
        let histogram = Histogram::default();
        assert!(!histogram.is_used());
        let snapshot = histogram.snapshot();
        assert_eq!((snapshot.count(), snapshot.sum_ns()), (0, 0));
        assert_eq!(snapshot.quantile_ns(0.5), None);
        assert!(snapshot.exposed().iter().all(|bucket| bucket.count == 0));
        assert!(size_of::<Histogram>() <= 16);
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let histogram = Histogram::default();
        std::thread::scope(|scope| {
            for thread in 1..=4 {
                let histogram = &histogram;
                scope.spawn(move || (0..10_000).for_each(|n| histogram.record_ns(n * thread)));
            }
        });
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.count(), 40_000);
        assert_eq!(snapshot.sum_ns(), 10 * (0..10_000).sum::<u64>());
    }

    proptest! {
        #[test]
        fn what_is_exposed_is_exact(
            times in prop::collection::vec(0..100_000_000_000_u64, 0..200),
        ) {
            let histogram = Histogram::default();
            times.iter().for_each(|time| histogram.record_ns(*time));
            let snapshot = histogram.snapshot();
            prop_assert_eq!(snapshot.count(), times.len() as u64);
            prop_assert_eq!(snapshot.sum_ns(), times.iter().sum::<u64>());
            for Bucket { bound_ns, count } in snapshot.exposed() {
                let expected = times.iter().filter(|time| **time <= bound_ns).count();
                prop_assert_eq!(count, expected as u64, "up to {}", bound_ns);
            }
        }

        #[test]
        fn a_difference_holds_what_came_between(
            before in prop::collection::vec(0..100_000_000_000_u64, 0..100),
            after in prop::collection::vec(0..100_000_000_000_u64, 0..100),
        ) {
            let (all, later) = (Histogram::default(), Histogram::default());
            before.iter().for_each(|time| all.record_ns(*time));
            let earlier = all.snapshot();
            after.iter().for_each(|time| all.record_ns(*time));
            after.iter().for_each(|time| later.record_ns(*time));
            let (found, expected) = (all.snapshot().since(&earlier), later.snapshot());
            prop_assert_eq!(found.count(), after.len() as u64);
            prop_assert_eq!(found.sum_ns(), expected.sum_ns());
            prop_assert_eq!(found.quantile_ns(0.99), expected.quantile_ns(0.99));
        }

        #[test]
        fn a_quantile_lies_in_its_bucket(
            exponents in prop::collection::vec(8.0..35.9_f64, 1..300),
            quantile in 0.0..=1.0_f64,
        ) {
            let histogram = Histogram::default();
            let mut times: Vec<_> = exponents.iter().map(|e| e.exp2() as u64).collect();
            times.iter().for_each(|time| histogram.record_ns(*time));
            times.sort_unstable();
            let rank = (quantile * times.len() as f64).ceil().max(1.0) as usize;
            let (exact, found) = (
                times[rank - 1],
                histogram.snapshot().quantile_ns(quantile).unwrap(),
            );
            prop_assert!(exact.abs_diff(found) <= exact / 4 + 256, "{} for {}", found, exact);
        }
    }
}
