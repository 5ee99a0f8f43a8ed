//! The benchmark: runs each work against the host and its peers on this machine, in one run, and
//! prints one table. No figure is judged here; the ratios compare what was measured side by side.
//!
//! # Layout
//!
//! - [`works`]: what is measured, one file per kind of work.
//! - [`contender`]: the host and its peers, and how each is started on an app.
//! - [`app`]: an app in a temporary folder, which the host and Spin can run.
//! - [`server`]: a contender that answers, and how long its first answer took.
//! - [`process`]: child processes that never outlive the run, their CPU time and memory.
//! - [`load`]: load by wrk; [`open_loop`]: load at a set rate.
//! - [`shop`]: the running store, its goods, stock and customers.
//! - [`broker`]: the peers that keep data, and load for them.
//! - [`callers`]: load by services that call others and time their calls; [`times`]: those times;
//!   [`arguments`]: what they call with.
//! - [`registry`]: waits until the host has unloaded every service, and reads its memory.
//! - [`native`]: the native hyper services and the native store, served by child processes of this
//!   binary.
//! - [`http`]: one HTTP/1.1 connection that blocks.
//! - [`report`]: figures, the rows that compare them, the table and the JSON.

mod app;
mod arguments;
mod broker;
mod callers;
mod contender;
mod http;
mod load;
mod native;
mod open_loop;
mod process;
mod registry;
mod report;
mod server;
mod shop;
mod times;
mod works;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, value_parser};

use crate::works::{Bench, WORKS, Work};

/// Measures the host beside its peers. scripts/bench builds everything and starts this.
#[derive(Parser)]
#[command(name = "bench", args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    service: Option<Service>,
    #[command(flatten)]
    options: Options,
}

#[derive(Args)]
struct Options {
    /// The host's binary
    #[arg(long, value_name = "FILE", default_value = "target/release/kumiki")]
    host: PathBuf,
    /// The folder of the built guests
    #[arg(
        long,
        value_name = "DIR",
        default_value = "target/wasm32-wasip2/guest/examples"
    )]
    guests: PathBuf,
    /// The manifest of the store, its components built
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    app: PathBuf,
    /// Run only these works
    #[arg(long, value_name = "WORK", value_delimiter = ',')]
    only: Vec<String>,
    /// Length of each measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = seconds())]
    seconds: u64,
    /// Checkouts per second, one measurement each
    #[arg(
        long,
        value_name = "RATE",
        value_delimiter = ',',
        default_values_t = works::store::RATES,
        value_parser = rate()
    )]
    rates: Vec<u64>,
    /// Write the rows to this file as well, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Long enough for a request, short enough to be meant.
fn seconds() -> RangedU64ValueParser {
    value_parser!(u64).range(1..=600)
}

fn rate() -> RangedU64ValueParser {
    value_parser!(u64).range(1..=100_000)
}

/// The native services, which a run starts as its own children.
#[derive(Subcommand)]
enum Service {
    /// Answers every request with one line
    #[command(name = "native-hello", hide = true)]
    Hello { port: u16 },
    /// Answers the contract of the links
    #[command(name = "native-callee", hide = true)]
    Callee { port: u16 },
    /// Calls another service over loopback HTTP, as often as `?count=` says
    #[command(name = "native-caller", hide = true)]
    Caller { port: u16, callee: SocketAddr },
    /// Is the store: its services in one process
    #[command(name = "native-store", hide = true)]
    Store {
        port: u16,
        manifest: PathBuf,
        folder: PathBuf,
        /// Values of variables, `NAME=VALUE`
        #[arg(long, value_parser = variable)]
        variable: Vec<(String, String)>,
    },
}

fn variable(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let outcome = match command_line.service {
        Some(Service::Hello { port }) => native::hello(port),
        Some(Service::Callee { port }) => native::callee(port),
        Some(Service::Caller { port, callee }) => native::caller(port, callee),
        Some(Service::Store {
            port,
            manifest,
            folder,
            variable,
        }) => native::store(port, &manifest, &folder, &variable),
        None => run(&command_line.options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let works = chosen(&options.only)?;
    process::end_all_at_signals()?;
    let bench = Bench::new(options)?;
    let machine = report::machine(&bench.contenders());
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    let (begun, foreign) = (Instant::now(), process::foreign_cpu_time()?);
    for work in works {
        eprintln!("==> {}: {}", work.name, work.about);
        let outcome = (work.run)(&bench);
        process::fail_if_interrupted()?;
        match outcome {
            Ok(of_work) => rows.extend(of_work),
            Err(error) => {
                eprintln!("error: {}: {error:#}", work.name);
                failed.push(work.name);
            }
        }
    }
    let foreign = process::foreign_cpu_time()?.saturating_sub(foreign);
    let others = report::others(foreign, begun.elapsed());
    print!("{machine}{others}\n{}", report::table(&rows));
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&rows)?;
        std::fs::write(path, json + "\n")
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if !failed.is_empty() {
        bail!("the table lacks what failed: {}", failed.join(", "));
    }
    Ok(())
}

/// The works of these names in the order of the list of all; no names stand for all.
fn chosen(names: &[String]) -> Result<Vec<&'static Work>> {
    let known = || WORKS.iter().map(|work| work.name);
    if let Some(unknown) = names
        .iter()
        .find(|name| !known().any(|known| known == **name))
    {
        let known: Vec<&str> = known().collect();
        bail!(
            "there is no work `{unknown}`; known are {}",
            known.join(", ")
        );
    }
    let is_chosen = |work: &&Work| names.is_empty() || names.iter().any(|name| name == work.name);
    Ok(WORKS.iter().filter(is_chosen).collect())
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn an_unknown_work_is_answered_with_the_known_ones() {
        let error = chosen(&["hello-fersh".into()]).map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("`hello-fersh`"), "{text}");
        assert!(text.contains("hello-fresh, hello-reused, "), "{text}");
        let twice = ["chained".into(), "linked-64k".into(), "chained".into()];
        assert_eq!(chosen(&twice).unwrap().len(), 2);
        assert!(chosen(&[]).unwrap().len() > 1);
    }
}
