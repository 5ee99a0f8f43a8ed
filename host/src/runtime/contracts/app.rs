//! The links of a whole app at once: every import is offered by the host, linked, or told as an
//! error with the line to add.

use std::collections::BTreeMap;

use super::links::{check_link, is_same_interface, meeting_export};
use super::mismatch::{Mismatch, describe};
use super::{Contract, Item};
use crate::manifest::names::{listed, nearest};

/// One service with its contract and the links that the manifest gives it.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    pub contract: &'a Contract,
    /// The id of the provider by the interface that is imported.
    pub links: &'a BTreeMap<String, String>,
}

/// What answers a linked import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The component's id.
    pub provider: String,
    /// The provider's own name of the interface; its version may be higher than the import's.
    pub export: String,
}

/// By component and by the name of the import: what answers it.
pub type Resolved = BTreeMap<String, BTreeMap<String, Target>>;

/// What the host itself offers: the component's id and the name of the import.
pub type Offered<'a> = dyn Fn(&str, &str) -> bool + 'a;

/// Checks the links of all services. The error has a text for everything that is wrong.
pub fn check_links(
    parties: &BTreeMap<String, Party<'_>>,
    offered: &Offered<'_>,
) -> Result<Resolved, Vec<String>> {
    let mut resolved = Resolved::new();
    let mut errors = Vec::new();
    for (id, party) in parties {
        for (import, provider) in party.links {
            match resolve(parties, id, party, import, provider, offered) {
                Ok(target) => {
                    let targets = resolved.entry(id.clone()).or_default();
                    targets.insert(import.clone(), target);
                }
                Err(error) => errors.push(error),
            }
        }
        errors.extend(denied(parties, id, party, offered));
    }
    if errors.is_empty() {
        Ok(resolved)
    } else {
        Err(errors)
    }
}

fn resolve(
    parties: &BTreeMap<String, Party<'_>>,
    id: &str,
    party: &Party<'_>,
    import: &str,
    provider: &str,
    offered: &Offered<'_>,
) -> Result<Target, String> {
    let refused = |reason: String| {
        Err(format!(
            "component `{id}`: link `{import}` to `{provider}`: {reason}"
        ))
    };
    let imports = || party.contract.imported_interfaces();
    if !imports().any(|interface| interface.name == import) {
        return refused(not_imported(id, party, import, offered));
    }
    if offered(id, import) {
        return refused("kumiki offers this interface itself; remove the link".to_owned());
    }
    let Some(target) = parties.get(provider) else {
        let known = parties
            .keys()
            .map(String::as_str)
            .filter(|known| *known != id);
        return refused(match nearest(provider, known) {
            Some(near) => format!("there is no component `{provider}`; did you mean `{near}`?"),
            None => format!("there is no component `{provider}`"),
        });
    };
    check_link(party.contract, import, target.contract)
        .map(|linked| Target {
            provider: provider.to_owned(),
            export: linked.export,
        })
        .map_err(|mismatches| {
            let mut text = describe(id, import, provider, &mismatches);
            if matches!(mismatches.as_slice(), [Mismatch::NotExported { .. }]) {
                text.push_str(&who_exports(import, parties));
            }
            text
        })
}

/// The end of a sentence that says which components a link could lead to.
fn who_exports(import: &str, parties: &BTreeMap<String, Party<'_>>) -> String {
    match exporters(import, parties).as_slice() {
        [] => String::new(),
        [exporter] => format!("; `{exporter}` exports it"),
        exporters => format!("; {} export it", listed(exporters.iter().copied())),
    }
}

fn not_imported(id: &str, party: &Party<'_>, import: &str, offered: &Offered<'_>) -> String {
    let linkable: Vec<&str> = unsatisfied(party.contract, |name| offered(id, name))
        .into_iter()
        .filter_map(Item::interface)
        .map(|interface| interface.name.as_str())
        .collect();
    match nearest(import, linkable.iter().copied()) {
        Some(near) => format!("{id} does not import it; did you mean `{near}`?"),
        None if linkable.is_empty() => {
            format!("{id} does not import it, nor anything else that needs a link; remove the link")
        }
        None => format!(
            "{id} does not import it; it imports {}",
            listed(linkable.iter().copied())
        ),
    }
}

