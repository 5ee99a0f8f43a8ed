//! `cold-start`: how long what is not in memory takes to answer for the first time. Everything is
//! asked over a connection of its own, one request after the other.
//!
//! *process*: from just before the process is made to the last byte of its first answer, app of
//! one service. With a full cache the host finds its compiled code; with an empty one (its
//! `cache` folder is removed before each start) it compiles. The caches of peers are their own
//! affair: they are full, because each peer is started once before, and never emptied.
//!
//! *service*: a host that runs serves 1,000 services, all unloaded, their compiled code in its
//! cache on disk. From the request to the last byte of the answer, of the first call of each and
//! of the one after it, which says how much of the first is no cold start. *page cache*: the
//! files of the code are in the kernel's page cache; *disk*: the kernel was told to drop them
//! before.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::fs::{Advice, fadvise};

use super::{Bench, many};
use crate::app::{App, Service};
use crate::contender::{Contender, Kind};
use crate::http::Connection;
use crate::registry;
use crate::report::{Figure, Row};
use crate::server::Server;

const STARTS_MIN: usize = 5;
const STARTS_MAX: usize = 500;

/// Services whose first call is timed.
const SERVICES: usize = 1_000;

pub fn run(bench: &Bench) -> Result<Vec<Row>> {
    let peers = [Kind::Native, Kind::WasmtimeServe, Kind::Spin];
    bench.compare("cold-start", &peers, |contender| {
        let mut figures = processes(bench, contender)?;
        if contender.kind == Kind::Kumiki {
            figures.extend(services(bench, contender)?);
        }
        Ok(figures)
    })
}

fn processes(bench: &Bench, contender: &Contender) -> Result<Vec<Figure>> {
    let folder = bench.folder("cold-start")?;
    let service = Service::new("hello", bench.guest("hello_two")?, "/");
    let app = App::write(&folder, "app", &[service])?;
    let start = || -> Result<Duration> {
        let server = Server::start(|port| contender.command(&app, port), "/", &folder)?;
        Ok(server.first_answer)
    };
    let _cache_is_full_now = start()?;
    let mut figures = vec![starts(bench, "process, cache full", &start)?];
    if contender.kind == Kind::Kumiki {
        figures.push(starts(bench, "process, cache empty", &|| {
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

fn services(bench: &Bench, contender: &Contender) -> Result<Vec<Figure>> {
    if !contender.has_admin {
        eprintln!("    no cold start of services: this host does not say when one is unloaded");
        return Ok(Vec::new());
    }
    let idle = many::idle(bench, contender, SERVICES)?;
    let mut figures = first_calls(&idle.server, "service, page cache")?;
    registry::memory_when_unloaded(contender, &idle.server, &idle.app)?;
    drop_from_page_cache(&idle.app.state.join("cache"))?;
    figures.extend(first_calls(&idle.server, "service, disk")?);
    Ok(figures)
}

/// Calls each service twice.
fn first_calls(server: &Server, point: &str) -> Result<Vec<Figure>> {
    let mut connection = Connection::open(server.address)?;
    let mut call_ms = |path: &str| -> Result<f64> {
        let asked = Instant::now();
        connection.get(path)?.ok()?;
        Ok(asked.elapsed().as_secs_f64() * 1e3)
    };
    let (mut first_ms, mut second_ms) = (Vec::new(), Vec::new());
    for number in 0..SERVICES {
        let path = format!("/{number}");
        first_ms.push(call_ms(&path)?);
        second_ms.push(call_ms(&path)?);
    }
    let first = Figure::percentiles(point, "first answer ms", first_ms);
    let second = Figure::percentiles(point, "second answer ms", second_ms);
    first.into_iter().chain(second).map(Ok).collect()
}

/// Asks the kernel to drop the pages of all files below a folder. It keeps those that a process has
/// mapped or that are not written yet.
fn drop_from_page_cache(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            drop_from_page_cache(&entry.path())?;
        } else {
            let file = File::open(entry.path())?;
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}
