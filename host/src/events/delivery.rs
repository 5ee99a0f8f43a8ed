//! Delivers the events of one subscription: of each key one at a time and in order, several keys at
//! once, again after a failure, and as a dead letter after too many.
//!
//! Left to others: the log ([`crate::storage::bus`]), the call of the service ([`super::call`]),
//! which event may go next ([`lines`]).

mod lines;
mod storing;
mod subscriber;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::lines::{Item, Lines};
use super::backoff;
use crate::manifest::model::events::Retry;
use crate::storage::bus::{
    Bus, BusError, DeadLetter, Death, DeliveryId, Failure, StoredEvent, Subscribed,
};

pub use self::subscriber::{Delivery, Outcome, Subscriber};

/// Events that are read at once, and their bytes.
const PAGE_EVENTS: usize = 64;
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Events that may wait behind failing ones; beyond, nothing more is read.
const BEHIND_MAX: usize = 100_000;
/// Acknowledgements on their way to the disk; beyond, nothing more is begun.
const STORING_MAX: usize = 1024;
/// The clock may jump, so nobody sleeps for longer.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// The pause after the log could not be read or written.
const STORAGE_PAUSE: Duration = Duration::from_secs(1);

/// What the operator asks of a subscription.
#[derive(Debug)]
pub enum Command {
    /// Try a dead letter again.
    Retry(i64),
    /// Go back, or forward, to after a position.
    Replay {
        after: i64,
        done: oneshot::Sender<Result<(), BusError>>,
    },
}

/// What is counted of a subscription since the host started.
#[derive(Debug, Default)]
pub struct Counters {
    pub delivered: AtomicU64,
    /// Attempts.
    pub failed: AtomicU64,
    pub dead: AtomicU64,
}

/// What a subscription is delivered with.
pub struct Config {
    pub bus: Arc<Bus>,
    /// Its pattern of topics.
    pub pattern: String,
    pub concurrency: usize,
    pub retry: Retry,
    pub subscriber: Arc<dyn Subscriber>,
    pub counters: Arc<Counters>,
    pub commands: mpsc::Receiver<Command>,
    pub phase: watch::Receiver<Phase>,
}

/// What the host is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It is not ready to serve: nothing is begun.
    #[default]
    Starting,
    Running,
    /// Nothing more is begun, and what runs comes to its end.
    Stopping,
}

/// What is on its way to the disk, and whether it arrived.
type Storing<T> = BoxFuture<'static, (T, Result<(), BusError>)>;

/// One subscription at work.
pub struct Deliveries {
    config: Config,
    subscribed: Subscribed,
    /// The log was read up to here, and this was the subscription's last event.
    read_to: i64,
    last_event: i64,
    is_at_end: bool,
    lines: Lines,
    running: JoinSet<(Item, Outcome)>,
    /// Events that wait for their next attempt, by its time and their position.
    paused: BTreeMap<(i64, i64), Item>,
    /// Dead letters and acknowledgements on their way to the disk.
    burying: FuturesUnordered<Storing<(Item, Death)>>,
    storing: FuturesUnordered<Storing<DeliveryId>>,
    /// Dead letters that are under way.
    retried: BTreeSet<i64>,
    /// Since when the file knows less than this of what is settled.
    unsaved_since: Option<Instant>,
    replay: Option<(i64, oneshot::Sender<Result<(), BusError>>)>,
}

impl Deliveries {
    pub fn new(config: Config, subscribed: Subscribed) -> Self {
        let low = subscribed.progress.low();
        Self {
            config,
            subscribed,
            read_to: low,
            last_event: low,
            is_at_end: false,
            lines: Lines::default(),
            running: JoinSet::new(),
            paused: BTreeMap::new(),
            burying: FuturesUnordered::new(),
            storing: FuturesUnordered::new(),
            retried: BTreeSet::new(),
            unsaved_since: None,
            replay: None,
        }
    }

    /// Delivers until the host stops and what runs has ended.
    pub async fn run(mut self) {
        loop {
            if self.is_quiet() {
                if *self.config.phase.borrow() == Phase::Stopping {
                    return;
                }
                self.replay().await;
            }
            self.save().await;
            let pause = match self.begin_what_may() {
                // A long row of events that wait for others is read in pieces.
                Ok(()) if self.wants_to_read() => {
                    tokio::task::yield_now().await;
                    continue;
                }
                Ok(()) => self.until_next_attempt(),
                Err(error) => {
                    tracing::error!(%error, pattern = self.config.pattern, "events cannot be read");
                    STORAGE_PAUSE
                }
            };
            self.wait(pause).await;
        }
    }

    /// Whether nothing is under way that could still change what is stored.
    fn is_quiet(&self) -> bool {
        self.running.is_empty() && self.burying.is_empty() && self.storing.is_empty()
    }

