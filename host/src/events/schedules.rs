//! Calls services by the clock. A run is an event on a topic of its own, so it is delivered, tried
//! again and given up like any other; this part decides when there is one.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use croner::Cron;
use tokio::sync::watch;

use super::delivery::Phase;
use crate::manifest::events::cron;
use crate::manifest::model::events::Schedule;
use crate::storage::bus::{Bus, BusError, NewEvent};

/// The clock may jump, so nobody sleeps for longer.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// A time that passed so long ago was missed: the host was down, or stood still.
const MISSED_AFTER_MS: i64 = 60_000;
/// A clock that is set back by more is believed.
const SET_BACK_MAX_MS: i64 = 24 * 60 * 60 * 1000;

/// The topic of a schedule's runs, which nobody can publish to.
pub fn topic(service: &str, path: &str) -> String {
    format!("$schedule {service} {path}")
}

/// Whether a topic is one of a schedule.
pub fn is_schedule(topic: &str) -> bool {
    topic.starts_with("$schedule ")
}

/// One schedule at work.
pub struct Clockwork {
    pub bus: Arc<Bus>,
    pub service: String,
    pub schedule: Schedule,
    /// The subscription to its topic.
    pub subscription: i64,
}

/// What is to be done at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    /// The newest time that has passed.
    at_ms: i64,
    /// Whether it passed so long ago that only `catch_up` makes up for it.
    is_missed: bool,
}

/// The times of a schedule.
struct Times {
    cron: Cron,
    timezone: Tz,
}

impl Clockwork {
    /// Has the service called at its times, until the host stops.
    pub async fn run(self, mut phase: watch::Receiver<Phase>) {
        let Some(times) = Times::new(&self.schedule) else {
            return tracing::error!(cron = self.schedule.cron, "the schedule cannot be read");
        };
        loop {
            let pause = match self.look(&times).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, service = self.service, "a schedule cannot be kept");
                    SLEEP_MAX
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = phase.wait_for(|phase| *phase == Phase::Stopping) => return,
            }
        }
    }

    /// Begins a run if one is due; returns for how long nothing is to be done.
    async fn look(&self, times: &Times) -> Result<Duration, BusError> {
        let now_ms = self.bus.clock().now_ms();
        let path = &self.schedule.path;
        let last_ms = self.bus.last_due_ms(&self.service, path)?;
        let Some(last_ms) = last_ms.filter(|last| last.saturating_sub(now_ms) <= SET_BACK_MAX_MS)
        else {
            // A new schedule begins now, and so does one whose clock was years ahead.
            self.note(now_ms, None).await?;
            return Ok(Duration::ZERO);
        };
        let Some(due) = times.due(last_ms, now_ms) else {
            let next_ms = times.next_after(last_ms).unwrap_or(i64::MAX);
            let left_ms = next_ms.saturating_sub(now_ms).max(0).unsigned_abs();
            return Ok(Duration::from_millis(left_ms).min(SLEEP_MAX));
        };
        self.note(due.at_ms, self.run_of(due)).await?;
        Ok(Duration::ZERO)
    }

    fn run_of(&self, due: Due) -> Option<NewEvent> {
        let (service, path) = (&*self.service, &*self.schedule.path);
        let at = rfc3339(due.at_ms);
        if due.is_missed && !self.schedule.catch_up {
            tracing::warn!(service, path, at, "a scheduled time was missed");
            return None;
        }
        if self.bus.lag(self.subscription).is_some_and(|lag| lag > 0) {
            tracing::warn!(service, path, at, "skipped: the run before is not done");
            return None;
        }
        Some(NewEvent {
            topic: topic(service, path),
            source: String::new(),
            id: at.clone(),
            key: None,
            delay_until_ms: None,
            // No event of anybody: the time is all that there is to say.
            attributes: at,
            data: Vec::new(),
        })
    }

    async fn note(&self, due_ms: i64, run: Option<NewEvent>) -> Result<(), BusError> {
        let (service, path) = (self.service.clone(), self.schedule.path.clone());
        self.bus.set_due(service, path, due_ms, run).await
    }
}

