//! `key-value-get`, `key-value-set` and `backup`. Guests whose instances are reused call their
//! store through `wasi:keyvalue` in a loop, for a quarter of a second in each invocation, and time
//! it themselves; every set that returned is on disk. Redis syncs each SET as well
//! (`appendfsync always`) and is asked over as many connections as there are guests.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use super::Bench;
use crate::app::{App, Service};
use crate::broker::{Broker, Task};
use crate::callers::{Services, point};
use crate::contender::{Contender, Kind};
use crate::process::Process;
use crate::report::{Figure, Row};
use crate::server::Server;

/// Bytes of a value.
pub const BYTES: usize = 100;

/// Guests at a time.
pub const CALLERS: [usize; 2] = [1, 64];

/// Milliseconds of one invocation: so many that what it takes beside its calls hardly counts.
pub const INVOCATION_MS: u64 = 250;

/// What the state of `backup` holds.
const STATE_MIB: u64 = 256;

/// How a store is written.
struct Sets {
    point: &'static str,
    /// Of the guest's query.
    query: &'static str,
    /// Keys that each connection to Redis sets in turn.
    keys: u64,
    callers: &'static [usize],
}

const SETS: &[Sets] = &[
    Sets {
        point: "",
        query: "call=set&keys=1",
        keys: 1,
        callers: &CALLERS,
    },
    Sets {
        point: ", 100 keys each",
        query: "call=set&keys=100",
        keys: 100,
        callers: &[64],
    },
    Sets {
        point: ", new keys",
        query: "call=set-new",
        keys: u64::MAX,
        callers: &[64],
    },
];

pub fn get(bench: &Bench) -> Result<Vec<Row>> {
    let work = "key-value-get";
    bench.compare(work, &[Kind::Redis], |contender| {
        if contender.kind == Kind::Redis {
            let broker = Broker::start(contender, &bench.new_folder(work)?)?;
            let figures =
                |callers| broker.figures(&point(callers), Task::Get, BYTES, callers, bench.seconds);
            return Ok([figures(1)?, figures(64)?].concat());
        }
        let server = serve(bench, work, contender)?;
        let services = services(&server);
        let figures = |callers| {
            services.figures(
                &point(callers),
                &path("call=get&keys=100"),
                callers,
                bench.seconds,
            )
        };
        Ok([figures(1)?, figures(64)?].concat())
    })
}

pub fn set(bench: &Bench) -> Result<Vec<Row>> {
    let work = "key-value-set";
    bench.compare(work, &[Kind::Redis], |contender| {
        let mut figures = Vec::new();
        for sets in SETS {
            for callers in sets.callers {
                let point = point(*callers) + sets.point;
                let task = Task::Set { keys: sets.keys };
                figures.extend(if contender.kind == Kind::Redis {
                    let broker = Broker::start(contender, &bench.new_folder(work)?)?;
                    broker.figures(&point, task, BYTES, *callers, bench.seconds)?
                } else {
                    let server = serve(bench, work, contender)?;
                    let path = path(sets.query);
                    services(&server).figures(&point, &path, *callers, bench.seconds)?
                });
            }
        }
        Ok(figures)
    })
}

/// An invocation of the guest.
fn path(query: &str) -> String {
    format!("/store?store=default&bytes={BYTES}&ms={INVOCATION_MS}&{query}")
}

fn services(server: &Server) -> Services<'_> {
    Services {
        address: server.address,
        servers: vec![server],
    }
}

/// The host with an empty store and one service that is asked to read and write it.
fn serve(bench: &Bench, work: &str, contender: &Contender) -> Result<Server> {
    let folder = bench.new_folder(work)?;
    let service = Service::new("store", bench.guest("bench_store")?, "/store")
        .store("default")
        .setting(format!("reuse_max = {}", super::REUSE_MAX));
    let app = App::write(&folder, "app", &[service])?;
    let start = |port| contender.command(&app, port);
    Server::start(start, &path("call=fill&keys=0"), &folder)
}

pub fn backup(bench: &Bench) -> Result<Vec<Row>> {
    bench.compare("backup", &[], |contender| {
        let folder = bench.new_folder("backup")?;
        let service = Service::new("store", bench.guest("bench_store")?, "/store")
            .store("default")
            .setting(format!("store_mib_max = {}", 2 * STATE_MIB));
        let app = App::write(&folder, "app", &[service])?;
        // Values of 64 KiB.
        let fill = format!(
            "/store?store=default&call=fill&bytes=65536&keys={}",
            STATE_MIB * 16
        );
        let server = Server::start(|port| contender.command(&app, port), &fill, &folder)?;
        let mut command = Command::new(&contender.program);
        command.arg("backup").arg(folder.join("copy"));
        command.arg("--state-dir").arg(&app.state);
        let begun = Instant::now();
        Process::spawn(&mut command, &folder.join("backup-output"))?.finish()?;
        let seconds = begun.elapsed().as_secs_f64();
        drop(server);
        Ok(vec![Figure::value(
            &format!("{STATE_MIB} MiB of values"),
            "seconds",
            seconds,
        )])
    })
}
