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
    pub fn choose(&self, hash: Option<u64>) -> Option<&Arc<Revision>> {
        let mut weighted = self.weighted();
        let (first, second) = (weighted.next()?, weighted.next());
        if second.is_none() {
            return Some(&first.revision);
        }
        let drawn = hash.unwrap_or_else(identity::random_u64) % u64::from(WEIGHT_SUM);
        let mut below = 0;
        // The newest first, so that who meets it stays with it while its weight grows.
        let chosen = self.shares.iter().rev().find(|share| {
            below += u64::from(share.weight);
            drawn < below
        });
        chosen.map(|share| &share.revision).or_else(|| self.main())
    }
}
