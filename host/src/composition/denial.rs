//! What a dependency may not inherit, and the component that refuses it: it exports the interfaces
//! that the dependency imports from the host, and every call of them fails inside the sandbox.
//!
//! What is not known to be harmless is refused, so that a new interface of the host never comes
//! with a dependency by itself. How a refusal looks is left to [`super::refusal`].

use std::collections::BTreeSet;

use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
use wit_parser::{InterfaceId, Resolve, WorldId, WorldItem, WorldKey};

use super::refusal;
use crate::manifest::model::InheritConfiguration;

/// Interfaces of these namespaces come from the host; others are other components' business.
const HOST: [&str; 3] = ["wasi:", "spin:", "fermyon:"];

/// What every component gets: it reaches nothing but its own sandbox, its logs and the clock, or
/// only what another interface has opened.
const HARMLESS: [&str; 19] = [
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/system-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/types",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:sockets/instance-network",
    "wasi:sockets/network",
];

/// Harmless as a whole: numbers that nobody can foresee.
const HARMLESS_PACKAGE: &str = "wasi:random/";

/// By grant: the interfaces that use it, whatever their version.
const BY_GRANT: [(&str, &[&str]); 7] = [
    ("ai_models", &["fermyon:spin/llm"]),
    (
        "allowed_outbound_hosts",
        &[
            "fermyon:spin/mqtt",
            "fermyon:spin/mysql",
            "fermyon:spin/postgres",
            "fermyon:spin/redis",
            "spin:mqtt/mqtt",
            "spin:mysql/mysql",
            "spin:postgres/postgres",
            "spin:redis/redis",
            "wasi:http/client",
            "wasi:http/outgoing-handler",
            "wasi:sockets/ip-name-lookup",
            "wasi:sockets/tcp",
            "wasi:sockets/tcp-create-socket",
            "wasi:sockets/types",
            "wasi:sockets/udp",
            "wasi:sockets/udp-create-socket",
        ],
    ),
    ("environment", &["wasi:cli/environment"]),
    ("files", &["wasi:filesystem/preopens"]),
    (
        "key_value_stores",
        &[
            "fermyon:spin/key-value",
            "spin:key-value/key-value",
            "wasi:keyvalue/atomics",
            "wasi:keyvalue/batch",
            "wasi:keyvalue/store",
        ],
    ),
    (
        "sqlite_databases",
        &["fermyon:spin/sqlite", "spin:sqlite/sqlite"],
    ),
    (
        "variables",
        &["fermyon:spin/variables", "spin:variables/variables"],
    ),
];

/// Why capabilities cannot be withheld from a dependency.
#[derive(Debug, thiserror::Error)]
pub enum DenialError {
    /// Its imports are not readable as interfaces.
    #[error("its imports cannot be read: {0}")]
    Imports(String),
    /// The component that refuses could not be made.
    #[error("no refusal could be made: {0}")]
    Encode(String),
    /// The refusal does not fit the import.
    #[error("`{interface}` cannot be refused: {reason}")]
    Interface { interface: String, reason: String },
}

/// A component that stands in the place of the host.
pub struct Denial {
    pub component: Vec<u8>,
    /// What it satisfies: the dependency's import, and its own export.
    pub interfaces: Vec<(String, String)>,
}

/// The denial that a dependency needs, or none where it may have all that it imports.
///
/// # Errors
/// When it imports what cannot be refused faithfully.
pub fn of(
    dependency: &[u8],
    inherits: &InheritConfiguration,
) -> Result<Option<Denial>, DenialError> {
    if *inherits == InheritConfiguration::All {
        return Ok(None);
    }
    let unreadable = |reason| DenialError::Imports(reason);
    let decoded = wit_component::decode(dependency);
    let decoded = decoded.map_err(|error| unreadable(format!("{error:#}")))?;
    let DecodedWasm::Component(mut resolve, world) = decoded else {
        return Err(unreadable("it is a package of WIT".to_owned()));
    };
    let denied = denied(&resolve, world, inherits);
    if denied.is_empty() {
        return Ok(None);
    }
    let interfaces = denied
        .iter()
        .filter_map(|(key, id)| Some((resolve.name_world_key(key), resolve.id_of(*id)?)))
        .collect();
    turn_around(&mut resolve, world, &denied);
    let component = encode(&resolve, world).map_err(DenialError::Encode)?;
    Ok(Some(Denial {
        component,
        interfaces,
    }))
}

/// The imports that are refused, in the order of the dependency.
fn denied(
    resolve: &Resolve,
    world: WorldId,
    inherits: &InheritConfiguration,
) -> Vec<(WorldKey, InterfaceId)> {
    let mut denied: Vec<(WorldKey, InterfaceId)> = Vec::new();
    let imports = resolve.worlds.get(world).map(|world| &world.imports);
    for (key, item) in imports.into_iter().flatten() {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        // What rests on a refused interface has to take its types from there.
        let rests_on_denied = resolve
            .interface_direct_deps(*id)
            .any(|dependency| denied.iter().any(|(_, denied)| *denied == dependency));
        let has_functions = resolve
            .interfaces
            .get(*id)
            .is_some_and(|interface| !interface.functions.is_empty());
        let name = resolve.id_of(*id).unwrap_or_default();
        let is_refused = has_functions && !is_allowed(&name, inherits);
        if rests_on_denied || is_refused {
            denied.push((key.clone(), *id));
        }
    }
    denied
}

fn is_allowed(interface: &str, inherits: &InheritConfiguration) -> bool {
    let path = interface.split('@').next().unwrap_or(interface);
    let is_of_host = HOST.iter().any(|namespace| path.starts_with(namespace));
    let is_harmless = HARMLESS.contains(&path) || path.starts_with(HARMLESS_PACKAGE);
    if !is_of_host || is_harmless {
        return true;
    }
    let InheritConfiguration::Some(grants) = inherits else {
        return *inherits == InheritConfiguration::All;
    };
    BY_GRANT.iter().any(|(grant, interfaces)| {
        interfaces.contains(&path) && grants.iter().any(|inherited| inherited == grant)
    })
}

/// Makes of the dependency's world that of the denial: it exports what was imported, and imports
/// only the types that this needs.
fn turn_around(resolve: &mut Resolve, world: WorldId, denied: &[(WorldKey, InterfaceId)]) {
    let is_denied = |id: InterfaceId| denied.iter().any(|(_, denied)| *denied == id);
    let mut needed = BTreeSet::new();
    let mut waiting: Vec<InterfaceId> = denied.iter().map(|(_, id)| *id).collect();
    while let Some(id) = waiting.pop() {
        for dependency in resolve.interface_direct_deps(id) {
            if !is_denied(dependency) && needed.insert(dependency) {
                waiting.push(dependency);
            }
        }
    }
    let Some(world) = resolve.worlds.get_mut(world) else {
        return;
    };
    let imports = std::mem::take(&mut world.imports);
    world.exports.clear();
    for (key, item) in imports {
        let WorldItem::Interface { id, .. } = &item else {
            continue;
        };
        let id = *id;
        if is_denied(id) {
            // Two imports of one interface are refused by one export of it.
            world.exports.insert(WorldKey::Interface(id), item);
        } else if needed.contains(&id) {
            world.imports.insert(key, item);
        }
    }
}

fn encode(resolve: &Resolve, world: WorldId) -> Result<Vec<u8>, String> {
    let mut module = refusal::module(resolve, world);
    wit_component::embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)
        .map_err(|error| format!("{error:#}"))?;
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| format!("{error:#}"))
}
