//! The pages about the bus: topics, subscribers, events, dead letters, replay. What they do is left
//! to [`crate::events`], their shapes to [`shapes`].

mod publish;
pub mod shapes;

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::value::RawValue;
use tokio::runtime::Handle;

use self::shapes::{
    DeadLetter, DeadLetters, Event, EventList, Kind, ReplayRequest, Replayed, Start, Subscriber,
    Subscribers, Topic, Topics,
};
use super::answers::{self, Answer, Refusal, rfc3339};
use super::query::{LIMIT_MAX, Query, QueryError};
use super::{Admin, body};
use crate::events::cloud_event::EventError;
use crate::events::cloud_event::json::{self as cloud_event, Damaged};
use crate::events::{Events, EventsError, ReplayFrom, Subscription};
use crate::manifest::topics::{self, TopicError};
use crate::storage::bus::{
    self, BusError, PublishError, StoredEvent, SubscriptionStatus, TopicStatus,
};

/// Bytes of the events of one answer.
const LIST_BYTES_MAX: usize = 1024 * 1024;
/// A replay begins when what runs has ended.
pub const REPLAY_TIME_MAX: Duration = Duration::from_secs(5 * 60);

/// What a path below `/events/` leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EventsPage {
    Topics,
    Subscribers,
    /// A topic, or a pattern of topics.
    Topic(String),
    DeadLetters,
    DeadLetter(i64),
    RetryDead(i64),
    Replay,
}

/// Why a request about the bus is not answered.
#[derive(Debug, thiserror::Error)]
pub enum EventsRefusal {
    #[error(
        "the app has no bus: no component of its manifest has `builtin = \"events\"`, and no \
         service has a schedule"
    )]
    NoBus,
    #[error("`{topic}` is no topic: {error}")]
    Topic { topic: String, error: TopicError },
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("`from` is `beginning`, a position, or a time such as 2026-01-31T12:00:00Z")]
    From,
    #[error("`source` has 1 to 256 bytes and no control characters")]
    Source,
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Events(#[from] EventsError),
    #[error(transparent)]
    Damaged(#[from] Damaged),
    #[error(transparent)]
    Answer(Box<Refusal>),
}

impl From<BusError> for EventsRefusal {
    fn from(error: BusError) -> Self {
        Self::Events(error.into())
    }
}

impl From<Refusal> for EventsRefusal {
    fn from(refusal: Refusal) -> Self {
        Self::Answer(Box::new(refusal))
    }
}

impl EventsRefusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoBus => StatusCode::NOT_FOUND,
            Self::Topic { .. } | Self::From | Self::Source => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::Event(error) if error.is_size() => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Event(_) => StatusCode::BAD_REQUEST,
            Self::Publish(PublishError::Backlog { .. }) => StatusCode::TOO_MANY_REQUESTS,
            Self::Publish(PublishError::DiskNearlyFull | PublishError::Failed) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Events(error) => events_status(error),
            Self::Damaged(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Answer(refusal) => refusal.status(),
        }
    }
}

