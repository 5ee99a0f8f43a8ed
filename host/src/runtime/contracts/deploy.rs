//! What a new revision of one service would break: its exports against all that live revisions of
//! its consumers import, and its imports against what live revisions of its providers export.
//!
//! Left to others: what a deploy does with the answer, and whether the manifest's stores, hosts and
//! variables are enough for the new revision.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::app::{Offered, line_to_add, unsatisfied};
use super::change::{changes, shown};
use super::links::{check_link, meeting_export};
use super::mismatch::Mismatch;
use super::{Contract, Function, Interface, Item};
use crate::manifest::names::{listed, nearest};

/// Stands for what is not there.
const NONE: &str = "-";

/// What runs of one service.
#[derive(Clone, Debug)]
pub struct ServiceContracts<'a> {
    /// The id of the provider by the interface that is imported.
    pub links: &'a BTreeMap<String, String>,
    /// Those of all live revisions.
    pub contracts: Vec<&'a Contract>,
}

/// What is to run besides, or in the place of what runs of the service now.
#[derive(Clone, Copy, Debug)]
pub struct NewRevision<'a> {
    /// The service's id.
    pub service: &'a str,
    pub contract: &'a Contract,
    pub links: &'a BTreeMap<String, String>,
}

/// One function that a consumer imports and would not get any more, or not as it imports it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Break {
    /// The service that imports it.
    pub consumer: String,
    /// `interface#function`, or the interface where all of it is missing.
    pub function: String,
    /// As the consumer imports it; of a whole interface the version.
    pub was: String,
    /// As the provider exports it.
    pub is: String,
    /// One sentence.
    pub why: String,
}

/// Everything that a new revision would break, each once; empty when nothing stands in its way.
/// `services` has all that run, among them the one that is deployed.
pub fn breaks(
    services: &BTreeMap<String, ServiceContracts<'_>>,
    new: &NewRevision<'_>,
    offered: &Offered<'_>,
) -> Vec<Break> {
    let mut breaks = of_consumers(services, new);
    breaks.extend(of_imports(services, new, offered));
    breaks.extend(unlinked(services, new, offered));
    breaks.sort();
    breaks.dedup();
    breaks
}

/// What live revisions of others import of the new one.
fn of_consumers(
    services: &BTreeMap<String, ServiceContracts<'_>>,
    new: &NewRevision<'_>,
) -> Vec<Break> {
    // A request tree sees one revision of each service, so what the service imports of itself is
    // held against the new revision alone, among its imports.
    let consumers = services.iter().filter(|(id, _)| *id != new.service);
    let mut breaks = Vec::new();
    for (consumer, service) in consumers {
        let linked = service.links.iter();
        let linked = linked.filter(|(_, provider)| *provider == new.service);
        for (import, _) in linked {
            for contract in &service.contracts {
                let link = Link {
                    consumer,
                    importer: contract,
                    import,
                    provider: new.service,
                    exporter: new.contract,
                    is_import_new: false,
                };
                breaks.extend(link.breaks());
            }
        }
    }
    breaks
}

/// What the new revision imports over its links.
fn of_imports(
    services: &BTreeMap<String, ServiceContracts<'_>>,
    new: &NewRevision<'_>,
    offered: &Offered<'_>,
) -> Vec<Break> {
    let mut breaks = Vec::new();
    for (import, provider) in new.links {
        let Some(interface) = imported(new.contract, import) else {
            // The revision before may still need the link.
            continue;
        };
        let refused = |why: String| Break {
            consumer: new.service.to_owned(),
            function: import.clone(),
            was: version(&interface.name),
            is: NONE.to_owned(),
            why,
        };
        if offered(new.service, import) {
            let why = "kumiki offers this interface itself; remove the link";
            breaks.push(refused(why.to_owned()));
            continue;
        }
        let exporters = match services.get(provider) {
            _ if provider == new.service => vec![new.contract],
            Some(service) => service.contracts.clone(),
            None => Vec::new(),
        };
        if exporters.is_empty() {
            breaks.push(refused(not_running(services, provider)));
        }
        for exporter in exporters {
            let link = Link {
                consumer: new.service,
                importer: new.contract,
                import,
                provider,
                exporter,
                is_import_new: true,
            };
            breaks.extend(link.breaks());
        }
    }
    breaks
}

fn not_running(services: &BTreeMap<String, ServiceContracts<'_>>, provider: &str) -> String {
    if services.contains_key(provider) {
        return format!("`{provider}`, to which it is linked, has no live revision");
    }
    match nearest(provider, services.keys().map(String::as_str)) {
        Some(near) => format!("there is no service `{provider}`; did you mean `{near}`?"),
        None => format!("there is no service `{provider}`"),
    }
}

/// What the new revision imports and neither the host nor a link satisfies.
fn unlinked(
    services: &BTreeMap<String, ServiceContracts<'_>>,
    new: &NewRevision<'_>,
    offered: &Offered<'_>,
) -> Vec<Break> {
    let unlinked = unsatisfied(new.contract, |name| {
        offered(new.service, name) || new.links.contains_key(name)
    });
    let missing = unlinked
        .iter()
        .filter_map(|item| Some((item.name(), *exporters(services, new, item.name()).first()?)));
    let line = line_to_add(new.service, new.links, missing);
    let tell = |item: &&Item| {
        let (was, why) = match item {
            Item::Interface(interface) => {
                let why = match exporters(services, new, &interface.name).as_slice() {
                    [] => "it imports what no link satisfies, and no service exports it".to_owned(),
                    [_] => format!("it imports what no link satisfies; {line}"),
                    several => format!(
                        "it imports what no link satisfies; {} export it: choose one and {line}",
                        listed(several.iter().copied())
                    ),
                };
                (version(&interface.name), why)
            }
            Item::Function(function) => (shown(function, function).0, only_interfaces()),
            Item::Other(other) => (other.kind.to_string(), only_interfaces()),
        };
        Break {
            consumer: new.service.to_owned(),
            function: item.name().to_owned(),
            was,
            is: NONE.to_owned(),
            why,
        }
    };
    unlinked.iter().map(tell).collect()
}

