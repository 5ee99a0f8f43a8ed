//! `kumiki services`: the registry of a running host as a table, or as the JSON that it is.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;

use crate::cli::state_arguments::HostArguments;
use crate::cli::table;

/// The flags of `kumiki services`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki services                   those of the app in this folder, which runs\n  \
    kumiki services -f shop --json    the whole registry of the app in shop, as JSON")]
pub struct ServicesArguments {
    #[command(flatten)]
    pub host: HostArguments,

    /// Print the registry as JSON
    #[arg(long)]
    pub json: bool,
}

/// What the table takes of the registry.
#[derive(Debug, Deserialize)]
struct Registry {
    services: Vec<Service>,
    edges: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Service {
    id: String,
    health: String,
    revision: String,
    instances_max: u64,
    instances_ready: u64,
    instances_busy: u64,
    queued: u64,
    memory_bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Edge {
    callee: String,
    calls: u64,
    outcomes: Outcomes,
}

#[derive(Debug, Deserialize)]
struct Outcomes {
    #[serde(default)]
    answered: u64,
}

/// Runs `kumiki services`.
pub async fn run(arguments: &ServicesArguments) -> anyhow::Result<ExitCode> {
    let client = arguments.host.client(&std::env::current_dir()?)?;
    let body = client.get("/registry").await?;
    let text = if arguments.json {
        let registry: serde_json::Value = serde_json::from_slice(&body)?;
        serde_json::to_string_pretty(&registry)?
    } else {
        table(&serde_json::from_slice(&body)?)
    };
    let mut output = std::io::stdout().lock();
    // Who closes the pipe early has seen enough.
    let _ = writeln!(output, "{text}");
    Ok(ExitCode::SUCCESS)
}

fn table(registry: &Registry) -> String {
    let row = |service: &Service| {
        let edges = || {
            let all = registry.edges.iter();
            all.filter(|edge| edge.callee == service.id)
        };
        let calls: u64 = edges().map(|edge| edge.calls).sum();
        let answered: u64 = edges().map(|edge| edge.outcomes.answered).sum();
        let revision = Some(&service.revision).filter(|revision| !revision.is_empty());
        [
            service.id.clone(),
            service.health.clone(),
            revision.map_or("-", String::as_str).to_owned(),
            service.instances_ready.to_string(),
            service.instances_busy.to_string(),
            service.instances_max.to_string(),
            service.queued.to_string(),
            calls.to_string(),
            calls.saturating_sub(answered).to_string(),
            mebibytes(service.memory_bytes),
        ]
    };
    let header = [
        "SERVICE", "HEALTH", "REVISION", "READY", "BUSY", "MAX", "QUEUED", "CALLS", "FAILED",
        "MEMORY",
    ];
    table::render(header, registry.services.iter().map(row), 3)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_adds_up_all_callers() {
        let registry = serde_json::json!({
            "services": [
                {
                    "id": "cart", "health": "ready", "revision": "0123", "instances_max": 4,
                    "instances_ready": 1, "instances_busy": 2, "queued": 3,
                    "memory_bytes": 3_145_728,
                },
                {
                    "id": "shop", "health": "idle", "revision": "", "instances_max": 128,
                    "instances_ready": 0, "instances_busy": 0, "queued": 0, "memory_bytes": 0,
                },
            ],
            "edges": [
                {"callee": "cart", "calls": 10, "outcomes": {"answered": 7, "trapped": 3}},
                {"callee": "cart", "calls": 1, "outcomes": {"cycle": 1}},
            ],
        });
        let text = table(&serde_json::from_value(registry).unwrap());
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows[0][0], "SERVICE");
        let cart = [
            "cart", "ready", "0123", "1", "2", "4", "3", "11", "4", "3.0", "MiB",
        ];
        assert_eq!(rows[1], cart);
        assert_eq!(rows[2][2], "-");
    }
}
