//! `atomic`: requests to the atomic handlers of 8 services, each of which sets three keys of its
//! own store and publishes an event in one transaction; load by wrk, which goes from service to
//! service. Without conflicts each request has keys of its own. With conflicts the third write adds
//! to one of a few keys of the service, and a handler that lost runs again, for as often as it
//! takes.

use anyhow::Result;

use super::Bench;
use super::events::{BUS, bus};
use crate::app::{App, Service};
use crate::contender::Contender;
use crate::load;
use crate::report::{Figure, Row};
use crate::server::Server;

const SERVICES: usize = 8;

/// What sets the measurements apart.
struct Handlers {
    point: &'static str,
    /// Keys of a service that its requests add to; none stands for no conflicts.
    shared: u64,
    connections: u32,
}

const HANDLERS: &[Handlers] = &[
    Handlers {
        point: "",
        shared: 0,
        connections: 1,
    },
    Handlers {
        point: "",
        shared: 0,
        connections: 64,
    },
    Handlers {
        point: ", 16 shared keys each",
        shared: 16,
        connections: 64,
    },
];

pub fn run(bench: &Bench) -> Result<Vec<Row>> {
    bench.compare("atomic", &[], |contender| {
        let mut figures = Vec::new();
        for handlers in HANDLERS {
            figures.extend(measure(bench, contender, handlers)?);
        }
        Ok(figures)
    })
}

fn measure(bench: &Bench, contender: &Contender, handlers: &Handlers) -> Result<Vec<Figure>> {
    let folder = bench.new_folder("atomic")?;
    let mut services = vec![bus(bench)?];
    for number in 0..SERVICES {
        let id = format!("orders{number}");
        let path = format!("/{id}");
        let service = Service::new(&id, bench.guest("bench_atomic")?, &path)
            .store(&id)
            .calls(BUS)
            .setting(format!("atomic = [{path:?}]"))
            .setting("atomic_attempts_max = 100")
            .setting(format!("reuse_max = {}", super::REUSE_MAX));
        services.push(service);
    }
    let app = App::write(&folder, "app", &services)?;
    let first = path(0, handlers.shared) + "&run=first&n=0";
    let server = Server::start(|port| contender.command(&app, port), &first, &folder)?;
    let script = script(handlers.shared);
    load::figures_by(&script, &server, handlers.connections, 1, &folder)?;
    let mut figures = load::figures_by(
        &script,
        &server,
        handlers.connections,
        bench.seconds,
        &folder,
    )?;
    for figure in &mut figures {
        figure.point.push_str(handlers.point);
    }
    Ok(figures)
}

fn path(service: usize, shared: u64) -> String {
    format!("/orders{service}?store=orders{service}&url={BUS}/orders&shared={shared}")
}

/// Requests to one service after the other, each with a number that no other has in the run.
fn script(shared: u64) -> String {
    let paths: Vec<String> = (0..SERVICES)
        .map(|service| format!("{:?}", path(service, shared)))
        .collect();
    format!(
        "local paths = {{ {} }}\n\
         local threads = 0\n\
         setup = function(thread) thread:set('id', threads); threads = threads + 1 end\n\
         init = function() count = 0; run = os.time() end\n\
         request = function()\n\
         count = count + 1\n\
         local path = paths[count % {SERVICES} + 1]\n\
         local number = count * 2 + id\n\
         return wrk.format('GET', path .. '&run=' .. run .. '&n=' .. number)\n\
         end\n",
        paths.join(", ")
    )
}
