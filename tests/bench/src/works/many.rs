//! `start-1000` and `idle-memory`: apps of many services, all copies of one guest that differ in
//! a custom section, so that each has a digest and compiled code of its own. Beyond 1,000
//! services the same 1,000 files are named again under further ids.
//!
//! `start-1000` is the time from just before the process is made to the last byte of its first
//! answer, with the compiled code of 1,000 services cached and files in the page cache.
//!
//! `idle-memory` is the resident memory once every service has been called and unloaded again.
//! Memory per service is what a further service adds: the growth over an app of one service,
//! divided by the services added. `anonymous` is the part that no file backs. Beside it stands
//! the resident memory of one native process after a call, since that is what a native service
//! takes; it counts the pages of code that such processes share.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use super::Bench;
use crate::app::{App, Service};
use crate::contender::{Contender, Kind};
use crate::http::Connection;
use crate::process::Memory;
use crate::registry;
use crate::report::{Figure, Row};
use crate::server::Server;

/// Services of `idle-memory`; the first is what the others are compared with.
const COUNTS: [usize; 4] = [1, 100, 1_000, 10_000];

/// Files with a digest of their own; a few minutes of compiling on two cores.
const ARTIFACTS: usize = 1_000;

/// Starts that `start-1000` takes the median of, at most.
const STARTS_MAX: usize = 20;

/// Time without a call after which the services of [`idle`] are unloaded: some calls long, so that
/// a service is not unloaded before its second one.
const IDLE_TIMEOUT: &str = "idle_timeout_ms = 500";

pub fn start(bench: &Bench) -> Result<Vec<Row>> {
    bench.compare("start-1000", &[], |contender| {
        let (app, folder) = app(bench, 1_000, None)?;
        let start = || Server::start(|port| contender.command(&app, port), "/0", &folder);
        let filling = start()?.first_answer;
        eprintln!("    the cache was filled in {:.1} s", filling.as_secs_f64());
        let begun = Instant::now();
        let mut first_answers_ms = Vec::new();
        while first_answers_ms.len() < 3
            || (begun.elapsed().as_secs() < bench.seconds && first_answers_ms.len() < STARTS_MAX)
        {
            first_answers_ms.push(start()?.first_answer.as_secs_f64() * 1e3);
        }
        let figure = Figure::percentiles("cache full", "first answer ms", first_answers_ms);
        Ok(vec![figure.context("no start")?])
    })
}

pub fn idle_memory(bench: &Bench) -> Result<Vec<Row>> {
    bench.compare("idle-memory", &[Kind::Native], |contender| {
        let mut memories = Vec::new();
        for count in COUNTS {
            let services = match contender.kind {
                Kind::Native => 1,
                _ => count,
            };
            memories.push((count, idle(bench, contender, services)?.memory));
        }
        Ok(figures(contender.kind, &memories))
    })
}

/// A contender that serves an app of many services of which none is in memory any more.
pub struct Idle {
    pub server: Server,
    pub app: App,
    memory: Memory,
}

/// Starts an app of so many services on routes `/0`, `/1` and so on, calls each once, and waits
/// until all are unloaded.
///
/// # Errors
/// When a call fails, or a service is not unloaded.
pub fn idle(bench: &Bench, contender: &Contender, count: usize) -> Result<Idle> {
    let (app, folder) = app(bench, count, Some(IDLE_TIMEOUT))?;
    let start = || Server::start(|port| contender.command(&app, port), "/0", &folder);
    // The compiler's memory is not what services take: from here on their code is cached.
    drop(start()?);
    let server = start()?;
    let mut connection = Connection::open(server.address)?;
    for number in 0..count {
        connection.get(&format!("/{number}"))?.ok()?;
    }
    let memory = match contender.kind {
        Kind::Kumiki => registry::memory_when_unloaded(contender, &server, &app)?,
        _ => server.process.memory()?,
    };
    Ok(Idle {
        server,
        app,
        memory,
    })
}

/// The whole process for each number of services, and what each service beyond the first adds. One
/// native service is one process, however many there are.
fn figures(kind: Kind, memories: &[(usize, Memory)]) -> Vec<Figure> {
    let mut figures = Vec::new();
    let Some((_, one)) = memories.first() else {
        return figures;
    };
    for (count, memory) in memories {
        let point = format!("{count} services").replace("1 services", "1 service");
        let mut add = |whole, each, kib: u64, of_one: u64| {
            if *count == 1 {
                figures.push(Figure::value(&point, whole, kib as f64 / 1024.0));
            } else if kind == Kind::Native {
                figures.push(Figure::value(&point, each, kib as f64));
            } else {
                let added = kib.saturating_sub(of_one) as f64 / (*count - 1) as f64;
                figures.push(Figure::value(&point, whole, kib as f64 / 1024.0));
                figures.push(Figure::value(&point, each, added));
            }
        };
        let (resident, anonymous) = (memory.resident_kib, memory.anonymous_kib);
        add(
            "resident MiB",
            "resident KiB/service",
            resident,
            one.resident_kib,
        );
        add(
            "anonymous MiB",
            "anonymous KiB/service",
            anonymous,
            one.anonymous_kib,
        );
    }
    figures
}

/// An app of so many services on routes `/0`, `/1` and so on, and its folder. Apps of all sizes
/// share artifacts and state, so that each artifact is compiled once in a run.
fn app(bench: &Bench, count: usize, setting: Option<&str>) -> Result<(App, PathBuf)> {
    let folder = bench.folder("many")?;
    let guest = std::fs::read(bench.guest("hello_two")?)?;
    let mut services = Vec::new();
    for number in 0..count {
        let artifact = number % ARTIFACTS;
        let source = folder.join(format!("artifact{artifact}.wasm"));
        write_copy(&source, &guest, artifact)?;
        let mut service = Service::new(format!("service{number}"), source, format!("/{number}"));
        service.settings.extend(setting.map(str::to_owned));
        services.push(service);
    }
    let app = App::write(&folder, &format!("app-{count}"), &services)?;
    Ok((app, folder))
}

/// Writes a copy of a component that nothing but a custom section with a number sets apart, unless
/// it is there: a new file would have to be read again by a host that knows the old one.
fn write_copy(path: &Path, component: &[u8], number: usize) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut bytes = component.to_vec();
    // Id 0 is a custom section; then its length, its name with its length, and its content.
    bytes.extend([0, 14, 5]);
    bytes.extend(b"bench");
    bytes.extend((number as u64).to_le_bytes());
    std::fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{Memory, figures};
    use crate::contender::Kind;

    #[test]
    fn memory_per_service_is_what_a_further_one_adds() {
        let memory = |resident_kib| Memory {
            resident_kib,
            anonymous_kib: 0,
        };
        let memories = [(1, memory(20_480)), (101, memory(40_480))];
        let of = |kind| {
            let figures = figures(kind, &memories);
            let resident = figures
                .into_iter()
                .filter(|figure| figure.unit.contains("resident"));
            resident.map(|figure| figure.value).collect::<Vec<_>>()
        };
        assert_eq!(of(Kind::Kumiki), [20.0, 40_480.0 / 1024.0, 200.0]);
        assert_eq!(of(Kind::Native), [20.0, 40_480.0]);
    }
}
