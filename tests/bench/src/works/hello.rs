//! `hello-fresh`, `hello-reused` and `hello-fresh-three`: a service that answers one line, by
//! wasi:http 0.2 or 0.3, in a fresh sandbox for each request or in reused ones, under load by wrk
//! at 1 and at 32 connections.

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

const PEERS: [Kind; 3] = [Kind::Native, Kind::WasmtimeServe, Kind::Spin];

pub fn fresh(bench: &Bench) -> Result<Vec<Row>> {
    let work = "hello-fresh";
    bench.compare(work, &PEERS, |contender| {
        measure(bench, work, "hello_two", 1, contender)
    })
}

pub fn fresh_three(bench: &Bench) -> Result<Vec<Row>> {
    let work = "hello-fresh-three";
    bench.compare(work, &PEERS, |contender| {
        measure(bench, work, "hello_three", 1, contender)
    })
}

/// Spin reuses instances of wasi:http 0.3 only, so it runs the guest of that version.
pub fn reused(bench: &Bench) -> Result<Vec<Row>> {
    let work = "hello-reused";
    bench.compare(work, &PEERS, |contender| {
        let guest = match contender.kind {
            Kind::Spin => "hello_three",
            _ => "hello_two",
        };
        measure(bench, work, guest, super::REUSE_MAX, contender)
    })
}

fn measure(
    bench: &Bench,
    work: &str,
    guest: &str,
    reuse_max: u64,
    contender: &Contender,
) -> Result<Vec<Figure>> {
    let folder = bench.folder(work)?;
    let service =
        Service::new("hello", bench.guest(guest)?, "/").setting(format!("reuse_max = {reuse_max}"));
    let mut app = App::write(&folder, "app", &[service])?;
    app.peers_reuse_max = reuse_max;
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
