//! `chained`: a service calls another by HTTP: `http://ID.spin.internal/` under the host and Spin,
//! loopback with kept-alive connections between two native processes. The caller itself reads its
//! monotonic clock before and after each call, from the making of the request to the last byte of
//! the answer's body.

use anyhow::Result;

use super::Bench;
use crate::app::{App, Reached, Service};
use crate::callers::{Services, point};
use crate::contender::{Contender, Kind};
use crate::report::{Figure, Row};
use crate::server::Server;

/// Outer requests at a time, each of which calls in a loop.
const CALLERS: [usize; 2] = [1, 32];

/// Calls in one outer request: so many that what the outer request itself takes hardly counts in
/// the CPU time per call, so few that a measurement ends soon after its time.
const CALLS: usize = 200;

pub fn run(bench: &Bench) -> Result<Vec<Row>> {
    bench.compare("chained", &[Kind::Native, Kind::Spin], |contender| {
        measure(bench, contender)
    })
}

fn measure(bench: &Bench, contender: &Contender) -> Result<Vec<Figure>> {
    let folder = bench.folder("chained")?;
    if contender.kind == Kind::Native {
        let (caller, callee) = super::native_pair(contender, &folder, "/call?count=1")?;
        let services = Services {
            address: caller.address,
            servers: vec![&caller, &callee],
        };
        return figures(bench, &services, &format!("/call?count={CALLS}"));
    }
    let callee = "http://callee.spin.internal";
    let caller = Service::new("caller", bench.guest("call_often")?, "/call").calls(callee);
    let answering =
        Service::new("callee", bench.guest("hello_two")?, "").reached(Reached::Chaining);
    let app = App::write(&folder, "app", &[caller, answering])?;
    let path = format!("/call?url={callee}/&count={CALLS}");
    let server = Server::start(|port| contender.command(&app, port), &path, &folder)?;
    let services = Services {
        address: server.address,
        servers: vec![&server],
    };
    figures(bench, &services, &path)
}

fn figures(bench: &Bench, services: &Services<'_>, path: &str) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for callers in CALLERS {
        figures.extend(services.figures(&point(callers), path, callers, bench.seconds)?);
    }
    Ok(figures)
}
