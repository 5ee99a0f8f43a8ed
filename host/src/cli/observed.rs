//! What commands take of the registry of a running host, and what follows from two readings of it:
//! a row for each service.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::cli::table;

/// Digits of a digest that tell revisions apart for people.
const DIGITS: usize = 8;

/// The columns of a row, in the order of [`Row::cells`]; from [`NUMBERS_FROM`] on they are numbers.
pub const COLUMNS: [&str; 10] = [
    "SERVICE",
    "REVISION",
    "HEALTH",
    "INSTANCES",
    "CALLS/S",
    "FAILED",
    "P50",
    "P99",
    "MEMORY",
    "DEPLOYED",
];
pub const NUMBERS_FROM: usize = 3;

/// What runs at one moment.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Registry {
    pub name: String,
    pub uptime_seconds: u64,
    pub services: Vec<Service>,
    pub edges: Vec<Edge>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Service {
    pub id: String,
    pub health: String,
    pub revision: String,
    /// Empty where the host does not number them.
    #[serde(default)]
    pub revisions: Vec<Revision>,
    pub instances_max: u64,
    pub instances_ready: u64,
    pub instances_busy: u64,
    pub memory_bytes: u64,
    /// Of all calls to it.
    #[serde(default)]
    pub latency_us: Quantiles,
}

/// A revision, as the registry has it or the page of a service's revisions; each has some of this.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Revision {
    pub number: u64,
    pub digest: String,
    pub weight: Option<u64>,
    pub state: String,
    pub origin: String,
    /// RFC 3339.
    pub made: String,
    pub by: Option<String>,
    pub note: Option<String>,
    pub calls: Option<u64>,
    pub failed: Option<u64>,
    pub latency_us: Quantiles,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Edge {
    /// `None`: requests from outside.
    pub caller: Option<String>,
    pub callee: String,
    pub kind: String,
    pub calls: u64,
    pub outcomes: BTreeMap<String, u64>,
    #[serde(default)]
    pub latency_us: Quantiles,
}

/// Times of calls since the start.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Quantiles {
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

/// One service as people see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub id: String,
    /// The live ones, with their weights where there are several.
    pub revision: String,
    pub health: String,
    pub ready: u64,
    pub busy: u64,
    pub max: u64,
    pub calls: u64,
    /// Between two readings, or since the start where there is one.
    pub calls_per_second: f64,
    /// Since the start.
    pub failed: u64,
    pub p50_us: Option<f64>,
    pub p99_us: Option<f64>,
    pub memory_bytes: u64,
    /// When the newest live revision was made.
    pub deployed: Option<DateTime<Utc>>,
}

impl Revision {
    fn is_live(&self) -> bool {
        self.weight.is_some_and(|weight| weight > 0)
    }

    /// The number and the first digits.
    pub fn name(&self) -> String {
        format!("{} {}", self.number, digits(&self.digest))
    }

    pub fn made_at(&self) -> Option<DateTime<Utc>> {
        let time = DateTime::parse_from_rfc3339(&self.made).ok()?;
        Some(time.to_utc())
    }
}

impl Edge {
    /// Calls that were not answered.
    pub fn failed(&self) -> u64 {
        let answered = self.outcomes.get("answered").copied().unwrap_or_default();
        self.calls.saturating_sub(answered)
    }
}

impl Service {
    /// The live revisions, with their weights where there are several.
    pub fn revision(&self) -> String {
        let live: Vec<&Revision> = self.revisions.iter().filter(|one| one.is_live()).collect();
        match live.as_slice() {
            [] if self.revision.is_empty() => "-".to_owned(),
            [] => self.revision.clone(),
            [one] => one.name(),
            several => {
                let weighed = several.iter().map(|one| {
                    let weight = one.weight.unwrap_or_default();
                    format!("{} {weight}%", one.name())
                });
                weighed.collect::<Vec<_>>().join(", ")
            }
        }
    }

    fn deployed(&self) -> Option<DateTime<Utc>> {
        let live = self.revisions.iter().filter(|one| one.is_live());
        live.filter_map(Revision::made_at).max()
    }
}

impl Registry {
    /// Calls and failures by callee.
    fn calls(&self) -> BTreeMap<&str, (u64, u64)> {
        let mut all = BTreeMap::new();
        for edge in &self.edges {
            let (calls, failed): &mut (u64, u64) = all.entry(edge.callee.as_str()).or_default();
            *calls += edge.calls;
            *failed += edge.failed();
        }
        all
    }

