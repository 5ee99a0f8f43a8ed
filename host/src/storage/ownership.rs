//! Who may name which store: a label named like a service belongs to that service, and two labels
//! never share a file. The loader asks before anything is opened; granting the rest is left to the
//! capabilities.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a live service asks for in its manifest.
#[derive(Clone, Copy, Debug)]
pub struct ServiceLabels<'a> {
    /// The component's id.
    pub service: &'a str,
    /// Its `key_value_stores`.
    pub key_value: &'a [String],
    /// Its `sqlite_databases`.
    pub sqlite: &'a [String],
}

/// Which kind of store a label names. The two kinds are named apart, so one label may exist in
/// both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreKind {
    /// A key-value store.
    KeyValue,
    /// An SQL database.
    Sqlite,
}

impl StoreKind {
    fn key(self) -> &'static str {
        match self {
            StoreKind::KeyValue => "key_value_stores",
            StoreKind::Sqlite => "sqlite_databases",
        }
    }

    fn table(self) -> &'static str {
        match self {
            StoreKind::KeyValue => "key_value_store",
            StoreKind::Sqlite => "sqlite_database",
        }
    }
}

/// A claim that the application may not make.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnershipError {
    /// A service asks for the store of another one.
    #[error(
        "component `{service}` asks for `{label}` in `{}`, which belongs to the component of that \
         name; call `{label}` instead, or give the store a name that no component has",
        kind.key()
    )]
    BelongsToAnother {
        /// The component that asks.
        service: String,
        /// The label, which is the owner's id.
        label: String,
        /// The kind of store.
        kind: StoreKind,
    },
    /// Two labels lead to one file.
    #[error(
        "`{}.{first_label}` and `{}.{second_label}` have the same path {path}; give each its own",
        first_kind.table(), second_kind.table()
    )]
    SharedPath {
        /// The label that comes first by kind and name.
        first_label: String,
        /// Its kind.
        first_kind: StoreKind,
        /// The other label.
        second_label: String,
        /// Its kind.
        second_kind: StoreKind,
        /// The file.
        path: PathBuf,
    },
}

/// All claims of live services on labels that belong to another. A composed artifact, which holds
/// its providers, is exempt: leave it out of `services`.
pub fn check(services: &[ServiceLabels<'_>]) -> Vec<OwnershipError> {
    let mut errors = Vec::new();
    for asking in services {
        for (kind, labels) in [
            (StoreKind::KeyValue, asking.key_value),
            (StoreKind::Sqlite, asking.sqlite),
        ] {
            for label in labels {
                let is_other = label != asking.service;
                if is_other && services.iter().any(|owner| owner.service == label) {
                    errors.push(OwnershipError::BelongsToAnother {
                        service: asking.service.to_owned(),
                        label: label.clone(),
                        kind,
                    });
                }
            }
        }
    }
    errors
}

/// All pairs of labels that lead to one file, links followed. Each label is given once, with the
/// file that holds it.
pub fn check_paths(labels: &[(StoreKind, &str, &Path)]) -> Vec<OwnershipError> {
    let mut sorted = labels.to_vec();
    sorted.sort();
    let mut owners: BTreeMap<PathBuf, (StoreKind, &str)> = BTreeMap::new();
    let mut errors = Vec::new();
    for (kind, label, path) in sorted {
        let real = real_path(path);
        if let Some((first_kind, first_label)) = owners.get(&real) {
            errors.push(OwnershipError::SharedPath {
                first_label: (*first_label).to_owned(),
                first_kind: *first_kind,
                second_label: label.to_owned(),
                second_kind: kind,
                path: path.to_owned(),
            });
        } else {
            owners.insert(real, (kind, label));
        }
    }
    errors
}

/// The path with the links of its folder followed; the file itself may not be there yet.
fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (
        path.parent().and_then(|parent| parent.canonicalize().ok()),
        path.file_name(),
    ) {
        (Some(parent), Some(name)) => parent.join(name),
        (None, _) | (_, None) => path.components().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn only_the_owner_may_name_its_label() {
        let (cart, catalog, none) = (
            labels(&["cart", "catalog", "default"]),
            labels(&["catalog"]),
            [],
        );
        let sqlite = labels(&["catalog"]);
        let services = [
            ServiceLabels {
                service: "cart",
                key_value: &cart,
                sqlite: &sqlite,
            },
            ServiceLabels {
                service: "catalog",
                key_value: &catalog,
                sqlite: &none,
            },
        ];
        let errors = check(&services);
        assert_eq!(errors.len(), 2);
        assert!(errors.iter().all(|error| matches!(
            error,
            OwnershipError::BelongsToAnother { service, label, .. }
                if service == "cart" && label == "catalog"
        )));
        assert!(errors[0].to_string().contains("`key_value_stores`"));
        assert!(errors[1].to_string().contains("`sqlite_databases`"));
    }

    #[test]
    fn shared_labels_stay_shared() {
        let shared = labels(&["default", "sessions"]);
        let services = [
            ServiceLabels {
                service: "a",
                key_value: &shared,
                sqlite: &shared,
            },
            ServiceLabels {
                service: "b",
                key_value: &shared,
                sqlite: &shared,
            },
        ];
        assert_eq!(check(&services), []);
    }

    #[test]
    fn two_labels_on_one_file_are_named_even_through_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        let (first, second) = (directory.path().join("x.db"), link.join("x.db"));
        let other = directory.path().join("y.db");
        let errors = check_paths(&[
            (StoreKind::Sqlite, "b", &second),
            (StoreKind::KeyValue, "a", &first),
            (StoreKind::KeyValue, "c", &other),
        ]);
        assert_eq!(errors.len(), 1);
        assert!(
            errors[0]
                .to_string()
                .starts_with("`key_value_store.a` and `sqlite_database.b`")
        );
    }
}
