//! Composes a component with the providers of its links, and theirs: one instance of each, shared
//! by all who link it. That the grants fit is left to the command.

use std::collections::{BTreeMap, BTreeSet};

use super::dependencies;
use super::graph::{Graph, GraphError, Part};

/// The packages of these namespaces are offered by engines, not by other components.
const OFFERED: [&str; 3] = ["wasi:", "spin:", "fermyon:"];

/// One component that takes part.
#[derive(Clone, Debug, Default)]
pub struct Linked {
    pub component: Vec<u8>,
    /// By import: the component that answers it.
    pub links: BTreeMap<String, String>,
    /// The names of Spin's `dependencies` that the engine will compose into it.
    pub dependencies: Vec<String>,
}

/// Why a component cannot be composed with those that it links.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error(
        "its links lead back to where they begin: {}; one composed component cannot be inside \
         another that is inside it: break the circle, or call over `http://ID.spin.internal`",
        .0.join(" → ")
    )]
    Cycle(Vec<String>),
    #[error(
        "`{component}` links `{import}`, which it does not import; {}",
        imported(.imports)
    )]
    NotImported {
        component: String,
        import: String,
        /// What it imports from other components.
        imports: Vec<String>,
    },
    #[error(
        "`{component}` links `{import}` to `{provider}`, which does not export it; {}",
        exported(.exports)
    )]
    NotExported {
        component: String,
        import: String,
        provider: String,
        exports: Vec<String>,
    },
    #[error("`{import}` of `{component}` does not fit what `{provider}` exports: {reason}")]
    Mismatch {
        component: String,
        import: String,
        provider: String,
        reason: String,
    },
    #[error(
        "`{component}` imports `{import}`, which nothing satisfies; add `links = {{ \"{import}\" = \
         \"ID\" }}` to [component.{component}.tool.kumiki], with the component that exports it"
    )]
    Unlinked { component: String, import: String },
    #[error(transparent)]
    Graph(#[from] GraphError),
}

fn imported(imports: &[String]) -> String {
    match imports {
        [] => "it imports nothing from other components, so remove the link".to_owned(),
        imports => format!("it imports {}", imports.join(", ")),
    }
}

fn exported(exports: &[String]) -> String {
    match exports {
        [] => "it exports nothing to link".to_owned(),
        exports => format!("it exports {}", exports.join(", ")),
    }
}

/// The components that `root` links, and those that they link, each before those who link it;
/// `root` comes last.
///
/// # Errors
/// The circle, if the links make one.
pub fn reached(root: &str, links: &dyn Fn(&str) -> Vec<String>) -> Result<Vec<String>, LinkError> {
    let (mut order, mut path) = (Vec::new(), Vec::new());
    visit(root, links, &mut path, &mut order)?;
    Ok(order)
}

fn visit(
    component: &str,
    links: &dyn Fn(&str) -> Vec<String>,
    path: &mut Vec<String>,
    order: &mut Vec<String>,
) -> Result<(), LinkError> {
    if order.iter().any(|done| done == component) {
        return Ok(());
    }
    let begin = path.iter().position(|waiting| waiting == component);
    path.push(component.to_owned());
    if let Some(begin) = begin {
        return Err(LinkError::Cycle(path.split_off(begin)));
    }
    for provider in links(component) {
        visit(&provider, links, path, order)?;
    }
    path.pop();
    order.push(component.to_owned());
    Ok(())
}

/// Composes `root` with the components that its links reach.
///
/// # Errors
/// Everything that does not fit, at once.
pub fn compose(
    root: &str,
    components: &BTreeMap<String, Linked>,
) -> Result<Vec<u8>, Vec<LinkError>> {
    let providers = |id: &str| -> Vec<String> {
        let linked = components.get(id);
        let providers = linked.map(|linked| linked.links.values().cloned());
        providers.into_iter().flatten().collect()
    };
    let order = reached(root, &providers).map_err(|error| vec![error])?;
    let mut graph = Graph::default();
    let mut parts = BTreeMap::new();
    let mut errors = Vec::new();
    for id in &order {
        let Some(linked) = components.get(id) else {
            continue;
        };
        let part = graph.add(id, &linked.component);
        let part = part.map_err(|error| vec![error.into()])?;
        for (import, provider) in &linked.links {
            let provider = (provider.as_str(), parts.get(provider).copied());
            if let Err(error) = link(&mut graph, (id, part), import, provider) {
                errors.push(error);
            }
        }
        errors.extend(unlinked(&graph, id, part, linked));
        parts.insert(id.clone(), part);
    }
    match parts.get(root).copied() {
        Some(part) if errors.is_empty() => graph.encode(part).map_err(|error| vec![error.into()]),
        _ => Err(errors),
    }
}

