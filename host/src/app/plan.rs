//! What an apply would do: the manifest that runs and the one that is to run, compared key by key.
//!
//! [`tree`] takes a manifest apart, [`digest`] says whether a service's settings are the same, and
//! [`restart`] what cannot change while the host runs. Carrying a plan out is left to others.

pub mod digest;
pub mod restart;
#[cfg(test)]
mod tests;
pub mod tree;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Value;

use self::tree::{Service, Tree};
use crate::runtime::contracts::mismatch::about_the_difference;

/// The key of a line about a service as a whole; its values are the service's routes.
pub const SERVICE: &str = "service";

/// The key of a line about where a service is reached.
pub const ROUTE: &str = "route";

/// Longer values are shown in part.
const VALUE_CHARACTERS_MAX: usize = 60;

/// Stands in the place of a secret.
const SECRET: &str = "(secret)";

/// One difference between two manifests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLine {
    pub action: Action,
    /// None for what belongs to the whole application.
    pub service: Option<String>,
    /// Of a service within its table: `tool.kumiki.timeout_ms`.
    pub key: String,
    /// In TOML's syntax, and short.
    pub was: Option<String>,
    pub is: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Added,
    Changed,
    Removed,
}

/// All that differs, by service and key; first what belongs to the whole application.
pub fn plan(old: &Tree, new: &Tree) -> Vec<PlanLine> {
    let is_secret = |key: &str| old.is_secret(key) || new.is_secret(key);
    let mut lines = compare(None, &old.application, &new.application, is_secret);
    lines.extend(routes(None, &old.static_routes, &new.static_routes));
    let ids = old.services.keys().chain(new.services.keys());
    let mut ids: Vec<&String> = ids.collect();
    ids.sort();
    ids.dedup();
    for id in ids {
        match (old.services.get(id), new.services.get(id)) {
            (Some(old), Some(new)) => {
                lines.extend(compare(Some(id), &old.keys, &new.keys, |_| false));
                lines.extend(routes(Some(id), &old.routes, &new.routes));
            }
            (old, new) => lines.extend(whole(id, old, new)),
        }
    }
    lines.sort_by(|one, other| {
        let order = |line: &PlanLine| (line.service.clone(), line.key.clone());
        order(one).cmp(&order(other))
    });
    lines
}

/// A line, if the two values differ.
fn line(
    service: Option<&str>,
    key: &str,
    was: Option<String>,
    is: Option<String>,
) -> Option<PlanLine> {
    let action = match (&was, &is) {
        (None, None) => return None,
        (None, Some(_)) => Action::Added,
        (Some(_), Some(_)) => Action::Changed,
        (Some(_), None) => Action::Removed,
    };
    Some(PlanLine {
        action,
        service: service.map(str::to_owned),
        key: key.to_owned(),
        was,
        is,
    })
}

/// The line of a service that is new or gone.
fn whole(id: &str, old: Option<&Service>, new: Option<&Service>) -> Option<PlanLine> {
    let routes = |service: &Service| service.routes.join(", ");
    line(Some(id), SERVICE, old.map(routes), new.map(routes))
}

fn compare(
    service: Option<&str>,
    old: &BTreeMap<String, Value>,
    new: &BTreeMap<String, Value>,
    is_secret: impl Fn(&str) -> bool,
) -> Vec<PlanLine> {
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let differing = keys.into_iter().filter_map(|key| {
        let (was, is) = (old.get(key), new.get(key));
        if was == is {
            return None;
        }
        let (was, is) = match is_secret(key) {
            true => {
                let hidden = |_: &Value| SECRET.to_owned();
                (was.map(hidden), is.map(hidden))
            }
            false => shown(was.map(text), is.map(text)),
        };
        line(service, key, was, is)
    });
    differing.collect()
}

/// Routes that came and went; one of each is a change.
fn routes(service: Option<&str>, old: &[String], new: &[String]) -> Vec<PlanLine> {
    let gone = without(old, new);
    let came = without(new, old);
    if let ([gone], [came]) = (gone.as_slice(), came.as_slice()) {
        let change = line(service, ROUTE, Some(gone.clone()), Some(came.clone()));
        return change.into_iter().collect();
    }
    let gone = gone.into_iter();
    let gone = gone.filter_map(|route| line(service, ROUTE, Some(route), None));
    let came = came.into_iter();
    let came = came.filter_map(|route| line(service, ROUTE, None, Some(route)));
    gone.chain(came).collect()
}

/// What of `all` is not in `taken`, where each entry takes away one.
fn without(all: &[String], taken: &[String]) -> Vec<String> {
    let mut rest = all.to_vec();
    for entry in taken {
        if let Some(position) = rest.iter().position(|it| it == entry) {
            rest.remove(position);
        }
    }
    rest
}

/// A value in TOML's syntax, on one line.
fn text(value: &Value) -> String {
    let text = value.to_string();
    let shown = text.trim().chars().map(|character| match character {
        '\n' => "\\n".to_owned(),
        character if character.is_control() => character.escape_default().to_string(),
        character => character.to_string(),
    });
    shown.collect()
}

fn shown(was: Option<String>, is: Option<String>) -> (Option<String>, Option<String>) {
    match (was, is) {
        (Some(was), Some(is)) => {
            let (was, is) = about_the_difference(&was, &is, VALUE_CHARACTERS_MAX);
            (Some(was), Some(is))
        }
        (was, is) => (was.map(beginning), is.map(beginning)),
    }
}

fn beginning(text: String) -> String {
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
