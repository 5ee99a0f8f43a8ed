//! `kumiki deploy`, `kumiki promote` and `kumiki rollback`: have a running host replace one service
//! while the others serve.

pub mod breaks;

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::admin::client::ClientError;
use crate::admin::operations::CHANGE_TIME_MAX;
use crate::admin::operations::shapes::{
    DeployReport, Outcome, RollbackRequest, StepName, Switched,
};
use crate::app::dependencies;
use crate::cli::locate::{load_manifest, manifest_path};
use crate::cli::state_arguments::HostArguments;
use crate::cli::table::time;
use crate::runtime::contracts::deploy::Break;

/// The contracts of others do not hold with the new revision.
const REFUSED: u8 = 2;

/// What the host may take for its answer; it gives up before.
const TIMEOUT: Duration = Duration::from_secs(CHANGE_TIME_MAX.as_secs().saturating_add(60));

/// The flags of `kumiki deploy`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki deploy catalog                          what its source in the manifest has now\n  \
    kumiki deploy catalog --wasm catalog.wasm --note \"faster search\"\n  \
    kumiki deploy catalog --weight 10              a tenth of the calls; then promote it\n  \
    kumiki deploy catalog --dry-run                only the check")]
pub struct DeployArguments {
    /// The service to replace
    #[arg(value_name = "SERVICE")]
    pub service: String,

    #[command(flatten)]
    pub host: HostArguments,

    /// The component [default: what the manifest names as the service's source]
    #[arg(long, value_name = "FILE")]
    pub wasm: Option<PathBuf>,

    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    /// Of a hundred request trees so many take the new revision, the others the one before
    #[arg(long, value_name = "1..100", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub weight: Option<u8>,

    /// Compile and check, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Seconds that answers of the revision before may stream on
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=300))]
    pub drain_timeout: u64,

    /// Print the host's answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// The flags of `kumiki promote`.
#[derive(Debug, Args)]
pub struct PromoteArguments {
    /// The service whose newest live revision gets all calls
    #[arg(value_name = "SERVICE")]
    pub service: String,

    #[command(flatten)]
    pub host: HostArguments,

    /// Print the host's answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// The flags of `kumiki rollback`.
#[derive(Debug, Args)]
pub struct RollbackArguments {
    /// The service that goes back
    #[arg(value_name = "SERVICE")]
    pub service: String,

    #[command(flatten)]
    pub host: HostArguments,

    /// The revision that gets all calls [default: the one that was live before]
    #[arg(long, value_name = "NUMBER")]
    pub to: Option<u64>,

