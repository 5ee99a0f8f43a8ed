//! Our own tables, `[application.tool.kumiki]` and `[component.ID.tool.kumiki]`: their keys, their
//! ranges and their presets. Spin ignores both; with `--stock` so do we.
//!
//! A new key is one line here and one field in the model.

use super::Context;
use super::model::{ApplicationSettings, ServiceSettings};
use super::reader::{Field, Table};
use super::source;
use super::{canary, events, links};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// The most that a 32-bit linear memory can address.
const WASM_MEMORY_MIB: u64 = 4096;

/// The `tool` table of the application.
pub(super) fn application(context: &Context<'_>, tool: Option<Field<'_>>) -> ApplicationSettings {
    let preset = ApplicationSettings::default();
    let Some(mut table) = ours(context, tool) else {
        return preset;
    };
    let body_bytes_max = table.optional("body_bytes_max");
    let memory_budget = table.optional("memory_budget_mib");
    let settings = ApplicationSettings {
        header_bytes_max: table.number("header_bytes_max", KIB..=16 * MIB, preset.header_bytes_max),
        body_bytes_max: body_bytes_max.and_then(|field| field.integer(0..=u64::MAX)),
        header_read_timeout_ms: table.number(
            "header_read_timeout_ms",
            1..=DAY_MS,
            preset.header_read_timeout_ms,
        ),
        connections_max: table.number("connections_max", 1..=1_000_000, preset.connections_max),
        revisions_kept: table.number("revisions_kept", 1..=1000, preset.revisions_kept),
        memory_budget_mib: memory_budget.and_then(|field| field.integer(1..=KIB * KIB)),
    };
    table.finish();
    settings
}

/// What of a component's table is checked against the rest of the manifest.
#[derive(Default)]
pub(super) struct Draft<'t> {
    pub(super) links: links::Draft<'t>,
    pub(super) events: events::Draft<'t>,
}

/// The `tool` table of a component.
pub(super) fn service<'t>(
    context: &Context<'_>,
    tool: Option<Field<'t>>,
) -> (ServiceSettings, Draft<'t>) {
    let preset = ServiceSettings::default();
    let Some(mut table) = ours(context, tool) else {
        return (preset, Draft::default());
    };
    let source = table.optional("source");
    let (links, composed_only, links_draft) = links::read(context, &mut table);
    let (events, events_draft) = events::read(&mut table);
    let idle_timeout_ms = table.number("idle_timeout_ms", 1..=DAY_MS, preset.idle_timeout_ms);
    let unload_after = table.optional("unload_after_ms");
    let settings = ServiceSettings {
        source: source.and_then(|field| source::read(context, &field)),
        memory_max_mib: table.number("memory_max_mib", 1..=WASM_MEMORY_MIB, preset.memory_max_mib),
        timeout_ms: table.number("timeout_ms", 1..=DAY_MS, preset.timeout_ms),
        body_idle_timeout_ms: table.number(
            "body_idle_timeout_ms",
            1..=DAY_MS,
            preset.body_idle_timeout_ms,
        ),
        cpu_ms_max: table.number("cpu_ms_max", 1..=DAY_MS, preset.cpu_ms_max),
        instances_max: table.number("instances_max", 1..=100_000, preset.instances_max),
        instances_reserved_for_links: table
            .optional("instances_reserved_for_links")
            .and_then(|field| field.integer(0..=100_000))
            .and_then(|number| usize::try_from(number).ok()),
        queue_max: table.number("queue_max", 0..=1_000_000, preset.queue_max),
        fresh_instances_ready: table.number(
            "fresh_instances_ready",
            0..=1000,
            preset.fresh_instances_ready,
        ),
        reuse_max: table
            .optional("reuse_max")
            .and_then(|field| field.integer(1..=u64::MAX)),
        idle_timeout_ms,
        unload_after_ms: unload_after.and_then(|field| read_unload_after(&field, idle_timeout_ms)),
        message_bytes_max: table.number(
            "message_bytes_max",
            KIB..=16 * MIB,
            preset.message_bytes_max,
        ),
        links,
        composed_only,
        store_mib_max: table.number("store_mib_max", 1..=KIB * KIB, preset.store_mib_max),
        log_kib_per_second: table.number(
            "log_kib_per_second",
            0..=KIB * KIB,
            preset.log_kib_per_second,
        ),
        bus: events.bus,
        subscriptions: events.subscriptions,
        schedules: events.schedules,
        atomic: events.atomic,
        canary: canary::read(&mut table),
    };
    table.finish();
    let draft = Draft {
        links: links_draft,
        events: events_draft,
    };
    (settings, draft)
}

/// Code cannot leave memory before the instances that run it.
fn read_unload_after(field: &Field<'_>, idle_timeout_ms: u64) -> Option<u64> {
    let unload_after_ms = field.integer(1..=DAY_MS)?;
    if unload_after_ms < idle_timeout_ms {
        field.refuse(
            format!(
                "the code would leave memory before the service's instances, which stay for \
                 {idle_timeout_ms} ms (`idle_timeout_ms`)"
            ),
            format!("write {idle_timeout_ms} or more, or lower `idle_timeout_ms`"),
        );
    }
    Some(unload_after_ms)
}

/// Our table among those of other tools, which are only checked to be tables.
fn ours<'t>(context: &Context<'_>, tool: Option<Field<'t>>) -> Option<Table<'t>> {
    let mut found = None;
    for (name, field) in tool?.table()?.entries() {
        let table = field.table();
        if name == "kumiki" && !context.stock {
            found = table;
        }
    }
    found
}
