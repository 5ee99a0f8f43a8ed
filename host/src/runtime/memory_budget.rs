//! The memory that the host may hold: when it holds more, which services leave memory, and what is
//! said of it. Reading the kernel's figure and the unloading are left to [`super::idle`].

use std::time::{Duration, Instant};

/// Revisions that leave memory in one round, at most: to unmap their code takes some milliseconds.
const UNLOADED_MAX: usize = 32;
/// Of the budget so much is made free once it was exceeded, so that the host does not unload one
/// service for each that is called.
const SPARE_DIVISOR: u64 = 16;
/// Between two warnings that the budget cannot be kept.
const WARNING_PAUSE: Duration = Duration::from_secs(60);

/// A revision in memory. `T` is whatever names it.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    pub name: T,
    /// When it was used last.
    pub used: Instant,
    /// The address space of its code and its instances. How much of that is in memory, only the
    /// kernel knows, and only of all revisions together.
    pub bytes: u64,
    /// Whether calls of it run or wait.
    pub is_busy: bool,
}

/// Those that leave memory, because all of `loaded` together hold `held_bytes`, of which
/// `excess_bytes` are too many: the ones that were not used for longest, and none that is busy.
///
/// What one of them holds is estimated by its part of the address space. Too few or too many cost
/// a further round, or some calls that begin with mapping the code again.
pub fn choose<T>(loaded: Vec<Loaded<T>>, held_bytes: u64, excess_bytes: u64) -> Vec<T> {
    let all_bytes: u128 = loaded.iter().map(|one| u128::from(one.bytes)).sum();
    let estimate = |bytes: u64| u128::from(held_bytes) * u128::from(bytes) / all_bytes.max(1);
    let mut idle: Vec<_> = loaded.into_iter().filter(|one| !one.is_busy).collect();
    idle.sort_by_key(|one| one.used);
    let mut freed_bytes = 0;
    let mut chosen = Vec::new();
    for one in idle.into_iter().take(UNLOADED_MAX) {
        if freed_bytes >= u128::from(excess_bytes) {
            break;
        }
        freed_bytes += estimate(one.bytes);
        chosen.push(one.name);
    }
    chosen
}

/// The budget, and whether it is being kept.
pub struct MemoryBudget {
    budget_bytes: u64,
    /// Resident memory before anything was called: what no service can give back.
    base_bytes: u64,
    /// The budget was exceeded, and the spare memory is not free yet.
    is_exceeded: bool,
    warned: Option<Instant>,
}

impl MemoryBudget {
    pub fn new(budget_mib: u64, base_bytes: u64) -> Self {
        Self {
            budget_bytes: budget_mib << 20,
            base_bytes,
            is_exceeded: false,
            warned: None,
        }
    }

    /// What services hold of so much resident memory.
    pub fn held_bytes(&self, resident_bytes: u64) -> u64 {
        resident_bytes.saturating_sub(self.base_bytes)
    }

    /// What should be given back of so much resident memory.
    pub fn excess_bytes(&self, resident_bytes: u64) -> u64 {
        let low_bytes = self.budget_bytes - self.budget_bytes / SPARE_DIVISOR;
        if self.is_exceeded || resident_bytes > self.budget_bytes {
            resident_bytes.saturating_sub(low_bytes)
        } else {
            0
        }
    }

    /// Notes what the host holds now, and says once that it is too much.
    pub fn note(&mut self, resident_bytes: u64) {
        let was_exceeded = self.is_exceeded;
        self.is_exceeded = self.excess_bytes(resident_bytes) > 0;
        if self.is_exceeded && !was_exceeded {
            tracing::info!(
                "resident memory is {} MiB, above the budget of {} MiB: services that were not \
                 called for longest leave memory",
                in_mib(resident_bytes),
                in_mib(self.budget_bytes),
            );
        }
    }

