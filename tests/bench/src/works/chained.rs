//! `chained`: a service calls another by HTTP: `http://ID.spin.internal/` under the host and Spin,
//! loopback with kept-alive connections between two native processes. The caller itself reads its
//! monotonic clock before and after each call, from the making of the request to the last byte of
//! the answer's body, so neither the client nor the outer request is part of a latency.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::Bench;
use crate::app::{App, Service};
use crate::contender::{Contender, Kind};
use crate::http::Connection;
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
    let callee = "http://callee.spin.internal";
    let mut caller = Service::new("caller", bench.guest("call_often")?, "/call");
    caller.allowed_outbound_hosts.push(callee.to_owned());
    let mut answering = Service::new("callee", bench.guest("hello_two")?, "/");
    answering.route = None;
    let app = App::write(&folder, "app", &[caller, answering])?;
    let start =
        |path: &str, command: &dyn Fn(u16) -> Command| Server::start(command, path, &folder);
    if contender.kind == Kind::Native {
        let answering = start("/", &|port| contender.command(&app, port))?;
        let calling = start("/call?count=1", &|port| {
            let mut command = Command::new(&contender.program);
            command.args(["native-caller", &port.to_string()]);
            command.arg(answering.address.to_string());
            command
        })?;
        let path = format!("/call?count={CALLS}");
        return figures(bench, &path, calling.address, &[&calling, &answering]);
    }
    let path = format!("/call?url={callee}/&count={CALLS}");
    let server = start(&path, &|port| contender.command(&app, port))?;
    figures(bench, &path, server.address, &[&server])
}

fn figures(
    bench: &Bench,
    path: &str,
    address: SocketAddr,
    servers: &[&Server],
) -> Result<Vec<Figure>> {
    let cpu_time = || -> Result<Duration> {
        let times = servers.iter().map(|server| server.process.cpu_time());
        times.sum()
    };
    let mut figures = Vec::new();
    for callers in CALLERS {
        load(address, path, callers, Duration::from_millis(500))?;
        let before = cpu_time()?;
        let started = Instant::now();
        let calls_us = load(address, path, callers, Duration::from_secs(bench.seconds))?;
        let seconds = started.elapsed().as_secs_f64();
        let cpu_us = cpu_time()?.saturating_sub(before).as_secs_f64() * 1e6;
        let count = calls_us.len() as f64;
        let point = format!("{callers} callers").replace("1 callers", "1 caller");
        figures.push(Figure::value(&point, "calls/s", count / seconds));
        let latency = Figure::percentiles(&point, "latency µs", calls_us);
        figures.push(latency.context("no call was made")?);
        figures.push(Figure::value(&point, "CPU µs/call", cpu_us / count));
    }
    Ok(figures)
}

/// Sends outer requests over `callers` connections until `duration` is over; returns the µs of each
/// call that they made.
fn load(address: SocketAddr, path: &str, callers: usize, duration: Duration) -> Result<Vec<f64>> {
    let deadline = Instant::now() + duration;
    let ask = || -> Result<Vec<f64>> {
        let mut connection = Connection::open(address)?;
        let mut calls_us = Vec::new();
        while Instant::now() < deadline {
            for line in connection.get(path)?.ok()?.lines() {
                let nanoseconds: f64 = line.parse().with_context(|| format!("line `{line}`"))?;
                calls_us.push(nanoseconds / 1e3);
            }
        }
        Ok(calls_us)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers).map(|_| scope.spawn(ask)).collect();
        let mut calls_us = Vec::new();
        for thread in threads {
            let outcome = thread.join().map_err(|_| anyhow!("a client panicked"))?;
            calls_us.extend(outcome?);
        }
        Ok(calls_us)
    })
}
