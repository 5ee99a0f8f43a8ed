//! The metrics as text for Prometheus, in the OpenMetrics format.
//!
//! A service that was never called, and an edge without a call, have no lines: an app may have ten
//! thousand services of which a hundred are used.

mod events;

use std::collections::BTreeSet;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::ACCEPT;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, MetricEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use self::events::EventsScrape;
use super::Admin;
use crate::telemetry::metrics::{
    Counter, EdgeSnapshot, EdgeStatus, Health, HistogramSnapshot, ServiceMetrics, ServiceStatus,
};
use crate::telemetry::process;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The older format takes the same lines: what it does not know are comments to it.
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

type ServiceCounter = (&'static str, &'static str, fn(&ServiceMetrics) -> &Counter);
type ServiceGauge = (
    &'static str,
    &'static str,
    Option<Unit>,
    fn(&ServiceStatus) -> u64,
);

const SERVICE_COUNTERS: [ServiceCounter; 7] = [
    (
        "kumiki_service_cold_starts",
        "Times that the service's code was brought into memory.",
        |metrics| &metrics.cold_starts,
    ),
    (
        "kumiki_service_budget_unloads",
        "Times that the service left memory because the host was above its memory budget.",
        |metrics| &metrics.budget_unloads,
    ),
    (
        "kumiki_service_instances_made",
        "Instances that were made.",
        |metrics| &metrics.instances_made,
    ),
    (
        "kumiki_service_instances_reused",
        "Calls that were given an instance which had served before.",
        |metrics| &metrics.instances_reused,
    ),
    (
        "kumiki_service_calls_queued",
        "Calls that had to wait for an instance.",
        |metrics| &metrics.calls_queued,
    ),
    (
        "kumiki_service_queue_refused",
        "Calls that the queue did not take, or that had to give way in it.",
        |metrics| &metrics.queue_refused,
    ),
    (
        "kumiki_service_conflicts",
        "Runs of atomic handlers that were not committed because of a conflict.",
        |metrics| &metrics.conflicts,
    ),
];

const SERVICE_GAUGES: [ServiceGauge; 7] = [
    (
        "kumiki_service_instances_max",
        "Instances that there may be at once.",
        None,
        |service| service.instances_max,
    ),
    (
        "kumiki_service_instances_ready",
        "Instances that wait for a call.",
        None,
        |service| service.instances_ready,
    ),
    (
        "kumiki_service_instances_busy",
        "Instances that serve a call.",
        None,
        |service| service.instances_busy,
    ),
    (
        "kumiki_service_queue_max",
        "Calls that may wait for an instance at once.",
        None,
        |service| service.queue_max,
    ),
    (
        "kumiki_service_queue_length",
        "Calls that wait for an instance.",
        None,
        |service| service.queued,
    ),
    (
        "kumiki_service_memory",
        "Linear memory of the service's instances.",
        Some(Unit::Bytes),
        |service| service.memory_bytes,
    ),
    (
        "kumiki_service_code_loaded",
        "1 while the service's compiled code is in memory.",
        None,
        |service| service.code_loaded.into(),
    ),
];

/// The content type that the scraper understands.
pub fn content_type(headers: &HeaderMap) -> &'static str {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    if accepted.any(|value| value.contains("application/openmetrics-text")) {
        OPEN_METRICS
    } else {
        PLAIN
    }
}

/// All that one page says.
#[derive(Debug)]
struct Scrape {
    name: String,
    version: String,
    began_at: SystemTime,
    /// How many services are in each state, unused ones included.
    by_health: [(Health, u64); Health::ALL.len()],
    services: Vec<ServiceStatus>,
    edges: Vec<(EdgeStatus, EdgeSnapshot)>,
    events: Option<EventsScrape>,
}

impl Admin {
    pub(super) fn exposition(&self) -> String {
        let edges = self.used_edges();
        let mut services = self.subject.observed.services();
        let count = |health| services.iter().filter(|of| of.health == health).count() as u64;
        let by_health = Health::ALL.map(|health| (health, count(health)));
        services.retain({
            let named = edges.iter().flat_map(|edge| [&edge.caller, &edge.callee]);
            let named: BTreeSet<&String> = named.collect();
            move |service| named.contains(&service.id) || is_used(service)
        });
        let scrape = Scrape {
            name: self.subject.name.clone(),
            version: self.subject.version.clone(),
            began_at: self.began_at,
            by_health,
            services,
            edges: edges
                .into_iter()
                .map(|edge| (edge.clone(), edge.metrics.snapshot()))
                .collect(),
            events: self.subject.events.as_deref().map(EventsScrape::of),
        };
        let mut registry = Registry::default();
        registry.register_collector(Box::new(scrape));
        let mut page = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut page, &registry);
        page
    }
}