    fn may_begin(&self) -> bool {
        *self.config.phase.borrow() == Phase::Running && self.replay.is_none()
    }

    /// Waits for anything that changes what may be done.
    async fn wait(&mut self, pause: Duration) {
        let news = self.subscribed.news.clone();
        tokio::select! {
            Some(ended) = self.running.join_next(), if !self.running.is_empty() => {
                match ended {
                    Ok((item, outcome)) => self.ended(item, outcome),
                    Err(error) => tracing::error!(%error, "a delivery was lost"),
                }
            }
            Some(((item, death), result)) = self.burying.next(), if !self.burying.is_empty() => {
                self.buried(item, death, result);
            }
            Some((id, result)) = self.storing.next(), if !self.storing.is_empty() => {
                self.stored(id, result);
            }
            () = news.notified() => self.is_at_end = false,
            Some(command) = self.config.commands.recv() => self.command(command),
            Ok(()) = self.config.phase.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    fn begin_what_may(&mut self) -> Result<(), BusError> {
        if !self.may_begin() {
            return Ok(());
        }
        self.resume_what_is_due();
        if self.wants_to_read() {
            self.read()?;
        }
        while self.has_room()
            && let Some(item) = self.lines.next()
        {
            self.begin(item)?;
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.running.len() < self.config.concurrency && self.storing.len() < STORING_MAX
    }

    fn wants_to_read(&self) -> bool {
        let is_short = self.lines.ready() == 0 && self.lines.behind() < BEHIND_MAX;
        !self.is_at_end && is_short && self.has_room() && self.may_begin()
    }

    fn read(&mut self) -> Result<(), BusError> {
        let (bus, pattern) = (&self.config.bus, &self.config.pattern);
        let page = bus.events_after(pattern, self.read_to, PAGE_EVENTS, PAGE_BYTES)?;
        self.is_at_end = !page.is_cut;
        self.read_to = page.read_to;
        for event in page.events {
            self.take(event);
        }
        Ok(())
    }

    fn take(&mut self, event: StoredEvent) {
        let (position, after) = (event.position, self.last_event);
        self.last_event = position;
        if self.subscribed.progress.contains(position) {
            return;
        }
        let mut item = Item {
            position,
            after,
            topic_id: Some(event.topic_id),
            key: event.key.as_deref().map(Arc::from),
            event: Some(event),
            attempts: 0,
            death: None,
        };
        if let Some(failure) = self.subscribed.failures.get(&position) {
            item.attempts = failure.attempts;
        }
        self.lines.push(item);
    }

    fn begin(&mut self, mut item: Item) -> Result<(), BusError> {
        if let Some(death) = item.death.take() {
            self.bury(item, death);
            return Ok(());
        }
        let event = match item.event.take() {
            Some(event) => Some(event),
            None => match self.load(&item) {
                Ok(event) => event,
                Err(error) => {
                    self.lines.resume(item);
                    return Err(error);
                }
            },
        };
        let Some(event) = event else {
            // Retention or the operator has removed it.
            item.topic_id = None;
            self.settle(item, false);
            return Ok(());
        };
        let delivery = Delivery {
            id: self.id(item.position),
            attempt: item.attempts.saturating_add(1),
            event,
        };
        let call = self.config.subscriber.deliver(delivery);
        self.running.spawn(async move {
            let outcome = AssertUnwindSafe(call).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|_| Outcome::NotBegun {
                reason: "the host failed".to_owned(),
            });
            (item, outcome)
        });
        Ok(())
    }

    fn load(&self, item: &Item) -> Result<Option<StoredEvent>, BusError> {
        match item.dead_letter() {
            None => self.config.bus.event(item.position),
            Some(id) => Ok(self.config.bus.dead_letter(id)?.map(as_event)),
        }
    }

    fn id(&self, position: i64) -> DeliveryId {
        DeliveryId {
            bus: self.config.bus.id(),
            subscription: self.subscribed.id,
            position,
        }
    }

    fn ended(&mut self, mut item: Item, outcome: Outcome) {
        match outcome {
            Outcome::Acknowledged => {
                self.config
                    .counters
                    .delivered
                    .fetch_add(1, Ordering::Relaxed);
                self.settle(item, true);
            }
            Outcome::NotBegun { reason } => {
                tracing::debug!(position = item.position, reason, "a delivery was not begun");
                // As long as before a later attempt: what is busy is not to be hurried.
                let attempt = item.attempts.saturating_add(1).min(4);
                self.pause(item, self.pause_ms(attempt, None));
            }
            Outcome::Failed {
                reason,
                status,
                body,
                retry_after,
            } => {
                self.config.counters.failed.fetch_add(1, Ordering::Relaxed);
                item.attempts = item.attempts.saturating_add(1);
                self.log_failure(&item, &reason);
                if item.attempts < self.config.retry.attempts_max {
                    let pause_ms = self.pause_ms(item.attempts, retry_after);
                    self.remember_failure(&item, pause_ms, reason);
                    return self.pause(item, pause_ms);
                }
                let death = Death {
                    attempts: item.attempts,
                    reason,
                    status,
                    body,
                };
                self.bury(item, death);
            }
        }
    }

    fn log_failure(&self, item: &Item, reason: &str) {
        let is_last = item.attempts >= self.config.retry.attempts_max;
        let (pattern, position) = (&self.config.pattern, item.position);
        let attempt = item.attempts;
        if is_last {
            tracing::error!(
                pattern,
                position,
                attempt,
                reason,
                "an event is a dead letter"
            );
        } else {
            tracing::warn!(
                pattern,
                position,
                attempt,
                reason,
                "an event was not handled"
            );
        }
    }

    fn pause_ms(&self, attempt: u32, retry_after: Option<Duration>) -> i64 {
        let backoff = backoff::pause_ms(&self.config.retry, attempt, backoff::random());
        let asked = retry_after.map_or(0, |pause| pause.min(backoff::RETRY_AFTER_MAX).as_millis());
        i64::try_from(asked.max(u128::from(backoff))).unwrap_or(i64::MAX)
    }

    fn remember_failure(&mut self, item: &Item, pause_ms: i64, reason: String) {
        if item.dead_letter().is_some() {
            return;
        }
        let failure = Failure {
            attempts: item.attempts,
            retry_at_ms: self.now_ms().saturating_add(pause_ms),
            reason,
        };
        let (id, position) = (self.subscribed.id, item.position);
        let stored = self.config.bus.fail(id, position, failure);
        // When it is lost, the event has one attempt more after the host's next start.
        tokio::spawn(stored);
    }

    fn now_ms(&self) -> i64 {
        self.config.bus.clock().now_ms()
    }

    fn pause(&mut self, mut item: Item, pause_ms: i64) {
        item.event = None;
        let until_ms = self.now_ms().saturating_add(pause_ms);
        self.paused.insert((until_ms, item.position), item);
    }

    fn resume_what_is_due(&mut self) {
        let now_ms = self.now_ms();
        // A moment further away than any pause was set by a clock that has jumped back since.
        let pause_max_ms = self.pause_max_ms();
        while let Some(entry) = self.paused.first_entry() {
            let until_ms = entry.key().0;
            if until_ms > now_ms && until_ms.saturating_sub(now_ms) <= pause_max_ms {
                return;
            }
            self.lines.resume(entry.remove());
        }
    }

    fn pause_max_ms(&self) -> i64 {
        let asked = backoff::RETRY_AFTER_MAX.as_millis();
        let longest = u128::from(self.config.retry.backoff_max_ms).max(asked);
        i64::try_from(longest).unwrap_or(i64::MAX)
    }

    fn until_next_attempt(&self) -> Duration {
        let (true, Some(((until_ms, _), _))) = (self.may_begin(), self.paused.first_key_value())
        else {
            return SLEEP_MAX;
        };
        let left_ms = until_ms.saturating_sub(self.now_ms()).max(0).unsigned_abs();
        Duration::from_millis(left_ms).min(SLEEP_MAX)
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Retry(id) => self.retry(id),
            Command::Replay { after, done } => self.replay = Some((after, done)),
        }
    }

    fn retry(&mut self, id: i64) {
        if !self.retried.insert(id) {
            return;
        }
        self.lines.push(Item {
            position: -id,
            after: 0,
            topic_id: None,
            key: None,
            event: None,
            attempts: 0,
            death: None,
        });
    }

    async fn replay(&mut self) {
        let Some((after, done)) = self.replay.take() else {
            return;
        };
        let result = match self.config.bus.replay(self.subscribed.id, after).await {
            Ok(Some(subscribed)) => {
                self.subscribed = subscribed;
                self.read_to = after;
                self.last_event = after;
                self.is_at_end = false;
                self.unsaved_since = None;
                self.retried = BTreeSet::new();
                self.lines = Lines::default();
                self.paused = BTreeMap::new();
                Ok(())
            }
            Ok(None) => Err(BusError::Failed),
            Err(error) => Err(error),
        };
        let _ = done.send(result);
    }
}

/// A dead letter as the event that it was.
fn as_event(letter: DeadLetter) -> StoredEvent {
    StoredEvent {
        position: -letter.id,
        topic_id: 0,
        topic: letter.topic.into(),
        stored_ms: letter.stored_ms,
        key: letter.key,
        attributes: letter.attributes,
        data: letter.data,
    }
}
