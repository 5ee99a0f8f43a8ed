//! `kumiki inspect`: all that is known of one service, from its contract to its revisions.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use crate::admin::client::{Client, ClientError, escaped};
use crate::admin::described::{Grants, Imported, Limits, ServicePage};
use crate::cli::history::{Revisions, revisions_table};
use crate::cli::observed::{Edge, Service, duration};
use crate::cli::output::{plain, print, print_json};
use crate::cli::state_arguments::HostArguments;
use crate::cli::table;

/// Characters of a function's type that a line has.
const SHOWN: usize = 160;

/// The flags of `kumiki inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki inspect cart               what cart may, what it offers, who calls it\n  \
    kumiki inspect cart --json        the same with all types, as JSON")]
pub struct InspectArguments {
    /// The service
    #[arg(value_name = "SERVICE")]
    pub service: String,

    /// Print it as JSON
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub host: HostArguments,
}

/// What the registry has of the service.
#[derive(Debug, Deserialize)]
struct Status {
    #[serde(flatten)]
    service: Service,
    links: BTreeMap<String, String>,
    edges: Vec<Edge>,
}

/// Runs `kumiki inspect`.
pub async fn run(arguments: &InspectArguments) -> anyhow::Result<ExitCode> {
    let client = arguments.host.client(&std::env::current_dir()?)?;
    let path = format!("/services/{}", escaped(&arguments.service));
    let body = client.get(&path).await?;
    let revisions = revisions(&client, &path).await?;
    if arguments.json {
        let mut page: Value = serde_json::from_slice(&body)?;
        if let (Some(page), Some(revisions)) = (page.as_object_mut(), revisions) {
            let all = revisions.get("revisions").cloned();
            page.insert("revisions".to_owned(), all.unwrap_or_default());
        }
        print_json(&page)?;
    } else {
        let page: ServicePage<Status> = serde_json::from_slice(&body)?;
        let revisions = revisions.map(serde_json::from_value).transpose()?;
        print(&told(&page, revisions.as_ref()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The page of the service's revisions, where the host has one.
async fn revisions(client: &Client, path: &str) -> anyhow::Result<Option<Value>> {
    match client.get(&format!("{path}/revisions")).await {
        Ok(body) => Ok(Some(serde_json::from_slice(&body)?)),
        Err(ClientError::Refused { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn told(page: &ServicePage<Status>, revisions: Option<&Revisions>) -> String {
    let service = &page.status.service;
    let mut sheet = Sheet::default();
    sheet.line(0, &format!("{}  {}", page.id, page.description));
    sheet.field("health", &health(service));
    sheet.field("revision", &service.revision());
    sheet.field("routes", &page.routes.join("  "));
    sheet.field("atomic", &page.atomic.join("  "));
    sheet.field("limits", &limits(&page.limits));
    grants(&mut sheet, &page.grants);
    sheet.contract("EXPORTS", &page.exports);
    sheet.contract("IMPORTS", &page.imports);
    let to = page.status.links.iter();
    let to = to.map(|(interface, callee)| format!("{interface} -> {callee}"));
    sheet.list("LINKS TO", to);
    let from = page.links_from.iter();
    let from = from.map(|link| format!("{} <- {}", link.interface, link.service));
    sheet.list("LINKS FROM", from);
    let subscriptions = page.subscriptions.iter();
    let subscriptions = subscriptions.map(|one| {
        let (topic, path, attempts) = (&one.topic, &one.path, one.attempts_max);
        format!("{topic} at {path}, {attempts} attempts")
    });
    sheet.list("SUBSCRIPTIONS", subscriptions);
    let schedules = page.schedules.iter();
    let schedules = schedules.map(|one| format!("{} ({}) at {}", one.cron, one.timezone, one.path));
    sheet.list("SCHEDULES", schedules);
    sheet.table("CALLS", &edges_table(&page.status.edges));
    let revisions = revisions.map_or(&service.revisions, |page| &page.revisions);
    sheet.table("REVISIONS", &revisions_table(revisions));
    sheet.0
}

fn health(service: &Service) -> String {
    format!(
        "{}; {} ready, {} busy, {} at most; {}",
        service.health,
        service.instances_ready,
        service.instances_busy,
        service.instances_max,
        table::size(service.memory_bytes),
    )
}

fn limits(limits: &Limits) -> String {
    format!(
        "memory {} MiB, timeout {} ms, cpu {} ms, instances {}, queue {}, store {} MiB, log {} KiB/s",
        limits.memory_max_mib,
        limits.timeout_ms,
        limits.cpu_ms_max,
        limits.instances_max,
        limits.queue_max,
        limits.store_mib_max,
        limits.log_kib_per_second,
    )
}

fn grants(sheet: &mut Sheet, grants: &Grants) {
    for (name, values) in [
        ("hosts", &grants.hosts),
        ("stores", &grants.key_value_stores),
        ("databases", &grants.sqlite_databases),
        ("files", &grants.files),
        ("variables", &grants.variables),
        ("environment", &grants.environment),
    ] {
        sheet.field(name, &values.join("  "));
    }
}

/// The ways that calls have taken; empty where none has.
pub(super) fn edges_table(edges: &[Edge]) -> String {
    if edges.is_empty() {
        return String::new();
    }
    let header = ["FROM", "TO", "KIND", "CALLS", "FAILED", "P50", "P99"];
    let row = |edge: &Edge| {
        [
            edge.caller
                .clone()
                .unwrap_or_else(|| "(outside)".to_owned()),
            edge.callee.clone(),
            edge.kind.clone(),
            edge.calls.to_string(),
            edge.failed().to_string(),
            duration(edge.latency_us.p50),
            duration(edge.latency_us.p99),
        ]
    };
    table::render(header, edges.iter().map(row), 3)
}

/// A text in parts. What there is nothing of is left out.
#[derive(Default)]
struct Sheet(String);

impl Sheet {
    fn line(&mut self, indent: usize, text: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(&" ".repeat(indent));
        self.0.push_str(plain(text).trim_end());
    }

    fn field(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.line(2, &format!("{name:<12} {value}"));
        }
    }

    fn list(&mut self, title: &str, lines: impl Iterator<Item = String>) {
        for (index, line) in lines.enumerate() {
            if index == 0 {
                self.line(0, title);
            }
            self.line(2, &line);
        }
    }

    fn table(&mut self, title: &str, text: &str) {
        self.list(title, text.lines().map(str::to_owned));
    }

    /// Interfaces, and the functions of those that the host does not have.
    fn contract(&mut self, title: &str, items: &[Imported]) {
        let mut lines = Vec::new();
        for item in items {
            lines.push(item.name.clone());
            for function in &item.functions {
                if let Some(ty) = &function.ty {
                    lines.push(format!("  {}: {}", function.name, shortened(ty)));
                }
            }
        }
        self.list(title, lines.into_iter());
    }
}

fn shortened(ty: &str) -> String {
    match ty.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", ty.get(..end).unwrap_or(ty)),
        None => ty.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page() -> ServicePage<Status> {
        let page = json!({
            "id": "cart", "description": "what a user wants to buy",
            "status": {
                "id": "cart", "revision": "0123456789ab", "health": "ready",
                "instances_max": 128, "instances_ready": 2, "instances_busy": 1,
                "memory_bytes": 3_145_728,
                "links": {"store:catalog/products@1.0.0": "catalog"},
                "edges": [{"caller": null, "callee": "cart", "kind": "http", "calls": 2,
                    "outcomes": {"answered": 2}, "latency_us": {"p50": 2.0, "p99": 3.0}}],
            },
            "exports": [{"name": "wasi:http/handler@0.3.0", "functions": [{"name": "handle"}]}],
            "imports": [{"name": "store:catalog/products@1.0.0", "functions": [
                {"name": "get", "type": "func(id: u64) -> option<string>"}]}],
            "links_from": [{"service": "checkout", "interface": "store:cart/cart@1.0.0"}],
            "grants": {"hosts": ["http://a.spin.internal"], "key_value_stores": ["default"],
                "sqlite_databases": [], "files": [], "variables": ["token"], "environment": []},
            "limits": {"memory_max_mib": 128, "timeout_ms": 1, "body_idle_timeout_ms": 1,
                "cpu_ms_max": 1, "instances_max": 1, "queue_max": 1, "idle_timeout_ms": 1,
                "message_bytes_max": 1, "store_mib_max": 1, "log_kib_per_second": 1},
            "routes": ["/cart/..."],
            "subscriptions": [{"topic": "order.#", "path": "/events", "attempts_max": 10}],
            "schedules": [{"cron": "0 3 * * *", "timezone": "UTC", "path": "/nightly"}],
            "atomic": ["/cart/add"],
        });
        serde_json::from_value(page).unwrap()
    }

    #[test]
    fn each_part_of_a_service_has_its_lines() {
        let text = told(&page(), None);
        for line in [
            "cart  what a user wants to buy",
            "  health       ready; 2 ready, 1 busy, 128 at most; 3.0 MiB",
            "  routes       /cart/...",
            "  stores       default",
            "  variables    token",
            "EXPORTS\n  wasi:http/handler@0.3.0\nIMPORTS",
            "    get: func(id: u64) -> option<string>",
            "LINKS TO\n  store:catalog/products@1.0.0 -> catalog",
            "LINKS FROM\n  store:cart/cart@1.0.0 <- checkout",
            "SUBSCRIPTIONS\n  order.# at /events, 10 attempts",
            "SCHEDULES\n  0 3 * * * (UTC) at /nightly",
        ] {
            assert!(text.contains(line), "no `{line}` in\n{text}");
        }
        assert!(
            !text.contains("databases") && !text.contains("REVISIONS"),
            "{text}"
        );
    }

    #[test]
    fn a_long_type_is_cut() {
        let short = shortened(&"ä".repeat(SHOWN + 1));
        assert_eq!(short.chars().count(), SHOWN + 1);
        assert_eq!(shortened("func()"), "func()");
    }
}
