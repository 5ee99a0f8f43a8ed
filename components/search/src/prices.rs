//! Ranges of prices for a facet: round steps that each product is counted under, and few ranges
//! made of them that fit what was found.

use serde::Serialize;

/// At most so many ranges are shown.
const RANGES_MAX: usize = 5;
/// Prices below are one step.
const STEP_MIN: u64 = 100;
/// Where steps begin, in tenths of a power of ten.
const TENTHS: [u64; 6] = [10, 15, 20, 30, 50, 70];

/// A range of prices, both ends included, and how many products are in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    pub from_minor: u64,
    pub to_minor: u64,
    pub count: u64,
}

/// The step of a price: the largest round number that is not above it.
pub fn step(price_minor: u64) -> u64 {
    let steps = steps().take_while(|step| *step <= price_minor);
    steps.last().unwrap_or(0)
}

/// The last price of a step.
fn step_end(step: u64) -> u64 {
    let next = steps().find(|next| *next > step);
    next.map_or(u64::MAX, |next| next - 1)
}

fn steps() -> impl Iterator<Item = u64> {
    let powers = std::iter::successors(Some(STEP_MIN / 10), |power| power.checked_mul(10));
    powers.flat_map(|power| {
        TENTHS
            .into_iter()
            .filter_map(move |tenths| power.checked_mul(tenths))
    })
}

/// Makes few ranges of the counts of steps: as long as there are too many, the two neighbours with
/// the fewest products become one.
pub fn ranges(steps: impl IntoIterator<Item = (u64, u64)>) -> Vec<Range> {
    let mut ranges: Vec<Range> = steps
        .into_iter()
        .map(|(step, count)| Range {
            from_minor: step,
            to_minor: step_end(step),
            count,
        })
        .collect();
    ranges.sort_by_key(|range| range.from_minor);
    while ranges.len() > RANGES_MAX {
        let pairs = ranges.iter().zip(ranges.iter().skip(1)).enumerate();
        let fewest = pairs.min_by_key(|(_, (one, next))| one.count + next.count);
        let Some(at) = fewest.map(|(at, _)| at) else {
            break;
        };
        let next = ranges.remove(at + 1);
        if let Some(range) = ranges.get_mut(at) {
            range.to_minor = next.to_minor;
            range.count += next.count;
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{RANGES_MAX, Range, ranges, step, step_end};

    #[test]
    fn steps_are_round() {
        for (price, from, to) in [
            (0, 0, 99),
            (99, 0, 99),
            (100, 100, 149),
            (1999, 1500, 1999),
            (2000, 2000, 2999),
            (12_900, 10_000, 14_999),
        ] {
            assert_eq!((step(price), step_end(step(price))), (from, to), "{price}");
        }
    }

    #[test]
    fn few_ranges_are_left_and_the_fullest_stay_apart() {
        let steps = [
            (0, 1),
            (500, 40),
            (1000, 2),
            (2000, 1),
            (5000, 30),
            (7000, 20),
        ];
        let range = |from_minor, to_minor, count| Range {
            from_minor,
            to_minor,
            count,
        };
        let expected = [
            range(0, 99, 1),
            range(500, 699, 40),
            range(1000, 2999, 3),
            range(5000, 6999, 30),
            range(7000, 9999, 20),
        ];
        assert_eq!(ranges(steps), expected);
    }

    proptest! {
        #[test]
        fn every_price_is_in_one_range(prices in proptest::collection::vec(any::<u64>(), 0..60)) {
            let mut steps = BTreeMap::new();
            for price in &prices {
                *steps.entry(step(*price)).or_insert(0) += 1;
            }
            let ranges = ranges(steps);
            prop_assert!(ranges.len() <= RANGES_MAX);
            for range in &ranges {
                let inside = |price: &&u64| (range.from_minor..=range.to_minor).contains(*price);
                prop_assert_eq!(prices.iter().filter(inside).count() as u64, range.count);
            }
            let total: u64 = ranges.iter().map(|range| range.count).sum();
            prop_assert_eq!(total, prices.len() as u64);
        }
    }
}
