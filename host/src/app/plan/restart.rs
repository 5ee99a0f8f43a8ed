//! What of a manifest cannot change while the host runs.

use std::collections::BTreeSet;

use crate::app::loading::bus;
use crate::manifest::model::events::BusSettings;
use crate::manifest::model::{Component, Manifest};

/// The keys, each with its path in the manifest, that differ and need a restart; empty when all
/// else can be carried out.
pub fn restart_needed(old: &Manifest, new: &Manifest) -> Vec<String> {
    let mut keys = Vec::new();
    let mut check = |key: &str, is_same: bool| {
        if !is_same {
            keys.push(key.to_owned());
        }
    };
    check("application.name", old.name == new.name);
    check("application.version", old.version == new.version);
    let (one, other) = (&old.settings, &new.settings);
    let is_same = one.header_bytes_max == other.header_bytes_max;
    check("application.tool.kumiki.header_bytes_max", is_same);
    let is_same = one.body_bytes_max == other.body_bytes_max;
    check("application.tool.kumiki.body_bytes_max", is_same);
    let is_same = one.header_read_timeout_ms == other.header_read_timeout_ms;
    check("application.tool.kumiki.header_read_timeout_ms", is_same);
    let is_same = one.connections_max == other.connections_max;
    check("application.tool.kumiki.connections_max", is_same);
    keys.extend(of_bus(old, new));
    let key_value = |component: &Component| component.key_value_stores.clone();
    keys.extend(labels(old, new, "key_value_stores", key_value));
    let sqlite = |component: &Component| component.sqlite_databases.clone();
    keys.extend(labels(old, new, "sqlite_databases", sqlite));
    keys
}

/// Whether there is a bus, in whose place it stands, and how it keeps events.
fn of_bus(old: &Manifest, new: &Manifest) -> Vec<String> {
    let settings = |manifest| {
        let component: Option<&Component> = bus(manifest);
        component.and_then(|it| Some((it.id.as_str(), it.settings.bus.as_ref()?)))
    };
    let of = |id: &str, key: &str| format!("component.{id}.tool.kumiki.{key}");
    match (settings(old), settings(new)) {
        (Some((one_id, one)), Some((id, other))) if one_id == id => {
            let keys = bus_keys(one, other);
            keys.into_iter().map(|key| of(id, key)).collect()
        }
        (one, other) => {
            let both = one.into_iter().chain(other);
            both.map(|(id, _)| of(id, "builtin")).collect()
        }
    }
}

fn bus_keys(one: &BusSettings, other: &BusSettings) -> Vec<&'static str> {
    let (preset, new_preset) = (&one.preset, &other.preset);
    let keys = [
        (
            "event_bytes_max",
            one.event_bytes_max == other.event_bytes_max,
        ),
        (
            "retention_hours",
            preset.retention_hours == new_preset.retention_hours,
        ),
        (
            "retention_mib",
            preset.retention_mib == new_preset.retention_mib,
        ),
        (
            "keep_unacknowledged",
            preset.keep_unacknowledged == new_preset.keep_unacknowledged,
        ),
        ("backlog_max", preset.backlog_max == new_preset.backlog_max),
        ("topics", one.topics == other.topics),
    ];
    let differing = keys.into_iter().filter(|(_, is_same)| !is_same);
    let keys: Vec<_> = differing.map(|(key, _)| key).collect();
    // A topic's entry takes over what stands for all, so it is only named when it alone differs.
    match keys.as_slice() {
        [_, .., "topics"] => keys.into_iter().filter(|key| *key != "topics").collect(),
        _ => keys,
    }
}

/// Labels that no component had before: the host opens stores when it starts.
fn labels(
    old: &Manifest,
    new: &Manifest,
    key: &str,
    of: impl Fn(&Component) -> Vec<String>,
) -> Vec<String> {
    let known: BTreeSet<String> = old.components.values().flat_map(&of).collect();
    let mut found = Vec::new();
    for component in new.components.values() {
        let labels = of(component).into_iter();
        let new_ones = labels.filter(|label| !known.contains(label));
        found.extend(new_ones.map(|label| format!("component.{}.{key}: `{label}`", component.id)));
    }
    found
}
