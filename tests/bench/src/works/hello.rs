//! `hello-fresh` and `hello-fresh-three`: a service that answers one line, by wasi:http 0.2 or 0.3,
//! in a fresh sandbox for each request, under load by wrk at 1 and at 32 connections.

use anyhow::Result;

use super::Bench;
use crate::app::{App, Service};
use crate::contender::{Contender, Kind};
use crate::load;
use crate::report::{Figure, Row};
use crate::server::Server;

const CONNECTIONS: [u32; 2] = [1, 32];

/// Load before the first measurement: connections are accepted, pools filled, caches warm.
const WARM_UP_SECONDS: u64 = 1;

pub fn two(bench: &Bench) -> Result<Vec<Row>> {
    compare(bench, "hello-fresh", "hello_two")
}

pub fn three(bench: &Bench) -> Result<Vec<Row>> {
    compare(bench, "hello-fresh-three", "hello_three")
}

fn compare(bench: &Bench, work: &str, guest: &str) -> Result<Vec<Row>> {
    let peers = [Kind::Native, Kind::WasmtimeServe, Kind::Spin];
    bench.compare(work, &peers, |contender| {
        measure(bench, work, guest, contender)
    })
}

fn measure(bench: &Bench, work: &str, guest: &str, contender: &Contender) -> Result<Vec<Figure>> {
    let folder = bench.folder(work)?;
    let app = App::write(
        &folder,
        "app",
        &[Service::new("hello", bench.guest(guest)?, "/")],
    )?;
    let server = Server::start(|port| contender.command(&app, port), "/", &folder)?;
    load::run(&server, "/", 32, WARM_UP_SECONDS, &folder)?;
    let mut figures = Vec::new();
    for connections in CONNECTIONS {
        figures.extend(load::figures(
            &server,
            "/",
            connections,
            bench.seconds,
            &folder,
        )?);
    }
    Ok(figures)
}
