//! `publish`, `publish-listener` and `delivered`. Guests whose instances are reused publish to the
//! host's bus through `wasi:http` in a loop, for a quarter of a second in each invocation, and time
//! it themselves; each event was answered 202 and is on disk. Redis appends to a stream and syncs
//! each (`appendfsync always`); nats-server stores in a JetStream on disk and syncs each where its
//! version can.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Bench;
use super::stores::{BYTES, CALLERS, INVOCATION_MS};
use crate::app::{App, Reached, Service};
use crate::broker::{Broker, Task};
use crate::callers::{Said, Services, point};
use crate::contender::{Contender, Kind};
use crate::http::Connection;
use crate::load;
use crate::report::Row;
use crate::server::Server;

/// Where services reach the bus.
pub const BUS: &str = "http://events.spin.internal";

/// Longest wait until all events were delivered.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn publish(bench: &Bench) -> Result<Vec<Row>> {
    let work = "publish";
    bench.compare(work, &[Kind::Redis, Kind::Nats], |contender| {
        let mut figures = Vec::new();
        for callers in CALLERS {
            let point = point(callers);
            figures.extend(if contender.kind == Kind::Kumiki {
                let server = serve(bench, work, contender, None)?;
                services(&server).figures(&point, &path("loop"), callers, bench.seconds)?
            } else {
                let broker = Broker::start(contender, &bench.new_folder(work)?)?;
                broker.figures(&point, Task::Publish, BYTES, callers, bench.seconds)?
            });
        }
        Ok(figures)
    })
}

pub fn publish_listener(bench: &Bench) -> Result<Vec<Row>> {
    let work = "publish-listener";
    bench.compare(work, &[], |contender| {
        let server = serve(bench, work, contender, None)?;
        let folder = bench.folder(work)?;
        load::run(&server, &path("once"), 64, 1, &folder)?;
        load::figures(&server, &path("once"), 64, bench.seconds, &folder)
    })
}

pub fn delivered(bench: &Bench) -> Result<Vec<Row>> {
    let work = "delivered";
    bench.compare(work, &[], |contender| {
        let subscriber = Service::new("subscriber", bench.guest("bench_subscriber")?, "/times")
            .setting(r#"subscriptions = [{ topic = "bench", path = "/event" }]"#)
            .setting("instances_max = 1")
            .setting(format!("reuse_max = {}", super::REUSE_MAX));
        let server = serve(bench, work, contender, Some(subscriber))?;
        let services = services(&server);
        let path = path("loop") + "&stamp=1";
        let warm_up = services.load(&path, 1, Duration::from_secs(1))?;
        let mut connection = Connection::open(server.address)?;
        all_delivered(&mut connection, warm_up.calls())?;
        let before = server.process.cpu_time()?;
        let begun = Instant::now();
        let published = services.load(&path, 1, Duration::from_secs(bench.seconds))?;
        let said = all_delivered(&mut connection, published.calls())?;
        let elapsed = begun.elapsed();
        let cpu = server.process.cpu_time()?.saturating_sub(before);
        said.figures("1 publisher", elapsed, cpu)
    })
}

/// The times of so many deliveries, once all have come.
fn all_delivered(connection: &mut Connection, count: u64) -> Result<Said> {
    let mut all = Said::default();
    let begun = Instant::now();
    while all.calls() < count {
        if begun.elapsed() > PATIENCE {
            bail!("{} of {count} events were delivered", all.calls());
        }
        all.add(&Said::read(&connection.get("/times")?.ok()?)?);
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(all)
}

/// One invocation of the publisher: a loop, or a single event.
fn path(kind: &str) -> String {
    let ms = if kind == "loop" { INVOCATION_MS } else { 0 };
    format!("/publish?url={BUS}/bench&bytes={BYTES}&ms={ms}")
}

fn services(server: &Server) -> Services<'_> {
    Services {
        address: server.address,
        servers: vec![server],
    }
}

/// The component that the host puts its bus in the place of.
pub fn bus(bench: &Bench) -> Result<Service> {
    let bus = Service::new("events", bench.guest("hello_two")?, "").reached(Reached::Chaining);
    Ok(bus.setting(r#"builtin = "events""#))
}

/// The host with an empty bus, a publisher and, if there is one, a subscriber.
fn serve(
    bench: &Bench,
    work: &str,
    contender: &Contender,
    subscriber: Option<Service>,
) -> Result<Server> {
    let folder = bench.new_folder(work)?;
    let publisher = Service::new("publisher", bench.guest("bench_publish")?, "/publish")
        .calls(BUS)
        .setting(format!("reuse_max = {}", super::REUSE_MAX));
    let mut services = vec![publisher, bus(bench)?];
    services.extend(subscriber);
    let app = App::write(&folder, "app", &services)?;
    let start = |port| contender.command(&app, port);
    Server::start(start, &path("once"), &folder).context("the publisher")
}