fn events_status(error: &EventsError) -> StatusCode {
    match error {
        EventsError::NoDeadLetter(_) | EventsError::NoSubscription(_) => StatusCode::NOT_FOUND,
        EventsError::Gone { .. } => StatusCode::CONFLICT,
        EventsError::Stopping | EventsError::Bus(BusError::DiskNearlyFull | BusError::Failed) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        EventsError::Bus(
            BusError::Database(_) | BusError::Sqlite(_) | BusError::Schema(_) | BusError::Thread(_),
        )
        | EventsError::Path { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl EventsPage {
    /// The page at a path, without `/events/`.
    pub(super) fn at(path: &str) -> Option<Self> {
        let steps: Vec<&str> = path.split('/').collect();
        let id = |text: &str| text.parse().ok().filter(|id| *id > 0);
        match steps.as_slice() {
            ["topics"] => Some(Self::Topics),
            ["topics", topic] if !topic.is_empty() => {
                let topic = percent_encoding::percent_decode_str(topic).decode_utf8();
                Some(Self::Topic(topic.ok()?.into_owned()))
            }
            ["subscribers"] => Some(Self::Subscribers),
            ["dead"] => Some(Self::DeadLetters),
            ["dead", letter] => id(letter).map(Self::DeadLetter),
            ["dead", letter, "retry"] => id(letter).map(Self::RetryDead),
            ["replay"] => Some(Self::Replay),
            _ => None,
        }
    }

    pub(super) fn methods(&self) -> &'static [Method] {
        const READ: &[Method] = &[Method::GET, Method::HEAD];
        const TOPIC: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
        const LETTER: &[Method] = &[Method::GET, Method::HEAD, Method::DELETE];
        const POST: &[Method] = &[Method::POST];
        match self {
            Self::Topics | Self::Subscribers | Self::DeadLetters => READ,
            Self::Topic(_) => TOPIC,
            Self::DeadLetter(_) => LETTER,
            Self::RetryDead(_) | Self::Replay => POST,
        }
    }

    pub(super) fn time_max(&self) -> Duration {
        match self {
            Self::Topics
            | Self::Subscribers
            | Self::Topic(_)
            | Self::DeadLetters
            | Self::DeadLetter(_)
            | Self::RetryDead(_) => Duration::ZERO,
            Self::Replay => REPLAY_TIME_MAX,
        }
    }
}

impl Admin {
    pub(super) fn events(
        &self,
        page: &EventsPage,
        head: &Parts,
        body: &Bytes,
    ) -> Result<Answer, EventsRefusal> {
        let events = self.subject.events.as_ref().ok_or(EventsRefusal::NoBus)?;
        let writes = head.method == Method::POST || head.method == Method::DELETE;
        match page {
            EventsPage::Topics => topics_of(events),
            EventsPage::Subscribers => subscribers(events),
            EventsPage::Topic(topic) if writes => publish::publish(events, topic, head, body),
            EventsPage::Topic(topic) => list(events, topic, head),
            EventsPage::DeadLetters => dead_letters(events, head),
            EventsPage::DeadLetter(id) if writes => drop_dead(events, *id),
            EventsPage::DeadLetter(id) => dead_letter(events, *id),
            EventsPage::RetryDead(id) => {
                Handle::current().block_on(events.retry(*id))?;
                dead_letter(events, *id)
            }
            EventsPage::Replay => replay(events, body),
        }
    }
}

fn topics_of(events: &Events) -> Result<Answer, EventsRefusal> {
    let topics = events.bus().topics().into_iter();
    let shape = |topic: TopicStatus| Topic {
        name: topic.name,
        published: topic.published,
        events: topic.events,
        bytes: topic.bytes,
        delayed: topic.delayed,
        backlog: topic.backlog,
    };
    let topics = topics.map(shape).collect();
    Ok(answers::json(&Topics { topics })?)
}

fn subscribers(events: &Events) -> Result<Answer, EventsRefusal> {
    let now_ms = events.bus().clock().now_ms();
    let subscribers = known_subscribers(events)?
        .into_iter()
        .map(|(status, known)| subscriber(status, known, now_ms))
        .collect();
    Ok(answers::json(&Subscribers { subscribers })?)
}

/// Every subscription of the log, with the one of the running app that it is.
pub(super) fn known_subscribers(
    events: &Events,
) -> Result<Vec<(SubscriptionStatus, Option<&Subscription>)>, BusError> {
    let all = events.bus().subscriptions()?.into_iter();
    let with_counts = all.map(|status| {
        let known = events.subscriptions().iter().find(|known| {
            known.service == status.service
                && known.pattern == status.topic
                && known.path == status.path
        });
        (status, known)
    });
    Ok(with_counts.collect())
}

/// The age of the oldest event that waits for a subscription.
pub(super) fn oldest_age_seconds(status: &SubscriptionStatus, now_ms: i64) -> Option<f64> {
    let age_ms = now_ms.saturating_sub(status.oldest_ms?).max(0);
    Some(age_ms as f64 / 1000.0)
}

/// A topic for the operator: the host's own have no name for anybody.
pub(super) fn shown_topic(topic: String) -> Option<String> {
    Some(topic).filter(|topic| !topic.starts_with('$'))
}

fn subscriber(status: SubscriptionStatus, known: Option<&Subscription>, now_ms: i64) -> Subscriber {
    let count = |of: fn(&Subscription) -> &std::sync::atomic::AtomicU64| {
        known.map_or(0, |known| of(known).load(Ordering::Relaxed))
    };
    let oldest_age_seconds = oldest_age_seconds(&status, now_ms);
    let topic = shown_topic(status.topic);
    Subscriber {
        service: status.service,
        kind: topic
            .as_ref()
            .map_or(Kind::Schedule, |_| Kind::Subscription),
        topic,
        path: status.path,
        active: status.is_active,
        position: status.position,
        lag: status.lag,
        failing: status.failing,
        dead: status.dead,
        oldest: status.oldest_ms.map(rfc3339),
        oldest_age_seconds,
        delivered: count(|known| &known.counters.delivered),
        failed: count(|known| &known.counters.failed),
    }
}

/// The events of a pattern after a position, or the newest ones.
fn list(events: &Events, pattern: &str, head: &Parts) -> Result<Answer, EventsRefusal> {
    topics::check_pattern(pattern).map_err(|error| EventsRefusal::Topic {
        topic: pattern.to_owned(),
        error,
    })?;
    let query = Query::read(head, &["after", "limit", "last"])?;
    let after = match query.number("last")? {
        Some(last) => events
            .bus()
            .before_newest(pattern, usize::try_from(last).unwrap_or(LIMIT_MAX))?,
        None => query.number("after")?.unwrap_or_default(),
    };
    let page = events
        .bus()
        .events_after(pattern, after, query.limit()?, LIST_BYTES_MAX)?;
    let shapes: Result<Vec<_>, _> = page.events.iter().map(event).collect();
    Ok(answers::json(&EventList {
        events: shapes?,
        read_to: page.read_to,
        more: page.is_cut,
    })?)
}

fn event(stored: &StoredEvent) -> Result<Event, EventsRefusal> {
    Ok(Event {
        position: stored.position,
        topic: stored.topic.to_string(),
        stored: rfc3339(stored.stored_ms),
        event: raw(cloud_event::write(&stored.attributes, &stored.data)?)?,
    })
}

fn dead_letters(events: &Events, head: &Parts) -> Result<Answer, EventsRefusal> {
    let query = Query::read(head, &["service", "after", "limit"])?;
    let (after, limit) = (query.number("after")?.unwrap_or_default(), query.limit()?);
    let mut found = events
        .bus()
        .dead_letters(query.text("service"), after, limit + 1)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let dead: Result<Vec<_>, _> = found.into_iter().map(|one| letter(one, false)).collect();
    Ok(answers::json(&DeadLetters { dead: dead?, more })?)
}

fn dead_letter(events: &Events, id: i64) -> Result<Answer, EventsRefusal> {
    let found = events.bus().dead_letter(id)?;
    let found = found.ok_or(EventsError::NoDeadLetter(id))?;
    Ok(answers::json(&letter(found, true)?)?)
}

fn drop_dead(events: &Events, id: i64) -> Result<Answer, EventsRefusal> {
    let answer = dead_letter(events, id)?;
    let was_there = Handle::current().block_on(events.bus().drop_dead(id))?;
    match was_there {
        true => Ok(answer),
        false => Err(EventsError::NoDeadLetter(id).into()),
    }
}

fn letter(letter: bus::DeadLetter, is_whole: bool) -> Result<DeadLetter, EventsRefusal> {
    let topic = shown_topic(letter.topic);
    let event = match &topic {
        Some(_) => cloud_event::write(&letter.attributes, &letter.data)?,
        // A run of a schedule has its time alone.
        None => serde_json::json!({ "time": letter.attributes }).to_string(),
    };
    Ok(DeadLetter {
        id: letter.id,
        service: letter.service,
        subscription: shown_topic(letter.pattern),
        path: letter.path,
        topic,
        stored: rfc3339(letter.stored_ms),
        died: rfc3339(letter.died_ms),
        attempts: letter.death.attempts,
        reason: letter.death.reason,
        status: letter.death.status,
        retrying: letter.is_retried,
        event: raw(event)?,
        answer: is_whole.then(|| String::from_utf8_lossy(&letter.death.body).into_owned()),
    })
}

fn replay(events: &Events, request: &Bytes) -> Result<Answer, EventsRefusal> {
    let request: ReplayRequest = body::json(request)?;
    let from = match &request.from {
        Start::Position(position) => ReplayFrom::Position(*position),
        Start::Text(text) => start(text).ok_or(EventsRefusal::From)?,
    };
    let (topic, path) = (request.topic.as_deref(), request.path.as_deref());
    let replayed = events.replay(&request.service, topic, path, from);
    let subscriptions = Handle::current().block_on(replayed)?;
    Ok(answers::json(&Replayed { subscriptions })?)
}

/// Where a replay begins, as people write it.
fn start(text: &str) -> Option<ReplayFrom> {
    if text == "beginning" {
        return Some(ReplayFrom::Beginning);
    }
    if let Ok(position) = text.parse() {
        return Some(ReplayFrom::Position(position));
    }
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(ReplayFrom::Time(time.timestamp_millis()))
}

/// A text of JSON as it is.
fn raw(text: String) -> Result<Box<RawValue>, EventsRefusal> {
    Ok(RawValue::from_string(text).map_err(Damaged::from)?)
}
