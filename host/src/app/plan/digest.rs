//! One digest for all that the manifest says of how a service runs.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::tree::Tree;
use crate::manifest::template::Template;

/// Keys of a component that its service sees nothing of: the artifact has a digest of its own.
const NOT_SEEN: [&str; 4] = ["source", "description", "build", "targets"];

impl Tree {
    /// The SHA-256 of a service's settings: its table, without what only tells how its artifact is
    /// made, and the variables that it uses. Equal settings have one digest however they are
    /// written. `None`: there is no such service.
    ///
    /// # Errors
    /// When TOML cannot hold what the table holds, which it did when it was read.
    pub fn settings_digest(
        &self,
        id: &str,
        profile: Option<&str>,
    ) -> Result<Option<String>, toml::ser::Error> {
        let Some(service) = self.services.get(id) else {
            return Ok(None);
        };
        let seen = seen(service.table.clone(), profile);
        let mut used = BTreeSet::new();
        seen.values()
            .for_each(|value| find_variables(value, &mut used));
        let variables = self.variables.iter();
        let variables = variables.filter(|(name, _)| used.contains(name.as_str()));
        let variables: Table = variables
            .map(|(name, declared)| (name.clone(), without_description(declared.clone())))
            .collect();
        let whole = Table::from_iter([
            ("component".to_owned(), Value::Table(seen)),
            ("variables".to_owned(), Value::Table(variables)),
        ]);
        let text = toml::to_string(&sorted(Value::Table(whole)))?;
        Ok(Some(hex::encode(Sha256::digest(text))))
    }
}

/// What of a component's table its service sees, with the profile that was chosen.
fn seen(mut table: Table, profile: Option<&str>) -> Table {
    NOT_SEEN.iter().for_each(|key| drop(table.remove(*key)));
    let ours = table.remove("tool").and_then(|tool| inner(tool, "kumiki"));
    if let Some(mut ours) = ours {
        ours.remove("source");
        table.insert("tool".to_owned(), Value::Table(ours));
    }
    let profiles = table.remove("profile");
    let chosen = profiles.and_then(|profiles| inner(profiles, profile?));
    if let Some(mut chosen) = chosen {
        NOT_SEEN.iter().for_each(|key| drop(chosen.remove(*key)));
        table.insert("profile".to_owned(), Value::Table(chosen));
    }
    // An empty table says as much as none.
    table.retain(|_, value| value.as_table().is_none_or(|table| !table.is_empty()));
    table
}

fn inner(value: Value, key: &str) -> Option<Table> {
    match value {
        Value::Table(mut table) => match table.remove(key) {
            Some(Value::Table(inner)) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

fn without_description(mut declared: Value) -> Value {
    if let Value::Table(table) = &mut declared {
        table.remove("description");
    }
    declared
}

/// The variables that the templates in a value name.
fn find_variables(value: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            if let Ok(template) = Template::parse(text) {
                used.extend(template.variables().map(|(name, _)| name.to_owned()));
            }
        }
        Value::Array(values) => values.iter().for_each(|value| find_variables(value, used)),
        Value::Table(table) => table.values().for_each(|value| find_variables(value, used)),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

/// The same value with all keys in the order of their names.
fn sorted(value: Value) -> Value {
    match value {
        Value::Table(table) => {
            let table: BTreeMap<String, Value> = table.into_iter().collect();
            let entries = table.into_iter().map(|(key, value)| (key, sorted(value)));
            Value::Table(entries.collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}
