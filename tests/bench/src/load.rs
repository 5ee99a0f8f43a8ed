//! Load by wrk: so many connections, each with one request at a time, for a given time; what it
//! measured, and the CPU time and memory that the server took meanwhile.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::Process;
use crate::report::Figure;
use crate::server::Server;

/// Prints wrk's own percentiles on one line; its `--latency` has no p99.9.
const SCRIPT: &str = include_str!("wrk.lua");

/// Threads of wrk: as many as connections, but no more than this, since they share the cores with
/// the server.
const THREADS_MAX: u32 = 2;

/// What one run of wrk found.
#[derive(Debug, PartialEq)]
pub struct Load {
    requests: f64,
    duration_us: f64,
    p50_us: f64,
    p99_us: f64,
    p999_us: f64,
}

/// Loads the server with `connections` for `seconds`, and returns the requests per second, the
/// latency, the server's CPU time per request, and its memory right after.
///
/// # Errors
/// When wrk fails, or a single request does.
pub fn figures(
    server: &Server,
    path: &str,
    connections: u32,
    seconds: u64,
    folder: &Path,
) -> Result<Vec<Figure>> {
    let load = || run(server, path, connections, seconds, folder);
    figures_of(server, connections, load)
}

/// The same, where each request is what the Lua function `request` in `script` makes.
///
/// # Errors
/// When wrk fails, or a single request does.
pub fn figures_by(
    script: &str,
    server: &Server,
    connections: u32,
    seconds: u64,
    folder: &Path,
) -> Result<Vec<Figure>> {
    let load = || run_script(script, server, "/", connections, seconds, folder);
    figures_of(server, connections, load)
}

fn figures_of(
    server: &Server,
    connections: u32,
    load: impl FnOnce() -> Result<Load>,
) -> Result<Vec<Figure>> {
    let before = server.process.cpu_time()?;
    let load = load()?;
    let cpu = server.process.cpu_time()?.saturating_sub(before);
    let resident_mib = server.process.memory()?.resident_kib as f64 / 1024.0;
    let point = format!("{connections} connections").replace("1 connections", "1 connection");
    Ok(vec![
        Figure::value(&point, "req/s", load.requests / (load.duration_us / 1e6)),
        Figure {
            p50: Some(load.p50_us),
            p99: Some(load.p99_us),
            p999: Some(load.p999_us),
            ..Figure::value(&point, "latency µs", load.p50_us)
        },
        Figure::value(
            &point,
            "CPU µs/req",
            cpu.as_secs_f64() * 1e6 / load.requests,
        ),
        Figure::value(&point, "resident MiB", resident_mib),
    ])
}

/// Loads the server once.
///
/// # Errors
/// When wrk fails, or a single request does.
pub fn run(
    server: &Server,
    path: &str,
    connections: u32,
    seconds: u64,
    folder: &Path,
) -> Result<Load> {
    run_script("", server, path, connections, seconds, folder)
}

fn run_script(
    requests: &str,
    server: &Server,
    path: &str,
    connections: u32,
    seconds: u64,
    folder: &Path,
) -> Result<Load> {
    let script = folder.join("wrk.lua");
    std::fs::write(&script, format!("{requests}\n{SCRIPT}"))?;
    let threads = connections.min(THREADS_MAX);
    let mut command = Command::new("wrk");
    command
        .arg(format!("-t{threads}"))
        .arg(format!("-c{connections}"))
        .arg(format!("-d{seconds}s"))
        .arg("-s")
        .arg(&script)
        .arg(format!("http://{}{path}", server.address));
    let output = Process::spawn(&mut command, &folder.join("wrk-output"))
        .context("wrk makes the load; scripts/bench installs it on Debian")?
        .finish()
        .context("wrk")?;
    read(&output)
}

fn read(output: &str) -> Result<Load> {
    let line = output.lines().find_map(|line| line.strip_prefix("bench: "));
    let fields = line.and_then(|line| {
        let fields: Result<Vec<f64>, _> = line.split(' ').map(str::parse).collect();
        fields.ok()
    });
    let Some([requests, duration_us, errors, p50_us, p99_us, p999_us]) = fields.as_deref() else {
        bail!("wrk did not end with its summary:\n{output}");
    };
    if *errors > 0.0 || *requests < 1.0 {
        bail!("{errors} of {requests} requests failed:\n{output}");
    }
    Ok(Load {
        requests: *requests,
        duration_us: *duration_us,
        p50_us: *p50_us,
        p99_us: *p99_us,
        p999_us: *p999_us,
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn the_summary_is_found_and_errors_are_fatal() {
        let load = read("Running 5s test\nbench: 1000 5000000 0 61.0 122.5 310.0\n").unwrap();
        assert_eq!((load.requests, load.p999_us), (1000.0, 310.0));
        assert!(read("bench: 1000 5000000 1 61.0 122.5 310.0\n").is_err());
        assert!(read("unable to connect\n").is_err());
    }
}