    /// Print the host's answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Of a refusal what is more than text.
#[derive(Deserialize)]
struct Refusal {
    breaks: Vec<Break>,
}

/// Runs `kumiki deploy`.
pub async fn run(arguments: &DeployArguments) -> anyhow::Result<ExitCode> {
    let current_directory = std::env::current_dir()?;
    let wasm = component(arguments, &current_directory)?;
    let client = arguments.host.client(&current_directory)?;
    let answer = client.upload(&path(arguments), wasm, TIMEOUT).await;
    if let Err(ClientError::Refused { body, .. }) = &answer
        && let Ok(Refusal { breaks }) = serde_json::from_slice(body)
    {
        match arguments.json {
            true => print(&String::from_utf8_lossy(body)),
            false => {
                let service = &arguments.service;
                eprintln!(
                    "Refused: services that run would miss what they import of `{service}`, or it \
                     of them."
                );
                print(&breaks::table(&breaks));
            }
        }
        return Ok(ExitCode::from(REFUSED));
    }
    let body = answer?;
    match arguments.json {
        true => print(&String::from_utf8_lossy(&body)),
        false => print(&told(&serde_json::from_slice(&body)?)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `kumiki promote`.
pub async fn promote(arguments: &PromoteArguments) -> anyhow::Result<ExitCode> {
    let path = format!("/services/{}/promote", encoded(&arguments.service));
    switch(
        &arguments.host,
        &path,
        &serde_json::json!({}),
        arguments.json,
    )
    .await
}

/// Runs `kumiki rollback`.
pub async fn rollback(arguments: &RollbackArguments) -> anyhow::Result<ExitCode> {
    let path = format!("/services/{}/rollback", encoded(&arguments.service));
    let request = RollbackRequest { to: arguments.to };
    switch(&arguments.host, &path, &request, arguments.json).await
}

async fn switch(
    host: &HostArguments,
    path: &str,
    request: &impl serde::Serialize,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let client = host.client(&std::env::current_dir()?)?;
    let body = client.post(path, request, TIMEOUT).await?;
    if json {
        print(&String::from_utf8_lossy(&body));
        return Ok(ExitCode::SUCCESS);
    }
    let switched: Switched = serde_json::from_slice(&body)?;
    let was = switched.was.iter();
    let was: Vec<_> = was
        .map(|it| format!("{} ({} %)", it.revision, it.weight))
        .collect();
    print(&format!(
        "{}: revision {} has all calls; before: {}",
        switched.service,
        switched.revision,
        was.join(", ")
    ));
    Ok(ExitCode::SUCCESS)
}

/// The bytes to deploy.
fn component(
    arguments: &DeployArguments,
    current_directory: &std::path::Path,
) -> anyhow::Result<Vec<u8>> {
    if let Some(path) = &arguments.wasm {
        let path = current_directory.join(path);
        return std::fs::read(&path).with_context(|| path.display().to_string());
    }
    let path = manifest_path(arguments.host.state.file.as_deref(), current_directory)
        .context("there is no manifest to take the component of; name a file with --wasm")?;
    let manifest = load_manifest(&path, None, false)?;
    let service = &arguments.service;
    let component = manifest.components.get(service).with_context(|| {
        let known: Vec<_> = manifest.components.keys().map(String::as_str).collect();
        format!(
            "{} has no component `{service}`; it has {}",
            path.display(),
            known.join(", ")
        )
    })?;
    Ok(dependencies::composed(component, &manifest)?)
}

fn path(arguments: &DeployArguments) -> String {
    let DeployArguments {
        service,
        note,
        weight,
        dry_run,
        drain_timeout,
        ..
    } = arguments;
    let drain_timeout_ms = drain_timeout * 1000;
    let mut path = format!(
        "/services/{}/revisions?dry_run={dry_run}&drain_timeout_ms={drain_timeout_ms}",
        encoded(service)
    );
    // Writing to a text cannot fail.
    if let Some(weight) = weight {
        let _ = write!(path, "&weight={weight}");
    }
    if let Some(note) = note {
        let _ = write!(path, "&note={}", encoded(note));
    }
    path
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn told(report: &DeployReport) -> String {
    let mut text = String::new();
    for step in &report.steps {
        let name = match step.step {
            StepName::Upload => "upload",
            StepName::Compile => "compile",
            StepName::Check => "check",
            StepName::Warm => "warm",
            StepName::Switch => "switch",
            StepName::Drain => "drain",
        };
        let _ = writeln!(text, "{name:<8} {:>9}", time(step.ms / 1000.0));
    }
    let service = &report.service;
    let revision = report.revision.unwrap_or_default();
    let digest: String = report.digest.chars().take(12).collect();
    let _ = match report.outcome {
        Outcome::Deployed => {
            let weight = report.weight;
            write!(
                text,
                "{service}: revision {revision} ({digest}) has {weight} % of the calls"
            )
        }
        Outcome::Unchanged => {
            write!(
                text,
                "{service}: unchanged; revision {revision} ({digest}) is live already"
            )
        }
        Outcome::Checked => write!(text, "{service}: {digest} can be deployed"),
    };
    text
}

fn print(text: &str) {
    // Who closes the pipe early has seen enough.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
