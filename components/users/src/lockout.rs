//! Who guesses a password has to wait: after five failures in a row for an e-mail address, whether
//! it has an account or not, it is locked for a while, longer with each further failure.

use kit::host::Host;
use kit::problem::Problem;
use kit::store::Change;
use serde::{Deserialize, Serialize};

use crate::account::Email;

/// So many failures are free.
const FAILURES_MAX: u32 = 5;
/// How long the fifth failure locks, the sixth, and so on; the last for all that follow.
const LOCK_MINUTES: [u64; 5] = [1, 2, 4, 8, 15];
/// Failures are in a row while no day passes between them.
const FORGET_MS: u64 = 24 * 60 * 60 * 1000;

/// The failures in a row for one e-mail address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    count: u32,
    last_ms: u64,
    locked_until_ms: u64,
}

impl Failures {
    /// How long it is still locked.
    fn locked_seconds(self, now_ms: u64) -> Option<u32> {
        let left_ms = self.locked_until_ms.checked_sub(now_ms)?;
        // A clock that was set back must not lock for longer than any lock.
        let most_ms = LOCK_MINUTES.iter().max().copied().unwrap_or_default() * 60_000;
        let left = left_ms.min(most_ms).div_ceil(1000);
        u32::try_from(left).ok().filter(|left| *left > 0)
    }

    fn with_one_more(self, now_ms: u64) -> Failures {
        let is_forgotten = now_ms.saturating_sub(self.last_ms) >= FORGET_MS;
        let before = if is_forgotten { 0 } else { self.count };
        let count = before.saturating_add(1);
        let lock_minutes = count.checked_sub(FAILURES_MAX).map_or(0, |beyond| {
            let place = usize::try_from(beyond).unwrap_or(usize::MAX);
            let last = LOCK_MINUTES.last();
            LOCK_MINUTES
                .get(place)
                .or(last)
                .copied()
                .unwrap_or_default()
        });
        Failures {
            count,
            last_ms: now_ms,
            locked_until_ms: now_ms + lock_minutes * 60_000,
        }
    }
}

/// Before a password is looked at.
///
/// # Errors
/// 429 `locked`; or the store fails.
pub fn check(host: &dyn Host, email: &Email) -> Result<(), Problem> {
    let failures: Option<Failures> = host.store().get_json(&key(email))?;
    refuse_locked(failures.unwrap_or_default(), host.now_ms())
}

/// After the password was looked at: counts a failure, or forgets those before a success. What was
/// found is told only while it is not locked, so that guesses at once learn no more than guesses
/// one after the other.
///
/// # Errors
/// 429 `locked`, 401 `wrong_credentials`; or the store fails.
pub fn settle<T>(host: &dyn Host, email: &Email, found: Option<T>) -> Result<T, Problem> {
    let now_ms = host.now_ms();
    let key = key(email);
    host.store().update(&key, |failures: Option<Failures>| {
        let before = failures.unwrap_or_default();
        refuse_locked(before, now_ms)?;
        Ok::<_, Problem>(match (&found, before.count) {
            (Some(_), 0) => Change::Keep(()),
            (Some(_), _) => Change::Write(Failures::default(), ()),
            (None, _) => Change::Write(before.with_one_more(now_ms), ()),
        })
    })?;
    let detail = "The e-mail address or the password is wrong.";
    found.ok_or_else(|| Problem::new(401, "wrong_credentials", detail))
}

fn refuse_locked(failures: Failures, now_ms: u64) -> Result<(), Problem> {
    let Some(seconds) = failures.locked_seconds(now_ms) else {
        return Ok(());
    };
    let wait = match seconds.div_ceil(60) {
        1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    };
    let detail = format!("There were too many failed attempts. Try again in {wait}.");
    Err(Problem::new(429, "locked", detail).retry_after(seconds))
}

fn key(email: &Email) -> String {
    format!("failures/{}", email.digest())
}
