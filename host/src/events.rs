//! What goes through the bus: events that services publish and take, and schedules. docs/EVENTS.md
//! is the specification.
//!
//! Left to others: the log on disk (`storage::bus`), running a handler (the runtime), what an
//! atomic handler commits (`storage::key_value::unit`).

mod backoff;
pub mod call;
pub mod cloud_event;
pub mod delivery;
pub mod endpoint;
pub mod relay;
mod schedules;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::call::{Inbox, ServicePath};
use self::delivery::{Command, Config, Counters, Deliveries, Phase};
use self::schedules::Clockwork;
use crate::gateway::services::ServiceTable;
use crate::manifest::model::ServiceSettings;
use crate::manifest::model::events::{From as Start, Retry, Schedule};
use crate::storage::bus::{Bus, BusError, Wanted};

/// Commands of the operator that may wait for a subscription.
const COMMANDS_MAX: usize = 64;

/// The bus at work: every subscription and schedule of the app.
pub struct Events {
    bus: Arc<Bus>,
    subscriptions: Vec<Subscription>,
    phase: watch::Sender<Phase>,
    tasks: tokio::sync::Mutex<JoinSet<()>>,
}

/// One subscription of the app, or one schedule.
pub struct Subscription {
    pub service: String,
    /// A pattern of topics; of a schedule, the topic of its runs.
    pub pattern: String,
    pub path: String,
    pub counters: Arc<Counters>,
    commands: mpsc::Sender<Command>,
}

/// Why events cannot be delivered, or a command of the operator not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error("the path `{path}` of `{service}` makes no request: {error}")]
    Path {
        service: String,
        path: String,
        error: http::Error,
    },
    #[error("there is no dead letter {0}")]
    NoDeadLetter(i64),
    #[error("the app has no subscription of `{service}` to `{pattern}` at `{path}` any more")]
    Gone {
        service: String,
        pattern: String,
        path: String,
    },
    #[error("the app has no such subscription: {0}")]
    NoSubscription(String),
    #[error("the host is stopping")]
    Stopping,
}

/// Where a replay begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayFrom {
    /// With the oldest event that is kept.
    Beginning,
    /// With the first event that was stored then or later, in milliseconds since 1970.
    Time(i64),
    /// With the event at this position.
    Position(i64),
}

/// What one service takes.
struct Taker<'a> {
    service: &'a str,
    path: &'a str,
    pattern: String,
    from: Start,
    concurrency: usize,
    retry: Retry,
    schedule: Option<&'a Schedule>,
}

impl Taker<'_> {
    fn wanted(&self) -> Wanted {
        Wanted {
            service: self.service.to_owned(),
            topic: self.pattern.clone(),
            path: self.path.to_owned(),
            from: self.from,
        }
    }
}

