//! Whether one component's export meets another one's import: version first, then function by
//! function. How the differences read is left to [`super::mismatch`].

use std::cmp::Ordering;

use semver::Version;

use super::mismatch::{Difference, Mismatch};
use super::{Contract, Function, Interface, Obstacle};

/// An import and the export that meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedInterface {
    /// The provider's own name of the interface; its version may be higher than the import's.
    pub export: String,
}

/// Finds the provider's export that meets an import, and compares the two. The error has every
/// difference.
pub fn check_link(
    importer: &Contract,
    import: &str,
    provider: &Contract,
) -> Result<LinkedInterface, Vec<Mismatch>> {
    let Some(wanted) = importer
        .imported_interfaces()
        .find(|interface| interface.name == import)
    else {
        return Err(vec![Mismatch::NotImported]);
    };
    let Some(offered) = meeting_export(import, provider) else {
        return Err(vec![not_exported(import, provider)]);
    };
    let mismatches = compare(wanted, offered);
    if mismatches.is_empty() {
        Ok(LinkedInterface {
            export: offered.name.clone(),
        })
    } else {
        Err(mismatches)
    }
}

/// The exported interface that meets an import of this name.
pub(super) fn meeting_export<'c>(import: &str, provider: &'c Contract) -> Option<&'c Interface> {
    let exports = provider.exported_interfaces();
    let names: Vec<_> = exports.map(|interface| interface.name.as_str()).collect();
    let name = meeting_name(import, &names)?;
    provider
        .exported_interfaces()
        .find(|export| export.name == name)
}

/// The name among those of `exports` that meets an import: the very same if there is one, else the
/// lowest version that does.
pub fn meeting_name<'e>(import: &str, exports: &[&'e str]) -> Option<&'e str> {
    let by_version = |one: &&&str, other: &&&str| match (versioned(one), versioned(other)) {
        (Some((_, one)), Some((_, other))) => one.cmp_precedence(&other),
        _ => Ordering::Equal,
    };
    let same = exports.iter().find(|export| **export == import);
    let later = || {
        let meeting = exports.iter().filter(|export| meets(export, import));
        meeting.min_by(by_version)
    };
    same.or_else(later).copied()
}

fn not_exported(import: &str, provider: &Contract) -> Mismatch {
    let names = || provider.exported_interfaces().map(|export| &export.name);
    let versions: Vec<_> = names()
        .filter(|name| is_same_interface(name, import))
        .cloned()
        .collect();
    if versions.is_empty() {
        Mismatch::NotExported {
            exports: names().cloned().collect(),
        }
    } else {
        Mismatch::OtherVersion { versions }
    }
}

/// Whether an export meets an import by name: the same interface, in a version that a caret
/// requirement of the import's version allows. So `1.2.0` is met from `1.2.0` up to all of `1`,
/// `0.2.1` from `0.2.1` up to all of `0.2`, `0.0.3` and every prerelease by itself alone.
fn meets(export: &str, import: &str) -> bool {
    if export == import {
        return true;
    }
    let (Some((export_path, export)), Some((import_path, import))) =
        (versioned(export), versioned(import))
    else {
        return false;
    };
    if export_path != import_path {
        return false;
    }
    let order = export.cmp_precedence(&import);
    if !export.pre.is_empty() || !import.pre.is_empty() {
        return order == Ordering::Equal;
    }
    let is_same_track = if import.major > 0 {
        export.major == import.major
    } else if import.minor > 0 {
        export.major == 0 && export.minor == import.minor
    } else {
        order == Ordering::Equal
    };
    is_same_track && order != Ordering::Less
}

/// Whether two names differ in nothing but their versions.
pub(super) fn is_same_interface(one: &str, other: &str) -> bool {
    one.split('@').next() == other.split('@').next()
}

/// `store:catalog/products` and `1.0.0` of `store:catalog/products@1.0.0`.
fn versioned(name: &str) -> Option<(&str, Version)> {
    let (path, version) = name.split_once('@')?;
    Some((path, Version::parse(version).ok()?))
}

/// All that keeps `wanted` from being answered by `offered`. A provider may export more.
fn compare(wanted: &Interface, offered: &Interface) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    for resource in &wanted.resources {
        mismatches.push(Mismatch::HoldsResource(resource.clone()));
    }
    for other in &wanted.others {
        mismatches.push(Mismatch::HoldsOther(other.clone()));
    }
    for function in &wanted.functions {
        // The functions of a resource go with it.
        let is_of_resource = function.name.starts_with('[') && !wanted.resources.is_empty();
        if !is_of_resource {
            mismatches.extend(compare_function(function, offered));
        }
    }
    mismatches
}

fn compare_function(wanted: &Function, provider: &Interface) -> Option<Mismatch> {
    let name = wanted.name.clone();
    let offered = provider.function(&wanted.name);
    let too_long = offered.is_some_and(|offered| offered.obstacles.contains(&Obstacle::TooLong));
    let mut obstacles = wanted.obstacles.clone();
    if too_long && !obstacles.contains(&Obstacle::TooLong) {
        obstacles.push(Obstacle::TooLong);
    }
    if !obstacles.is_empty() {
        return Some(Mismatch::Obstacles { name, obstacles });
    }
    let Some(offered) = offered else {
        return Some(Mismatch::MissingFunction { name });
    };
    Difference::between(wanted, offered).map(|difference| Mismatch::Differs { name, difference })
}

#[cfg(test)]
mod tests {
    use super::meets;

    #[test]
    fn versions_meet_as_a_caret_requirement_allows() {
        let cases = [
            ("1.2.0", "1.2.0", true),
            ("1.2.0", "1.2.1", true),
            ("1.2.0", "1.3.0", true),
            ("1.2.0", "1.10.0", true),
            ("1.2.0", "1.1.9", false),
            ("1.2.3", "1.2.2", false),
            ("1.2.0", "2.2.0", false),
            ("2.0.0", "1.2.0", false),
            ("0.2.1", "0.2.1", true),
            ("0.2.1", "0.2.6", true),
            ("0.2.1", "0.2.0", false),
            ("0.2.1", "0.3.1", false),
            ("0.2.1", "1.2.1", false),
            ("1.2.1", "0.2.1", false),
            ("0.0.3", "0.0.3", true),
            ("0.0.3", "0.0.4", false),
            ("0.0.3", "0.0.3+built", true),
            ("1.0.0", "1.0.0+built", true),
            ("1.0.0-rc.1", "1.0.0-rc.1", true),
            ("1.0.0-rc.1", "1.0.0-rc.2", false),
            ("1.0.0-rc.1", "1.0.0", false),
            ("1.0.0", "1.1.0-rc.1", false),
        ];
        for (import, export, expected) in cases {
            let name = |version| format!("store:catalog/products@{version}");
            let met = meets(&name(export), &name(import));
            assert_eq!(met, expected, "an import of {import} by {export}");
        }
        assert!(meets("a:b/c", "a:b/c"));
        assert!(!meets("a:b/c@1.0.0", "a:b/c"));
        assert!(!meets("a:b/c", "a:b/c@1.0.0"));
        assert!(!meets("a:b/d@1.0.0", "a:b/c@1.0.0"));
        assert!(!meets("a:b/c@one", "a:b/c@two"));
        assert!(meets("local", "local"));
    }
}
