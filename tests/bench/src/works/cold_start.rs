//! `cold-start`: from just before the process is made to the last byte of its first answer, for an
//! app of one service. The host loads every service before it listens, so this is the time that a
//! service takes that is not in memory, and that of the host's own start with it. Files are in the
//! page cache in every run. With a full cache the host finds its compiled code; with an empty one
//! (its `cache` folder is removed before each start) it compiles. The caches of peers are their own
//! affair: they are full, because each peer is started once before, and never emptied.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Bench;
use crate::app::{App, Service};
use crate::contender::{Contender, Kind};
use crate::report::{Figure, Row};
use crate::server::Server;

const STARTS_MIN: usize = 5;
const STARTS_MAX: usize = 500;

pub fn run(bench: &Bench) -> Result<Vec<Row>> {
    let peers = [Kind::Native, Kind::WasmtimeServe, Kind::Spin];
    bench.compare("cold-start", &peers, |contender| measure(bench, contender))
}

fn measure(bench: &Bench, contender: &Contender) -> Result<Vec<Figure>> {
    let folder = bench.folder("cold-start")?;
    let service = Service::new("hello", bench.guest("hello_two")?, "/");
    let app = App::write(&folder, "app", &[service])?;
    let start = || -> Result<Duration> {
        let server = Server::start(|port| contender.command(&app, port), "/", &folder)?;
        Ok(server.first_answer)
    };
    let _cache_is_full_now = start()?;
    let mut figures = vec![starts(bench, "cache full", &start)?];
    if contender.kind == Kind::Kumiki {
        figures.push(starts(bench, "cache empty", &|| {
            std::fs::remove_dir_all(app.state.join("cache"))?;
            start()
        })?);
    }
    Ok(figures)
}

/// Starts again and again for the length of a measurement.
fn starts(bench: &Bench, point: &str, start: &dyn Fn() -> Result<Duration>) -> Result<Figure> {
    let begun = Instant::now();
    let mut first_answers_ms = Vec::new();
    while first_answers_ms.len() < STARTS_MIN
        || (begun.elapsed().as_secs() < bench.seconds && first_answers_ms.len() < STARTS_MAX)
    {
        first_answers_ms.push(start()?.as_secs_f64() * 1e3);
    }
    Figure::percentiles(point, "first answer ms", first_answers_ms).context("no start")
}
