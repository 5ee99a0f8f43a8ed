//! The times that a caller takes of its own calls: of many in a row, and of each. Written by the
//! guests that measure and by the native caller, so it needs nothing but the standard
//! library; read by `callers`.
//!
//! As text: a line `row COUNT NANOSECONDS` for the calls in a row, then a line `NANOSECONDS COUNT`
//! for each bucket of the timed calls that is not empty.

/// Bits of a time that its bucket keeps: buckets are at most 1/128 of their time wide, and hold one
/// nanosecond below 256.
const KEPT_BITS: u32 = 8;

const BUCKETS_PER_BIT: usize = 1 << (KEPT_BITS - 1);

/// Room for times of up to 2⁴⁰ ns, which is 18 minutes.
const BUCKETS: usize = BUCKETS_PER_BIT * (40 - KEPT_BITS as usize + 2);

/// What was timed.
pub struct Times {
    row_count: u64,
    row_ns: u64,
    buckets: Vec<u32>,
}

impl Times {
    /// The time of so many calls in a row; none is timed alone yet.
    pub fn new(row_count: u64, row_ns: u64) -> Self {
        Self {
            row_count,
            row_ns,
            buckets: vec![0; BUCKETS],
        }
    }

    /// Adds the time of one call.
    pub fn add(&mut self, nanoseconds: u64) {
        let last = self.buckets.len() - 1;
        if let Some(bucket) = self.buckets.get_mut(bucket(nanoseconds).min(last)) {
            *bucket += 1;
        }
    }

    /// All of it as text.
    pub fn to_text(&self) -> String {
        let mut text = format!("row {} {}\n", self.row_count, self.row_ns);
        for (index, count) in self.buckets.iter().enumerate() {
            if *count > 0 {
                text.push_str(&format!("{} {count}\n", middle(index)));
            }
        }
        text
    }
}

/// The bucket of a time: the time itself below 256 ns, above that its exponent and leading bits.
fn bucket(nanoseconds: u64) -> usize {
    let bits = u64::BITS - nanoseconds.leading_zeros();
    let dropped = bits.saturating_sub(KEPT_BITS);
    BUCKETS_PER_BIT * dropped as usize + (nanoseconds >> dropped) as usize
}

/// The time in the middle of a bucket.
fn middle(bucket: usize) -> u64 {
    let dropped = (bucket / BUCKETS_PER_BIT).saturating_sub(1);
    let first = ((bucket - BUCKETS_PER_BIT * dropped) as u64) << dropped;
    first + (1 << dropped) / 2
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Times, bucket, middle};

    #[test]
    fn a_bucket_is_at_most_a_hundredth_off() {
        let times = [0, 1, 127, 128, 255, 256, 257, 1_000, 1_999, 65_535, 1 << 39];
        for nanoseconds in times {
            let found = middle(bucket(nanoseconds));
            assert!(
                found.abs_diff(nanoseconds) * 250 <= nanoseconds,
                "{nanoseconds} became {found}"
            );
        }
        assert_eq!(bucket((1 << 40) - 1), BUCKETS - 1);
    }

    #[test]
    fn buckets_follow_each_other() {
        let buckets: Vec<usize> = (0..5_000).map(bucket).collect();
        let is_step = |pair: &[usize]| pair[1] - pair[0] <= 1;
        assert!(buckets.windows(2).all(is_step));
    }

    #[test]
    fn the_text_has_every_bucket_once() {
        let mut times = Times::new(3, 900);
        for nanoseconds in [40, 40, 7, u64::MAX] {
            times.add(nanoseconds);
        }
        let text = times.to_text();
        assert!(text.starts_with("row 3 900\n7 1\n40 2\n"), "{text}");
        assert_eq!(text.lines().count(), 4);
    }
}