/// The imports that are more than types and are not offered.
pub fn unsatisfied(contract: &Contract, offered: impl Fn(&str) -> bool) -> Vec<&Item> {
    let imports = contract.imports.iter();
    imports
        .filter(|item| !item.is_types_only() && !offered(item.name()))
        .collect()
}

/// The components that export what meets an import.
pub fn exporters<'p>(import: &str, parties: &'p BTreeMap<String, Party<'_>>) -> Vec<&'p str> {
    let exporting = parties
        .iter()
        .filter(|(_, party)| meeting_export(import, party.contract).is_some());
    exporting.map(|(id, _)| id.as_str()).collect()
}

/// A text for every import of a component that neither the host nor a link satisfies.
fn denied(
    parties: &BTreeMap<String, Party<'_>>,
    id: &str,
    party: &Party<'_>,
    offered: &Offered<'_>,
) -> Vec<String> {
    let denied = unsatisfied(party.contract, |name| {
        offered(id, name) || party.links.contains_key(name)
    });
    let others = |import: &str| {
        let mut exporters = exporters(import, parties);
        exporters.retain(|exporter| *exporter != id);
        exporters
    };
    // The table that would satisfy them all, beside the links that are there already.
    let missing = denied
        .iter()
        .filter_map(|item| Some((item.name(), *others(item.name()).first()?)));
    let line = line_to_add(id, party.links, missing);
    let tell = |item: &&Item| {
        let what = match item {
            Item::Interface(interface) => {
                return denied_interface(parties, id, &interface.name, &others(item.name()), &line);
            }
            Item::Function(function) => format!("the function `{}`", function.name),
            Item::Other(other) => format!("the {} `{}`", other.kind, other.name),
        };
        format!(
            "component `{id}` imports {what} outside of any interface, which nothing satisfies; \
             only interfaces can be linked"
        )
    };
    denied.iter().map(tell).collect()
}

/// The line of the manifest that links what is missing beside what is linked already.
pub(super) fn line_to_add<'a>(
    id: &str,
    links: &'a BTreeMap<String, String>,
    missing: impl Iterator<Item = (&'a str, &'a str)>,
) -> String {
    let links = links
        .iter()
        .map(|(import, provider)| (import.as_str(), provider.as_str()));
    let links: BTreeMap<&str, &str> = links.chain(missing).collect();
    let links: Vec<_> = links
        .iter()
        .map(|(import, provider)| format!("\"{import}\" = \"{provider}\""))
        .collect();
    format!(
        "add to [component.{id}.tool.kumiki]: links = {{ {} }}",
        links.join(", ")
    )
}

fn denied_interface(
    parties: &BTreeMap<String, Party<'_>>,
    id: &str,
    import: &str,
    exporters: &[&str],
    line: &str,
) -> String {
    let text = format!("component `{id}` imports `{import}`, which nothing satisfies");
    match exporters {
        [] => {}
        [exporter] => return format!("{text}; `{exporter}` exports it: {line}"),
        _ => {
            let exporters = listed(exporters.iter().copied());
            return format!("{text}; {exporters} export it: choose one and {line}");
        }
    }
    let versions: Vec<_> = parties
        .iter()
        .filter(|(other, _)| other.as_str() != id)
        .flat_map(|(other, party)| {
            let exports = party.contract.exported_interfaces();
            let versions = exports.filter(|export| is_same_interface(&export.name, import));
            versions.map(move |export| format!("`{other}` exports `{}`", export.name))
        })
        .collect();
    if versions.is_empty() {
        format!("{text}; no component of the app exports it")
    } else {
        format!("{text}; {}, which does not meet it", versions.join(", "))
    }
}
