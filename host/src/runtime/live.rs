//! The revisions of one service that are in memory, with their weights: which of them a request
//! tree takes at its first call.

use std::sync::Arc;

use super::revision::Revision;
use crate::telemetry::identity;

/// All weights of a service together.
pub const WEIGHT_SUM: u32 = 100;

/// The revisions of one service at one moment. Replaced as a whole.
#[derive(Default)]
pub struct Live {
    /// The newest last; those without weight drain, or wait for a rollback.
    shares: Vec<Share>,
}

/// A revision and how many of a hundred request trees take it.
#[derive(Clone)]
pub struct Share {
    pub revision: Arc<Revision>,
    pub weight: u32,
}

impl Live {
    /// `shares` in any order.
    pub fn new(mut shares: Vec<Share>) -> Self {
        shares.sort_by_key(|share| share.revision.number);
        Self { shares }
    }

    /// One revision that takes everything.
    pub fn sole(revision: Arc<Revision>) -> Self {
        let weight = WEIGHT_SUM;
        Self::new(vec![Share { revision, weight }])
    }

    /// All revisions, the newest last.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// Those that take calls.
    pub fn weighted(&self) -> impl Iterator<Item = &Share> {
        self.shares.iter().filter(|share| share.weight > 0)
    }

    /// The revision with the most weight, the newest of several: its settings are the service's.
    pub fn main(&self) -> Option<&Arc<Revision>> {
        let main = self.weighted().max_by_key(|share| share.weight);
        main.map(|share| &share.revision)
    }

    /// A revision by its number.
    pub fn find(&self, number: u64) -> Option<&Share> {
        let mut shares = self.shares.iter();
        shares.find(|share| share.revision.number == number)
    }

    /// What a request tree takes. `hash`: of the value that decides for a caller who shall always
    /// meet the same revision; without it, chance decides.
    pub fn choose(&self, hash: impl FnOnce() -> Option<u64>) -> Option<&Arc<Revision>> {
        let mut weighted = self.weighted();
        let (first, second) = (weighted.next()?, weighted.next());
        if second.is_none() {
            return Some(&first.revision);
        }
        let draw = hash().unwrap_or_else(identity::random_u64) % u64::from(WEIGHT_SUM);
        let weights = self.shares.iter().map(|share| share.weight);
        let share = drawn(weights, draw).and_then(|at| self.shares.get(at));
        share.map(|share| &share.revision).or_else(|| self.main())
    }
}

/// The place of the weight that a number below their sum falls to, counted from the last: who falls
/// to the newest revision stays with it while its weight grows.
fn drawn(
    weights: impl DoubleEndedIterator<Item = u32> + ExactSizeIterator,
    draw: u64,
) -> Option<usize> {
    let mut below = 0;
    let mut places = weights.enumerate().rev();
    let found = places.find(|(_, weight)| {
        below += u64::from(*weight);
        draw < below
    });
    found.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::drawn;

    #[test]
    fn each_weight_gets_its_part_and_the_canary_keeps_whom_it_has() {
        let taken = |weights: &[u32]| {
            let mut counts = vec![0_u32; weights.len()];
            for draw in 0..100 {
                counts[drawn(weights.iter().copied(), draw).unwrap()] += 1;
            }
            counts
        };
        assert_eq!(taken(&[90, 10]), [90, 10]);
        assert_eq!(taken(&[0, 99, 1]), [0, 99, 1]);
        assert_eq!(taken(&[100]), [100]);
        // Whoever meets the newest at a weight meets it at every larger one.
        for draw in 0..100 {
            let is_newest = |weight| drawn([100 - weight, weight].into_iter(), draw) == Some(1);
            let met: Vec<_> = (0..=100).filter(|weight| is_newest(*weight)).collect();
            assert_eq!(met.len() as u64, 100 - draw);
            assert!(met.windows(2).all(|pair| pair[1] == pair[0] + 1));
        }
        assert_eq!(drawn([0, 0].into_iter(), 5), None);
    }
}