impl Events {
    /// Makes ready to deliver what the services, by their ids, take.
    pub async fn prepare<'a>(
        bus: Arc<Bus>,
        services: impl Iterator<Item = (&'a str, &'a ServiceSettings)>,
        table: &Arc<ServiceTable>,
        inbox: &Arc<dyn Inbox>,
    ) -> Result<Arc<Self>, EventsError> {
        let (phase, followed) = watch::channel(Phase::Starting);
        let mut tasks = JoinSet::new();
        let (mut subscriptions, mut ids) = (Vec::new(), Vec::new());
        for taker in services.flat_map(|(service, settings)| takers(service, settings)) {
            let Taker { service, path, .. } = taker;
            let subscriber = ServicePath::new(table.clone(), inbox.clone(), service, path);
            let subscriber = subscriber.map_err(|error| EventsError::Path {
                service: service.to_owned(),
                path: path.to_owned(),
                error,
            })?;
            let subscribed = bus.subscribe(taker.wanted()).await?;
            ids.push(subscribed.id);
            let (commands, received) = mpsc::channel(COMMANDS_MAX);
            for letter in bus.retried(service, &taker.pattern, path)? {
                // More than that many wait for the operator to ask again.
                let _ = commands.try_send(Command::Retry(letter));
            }
            let counters = Arc::new(Counters::default());
            let config = Config {
                bus: bus.clone(),
                pattern: taker.pattern.clone(),
                concurrency: taker.concurrency,
                retry: taker.retry,
                subscriber: Arc::new(subscriber),
                counters: counters.clone(),
                commands: received,
                phase: followed.clone(),
            };
            if let Some(schedule) = taker.schedule {
                let clockwork = Clockwork {
                    bus: bus.clone(),
                    service: service.to_owned(),
                    schedule: schedule.clone(),
                    subscription: subscribed.id,
                };
                tasks.spawn(clockwork.run(followed.clone()));
            }
            tasks.spawn(Deliveries::new(config, subscribed).run());
            subscriptions.push(Subscription {
                service: service.to_owned(),
                pattern: taker.pattern,
                path: path.to_owned(),
                counters,
                commands,
            });
        }
        for gone in bus.deactivate_others(ids).await? {
            tracing::warn!("the manifest names the subscription no more: {gone}");
        }
        tasks.spawn(upkeep::release_due(bus.clone(), followed.clone()));
        tasks.spawn(upkeep::remove_old(bus.clone(), followed));
        Ok(Arc::new(Self {
            bus,
            subscriptions,
            phase,
            tasks: tokio::sync::Mutex::new(tasks),
        }))
    }

    /// The log.
    pub fn bus(&self) -> &Arc<Bus> {
        &self.bus
    }

    /// The subscriptions of the app, schedules among them.
    pub fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    /// Delivers from now on.
    pub fn begin(&self) {
        let _ = self.phase.send(Phase::Running);
    }

    /// Begins nothing more, and gives what runs so long to end.
    pub async fn stop(&self, timeout: Duration) {
        let _ = self.phase.send(Phase::Stopping);
        let mut tasks = self.tasks.lock().await;
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(timeout, ended).await.is_err() {
            tracing::warn!("deliveries were cut off; their events are delivered again");
            tasks.abort_all();
        }
    }

    /// Has a dead letter tried again.
    pub async fn retry(&self, letter: i64) -> Result<(), EventsError> {
        let found = self.bus.dead_letter(letter)?;
        let found = found.ok_or(EventsError::NoDeadLetter(letter))?;
        let subscription = self.subscriptions.iter().find(|known| {
            known.service == found.service
                && known.pattern == found.pattern
                && known.path == found.path
        });
        let subscription = subscription.ok_or_else(|| EventsError::Gone {
            service: found.service.clone(),
            pattern: found.pattern.clone(),
            path: found.path.clone(),
        })?;
        self.bus.retry_dead(letter).await?;
        let sent = subscription.commands.send(Command::Retry(letter)).await;
        sent.map_err(|_| EventsError::Stopping)
    }

    /// Gives a service its events again, from a point on: those of all its subscriptions, or of one
    /// topic or path. Says how many subscriptions went back.
    pub async fn replay(
        &self,
        service: &str,
        pattern: Option<&str>,
        path: Option<&str>,
        from: ReplayFrom,
    ) -> Result<usize, EventsError> {
        let meant: Vec<_> = self
            .subscriptions
            .iter()
            .filter(|known| {
                known.service == service
                    && !schedules::is_schedule(&known.pattern)
                    && pattern.is_none_or(|pattern| known.pattern == pattern)
                    && path.is_none_or(|path| known.path == path)
            })
            .collect();
        if meant.is_empty() {
            let parts = [Some(service), pattern, path];
            let parts: Vec<_> = parts.into_iter().flatten().collect();
            return Err(EventsError::NoSubscription(parts.join(" ")));
        }
        let after = match from {
            ReplayFrom::Beginning => 0,
            ReplayFrom::Time(time_ms) => self.bus.position_before(time_ms)?,
            ReplayFrom::Position(position) => position.saturating_sub(1).max(0),
        };
        for subscription in &meant {
            let (done, answer) = oneshot::channel();
            let command = Command::Replay { after, done };
            let sent = subscription.commands.send(command).await;
            sent.map_err(|_| EventsError::Stopping)?;
            answer.await.map_err(|_| EventsError::Stopping)??;
        }
        Ok(meant.len())
    }
}

fn takers<'a>(service: &'a str, settings: &'a ServiceSettings) -> Vec<Taker<'a>> {
    let subscriptions = settings.subscriptions.iter().map(|subscription| Taker {
        service,
        path: &subscription.path,
        pattern: subscription.topic.clone(),
        from: subscription.from,
        concurrency: subscription.concurrency,
        retry: subscription.retry,
        schedule: None,
    });
    let schedules = settings.schedules.iter().map(|schedule| Taker {
        service,
        path: &schedule.path,
        pattern: schedules::topic(service, &schedule.path),
        from: Start::Now,
        concurrency: 1,
        retry: schedule.retry,
        schedule: Some(schedule),
    });
    subscriptions.chain(schedules).collect()
}
