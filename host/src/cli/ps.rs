//! `kumiki ps`: a line for each service of a running host.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use chrono::Utc;
use clap::Args;
use serde_json::{Value, json};

use crate::admin::client::Client;
use crate::cli::observed::{COLUMNS, NUMBERS_FROM, Registry, Row};
use crate::cli::output::{print, print_json};
use crate::cli::state_arguments::HostArguments;
use crate::cli::table;

/// Time between the two readings that calls are counted in.
const WINDOW: Duration = Duration::from_secs(1);

/// The flags of `kumiki ps`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki ps                         those of the app in this folder, which runs\n  \
    kumiki ps -f shop --json          the whole registry of the app in shop, as JSON")]
pub struct PsArguments {
    #[command(flatten)]
    pub host: HostArguments,

    /// Print at once, with the calls per second since the start in the place of those of a second
    #[arg(long)]
    pub once: bool,

    /// Print the registry as JSON, with the calls per second since the start
    #[arg(long)]
    pub json: bool,
}

/// Runs `kumiki ps`.
pub async fn run(arguments: &PsArguments) -> anyhow::Result<ExitCode> {
    let client = arguments.host.client(&std::env::current_dir()?)?;
    let body = client.get("/registry").await?;
    let first: Registry = serde_json::from_slice(&body)?;
    if arguments.json {
        print_json(&with_sums(
            serde_json::from_slice(&body)?,
            &first.rows(None),
        ))?;
    } else if arguments.once {
        print(&rendered(&first.rows(None)));
    } else {
        print(&rendered(&rows_of_window(&client, &first).await?));
    }
    Ok(ExitCode::SUCCESS)
}

async fn rows_of_window(client: &Client, first: &Registry) -> anyhow::Result<Vec<Row>> {
    let began = Instant::now();
    tokio::time::sleep(WINDOW).await;
    let second: Registry = serde_json::from_slice(&client.get("/registry").await?)?;
    Ok(second.rows(Some((first, began.elapsed()))))
}

fn rendered(rows: &[Row]) -> String {
    let now = Utc::now();
    table::render(COLUMNS, rows.iter().map(|row| row.cells(now)), NUMBERS_FROM)
}

/// The registry, and in each service what the table adds up of its edges.
fn with_sums(mut registry: Value, rows: &[Row]) -> Value {
    let services = registry.get_mut("services").and_then(Value::as_array_mut);
    for (service, row) in services.into_iter().flatten().zip(rows) {
        if let Some(service) = service.as_object_mut() {
            service.insert("calls".to_owned(), json!(row.calls));
            service.insert("failed".to_owned(), json!(row.failed));
            let tenths = (row.calls_per_second * 10.0).round() / 10.0;
            service.insert("calls_per_second".to_owned(), json!(tenths));
        }
    }
    registry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_stays_what_it_is() {
        let registry = json!({"name": "shop", "services": [{"id": "cart", "queued": 3}]});
        let row = Row {
            calls: 7,
            failed: 2,
            calls_per_second: 0.34,
            ..Row::default()
        };
        let cart = json!({
            "id": "cart", "queued": 3, "calls": 7, "failed": 2, "calls_per_second": 0.3,
        });
        let expected = json!({"name": "shop", "services": [cart]});
        assert_eq!(with_sums(registry, &[row]), expected);
    }
}
