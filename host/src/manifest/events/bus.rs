//! The settings of the bus, which stand beside `builtin`.

use std::ops::RangeInclusive;

use crate::manifest::model::events::{BusSettings, EVENT_BYTES_MAX, TopicSettings};
use crate::manifest::reader::{Field, Table};
use crate::manifest::topics;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// A hundred years.
const HOURS_MAX: u64 = 100 * 366 * 24;
const BACKLOG_MAX: RangeInclusive<u64> = 1..=1_000_000_000;

/// The keys that mean nothing without the bus.
const KEYS: [&str; 6] = [
    "event_bytes_max",
    "retention_hours",
    "retention_mib",
    "keep_unacknowledged",
    "backlog_max",
    "topics",
];

/// Reads the bus's settings where the bus is.
pub(super) fn read(table: &mut Table<'_>, is_bus: bool) -> Option<BusSettings> {
    if !is_bus {
        for key in KEYS {
            if let Some(field) = table.optional(key) {
                field.refuse_key(
                    format!("`{key}` is a setting of the bus, which this component is not"),
                    "move it to the table with `builtin = \"events\"`, or remove it",
                );
            }
        }
        return None;
    }
    let preset = topic_settings(table, TopicSettings::default());
    let entries = table
        .optional("topics")
        .and_then(|field| field.elements())
        .unwrap_or_default();
    let mut topics: Vec<(String, TopicSettings)> = Vec::new();
    for entry in entries {
        let Some((field, pattern, settings)) = read_entry(&entry, preset) else {
            continue;
        };
        if topics.iter().any(|(known, _)| *known == pattern) {
            field.refuse(
                format!("`{pattern}` stands above already, and the first that matches counts"),
                "keep one of the two",
            );
        }
        topics.push((pattern, settings));
    }
    Some(BusSettings {
        preset,
        topics,
        event_bytes_max: table.number("event_bytes_max", KIB..=MIB, EVENT_BYTES_MAX),
    })
}

/// What an entry of `topics` does not say is as for all topics.
fn read_entry<'t>(
    entry: &Field<'t>,
    preset: TopicSettings,
) -> Option<(Field<'t>, String, TopicSettings)> {
    let mut table = entry.table()?;
    let topic = table.required("topic", "topic = \"order.*\"");
    let settings = topic_settings(&mut table, preset);
    table.finish();
    let topic = topic?;
    let pattern = pattern(&topic)?;
    Some((topic, pattern, settings))
}

fn topic_settings(table: &mut Table<'_>, preset: TopicSettings) -> TopicSettings {
    TopicSettings {
        retention_hours: table.number("retention_hours", 1..=HOURS_MAX, preset.retention_hours),
        retention_mib: table.number("retention_mib", 1..=KIB * KIB, preset.retention_mib),
        keep_unacknowledged: table
            .boolean("keep_unacknowledged")
            .unwrap_or(preset.keep_unacknowledged),
        backlog_max: table.number("backlog_max", BACKLOG_MAX, preset.backlog_max),
    }
}

/// A topic or a pattern of topics.
pub(super) fn pattern(field: &Field<'_>) -> Option<String> {
    let text = field.string()?;
    match topics::check_pattern(text) {
        Ok(()) => Some(text.to_owned()),
        Err(error) => {
            field.refuse(
                format!("`{text}` is no topic: {error}"),
                "write names with dots between them, `*` for any one name, and at the end `#` \
                 for any number: `order.placed`, `order.*`, `order.#`",
            );
            None
        }
    }
}
