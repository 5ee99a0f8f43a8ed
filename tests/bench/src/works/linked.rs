//! `linked-fresh`, `linked-reused`, `linked-64k` and `linked-1000-records`: a service calls
//! another's functions by a link; two native services do the same over loopback HTTP with
//! kept-alive connections, in JSON, and 64 KiB as they are. The caller takes the times of its
//! calls itself: first of many in a row, which only the row's ends read the clock for, then of
//! each.

use std::time::Duration;

use anyhow::{Context, Result};

use super::Bench;
use crate::app::{App, Reached, Service};
use crate::callers::{Services, point};
use crate::contender::{Contender, Kind};
use crate::report::{Figure, Row};
use crate::server::Server;

/// What one work measures.
struct Calls {
    work: &'static str,
    /// The function: `call=` in the query of the callers.
    function: &'static str,
    /// Outer requests at a time, each of which calls in a loop. Two tell beside one how calls scale
    /// over two threads.
    callers: &'static [usize],
    /// What the host is measured with.
    settings: &'static [Settings],
}

/// Settings of the callee, and what they add to the column "at".
struct Settings {
    lines: &'static [&'static str],
    point: &'static str,
}

const REUSED: &[Settings] = &[Settings {
    lines: &["reuse_max = 1000000"],
    point: "",
}];

const FRESH: &[Settings] = &[
    Settings {
        lines: &["reuse_max = 1"],
        point: "",
    },
    Settings {
        lines: &["reuse_max = 1", "fresh_instances_ready = 0"],
        point: ", none ready",
    },
];

/// Time that one outer request takes, about: so long that what it takes beside its calls hardly
/// counts, so short that a measurement ends soon after its time.
const REQUEST_US: f64 = 20_000.0;

/// Bounds of the calls in a row of one outer request; as many are then timed one by one.
const ROW_CALLS_MIN: f64 = 5.0;
const ROW_CALLS_MAX: f64 = 10_000.0;

/// Calls in a row of the first outer requests, which tell how long a call takes.
const TRIAL_CALLS: usize = 50;
const TRIAL: Duration = Duration::from_millis(300);

pub fn fresh(bench: &Bench) -> Result<Vec<Row>> {
    let calls = Calls {
        work: "linked-fresh",
        function: "quote",
        callers: &[1, 2, 32],
        settings: FRESH,
    };
    calls.compare(bench)
}

pub fn reused(bench: &Bench) -> Result<Vec<Row>> {
    let calls = Calls {
        work: "linked-reused",
        function: "quote",
        callers: &[1, 2, 32],
        settings: REUSED,
    };
    calls.compare(bench)
}

pub fn bytes(bench: &Bench) -> Result<Vec<Row>> {
    let calls = Calls {
        work: "linked-64k",
        function: "bytes",
        callers: &[1, 32],
        settings: REUSED,
    };
    calls.compare(bench)
}

pub fn records(bench: &Bench) -> Result<Vec<Row>> {
    let calls = Calls {
        work: "linked-1000-records",
        function: "total",
        callers: &[1, 32],
        settings: REUSED,
    };
    calls.compare(bench)
}

impl Calls {
    fn compare(&self, bench: &Bench) -> Result<Vec<Row>> {
        bench.compare(self.work, &[Kind::Native], |contender| {
            if contender.kind == Kind::Native {
                return self.native(bench, contender);
            }
            let mut figures = Vec::new();
            for settings in self.settings {
                figures.extend(self.linked(bench, contender, settings)?);
            }
            Ok(figures)
        })
    }

    fn native(&self, bench: &Bench, contender: &Contender) -> Result<Vec<Figure>> {
        let folder = bench.folder(self.work)?;
        let (caller, callee) = super::native_pair(contender, &folder, &self.path(1))?;
        let services = Services {
            address: caller.address,
            servers: vec![&caller, &callee],
        };
        self.figures(bench, &services, "")
    }

    fn linked(
        &self,
        bench: &Bench,
        contender: &Contender,
        settings: &Settings,
    ) -> Result<Vec<Figure>> {
        let folder = bench.folder(self.work)?;
        let caller = Service::new("caller", bench.guest("bench_caller")?, "/call")
            .setting(r#"links = { "kumiki:bench/prices@1.0.0" = "callee" }"#);
        let callee = Service::new("callee", bench.guest("bench_callee")?, "")
            .reached(Reached::Links)
            .setting(settings.lines.join("\n"));
        let app = App::write(&folder, "app", &[caller, callee])?;
        let start = |port| contender.command(&app, port);
        let server = Server::start(start, &self.path(1), &folder)?;
        let services = Services {
            address: server.address,
            servers: vec![&server],
        };
        self.figures(bench, &services, settings.point)
    }

    fn figures(&self, bench: &Bench, services: &Services<'_>, at: &str) -> Result<Vec<Figure>> {
        let trial = services.load(&self.path(TRIAL_CALLS), 1, TRIAL)?;
        let call_us = trial.row_us().context("the caller timed no row")?;
        let path = self.path(row_calls(call_us));
        let mut figures = Vec::new();
        let mut of_one = None;
        for callers in self.callers {
            let point = point(*callers) + at;
            let measured = services.figures(&point, &path, *callers, bench.seconds)?;
            let rate = measured.iter().find(|figure| figure.unit == "calls/s");
            let rate = rate.map(|figure| figure.value);
            if let (Some(rate), Some(of_one)) = (rate, of_one) {
                figures.push(Figure::value(
                    &point,
                    "× calls/s of 1 caller",
                    rate / of_one,
                ));
            }
            of_one = of_one.or(rate);
            figures.extend(measured);
        }
        Ok(figures)
    }

    fn path(&self, count: usize) -> String {
        format!("/call?call={}&count={count}", self.function)
    }
}

/// Calls in a row of one outer request, when one call takes so long.
fn row_calls(call_us: f64) -> usize {
    let calls = REQUEST_US / 2.0 / call_us.max(f64::MIN_POSITIVE);
    calls.clamp(ROW_CALLS_MIN, ROW_CALLS_MAX) as usize
}

#[cfg(test)]
mod tests {
    use super::row_calls;

    #[test]
    fn an_outer_request_has_more_calls_the_shorter_they_are() {
        assert_eq!(
            [0.0, 0.5, 2.0, 100.0, 9e9].map(row_calls),
            [10_000, 10_000, 5_000, 100, 5]
        );
    }
}
