//! The metrics of the bus. A topic has lines from its first event on, a subscription for as long as
//! the app has it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::{counter, gauge};
use crate::admin::events::{known_subscribers, oldest_age_seconds, shown_topic};
use crate::events::Events;
use crate::events::delivery::Counters;
use crate::storage::bus::TopicStatus;

/// The bus at one moment.
#[derive(Debug)]
pub(super) struct EventsScrape {
    topics: Vec<TopicStatus>,
    subscribers: Vec<Subscriber>,
}

#[derive(Debug)]
struct Subscriber {
    service: String,
    /// Empty for a schedule.
    topic: String,
    path: String,
    lag: u64,
    oldest_age_seconds: f64,
    dead_letters: u64,
    counters: Arc<Counters>,
}

type SubscriberCounter = (&'static str, &'static str, fn(&Counters) -> u64);

const COUNTERS: [SubscriberCounter; 3] = [
    (
        "kumiki_events_delivered",
        "Events that the subscription has acknowledged.",
        |counters| counters.delivered.load(Ordering::Relaxed),
    ),
    (
        "kumiki_events_failed",
        "Attempts of the subscription that failed.",
        |counters| counters.failed.load(Ordering::Relaxed),
    ),
    (
        "kumiki_events_dead",
        "Times that an event was put aside as a dead letter.",
        |counters| counters.dead.load(Ordering::Relaxed),
    ),
];

type SubscriberGauge = (
    &'static str,
    &'static str,
    Option<Unit>,
    fn(&Subscriber) -> f64,
);

const GAUGES: [SubscriberGauge; 3] = [
    (
        "kumiki_events_lag",
        "Events that the subscription has before it.",
        None,
        |subscriber| subscriber.lag as f64,
    ),
    (
        "kumiki_events_oldest_age",
        "Age of the oldest event that waits for the subscription; 0 when none does.",
        Some(Unit::Seconds),
        |subscriber| subscriber.oldest_age_seconds,
    ),
    (
        "kumiki_events_dead_letters",
        "Dead letters of the subscription.",
        None,
        |subscriber| subscriber.dead_letters as f64,
    ),
];

impl EventsScrape {
    pub(super) fn of(events: &Events) -> Self {
        let now_ms = events.bus().clock().now_ms();
        let known = known_subscribers(events).unwrap_or_else(|error| {
            tracing::warn!(%error, "the subscriptions cannot be read for the metrics");
            Vec::new()
        });
        let subscribers = known.into_iter().filter_map(|(status, known)| {
            Some(Subscriber {
                counters: known?.counters.clone(),
                lag: status.lag.unwrap_or_default(),
                oldest_age_seconds: oldest_age_seconds(&status, now_ms).unwrap_or_default(),
                dead_letters: status.dead,
                service: status.service,
                topic: shown_topic(status.topic).unwrap_or_default(),
                path: status.path,
            })
        });
        Self {
            topics: events.bus().topics(),
            subscribers: subscribers.collect(),
        }
    }

    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Events that were stored, since the bus began.";
        let name = "kumiki_events_published";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for topic in &self.topics {
            counter(&mut family, &[("topic", &*topic.name)], topic.published)?;
        }
        for (name, help, value) in &COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for subscriber in &self.subscribers {
                let count = value(&subscriber.counters);
                counter(&mut family, &labels(subscriber), count)?;
            }
        }
        for (name, help, unit, value) in &GAUGES {
            let unit = unit.as_ref();
            let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
            for subscriber in &self.subscribers {
                gauge(&mut family, &labels(subscriber), value(subscriber))?;
            }
        }
        Ok(())
    }
}

fn labels(subscriber: &Subscriber) -> [(&'static str, &str); 3] {
    [
        ("service", &subscriber.service),
        ("topic", &subscriber.topic),
        ("path", &subscriber.path),
    ]
}
