//! Names for requests and spans. They need to be unlike each other, not hard to guess, so they come
//! from a small generator per thread and cost no system call.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

thread_local! {
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(std::thread::current().id()));
}

/// A new id for a request tree: 32 hexadecimal digits.
pub fn request_id() -> String {
    format!("{:016x}{:016x}", random_u64(), random_u64())
}

/// The next value of this thread's generator, never 0 (SplitMix64, Steele et al. 2014).
pub fn random_u64() -> u64 {
    let state = STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(state);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::request_id;

    #[test]
    fn ids_differ_within_and_across_threads() {
        let ids = || (0..1000).map(|_| request_id()).collect::<Vec<_>>();
        let other = std::thread::spawn(ids);
        let all: BTreeSet<String> = ids().into_iter().chain(other.join().unwrap()).collect();
        assert_eq!(all.len(), 2000);
        assert!(all.iter().all(|id| id.len() == 32));
    }
}