fn only_interfaces() -> String {
    "it is imported outside of any interface, and only interfaces can be linked".to_owned()
}

/// The other services of which every live revision exports what meets an import.
fn exporters<'s>(
    services: &'s BTreeMap<String, ServiceContracts<'_>>,
    new: &NewRevision<'_>,
    import: &str,
) -> Vec<&'s str> {
    let exports = |contract: &&Contract| meeting_export(import, contract).is_some();
    let exporters = services.iter().filter(|(id, service)| {
        let contracts = &service.contracts;
        *id != new.service && !contracts.is_empty() && contracts.iter().all(exports)
    });
    exporters.map(|(id, _)| id.as_str()).collect()
}

fn imported<'c>(contract: &'c Contract, import: &str) -> Option<&'c Interface> {
    let mut interfaces = contract.imported_interfaces();
    interfaces.find(|interface| interface.name == import)
}

/// `1.0.0` of `store:catalog/products@1.0.0`.
fn version(interface: &str) -> String {
    let version = interface.split_once('@').map(|(_, version)| version);
    version.unwrap_or("any version").to_owned()
}

/// An import of one revision held against the exports of another one.
struct Link<'a> {
    consumer: &'a str,
    importer: &'a Contract,
    import: &'a str,
    provider: &'a str,
    exporter: &'a Contract,
    /// Whether the new revision is the one that imports, and not the one that exports.
    is_import_new: bool,
}

impl Link<'_> {
    fn breaks(&self) -> Vec<Break> {
        let Some(wanted) = imported(self.importer, self.import) else {
            return Vec::new();
        };
        let mismatches = check_link(self.importer, self.import, self.exporter).err();
        let mismatches = mismatches.unwrap_or_default();
        let offered = meeting_export(self.import, self.exporter);
        let tell = |mismatch: &Mismatch| self.tell(mismatch, wanted, offered);
        mismatches.iter().map(tell).collect()
    }

    fn tell(&self, mismatch: &Mismatch, wanted: &Interface, offered: Option<&Interface>) -> Break {
        let of = |name: &str, was: String, is: String, why: String| Break {
            consumer: self.consumer.to_owned(),
            function: match name {
                "" => self.import.to_owned(),
                name => format!("{}#{name}", self.import),
            },
            was,
            is,
            why,
        };
        let held = |kind: String, name: &str, is_offered: bool| {
            let is = match is_offered {
                true => kind.clone(),
                false => NONE.to_owned(),
            };
            let why = format!("a {kind} cannot cross a link");
            of(name, kind, is, why)
        };
        match mismatch {
            Mismatch::NotImported | Mismatch::NotExported { .. } => {
                let why = self.gone("interface");
                of("", version(self.import), NONE.to_owned(), why)
            }
            Mismatch::OtherVersion { versions } => {
                let versions: Vec<_> = versions.iter().map(|name| version(name)).collect();
                let versions = versions.join(", ");
                let why = format!("exported as {versions}");
                of("", version(self.import), versions, why)
            }
            Mismatch::HoldsResource(name) => {
                let is_offered =
                    offered.is_some_and(|interface| interface.resources.contains(name));
                held("resource".to_owned(), name, is_offered)
            }
            Mismatch::HoldsOther(other) => {
                let is_offered = offered.is_some_and(|interface| interface.others.contains(other));
                held(other.kind.to_string(), &other.name, is_offered)
            }
            Mismatch::Obstacles { name, obstacles } => {
                let has: Vec<_> = obstacles.iter().map(ToString::to_string).collect();
                let why = format!("it has {}, which cannot cross a link", has.join(" and "));
                let (was, is) = texts(name, wanted, offered);
                of(name, was, is, why)
            }
            Mismatch::MissingFunction { name } => {
                let (was, is) = texts(name, wanted, offered);
                of(name, was, is, self.gone("function"))
            }
            Mismatch::Differs { name, .. } => {
                let (was, is) = texts(name, wanted, offered);
                let both = functions(name, wanted, offered);
                let why = both.map(|(one, other)| self.differs(one, other));
                of(name, was, is, why.unwrap_or_default())
            }
        }
    }

    fn gone(&self, what: &str) -> String {
        match self.is_import_new {
            true => format!("{} does not export it", self.provider),
            false => format!("the {what} is gone"),
        }
    }

    fn differs(&self, wanted: &Function, offered: &Function) -> String {
        let told = changes(wanted, offered).into_iter().map(|change| {
            let (place, was, is) = (change.place, change.was, change.is);
            match self.is_import_new {
                true => format!("{place}: {was}, and {} has {is}", self.provider),
                false => format!("{place}: {was} became {is}"),
            }
        });
        told.collect::<Vec<_>>().join("; ")
    }
}

fn functions<'c>(
    name: &str,
    wanted: &'c Interface,
    offered: Option<&'c Interface>,
) -> Option<(&'c Function, &'c Function)> {
    Some((wanted.function(name)?, offered?.function(name)?))
}

/// A function as it is wanted and as it is offered.
fn texts(name: &str, wanted: &Interface, offered: Option<&Interface>) -> (String, String) {
    if let Some((wanted, offered)) = functions(name, wanted, offered) {
        return shown(wanted, offered);
    }
    let text = |function: &Function| shown(function, function).0;
    let was = wanted.function(name).map_or_else(|| NONE.to_owned(), text);
    (was, NONE.to_owned())
}
