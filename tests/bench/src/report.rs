//! Figures, the rows that set the host's beside those of a peer, and how they are shown.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::contender::Contender;

/// Share of one core that others may take before the figures are in doubt.
const FOREIGN_PERCENT_MAX: f64 = 5.0;

/// One thing that was measured of one contender.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Under which conditions, such as the number of connections.
    pub point: String,
    pub unit: &'static str,
    /// The median, where there are percentiles.
    pub value: f64,
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    pub p999: Option<f64>,
}

impl Figure {
    /// A single value.
    pub fn value(point: &str, unit: &'static str, value: f64) -> Self {
        Self {
            point: point.to_owned(),
            unit,
            value,
            p50: None,
            p99: None,
            p999: None,
        }
    }

    /// Median, p99 and p99.9 of samples, by the nearest rank; nothing of no samples. A percentile
    /// that so few samples cannot tell from their largest is left out.
    pub fn percentiles(point: &str, unit: &'static str, samples: Vec<f64>) -> Option<Self> {
        let samples = samples.into_iter().map(|sample| (sample, 1)).collect();
        Self::weighted(point, unit, samples)
    }

    /// The same of samples that each occurred so many times.
    pub fn weighted(point: &str, unit: &'static str, mut samples: Vec<(f64, u64)>) -> Option<Self> {
        samples.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let count = samples.iter().map(|(_, times)| times).sum::<u64>() as f64;
        let at = |share: f64| {
            let rank = (share * count).ceil() as u64;
            let mut seen = 0;
            let reaches = |(_, times): &&(f64, u64)| {
                seen += times;
                seen >= rank.max(1)
            };
            samples.iter().find(reaches).map(|(sample, _)| *sample)
        };
        let known = |share: f64| at(share).filter(|_| count * (1.0 - share) >= 1.0 - 1e-9);
        let median = at(0.5)?;
        Some(Self {
            p50: Some(median),
            p99: known(0.99),
            p999: known(0.999),
            ..Self::value(point, unit, median)
        })
    }
}

/// A figure of the host, beside a peer's where there is one.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub work: String,
    pub point: String,
    pub unit: String,
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    pub p999: Option<f64>,
    pub value: f64,
    pub peer: Option<String>,
    pub peer_value: Option<f64>,
    pub peer_p99: Option<f64>,
    /// The host's value divided by the peer's.
    pub ratio: Option<f64>,
}

/// The rows of one work: each figure of the host once per peer that has the same, and once alone
/// when none has.
pub fn rows(work: &str, host: &[Figure], peers: &[(&str, Vec<Figure>)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for figure in host {
        let alone = Row {
            work: work.to_owned(),
            point: figure.point.clone(),
            unit: figure.unit.to_owned(),
            p50: figure.p50,
            p99: figure.p99,
            p999: figure.p999,
            value: figure.value,
            peer: None,
            peer_value: None,
            peer_p99: None,
            ratio: None,
        };
        let same = |other: &&Figure| other.point == figure.point && other.unit == figure.unit;
        let before = rows.len();
        for (name, figures) in peers {
            if let Some(other) = figures.iter().find(same) {
                rows.push(Row {
                    peer: Some((*name).to_owned()),
                    peer_value: Some(other.value),
                    peer_p99: other.p99,
                    ratio: (other.value > 0.0).then(|| figure.value / other.value),
                    ..alone.clone()
                });
            }
        }
        if rows.len() == before {
            rows.push(alone);
        }
    }
    rows
}

/// The rows as a Markdown table.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    text.push_str(
        "| work | at | unit | value | p99 | p99.9 | peer | its value | its p99 | ratio |\n",
    );
    text.push_str("|---|---|---|---:|---:|---:|---|---:|---:|---:|\n");
    for row in rows {
        let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), rounded);
        // Writing to a string does not fail.
        let _written = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.work,
            row.point,
            row.unit,
            rounded(row.value),
            optional(row.p99),
            optional(row.p999),
            row.peer.as_deref().unwrap_or("–"),
            optional(row.peer_value),
            optional(row.peer_p99),
            row.ratio
                .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}")),
        );
    }
    text
}

/// Three digits that count, no digit behind the point from 100 on, and thousands set apart.
fn rounded(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What the figures depend on: cores, CPU, kernel, load before the run, and the contenders.
pub fn machine(contenders: &[Contender]) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("an unnamed CPU", |(_, model)| model.trim());
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let versions: Vec<String> = contenders.iter().filter_map(Contender::version).collect();
    format!(
        "{cores} cores of {model}, Linux {}, load average before the run {}; {}.\n",
        kernel.trim(),
        load.split(' ').next().unwrap_or("unknown"),
        versions.join(", "),
    )
}

/// How idle the machine was but for the run itself.
pub fn others(cpu_time: Duration, elapsed: Duration) -> String {
    let percent = 100.0 * cpu_time.as_secs_f64() / elapsed.as_secs_f64().max(0.001);
    let verdict = if percent > FOREIGN_PERCENT_MAX {
        ": the machine was NOT idle, so do not rely on these figures"
    } else {
        ""
    };
    format!("Other processes took {percent:.0} % of one core during the run{verdict}.\n")
}

#[cfg(test)]
mod tests {
    use super::{Figure, rounded, rows, table};

    #[test]
    fn percentiles_are_of_the_nearest_rank_and_only_where_samples_tell() {
        let samples = |count: u32| (1..=count).rev().map(f64::from).collect();
        let figure = Figure::percentiles("", "µs", samples(1000)).unwrap();
        assert_eq!(
            (figure.value, figure.p99, figure.p999),
            (500.0, Some(990.0), Some(999.0))
        );
        let figure = Figure::percentiles("", "µs", samples(5)).unwrap();
        assert_eq!((figure.value, figure.p99), (3.0, None));
        assert!(Figure::percentiles("", "µs", Vec::new()).is_none());
    }

    #[test]
    fn a_weighted_sample_counts_as_often_as_it_occurred() {
        let samples = vec![(9.0, 10), (1.0, 600), (2.0, 389), (70.0, 1)];
        let figure = Figure::weighted("", "µs", samples).unwrap();
        assert_eq!(
            (figure.value, figure.p99, figure.p999),
            (1.0, Some(9.0), Some(9.0))
        );
        assert!(Figure::weighted("", "µs", vec![(1.0, 0)]).is_none());
    }

    #[test]
    fn a_figure_stands_beside_every_peer_that_has_it() {
        let host = [
            Figure::value("1", "req/s", 10.0),
            Figure::value("2", "req/s", 1.0),
        ];
        let native = vec![Figure::value("1", "req/s", 40.0)];
        let rows = rows("hello", &host, &[("native", native)]);
        let found: Vec<_> = rows.iter().map(|row| (row.value, row.ratio)).collect();
        assert_eq!(found, [(10.0, Some(0.25)), (1.0, None)]);
        assert!(table(&rows).contains("| native | 40.0 | – | 0.25 |"));
    }

    #[test]
    fn numbers_are_short_and_readable() {
        let texts = [0.123, 12.34, 123.4, 1234.5, 1_234_567.0].map(rounded);
        assert_eq!(texts, ["0.12", "12.3", "123", "1,234", "1,234,567"]);
    }
}
