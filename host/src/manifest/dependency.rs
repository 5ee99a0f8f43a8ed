//! A component's `dependencies`: which component satisfies an import by static composition, as
//! Spin does it. Composing is left to the runtime.

use std::fmt;

use super::Context;
use super::model::{Dependency, DependencySource, InheritConfiguration};
use super::names;
use super::reader::{Field, Table};
use super::source::{checked_digest, checked_package, checked_url};

/// The grants that a dependency may inherit, as Spin names them.
const GRANTS: [&str; 7] = [
    "ai_models",
    "allowed_outbound_hosts",
    "environment",
    "files",
    "key_value_stores",
    "sqlite_databases",
    "variables",
];

const FORMS: &str = "write a version such as `\">=1.0.0\"`, or a table with one of `version`, \
                     `path`, `url` (with `digest`) or `component`";

/// A dependency as it stands in the file.
pub(super) struct Draft<'t> {
    pub(super) name: String,
    pub(super) field: Field<'t>,
    pub(super) dependency: Dependency,
    /// `inherit_configuration`, where it is given.
    pub(super) inherits: Option<Field<'t>>,
    /// `component`, where it is given: the field and the id.
    pub(super) component: Option<(Field<'t>, String)>,
}

/// The name of an import: a plain one, or that of a package or one of its interfaces.
enum ImportName {
    Plain,
    Package {
        package: String,
        interface: Option<String>,
        version: Option<semver::Version>,
    },
}

impl fmt::Display for Draft<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}`", self.name)
    }
}

/// Reads a table of dependencies.
pub(super) fn read<'t>(context: &Context<'t>, field: &Field<'t>) -> Vec<Draft<'t>> {
    let entries = field
        .table()
        .map(|table| table.entries())
        .unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|(name, field)| read_one(context, name, field))
        .collect()
}

fn read_one<'t>(context: &Context<'t>, name: &str, field: Field<'t>) -> Option<Draft<'t>> {
    let import = parse_name(name).map_err(|reason| {
        field.refuse_key(
            format!("`{name}` cannot name an import: {reason}"),
            "write `namespace:package/interface@1.0.0`, `namespace:package` or a plain name",
        );
    });
    let mut draft = if field.value().is_str() {
        let version = checked_requirement(&field)?;
        let source = DependencySource::Version {
            registry: None,
            package: None,
            version,
        };
        let inherit_configuration = InheritConfiguration::None;
        let dependency = Dependency {
            source,
            export: None,
            inherit_configuration,
        };
        Draft {
            name: String::new(),
            field,
            dependency,
            inherits: None,
            component: None,
        }
    } else if field.value().is_table() {
        read_table(context, field)?
    } else {
        field.refuse("this is no dependency", FORMS);
        return None;
    };
    name.clone_into(&mut draft.name);
    check_form(&import.ok()?, &draft);
    Some(draft)
}

fn read_table<'t>(context: &Context<'t>, field: Field<'t>) -> Option<Draft<'t>> {
    let mut table = field.table()?;
    let (source, component) = read_source(context, &mut table);
    let export = table.string("export");
    let inherits = table.optional("inherit_configuration");
    let inherit_configuration = inherits
        .as_ref()
        .map_or(InheritConfiguration::None, read_inherit);
    table.finish();
    let dependency = Dependency {
        source: source?,
        export,
        inherit_configuration,
    };
    Some(Draft {
        name: String::new(),
        field,
        dependency,
        inherits,
        component,
    })
}

type ComponentReference<'t> = Option<(Field<'t>, String)>;

/// Exactly one of the forms; the keys of the others are then unknown, but named once, not twice.
fn read_source<'t>(
    context: &Context<'t>,
    table: &mut Table<'t>,
) -> (Option<DependencySource>, ComponentReference<'t>) {
    let forms = ["version", "path", "url", "component"].map(|key| table.optional(key));
    let given: Vec<&Field<'t>> = forms.iter().flatten().collect();
    if let [_, second, ..] = given.as_slice() {
        second.refuse_key(
            "a dependency has only one of `version`, `path`, `url` and `component`",
            FORMS,
        );
    }
    if given.is_empty() {
        table.refuse(
            "a dependency needs one of `version`, `path`, `url` and `component`",
            FORMS,
        );
    }
    if given.len() != 1 {
        for key in ["registry", "package", "digest"] {
            table.optional(key);
        }
        return (None, None);
    }
    match forms {
        [Some(version), ..] => {
            let registry = table.string("registry");
            let package = table
                .optional("package")
                .map(|package| checked_package(&package));
            let version = checked_requirement(&version);
            // A wrong package is reported already; the dependency is then left out.
            let package = match package {
                Some(None) => return (None, None),
                Some(Some(package)) => Some(package),
                None => None,
            };
            let source = |version| DependencySource::Version {
                registry,
                package,
                version,
            };
            (version.map(source), None)
        }
        [_, Some(path), ..] => {
            let path = path.filled_string().map(|path| context.path(path));
            (path.map(DependencySource::Path), None)
        }
        [_, _, Some(url), _] => {
            let digest = table.required("digest", "digest = \"sha256:…\"");
            let url = checked_url(&url);
            let digest = digest.and_then(|digest| checked_digest(&digest));
            (
                url.zip(digest)
                    .map(|(url, digest)| DependencySource::Url { url, digest }),
                None,
            )
        }
        [_, _, _, Some(component)] => {
            let Some(id) = component.filled_string() else {
                return (None, None);
            };
            (
                Some(DependencySource::Component(id.to_owned())),
                Some((component, id.to_owned())),
            )
        }
        [None, None, None, None] => (None, None),
    }
}

fn read_inherit(field: &Field<'_>) -> InheritConfiguration {
    if let Some(all) = field.value().as_bool() {
        return if all {
            InheritConfiguration::All
        } else {
            InheritConfiguration::None
        };
    }
    if !field.value().is_array() {
        field.refuse(
            "`inherit_configuration` is true, false or a list of grants",
            format!("the grants are {}", names::listed(GRANTS)),
        );
        return InheritConfiguration::None;
    }
    let mut grants = Vec::new();
    for (element, grant) in field.strings() {
        if GRANTS.contains(&grant) {
            grants.push(grant.to_owned());
        } else {
            let meant = names::nearest(grant, GRANTS);
            element.refuse(
                match meant {
                    Some(meant) => format!("unknown grant; did you mean `{meant}`?"),
                    None => "unknown grant".to_owned(),
                },
                format!("the grants are {}", names::listed(GRANTS)),
            );
        }
    }
    InheritConfiguration::Some(grants)
}

fn checked_requirement(field: &Field<'_>) -> Option<String> {
    let text = field.string()?;
    if let Err(error) = semver::VersionReq::parse(text) {
        field.refuse(
            format!("`{text}` is no version requirement: {error}"),
            "write one such as `1.2.0` or `>=1.0.0`",
        );
        return None;
    }
    Some(text.to_owned())
}

fn parse_name(name: &str) -> Result<ImportName, String> {
    if !name.contains([':', '/']) {
        names::check_kebab(name)?;
        return Ok(ImportName::Plain);
    }
    let (path, version) = match name.split_once('@') {
        Some((path, version)) => {
            let parsed = semver::Version::parse(version);
            (
                path,
                Some(parsed.map_err(|error| format!("`{version}` is no version: {error}"))?),
            )
        }
        None => (name, None),
    };
    let (package, interface) = match path.split_once('/') {
        Some((package, interface)) => (package, Some(interface)),
        None => (path, None),
    };
    let (space, short) = package
        .split_once(':')
        .ok_or_else(|| "a package is named `namespace:name`".to_owned())?;
    for word in [Some(space), Some(short), interface].into_iter().flatten() {
        names::check_kebab(word)?;
    }
    let interface = interface.map(str::to_owned);
    Ok(ImportName::Package {
        package: package.to_owned(),
        interface,
        version,
    })
}

/// Checks the name of an interface as a link gives it, with its package and its version. The error
/// is what is wrong and how to mend it.
pub(super) fn check_interface(name: &str) -> Result<(), (String, String)> {
    let form = || "write `namespace:package/interface@1.0.0`".to_owned();
    match parse_name(name).map_err(|reason| (reason, form()))? {
        ImportName::Plain => Err(("it names no package".to_owned(), form())),
        ImportName::Package {
            interface: None, ..
        } => Err(("it names a package, not one interface".to_owned(), form())),
        ImportName::Package { version: None, .. } => Err((
            "it has no version".to_owned(),
            format!("write `{name}@1.0.0`, with the version that the component imports"),
        )),
        ImportName::Package { .. } => Ok(()),
    }
}

/// What Spin demands of a form under a kind of name.
fn check_form(import: &ImportName, draft: &Draft<'_>) {
    let source = &draft.dependency.source;
    match import {
        ImportName::Plain => {
            if let DependencySource::Version { package: None, .. } = source {
                draft.field.refuse(
                    "an import with a plain name does not say which package it is",
                    "add `package = \"namespace:name\"`",
                );
            }
        }
        ImportName::Package {
            interface: None, ..
        } => {
            let checked = matches!(
                source,
                DependencySource::Version { .. } | DependencySource::Path(_)
            );
            if checked && draft.dependency.export.is_some() {
                draft.field.refuse(
                    "`export` cannot satisfy a whole package",
                    "name one interface, `namespace:package/interface`, or remove `export`",
                );
            }
        }
        ImportName::Package {
            interface: Some(_), ..
        } => {}
    }
}