impl Times {
    /// `None` for what the manifest's check would not have let pass.
    fn new(schedule: &Schedule) -> Option<Self> {
        Some(Self {
            cron: cron(&schedule.cron).ok()?,
            timezone: schedule.timezone.parse().ok()?,
        })
    }

    fn next_after(&self, time_ms: i64) -> Option<i64> {
        let time = DateTime::<Utc>::from_timestamp_millis(time_ms)?;
        let local = time.with_timezone(&self.timezone);
        let next = self.cron.find_next_occurrence(&local, false).ok()?;
        Some(next.timestamp_millis())
    }

    /// The newest time after `last_ms` that has passed at `now_ms`.
    fn due(&self, last_ms: i64, now_ms: i64) -> Option<Due> {
        let first = self.next_after(last_ms).filter(|first| *first <= now_ms)?;
        // Of a long time in which nothing ran only its end can matter.
        let mut at_ms = first.max(self.last_before(now_ms).unwrap_or(first));
        while let Some(next) = self.next_after(at_ms).filter(|next| *next <= now_ms) {
            at_ms = next;
        }
        let is_missed = now_ms.saturating_sub(at_ms) > MISSED_AFTER_MS;
        Some(Due { at_ms, is_missed })
    }

    fn last_before(&self, now_ms: i64) -> Option<i64> {
        let now = DateTime::<Utc>::from_timestamp_millis(now_ms)?;
        let local = now.with_timezone(&self.timezone);
        let last = self.cron.find_previous_occurrence(&local, true).ok()?;
        Some(last.timestamp_millis())
    }
}

fn rfc3339(time_ms: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_millis(time_ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cron: &str, timezone: &str) -> Times {
        Times::new(&Schedule {
            cron: cron.into(),
            timezone: timezone.into(),
            path: "/".into(),
            catch_up: false,
            retry: crate::manifest::model::events::Retry::default(),
        })
        .unwrap()
    }

    fn at(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_millis()
    }

    fn due(times: &Times, last: &str, now: &str) -> Option<(String, bool)> {
        let due = times.due(at(last), at(now))?;
        Some((rfc3339(due.at_ms), due.is_missed))
    }

    #[test]
    fn a_time_is_due_from_its_moment_on() {
        let daily = times("0 3 * * *", "Europe/Berlin");
        let last = "2026-01-10T02:00:00Z";
        assert_eq!(due(&daily, last, "2026-01-11T01:59:59Z"), None);
        let expected = Some(("2026-01-11T02:00:00Z".to_owned(), false));
        assert_eq!(due(&daily, last, "2026-01-11T02:00:00Z"), expected);
        let missed = Some(("2026-01-14T02:00:00Z".to_owned(), true));
        assert_eq!(due(&daily, last, "2026-01-14T20:00:00Z"), missed);
    }

    #[test]
    fn a_clock_that_was_set_back_repeats_nothing() {
        let hourly = times("0 * * * *", "UTC");
        let last = "2026-01-10T12:00:00Z";
        assert_eq!(due(&hourly, last, "2026-01-10T10:30:00Z"), None);
        assert_eq!(due(&hourly, last, "2026-01-10T12:59:59Z"), None);
    }

    #[test]
    fn the_change_of_the_clock_leaves_nothing_out_and_repeats_nothing() {
        let nightly = times("30 2 * * *", "Europe/Berlin");
        let next = |last: &str| rfc3339(nightly.next_after(at(last)).unwrap());
        // 02:30 does not exist on 29 March 2026: the gap ends at 03:00, which is 01:00 UTC.
        assert_eq!(next("2026-03-28T01:30:00Z"), "2026-03-29T01:00:00Z");
        assert_eq!(next("2026-03-29T01:00:00Z"), "2026-03-30T00:30:00Z");
        // 02:30 comes twice on 25 October 2026.
        assert_eq!(next("2026-10-24T00:30:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next("2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn a_century_of_seconds_is_looked_at_in_no_time() {
        let every = times("* * * * * *", "UTC");
        let found = due(&every, "1970-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
        assert_eq!(found, Some(("2026-01-01T00:00:00Z".to_owned(), false)));
    }
}
