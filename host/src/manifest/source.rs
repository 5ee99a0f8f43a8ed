//! Where an artifact comes from: the `source` of a component, in its three forms. Reading or
//! fetching it is left to the runtime.

use super::Context;
use super::model::Source;
use super::reader::{Field, Table};

const FORMS: &str = "write `source = \"app.wasm\"`, \
                     `{ url = \"https://…\", digest = \"sha256:…\" }` \
                     or `{ package = \"ns:name\", version = \"1.0.0\" }`";

/// Reads a `source`; `None` when it is wrong, which is then reported.
pub(super) fn read(context: &Context<'_>, field: &Field<'_>) -> Option<Source> {
    if field.value().is_str() {
        return Some(Source::Path(context.path(field.filled_string()?)));
    }
    if !field.value().is_table() {
        field.refuse("this is no source", FORMS);
        return None;
    }
    let mut table = field.table()?;
    let source = match (table.optional("url"), table.optional("package")) {
        (Some(url), None) => from_url(&url, &mut table),
        (None, Some(package)) => from_registry(&package, &mut table),
        (Some(_), Some(package)) => {
            package.refuse_key(
                "a source has either `url` or `package`",
                "remove one of them",
            );
            // Keys of both forms are known here, so that only this one mistake is reported.
            for key in ["digest", "registry", "version"] {
                table.optional(key);
            }
            None
        }
        (None, None) => {
            table.refuse("a source needs `url` or `package`", FORMS);
            for key in ["digest", "registry", "version"] {
                table.optional(key);
            }
            None
        }
    };
    table.finish();
    source
}

fn from_url(url: &Field<'_>, table: &mut Table<'_>) -> Option<Source> {
    let digest = table.required("digest", "digest = \"sha256:…\"");
    let url = checked_url(url);
    let digest = digest.and_then(|digest| checked_digest(&digest));
    Some(Source::Url {
        url: url?,
        digest: digest?,
    })
}

fn from_registry(package: &Field<'_>, table: &mut Table<'_>) -> Option<Source> {
    let registry = table.string("registry");
    let version = table.required("version", "version = \"1.0.0\"");
    let package = checked_package(package);
    let version = version.and_then(|version| {
        let text = version.string()?;
        if let Err(error) = semver::Version::parse(text) {
            version.refuse(
                format!("`{text}` is no exact version: {error}"),
                "write all three numbers, such as `1.0.0`",
            );
            return None;
        }
        Some(text.to_owned())
    });
    Some(Source::Registry {
        registry,
        package: package?,
        version: version?,
    })
}

/// An `http` or `https` address of an artifact.
pub(super) fn checked_url(field: &Field<'_>) -> Option<String> {
    let text = field.string()?;
    let reason = match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => return Some(text.to_owned()),
        Ok(url) => format!("`{}` is not fetched", url.scheme()),
        Err(error) => format!("`{text}` is no address: {error}"),
    };
    field.refuse(
        reason,
        "write an address that begins with `https://` or `http://`",
    );
    None
}

/// `sha256:` and 64 hexadecimal digits, in lower case.
pub(super) fn checked_digest(field: &Field<'_>) -> Option<String> {
    let text = field.string()?;
    let reason = match text.strip_prefix("sha256:") {
        None => "a digest begins with `sha256:`".to_owned(),
        Some(digits) if digits.len() != 64 => {
            format!(
                "a digest has 64 digits after `sha256:`, this one has {}",
                digits.len()
            )
        }
        Some(digits) if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            "a digest has only hexadecimal digits after `sha256:`".to_owned()
        }
        Some(_) => return Some(text.to_ascii_lowercase()),
    };
    field.refuse(reason, "`sha256sum app.wasm` prints the digits");
    None
}

/// The name of a package, `namespace:name`.
pub(super) fn checked_package(field: &Field<'_>) -> Option<String> {
    let text = field.string()?;
    let word = |part: &str| !part.contains(':') && super::names::check_kebab(part).is_ok();
    let valid = text
        .split_once(':')
        .is_some_and(|(space, name)| word(space) && word(name));
    if !valid {
        field.refuse(
            format!("`{text}` is no package name"),
            "write it as `namespace:name`",
        );
        return None;
    }
    Some(text.to_owned())
}