    /// Says from time to time that nothing is left to unload, where the budget is exceeded still.
    /// `busy`: services that cannot leave memory, because calls of them run or wait.
    pub fn warn(&mut self, resident_bytes: u64, busy: usize, now: Instant) -> bool {
        let is_due = self
            .warned
            .is_none_or(|warned| now.saturating_duration_since(warned) >= WARNING_PAUSE);
        if resident_bytes <= self.budget_bytes || !is_due {
            return false;
        }
        self.warned = Some(now);
        tracing::warn!(
            "resident memory is {} MiB, above the budget of {} MiB, and nothing can leave memory: \
             {busy} services are in use, and {} MiB are the host's own; raise the budget \
             (--memory-budget, or memory_budget_mib in [application.tool.kumiki]), or lower \
             instances_max or memory_max_mib of the services",
            in_mib(resident_bytes),
            in_mib(self.budget_bytes),
            in_mib(self.base_bytes),
        );
        true
    }
}

fn in_mib(bytes: u64) -> u64 {
    bytes >> 20
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert, proptest};

    use super::*;

    const MIB: u64 = 1 << 20;

    fn loaded(parts: &[(u64, u64, bool)]) -> Vec<Loaded<usize>> {
        let made = Instant::now();
        let one = |(name, &(second, bytes, is_busy)): (usize, &(u64, u64, bool))| Loaded {
            name,
            used: made + Duration::from_secs(second),
            bytes,
            is_busy,
        };
        parts.iter().enumerate().map(one).collect()
    }

    #[test]
    fn those_not_used_for_longest_go_until_it_is_enough() {
        let parts = [
            (3, 10, false),
            (1, 10, false),
            (0, 10, true),
            (2, 10, false),
        ];
        let choose = |excess| choose(loaded(&parts), 400, excess);
        assert_eq!(choose(0), Vec::<usize>::new());
        assert_eq!(choose(1), [1]);
        assert_eq!(choose(100), [1]);
        assert_eq!(choose(101), [1, 3]);
        assert_eq!(choose(u64::MAX), [1, 3, 0], "the busy one stays");
    }

    #[test]
    fn an_exceeded_budget_is_left_with_room_to_spare() {
        let mut budget = MemoryBudget::new(160, 20 * MIB);
        assert_eq!(budget.held_bytes(30 * MIB), 10 * MIB);
        budget.note(160 * MIB);
        assert_eq!(budget.excess_bytes(160 * MIB), 0);
        budget.note(161 * MIB);
        assert_eq!(budget.excess_bytes(155 * MIB), 5 * MIB);
        budget.note(155 * MIB);
        assert_eq!(budget.excess_bytes(151 * MIB), MIB);
        budget.note(150 * MIB);
        assert_eq!(budget.excess_bytes(155 * MIB), 0);
    }

    #[test]
    fn a_budget_that_cannot_be_kept_is_said_once_a_minute() {
        let mut budget = MemoryBudget::new(1, 20 * MIB);
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        assert!(!budget.warn(MIB, 1, now), "it is kept");
        assert!(budget.warn(2 * MIB, 1, now));
        assert!(!budget.warn(2 * MIB, 1, after(59)));
        assert!(budget.warn(2 * MIB, 1, after(60)));
        assert!(!budget.warn(2 * MIB, 1, after(61)));
    }

    proptest! {
        #[test]
        fn the_choice_is_the_shortest_that_is_enough(
            parts in proptest::collection::vec((0_u64..50, 0_u64..1_000, any::<bool>()), 0..80),
            held in (0_u64..10_000).prop_map(|kib| kib * 1024),
            excess in (0_u64..10_000).prop_map(|kib| kib * 1024),
        ) {
            let all = loaded(&parts);
            let chosen = choose(all.clone(), held, excess);
            let idle = all.iter().filter(|one| !one.is_busy).count();
            prop_assert!(chosen.len() <= UNLOADED_MAX.min(idle));
            prop_assert!(chosen.iter().all(|&name| !all[name].is_busy));
            let last = chosen.last().map(|&name| all[name].used);
            let mut left = all.iter().filter(|one| !one.is_busy && !chosen.contains(&one.name));
            prop_assert!(left.all(|one| last.is_none_or(|last| one.used >= last)));
            let total: u64 = all.iter().map(|one| one.bytes).sum();
            let freed = |names: &[usize]| -> u64 {
                names.iter().map(|&name| held * all[name].bytes / total.max(1)).sum()
            };
            let is_enough = freed(&chosen) >= excess;
            prop_assert!(is_enough || chosen.len() == UNLOADED_MAX.min(idle));
            if let Some((_, shorter)) = chosen.split_last() {
                prop_assert!(freed(shorter) < excess);
            }
        }
    }
}
