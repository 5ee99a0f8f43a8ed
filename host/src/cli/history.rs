//! `kumiki history`: the revisions of a service, and who changed what, when.

use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::client::{Client, escaped};
use crate::cli::observed::{Revision, digits};
use crate::cli::output::{plain, print, print_json};
use crate::cli::state_arguments::HostArguments;
use crate::cli::table;

/// The flags of `kumiki history`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki history                    who changed what in the app that runs\n  \
    kumiki history catalog -n 10      its revisions, and the last ten changes of it")]
pub struct HistoryArguments {
    /// Only this service, with its revisions
    #[arg(value_name = "SERVICE")]
    pub service: Option<String>,

    /// How many of the newest changes are printed
    #[arg(
        short = 'n',
        long = "lines",
        value_name = "COUNT",
        default_value_t = 50
    )]
    pub count: usize,

    /// Print it as JSON
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub host: HostArguments,
}

/// The page of a service's revisions, the newest first.
#[derive(Debug, Deserialize)]
pub(super) struct Revisions {
    pub(super) revisions: Vec<Revision>,
}

/// One page of the audit log. Entries are read on as they are, for JSON.
#[derive(Debug, Deserialize)]
struct Audit {
    entries: Vec<Value>,
    more: bool,
}

#[derive(Debug, Deserialize)]
struct Entry {
    time: String,
    by: String,
    action: String,
    service: Option<String>,
    revision: Option<u64>,
    /// A text, or what the host has to say of it as JSON.
    detail: Option<Value>,
}

/// Runs `kumiki history`.
pub async fn run(arguments: &HistoryArguments) -> anyhow::Result<ExitCode> {
    let client = arguments.host.client(&std::env::current_dir()?)?;
    let service = arguments.service.as_deref();
    let revisions = match service {
        Some(id) => Some(revisions(&client, id).await?),
        None => None,
    };
    let entries = newest_entries(&client, service, arguments.count).await?;
    if arguments.json {
        let all = match revisions {
            Some(revisions) => json!({ "revisions": revisions, "entries": entries }),
            None => json!({ "entries": entries }),
        };
        print_json(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(revisions) = revisions {
        let revisions: Vec<Revision> = serde_json::from_value(revisions)?;
        print(&format!("{}\n", revisions_table(&revisions)));
    }
    print(&entries_table(&entries)?);
    Ok(ExitCode::SUCCESS)
}

async fn revisions(client: &Client, service: &str) -> anyhow::Result<Value> {
    let path = format!("/services/{}/revisions", escaped(service));
    let mut page: Value = serde_json::from_slice(&client.get(&path).await?)?;
    Ok(page
        .get_mut("revisions")
        .map(Value::take)
        .unwrap_or_default())
}

/// The log is read from its beginning, because it is numbered from there.
async fn newest_entries(
    client: &Client,
    service: Option<&str>,
    count: usize,
) -> anyhow::Result<Vec<Value>> {
    let service = service.map(|id| format!("&service={}", escaped(id)));
    let service = service.unwrap_or_default();
    let mut after = 0;
    let mut newest = Vec::new();
    loop {
        let path = format!("/audit?limit=1000&after={after}{service}");
        let page: Audit = serde_json::from_slice(&client.get(&path).await?)?;
        let id = |entry: &Value| entry.get("id").and_then(Value::as_u64);
        let last = page.entries.last().and_then(id);
        newest.extend(page.entries);
        let old = newest.len().saturating_sub(count);
        newest.drain(..old);
        match last {
            Some(last) if page.more && last > after => after = last,
            Some(_) | None => return Ok(newest),
        }
    }
}

/// Revisions for people; empty where there are none.
pub(super) fn revisions_table(revisions: &[Revision]) -> String {
    if revisions.is_empty() {
        return String::new();
    }
    let header = [
        "REVISION", "DIGEST", "STATE", "WEIGHT", "MADE", "ORIGIN", "BY", "NOTE",
    ];
    let or_none = |text: Option<&str>| match text {
        Some(text) if !text.is_empty() => plain(text),
        Some(_) | None => "-".to_owned(),
    };
    let row = |one: &Revision| {
        let weight = one.weight.filter(|weight| *weight > 0);
        [
            one.number.to_string(),
            digits(&one.digest).to_owned(),
            or_none(Some(&one.state)),
            weight.map_or_else(|| "-".to_owned(), |weight| format!("{weight}%")),
            or_none(Some(&one.made)),
            or_none(Some(&one.origin)),
            or_none(one.by.as_deref()),
            or_none(one.note.as_deref()),
        ]
    };
    table::render(header, revisions.iter().map(row), header.len())
}

fn entries_table(entries: &[Value]) -> anyhow::Result<String> {
    if entries.is_empty() {
        return Ok("nothing was changed yet".to_owned());
    }
    let row = |entry: &Value| -> anyhow::Result<[String; 6]> {
        let entry = Entry::deserialize(entry)?;
        let revision = entry.revision.map(|number| number.to_string());
        let detail = entry.detail.map(|detail| match detail {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        });
        Ok([
            plain(&entry.time),
            plain(&entry.by),
            plain(&entry.action),
            plain(entry.service.as_deref().unwrap_or("-")),
            revision.unwrap_or_else(|| "-".to_owned()),
            plain(&detail.unwrap_or_default()),
        ])
    };
    let rows: Result<Vec<_>, _> = entries.iter().map(row).collect();
    let header = ["TIME", "BY", "ACTION", "SERVICE", "REVISION", "DETAIL"];
    Ok(table::render(header, rows?, header.len()))
}

#[cfg(test)]
mod tests;
