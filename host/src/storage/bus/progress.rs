//! How far a subscription has come: a low-water mark, up to which everything is settled, and the
//! ranges settled above it. What is stored of it is left to the writer.

use std::collections::BTreeMap;

/// Positions of the log that are settled: acknowledged, dead, or of no interest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to here is settled.
    low: i64,
    /// First and last positions, with at least one unsettled position before each.
    above: BTreeMap<i64, i64>,
}

/// What changed, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgressChange {
    /// The low-water mark, if it has risen.
    pub low: Option<i64>,
    /// Ranges that are gone, by their first positions.
    pub removed: Vec<i64>,
    /// A range that is new or has grown.
    pub range: Option<(i64, i64)>,
}

impl Progress {
    /// As it was stored.
    pub fn new(low: i64, above: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let above = above.into_iter().filter(|(_, last)| *last > low).collect();
        Self { low, above }
    }

    /// Everything up to here is settled.
    pub fn low(&self) -> i64 {
        self.low
    }

    /// Ranges above the low-water mark.
    pub fn ranges(&self) -> impl Iterator<Item = (i64, i64)> {
        self.above.iter().map(|(first, last)| (*first, *last))
    }

    /// Whether a position is settled.
    pub fn contains(&self, position: i64) -> bool {
        let before = self.above.range(..=position).next_back();
        position <= self.low || before.is_some_and(|(_, last)| position <= *last)
    }

    /// Settles the event at `position`, and what lies between it and the subscription's event
    /// before it, at `after`: positions of other topics.
    pub fn settle(&mut self, after: i64, position: i64) -> ProgressChange {
        let mut change = ProgressChange::default();
        let (mut first, mut last) = (after.saturating_add(1), position);
        let touching = self.above.range(..=position.saturating_add(1)).rev();
        let touching: Vec<(i64, i64)> = touching
            .map(|(first, last)| (*first, *last))
            .take_while(|(_, last)| *last >= after)
            .collect();
        for (old_first, old_last) in touching {
            self.above.remove(&old_first);
            change.removed.push(old_first);
            (first, last) = (first.min(old_first), last.max(old_last));
        }
        if first <= self.low.saturating_add(1) {
            if last > self.low {
                self.low = last;
                change.low = Some(last);
            }
        } else {
            change.removed.retain(|removed| *removed != first);
            self.above.insert(first, last);
            change.range = Some((first, last));
        }
        change
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Events at some positions, settled in any order: the stored rows say at each moment what
        /// is settled, and at the end the low-water mark is the last event.
        #[test]
        fn settles_in_any_order(
            mut gaps in prop::collection::vec(1i64..4, 1..40),
            start in 0i64..3,
            seed in any::<u64>(),
        ) {
            let mut position = start;
            let mut events = Vec::new();
            for gap in gaps.drain(..) {
                let after = if events.is_empty() { start } else { position };
                position += gap;
                events.push((after, position));
            }
            let last = position;
            let mut order = events.clone();
            let mut random = seed;
            for index in (1..order.len()).rev() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                order.swap(index, (random >> 33) as usize % (index + 1));
            }
            let mut progress = Progress::new(start, []);
            let (mut stored_low, mut stored) = (start, BTreeMap::new());
            let mut settled = BTreeSet::new();
            for (after, position) in order {
                let change = progress.settle(after, position);
                settled.insert(position);
                stored_low = change.low.unwrap_or(stored_low);
                for first in change.removed { stored.remove(&first); }
                if let Some((first, last)) = change.range { stored.insert(first, last); }
                let read = Progress::new(stored_low, stored.clone());
                prop_assert_eq!(&read, &progress);
                for (_, position) in &events {
                    prop_assert_eq!(progress.contains(*position), settled.contains(position));
                }
            }
            prop_assert_eq!(progress.low(), last);
            prop_assert!(progress.above.is_empty());
        }
    }
}