fn link(
    graph: &mut Graph,
    (component, part): (&str, Part),
    import: &str,
    (provider, provider_part): (&str, Option<Part>),
) -> Result<(), LinkError> {
    let imports = graph.imports(part);
    if !imports.iter().any(|name| name == import) {
        return Err(LinkError::NotImported {
            component: component.to_owned(),
            import: import.to_owned(),
            imports: imports
                .into_iter()
                .filter(|name| !is_offered(name))
                .collect(),
        });
    }
    let exports = provider_part.map_or_else(Vec::new, |part| graph.exports(part));
    let (Some(provider_part), Some(export)) = (provider_part, best(import, &exports)) else {
        return Err(LinkError::NotExported {
            component: component.to_owned(),
            import: import.to_owned(),
            provider: provider.to_owned(),
            exports: exports
                .into_iter()
                .filter(|name| !is_offered(name))
                .collect(),
        });
    };
    let connected = graph.connect(part, import, provider_part, export);
    connected.map_err(|reason| LinkError::Mismatch {
        component: component.to_owned(),
        import: import.to_owned(),
        provider: provider.to_owned(),
        reason,
    })
}

/// The imports that nothing satisfies: neither a link, nor a dependency, nor an engine.
fn unlinked(graph: &Graph, id: &str, part: Part, linked: &Linked) -> Vec<LinkError> {
    let imports: BTreeSet<String> = graph.imports(part).into_iter().collect();
    let open = imports.into_iter().filter(|import| {
        let mut dependencies = linked.dependencies.iter();
        !linked.links.contains_key(import)
            && !is_offered(import)
            && !dependencies.any(|name| dependencies::satisfies(name, import))
            && graph.needs_provider(part, import)
    });
    open.map(|import| LinkError::Unlinked {
        component: id.to_owned(),
        import,
    })
    .collect()
}

fn is_offered(name: &str) -> bool {
    OFFERED.iter().any(|namespace| name.starts_with(namespace))
}

/// The export that an import is met by: of the same name, else the highest version that is
/// compatible and not lower.
fn best<'e>(import: &str, exports: &'e [String]) -> Option<&'e str> {
    let same = exports.iter().find(|export| *export == import);
    if let Some(same) = same {
        return Some(same);
    }
    let (path, wanted) = versioned(import)?;
    let candidates = exports.iter().filter_map(|export| {
        let (other, version) = versioned(export)?;
        (other == path && meets(&version, &wanted)).then_some((version, export.as_str()))
    });
    candidates.max().map(|(_, export)| export)
}

fn versioned(name: &str) -> Option<(&str, semver::Version)> {
    let (path, version) = name.split_once('@')?;
    Some((path, semver::Version::parse(version).ok()?))
}

/// Whether who wants one version can do with another, by <https://semver.org>: not a lower one, of
/// the same major version, in `0.x` of the same `x`, and prereleases with themselves alone.
fn meets(offered: &semver::Version, wanted: &semver::Version) -> bool {
    let is_final = offered.pre.is_empty() && wanted.pre.is_empty();
    let same_track = match (offered.major, offered.minor) {
        (0, 0) => (wanted.major, wanted.minor, wanted.patch) == (0, 0, offered.patch),
        (0, minor) => (wanted.major, wanted.minor) == (0, minor),
        (major, _) => wanted.major == major,
    };
    is_final && same_track && offered >= wanted
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn an_import_is_met_by_the_highest_version_that_is_compatible() {
        let exports = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| format!("a:b/c@{name}")).collect()
        };
        let met = |import: &str, names: &[&str]| {
            best(&format!("a:b/c@{import}"), &exports(names)).map(str::to_owned)
        };
        assert_eq!(met("1.0.0", &["1.1.0", "1.2.0"]).unwrap(), "a:b/c@1.2.0");
        assert_eq!(met("1.0.0", &["1.1.0", "1.0.0"]).unwrap(), "a:b/c@1.0.0");
        assert_eq!(met("0.2.0", &["0.2.6"]).unwrap(), "a:b/c@0.2.6");
        for (import, export) in [
            ("1.1.0", "1.0.0"),
            ("1.0.0", "2.0.0"),
            ("0.1.0", "0.2.0"),
            ("0.0.1", "0.0.2"),
            ("1.0.0", "1.1.0-rc.1"),
        ] {
            assert_eq!(met(import, &[export]), None, "{import} by {export}");
        }
    }
}