/// Whether anything was ever counted of a service, or it holds anything.
fn is_used(service: &ServiceStatus) -> bool {
    let is_counted = |(_, _, counter): &ServiceCounter| counter(&service.metrics).get() > 0;
    let held = service.instances_ready + service.instances_busy + service.queued;
    held > 0 || SERVICE_COUNTERS.iter().any(is_counted)
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_host(&mut encoder)?;
        self.encode_services(&mut encoder)?;
        self.encode_edges(&mut encoder)?;
        self.events
            .as_ref()
            .map_or(Ok(()), |events| events.encode(&mut encoder))
    }
}

impl Scrape {
    fn encode_host(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let labels = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("application", &self.name),
            ("application_version", &self.version),
        ];
        let help = "The host's version, and the application's name and version; always 1.";
        let mut family =
            encoder.encode_descriptor("kumiki_build_info", help, None, MetricType::Gauge)?;
        gauge(&mut family, &labels, 1_u64)?;

        let help = "Services of the application, by how they are.";
        let mut family =
            encoder.encode_descriptor("kumiki_services", help, None, MetricType::Gauge)?;
        for (health, services) in self.by_health {
            gauge(&mut family, &[("health", health.name())], services)?;
        }
        let began = self.began_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let of_process = [
            (
                "process_resident_memory",
                "Resident memory of the host.",
                Some(Unit::Bytes),
                process::resident_bytes(),
            ),
            (
                "process_open_fds",
                "File descriptors that the host has open.",
                None,
                process::open_descriptors(),
            ),
            (
                "process_max_fds",
                "File descriptors that the host may have open.",
                None,
                process::descriptors_max(),
            ),
            (
                "process_start_time",
                "When the host began, in seconds since 1970.",
                Some(Unit::Seconds),
                Some(began.as_secs()),
            ),
        ];
        for (name, help, unit, value) in of_process {
            let Some(value) = value else { continue };
            encoder
                .encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?
                .encode_gauge(&value)?;
        }
        Ok(())
    }

    fn encode_services(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "1 for how the service is.";
        let mut family =
            encoder.encode_descriptor("kumiki_service_health", help, None, MetricType::Gauge)?;
        for service in &self.services {
            let labels = [("service", &*service.id), ("health", service.health.name())];
            gauge(&mut family, &labels, 1_u64)?;
        }
        for (name, help, unit, value) in &SERVICE_GAUGES {
            let unit = unit.as_ref();
            let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
            for service in &self.services {
                gauge(&mut family, &[("service", &*service.id)], value(service))?;
            }
        }
        for (name, help, value) in &SERVICE_COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for service in &self.services {
                let calls = value(&service.metrics).get();
                counter(&mut family, &[("service", &*service.id)], calls)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "kumiki_service_queue_time",
            "How long calls waited for an instance, if they had to.",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for service in &self.services {
            if service.metrics.queue_time.is_used() {
                let times = service.metrics.queue_time.snapshot();
                histogram(&mut family, &[("service", &*service.id)], &times)?;
            }
        }
        Ok(())
    }

    fn encode_edges(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Calls from one service to another, by how they ended.";
        let mut family =
            encoder.encode_descriptor("kumiki_calls", help, None, MetricType::Counter)?;
        for (edge, counts) in &self.edges {
            for (outcome, calls) in &counts.calls {
                let [caller, callee, kind] = edge_labels(edge);
                let labels = [caller, callee, kind, ("outcome", outcome.name())];
                counter(&mut family, &labels, *calls)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "kumiki_call_duration",
            "How long calls took, as their caller saw it, however they ended.",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for (edge, counts) in &self.edges {
            histogram(&mut family, &edge_labels(edge), &counts.latency)?;
        }
        Ok(())
    }
}

fn edge_labels(edge: &EdgeStatus) -> [(&'static str, &str); 3] {
    [
        ("caller", &edge.caller),
        ("callee", &edge.callee),
        ("kind", edge.kind.name()),
    ]
}

fn gauge(
    family: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
    value: impl EncodeGaugeValue,
) -> fmt::Result {
    family.encode_family(labels)?.encode_gauge(&value)
}

fn counter(
    family: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
    value: u64,
) -> fmt::Result {
    let mut one = family.encode_family(labels)?;
    one.encode_counter::<NoLabelSet, u64, f64>(&value, None)
}

fn histogram(
    family: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
    times: &HistogramSnapshot,
) -> fmt::Result {
    let mut below = 0;
    let mut buckets: Vec<(f64, u64)> = Vec::new();
    for bucket in times.exposed() {
        // The encoder adds them up again.
        buckets.push((seconds(bucket.bound_ns), bucket.count - below));
        below = bucket.count;
    }
    let count = times.count();
    buckets.push((f64::INFINITY, count - below));
    family
        .encode_family(labels)?
        .encode_histogram::<NoLabelSet>(seconds(times.sum_ns()), count, &buckets, None)
}

fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}