    /// A row for each service, with the rates since an earlier reading, if there is one.
    pub fn rows(&self, before: Option<(&Registry, Duration)>) -> Vec<Row> {
        let since_start = (
            &Registry::default(),
            Duration::from_secs(self.uptime_seconds),
        );
        let (before, time) = before.unwrap_or(since_start);
        let (calls_before, calls) = (before.calls(), self.calls());
        let seconds = time.as_secs_f64().max(1e-3);
        let row = |service: &Service| {
            let id = service.id.as_str();
            let (calls, failed) = calls.get(id).copied().unwrap_or_default();
            // What a host has counted that was started since is less.
            let earlier = calls_before.get(id).map_or(0, |(calls, _)| *calls);
            Row {
                id: service.id.clone(),
                revision: service.revision(),
                health: service.health.clone(),
                ready: service.instances_ready,
                busy: service.instances_busy,
                max: service.instances_max,
                calls,
                calls_per_second: calls.saturating_sub(earlier) as f64 / seconds,
                failed,
                p50_us: service.latency_us.p50,
                p99_us: service.latency_us.p99,
                memory_bytes: service.memory_bytes,
                deployed: service.deployed(),
            }
        };
        self.services.iter().map(row).collect()
    }
}

impl Row {
    /// What stands below [`COLUMNS`].
    pub fn cells(&self, now: DateTime<Utc>) -> [String; COLUMNS.len()] {
        [
            self.id.clone(),
            self.revision.clone(),
            self.health.clone(),
            format!("{}/{}/{}", self.ready, self.busy, self.max),
            format!("{:.1}", self.calls_per_second),
            self.failed.to_string(),
            duration(self.p50_us),
            duration(self.p99_us),
            table::size(self.memory_bytes),
            age(self.deployed, now),
        ]
    }
}

/// The first digits of a digest.
pub fn digits(digest: &str) -> &str {
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    digest.get(..DIGITS).unwrap_or(digest)
}

/// Microseconds for people.
pub fn duration(microseconds: Option<f64>) -> String {
    match microseconds {
        None => "-".to_owned(),
        Some(short) if short < 1e3 => format!("{short:.1} µs"),
        Some(middle) if middle < 1e6 => format!("{:.1} ms", middle / 1e3),
        Some(long) => format!("{:.1} s", long / 1e6),
    }
}

/// How long ago something was.
fn age(time: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    let Some(time) = time else {
        return "-".to_owned();
    };
    let seconds = (now - time).num_seconds().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        _ => table::time(seconds as f64),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn registry(calls: u64) -> Registry {
        let all = json!({
            "name": "shop", "uptime_seconds": 100,
            "services": [
                {
                    "id": "cart", "health": "ready", "revision": "0123456789ab",
                    "instances_max": 4, "instances_ready": 1, "instances_busy": 2,
                    "memory_bytes": 3_145_728, "latency_us": {"p50": 1.94, "p99": 4400.0},
                    "revisions": [
                        {"number": 2, "digest": "aabbccddeeff", "weight": 10, "state": "live",
                         "made": "2026-01-31T12:00:00Z", "origin": "deploy", "calls": 1,
                         "failed": 0, "latency_us": {"p50": 1.0, "p99": null}},
                        {"number": 1, "digest": "0123456789ab", "weight": 90, "state": "live",
                         "made": "2026-01-30T12:00:00Z", "origin": "start"},
                    ],
                },
                {
                    "id": "shop", "health": "idle", "revision": "", "instances_max": 128,
                    "instances_ready": 0, "instances_busy": 0, "memory_bytes": 0,
                },
            ],
            "edges": [
                {"caller": null, "callee": "cart", "kind": "http", "calls": calls,
                 "outcomes": {"answered": calls - 3, "trapped": 3}},
                {"caller": "shop", "callee": "cart", "kind": "link", "calls": 1,
                 "outcomes": {"cycle": 1}},
            ],
        });
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn a_row_adds_up_all_callers() {
        let (before, now) = (registry(10), registry(40));
        let rows = now.rows(Some((&before, Duration::from_millis(1500))));
        let cells = rows[0].cells("2026-01-31T15:00:00Z".parse().unwrap());
        let expected = [
            "cart",
            "2 aabbccdd 10%, 1 01234567 90%",
            "ready",
            "1/2/4",
            "20.0",
            "4",
            "1.9 µs",
            "4.4 ms",
            "3.0 MiB",
            "3.0 h",
        ];
        assert_eq!(cells, expected);
        let cells = rows[1].cells(Utc::now());
        let expected = [
            "shop", "-", "idle", "0/0/128", "0.0", "0", "-", "-", "0.0 KiB", "-",
        ];
        assert_eq!(cells, expected);
    }

    #[test]
    fn without_an_earlier_reading_the_rate_is_that_since_the_start() {
        assert_eq!(registry(99).rows(None)[0].calls_per_second, 1.0);
        // A host that was started anew has counted less.
        let rows = registry(10).rows(Some((&registry(40), Duration::from_secs(1))));
        assert_eq!(rows[0].calls_per_second, 0.0);
    }

    #[test]
    fn a_host_that_numbers_no_revisions_has_digits() {
        let mut service = registry(10).services.remove(0);
        service.revisions.clear();
        assert_eq!(service.revision(), "0123456789ab");
        service.revisions = vec![Revision {
            number: 7,
            digest: "sha256:00112233445566".into(),
            weight: Some(100),
            ..Revision::default()
        }];
        assert_eq!(service.revision(), "7 00112233");
    }
}
