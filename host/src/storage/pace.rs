//! When a thread that commits the writes of many begins the next commit. Each costs a sync,
//! whatever is in it, so what no client waits for is made to share them: where writes come together
//! anyway, patient ones wait a moment for more.

use std::time::{Duration, Instant};

/// The time from one commit to the next where all that waits is patient.
const PATIENCE: Duration = Duration::from_millis(10);

/// The pace of one thread.
#[derive(Debug, Default)]
pub struct Pace {
    /// When the last commit ended that several writes shared. One that had its sync to itself says
    /// that nobody else is about, and to wait for others would only make its successor late.
    shared_at: Option<Instant>,
}

impl Pace {
    /// A commit of so many writes has ended.
    pub fn committed(&mut self, writes: usize) {
        self.shared_at = (writes > 1).then(Instant::now);
    }

    /// How long patient writes should still wait; none: no longer.
    pub fn pause(&self) -> Option<Duration> {
        let left = PATIENCE.checked_sub(self.shared_at?.elapsed())?;
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::{PATIENCE, Pace};

    #[test]
    fn only_those_wait_who_may_meet_others() {
        let mut pace = Pace::default();
        assert_eq!(pace.pause(), None);
        pace.committed(1);
        assert_eq!(pace.pause(), None);
        pace.committed(2);
        assert!(pace.pause().is_none_or(|pause| pause <= PATIENCE));
        pace.committed(1);
        assert_eq!(pace.pause(), None);
    }
}
