//! Composes a component with its `dependencies`, as Spin does: every dependency becomes a part of
//! the one sandbox, and gets only those capabilities of it that it may inherit.
//!
//! Where the components come from is left to the callers.

use std::collections::BTreeMap;

use super::denial::{self, DenialError};
use super::graph::{Graph, GraphError, Part};
use crate::manifest::model::InheritConfiguration;

/// One entry of a component's `dependencies`.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The imports that it satisfies: one of a plain name, of an interface, or all of a package.
    pub name: String,
    pub component: Vec<u8>,
    /// The export to use; without it, the one that is named like the import.
    pub export: Option<String>,
    pub inherits: InheritConfiguration,
}

/// Why a component cannot be composed with its dependencies.
#[derive(Debug, thiserror::Error)]
pub enum DependencyError {
    #[error(
        "dependency `{dependency}` satisfies none of its imports; {}",
        listed("it imports", .imports)
    )]
    Unmatched {
        dependency: String,
        imports: Vec<String>,
    },
    #[error("import `{import}` is satisfied by {}; keep one", .dependencies.join(" and "))]
    Conflict {
        import: String,
        dependencies: Vec<String>,
    },
    #[error(
        "dependency `{dependency}` has no export `{export}` for import `{import}`; {}: name the \
         right one with `export`",
        listed("it exports", .exports)
    )]
    MissingExport {
        dependency: String,
        export: String,
        import: String,
        exports: Vec<String>,
    },
    #[error("dependency `{dependency}` does not fit import `{import}`: {reason}")]
    Mismatch {
        dependency: String,
        import: String,
        reason: String,
    },
    #[error(
        "dependency `{dependency}` cannot be kept from capabilities that it may not inherit: \
         {error}; if it is trusted with all of them, say `inherit_configuration = true`"
    )]
    Denial {
        dependency: String,
        error: DenialError,
    },
    #[error(transparent)]
    Graph(#[from] GraphError),
}

fn listed(words: &str, names: &[String]) -> String {
    match names {
        [] => format!("{words} nothing"),
        names => format!("{words} {}", names.join(", ")),
    }
}

/// The component with its dependencies inside.
///
/// # Errors
/// The first thing that does not fit.
pub fn compose(component: &[u8], dependencies: &[Dependency]) -> Result<Vec<u8>, DependencyError> {
    let mut graph = Graph::default();
    let root = graph.add("the component", component)?;
    let imports = graph.imports(root);
    let mut satisfied: BTreeMap<&str, &Dependency> = BTreeMap::new();
    for dependency in dependencies {
        let matched = imports
            .iter()
            .filter(|import| satisfies(&dependency.name, import));
        let before = satisfied.len();
        for import in matched {
            if let Some(other) = satisfied.insert(import, dependency) {
                return Err(DependencyError::Conflict {
                    import: import.clone(),
                    dependencies: vec![other.name.clone(), dependency.name.clone()],
                });
            }
        }
        if satisfied.len() == before {
            return Err(DependencyError::Unmatched {
                dependency: dependency.name.clone(),
                imports: imports.clone(),
            });
        }
    }
    for dependency in dependencies {
        let part = add(&mut graph, dependency)?;
        let imports = satisfied
            .iter()
            .filter(|(_, by)| by.name == dependency.name);
        for (import, _) in imports {
            satisfy(&mut graph, root, import, dependency, part)?;
        }
    }
    Ok(graph.encode(root)?)
}

/// Adds a dependency, with refusals in the place of what it may not inherit.
fn add(graph: &mut Graph, dependency: &Dependency) -> Result<Part, DependencyError> {
    let name = &dependency.name;
    let part = graph.add(&format!("dependency {name}"), &dependency.component)?;
    let denied = |error| DependencyError::Denial {
        dependency: name.clone(),
        error,
    };
    let denial = denial::of(&dependency.component, &dependency.inherits).map_err(denied)?;
    if let Some(denial) = denial {
        let refusing = graph.add(&format!("denial of {name}"), &denial.component)?;
        for (import, export) in &denial.interfaces {
            let connected = graph.connect(part, import, refusing, export);
            connected.map_err(|reason| {
                denied(DenialError::Interface {
                    interface: import.clone(),
                    reason,
                })
            })?;
        }
    }
    Ok(part)
}

fn satisfy(
    graph: &mut Graph,
    root: Part,
    import: &str,
    dependency: &Dependency,
    part: Part,
) -> Result<(), DependencyError> {
    let export = dependency.export.as_deref().unwrap_or(import);
    let exports = graph.exports(part);
    if !exports.iter().any(|name| name == export) {
        return Err(DependencyError::MissingExport {
            dependency: dependency.name.clone(),
            export: export.to_owned(),
            import: import.to_owned(),
            exports,
        });
    }
    let connected = graph.connect(root, import, part, export);
    connected.map_err(|reason| DependencyError::Mismatch {
        dependency: dependency.name.clone(),
        import: import.to_owned(),
        reason,
    })
}

/// Whether a dependency of this name satisfies an import: a plain name one that is equal; the name
/// of a package all of its interfaces, that of an interface this one, each in every version unless
/// it names one.
pub fn satisfies(dependency: &str, import: &str) -> bool {
    if !dependency.contains([':', '/']) {
        return dependency == import;
    }
    let parts = |name: &str| -> (String, Option<String>, Option<String>) {
        let (path, version) = match name.split_once('@') {
            Some((path, version)) => (path, Some(version.to_owned())),
            None => (name, None),
        };
        match path.split_once('/') {
            Some((package, interface)) => (package.to_owned(), Some(interface.to_owned()), version),
            None => (path.to_owned(), None, version),
        }
    };
    let (package, interface, version) = parts(dependency);
    let (import_package, import_interface, import_version) = parts(import);
    package == import_package
        && (interface.is_none() || interface == import_interface)
        && (version.is_none() || version == import_version)
}

#[cfg(test)]
mod tests {
    use super::satisfies;

    #[test]
    fn a_dependency_satisfies_what_its_name_covers() {
        for (dependency, import) in [
            ("a:b/c@0.1.0", "a:b/c@0.1.0"),
            ("a:b/c", "a:b/c@0.1.0"),
            ("a:b", "a:b/c@0.1.0"),
            ("a:b@0.1.0", "a:b/c@0.1.0"),
            ("a-b", "a-b"),
        ] {
            assert!(satisfies(dependency, import), "{dependency} for {import}");
        }
        for (dependency, import) in [
            ("a:b/c@0.1.0", "a:b/c@0.1.1"),
            ("a:b/c@0.1.0", "a:b/c"),
            ("a:b/c", "a:b/cc"),
            ("a:b", "a:bb/c"),
            ("a", "a:b/c"),
            ("a:b/c", "c"),
        ] {
            assert!(!satisfies(dependency, import), "{dependency} for {import}");
        }
    }
}