/// Two dependencies must not both be able to satisfy one import.
pub(super) fn check_disjoint(drafts: &[Draft<'_>]) {
    for (index, later) in drafts.iter().enumerate() {
        for earlier in drafts.iter().take(index) {
            if overlap(&earlier.name, &later.name) {
                later.field.refuse_key(
                    format!("{later} and {earlier} can satisfy the same import"),
                    "remove one, or part them by interface or version",
                );
            }
        }
    }
}

fn overlap(one: &str, other: &str) -> bool {
    let (
        Ok(ImportName::Package {
            package,
            interface,
            version,
        }),
        Ok(ImportName::Package {
            package: other_package,
            interface: other_interface,
            version: other_version,
        }),
    ) = (parse_name(one), parse_name(other))
    else {
        return false;
    };
    let versions_part = version
        .zip(other_version)
        .is_some_and(|(a, b)| track(&a) != track(&b));
    let interfaces_part = interface.zip(other_interface).is_some_and(|(a, b)| a != b);
    package == other_package && !versions_part && !interfaces_part
}

/// The versions that are compatible with one another by <https://semver.org> share a track.
fn track(version: &semver::Version) -> (u64, u64, u64, String) {
    let pre = version.pre.to_string();
    match (version.major, version.minor) {
        _ if !pre.is_empty() => (version.major, version.minor, version.patch, pre),
        (0, 0) => (0, 0, version.patch, pre),
        (0, minor) => (0, minor, 0, pre),
        (major, _) => (major, 0, 0, pre),
    }
}
