//! `atomic` and the keys that belong to it.

use super::calls;
use crate::manifest::model::Component;
use crate::manifest::model::events::Atomic;
use crate::manifest::names;
use crate::manifest::reader::{Field, Table};

/// Statuses that an answer can end with.
const STATUSES: std::ops::RangeInclusive<u16> = 200..=599;

/// Reads the three keys; answers `atomic` itself where it names a path.
pub(super) fn read<'t>(table: &mut Table<'t>) -> (Atomic, Option<Field<'t>>) {
    let preset = Atomic::default();
    let atomic = table.optional("atomic");
    let paths = atomic.as_ref().map(read_paths).unwrap_or_default();
    for key in ["atomic_commit_status", "atomic_attempts_max"] {
        if let (None, Some(field)) = (&atomic, table.optional(key)) {
            field.refuse_key(
                "no handler of the component is atomic",
                "add `atomic = [\"/path\"]`, or remove it",
            );
        }
    }
    let commit_status = table.optional("atomic_commit_status");
    let settings = Atomic {
        commit_status: commit_status
            .and_then(|field| read_statuses(&field))
            .unwrap_or(preset.commit_status),
        attempts_max: table.number("atomic_attempts_max", 1..=100, preset.attempts_max),
        paths,
    };
    let atomic = atomic.filter(|_| !settings.paths.is_empty());
    (settings, atomic)
}

fn read_paths(field: &Field<'_>) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for (field, text) in field.strings() {
        let (base, rest) = match text.strip_suffix("/...") {
            Some("") => ("/", "..."),
            Some(base) => (base, "/..."),
            None => (text, ""),
        };
        if base.contains("...") || base.contains('*') {
            field.refuse(
                "a wildcard may only stand at the end, as `/...`",
                "name exact paths, or all below one: `\"/events/...\"`",
            );
        } else if calls::check_path(&field, base) {
            paths.push(format!("{base}{rest}"));
        }
    }
    paths
}

fn read_statuses(field: &Field<'_>) -> Option<Vec<(u16, u16)>> {
    let elements = field.elements()?;
    if elements.is_empty() {
        field.refuse(
            "no status would commit",
            "write `[\"2xx\"]`, or remove the key",
        );
    }
    Some(elements.iter().filter_map(read_status).collect())
}

/// One status, or a hundred of them: `404`, `"404"`, `"4xx"`.
fn read_status(field: &Field<'_>) -> Option<(u16, u16)> {
    if field.value().is_integer() {
        let (least, most) = (u64::from(*STATUSES.start()), u64::from(*STATUSES.end()));
        let status = u16::try_from(field.integer(least..=most)?).ok()?;
        return Some((status, status));
    }
    let text = field.string()?;
    let range = match text.strip_suffix("xx") {
        Some(hundreds) => one_to_three_digits(hundreds, 1).map(|digit| digit * 100),
        None => one_to_three_digits(text, 3),
    };
    let last = if text.ends_with("xx") { 99 } else { 0 };
    let range = range.filter(|status| STATUSES.contains(status));
    if range.is_none() {
        field.refuse(
            format!("`{text}` is no status of an answer"),
            "write one, such as `\"404\"`, or a hundred of them: `\"2xx\"` to `\"5xx\"`",
        );
    }
    range.map(|first| (first, first + last))
}

fn one_to_three_digits(text: &str, length: usize) -> Option<u16> {
    let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// What an atomic handler writes lies in the store that has the service's name.
pub(super) fn check_store(field: &Field<'_>, component: &Component) {
    let id = &component.id;
    let stores = &component.key_value_stores;
    if !stores.contains(id) {
        let mut all: Vec<&str> = stores.iter().map(String::as_str).collect();
        all.push(id);
        let all: Vec<String> = all.iter().map(|store| format!("\"{store}\"")).collect();
        field.refuse_dangling(
            format!(
                "an atomic handler commits to the service's own store `{id}`, \
                     which it is not granted"
            ),
            format!(
                "write `key_value_stores = [{}]` in `[component.{id}]`",
                all.join(", ")
            ),
        );
    }
    let withheld = &component.settings.composed_only.key_value_stores;
    if withheld.contains(id) {
        field.refuse(
            format!(
                "the store of atomic handlers, {}, is withheld by `composed_only`",
                names::listed([id.as_str()])
            ),
            format!("remove `{id}` from `composed_only`"),
        );
    }
}
