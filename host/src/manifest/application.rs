//! The manifest from its root: the version, `[application]`, `[variables]`, and the checks that
//! need more than one part of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::model::{ApplicationSettings, Manifest, VariableDeclaration};
use super::reader::{Document, Field, Table};
use super::{Context, LoadOptions, component, names, settings, trigger};

/// What `[application]` says.
#[derive(Default)]
struct Details {
    name: String,
    version: String,
    description: String,
    authors: Vec<String>,
    settings: ApplicationSettings,
    redis_address: Option<String>,
}

/// Reads a whole manifest. `None` when so much is wrong that there is nothing to answer; mistakes
/// are in the document either way.
pub(super) fn read(
    document: &Document<'_>,
    root: &DeTable<'_>,
    path: &Path,
    options: &LoadOptions,
) -> Option<Manifest> {
    let mut root = document.root(root);
    if !is_version_two(&mut root) {
        return None;
    }
    let application = root.required("application", "[application]` and `name = \"my-app\"");
    let variables = root.optional("variables");
    let triggers = root.required("trigger", "[[trigger.http]]` and `route = \"/...\"");
    let components = root.optional("component");
    root.finish();

    let declared = variables
        .as_ref()
        .and_then(Field::table)
        .map(|table| table.entries());
    let declared = declared.unwrap_or_default();
    let context = Context {
        directory: path.parent().unwrap_or(path).to_owned(),
        profile: options.profile.as_deref(),
        stock: options.stock,
        variables: declared.iter().map(|(name, _)| *name).collect(),
    };
    let variables = declared
        .iter()
        .filter_map(|(name, field)| read_variable(name, field));
    let variables = variables.collect();
    let details = application
        .and_then(|field| read_details(&context, &field))
        .unwrap_or_default();
    let mut drafts = component::read_all(&context, components.as_ref());
    let mut found = trigger::read_all(&context, triggers.as_ref(), &mut drafts);
    for trigger in &mut found.redis {
        let address = trigger.address.take();
        trigger.address = address.or_else(|| details.redis_address.clone());
    }
    component::check_references(&drafts);
    check_profile(document, &context, &drafts);
    Some(Manifest {
        path: path.to_owned(),
        directory: context.directory.clone(),
        name: details.name,
        version: details.version,
        description: details.description,
        authors: details.authors,
        settings: details.settings,
        variables,
        http_triggers: found.http,
        redis_triggers: found.redis,
        components: drafts
            .into_iter()
            .filter_map(|(id, draft)| Some((id, draft.component?)))
            .collect(),
    })
}

/// Whether the rest is worth reading: what has another version has other keys as well.
fn is_version_two(root: &mut Table<'_>) -> bool {
    let example = "spin_manifest_version = 2";
    let Some(field) = root.required("spin_manifest_version", example) else {
        return true;
    };
    let number = field.value().as_integer().map(|number| number.as_str());
    if number == Some("2") {
        return true;
    }
    let text = field.value().as_str();
    if number == Some("1") || text == Some("1") {
        field.refuse(
            "manifests of version 1 are not supported",
            "`spin doctor` of Spin rewrites the file to version 2",
        );
        return false;
    }
    let spelt_as_text = text == Some("2");
    let reason = match (spelt_as_text, field.value()) {
        (true, _) => "the version is a number, not a text".to_owned(),
        (false, DeValue::Integer(number)) => format!("there is no version {}", number.as_str()),
        (false, _) => "this is no version".to_owned(),
    };
    field.refuse(reason, format!("write `{example}`"));
    spelt_as_text
}

fn read_details(context: &Context<'_>, field: &Field<'_>) -> Option<Details> {
    let mut table = field.table()?;
    let name = table.required("name", "name = \"my-app\"");
    let mut details = Details {
        name: name
            .and_then(|name| name.filled_string())
            .unwrap_or_default()
            .to_owned(),
        version: table.string("version").unwrap_or_default(),
        description: table.string("description").unwrap_or_default(),
        authors: table
            .strings("authors")
            .into_iter()
            .map(|(_, name)| name.to_owned())
            .collect(),
        ..Details::default()
    };
    if let Some(targets) = table.optional("targets") {
        check_targets(&targets);
    }
    if let Some(trigger) = table.optional("trigger") {
        details.redis_address = read_trigger_defaults(context, &trigger);
    }
    details.settings = settings::application(context, table.optional("tool"));
    table.finish();
    Some(details)
}

/// Deployment targets are for `spin build`; they are only checked to be well formed.
pub(super) fn check_targets(field: &Field<'_>) {
    for target in field.elements().unwrap_or_default() {
        if target.value().is_str() {
            continue;
        }
        let Some(mut table) = target.table() else {
            continue;
        };
        let given = ["url", "path"].map(|key| table.string(key));
        if given.iter().flatten().count() != 1 {
            target.refuse(
                "a target has either `url` or `path`",
                "write `\"spin-up:3.2\"`, `{ url = \"https://…\" }` or `{ path = \"…\" }`",
            );
        }
        table.finish();
    }
}

/// `[application.trigger.TYPE]`: free tables, of which only Redis's address is used.
fn read_trigger_defaults(context: &Context<'_>, field: &Field<'_>) -> Option<String> {
    let mut address = None;
    for (kind, field) in field.table()?.entries() {
        let table = field.table();
        if let (Some(mut table), "redis") = (table, kind) {
            address = table
                .optional("address")
                .and_then(|field| context.template(&field));
        }
    }
    address
}

fn read_variable(name: &str, field: &Field<'_>) -> Option<(String, VariableDeclaration)> {
    if let Err(reason) = names::check_variable(name) {
        field.refuse_key(
            format!("`{name}` cannot name a variable: {reason}"),
            match names::mended_variable(name) {
                Some(mended) => format!("rename it to `{mended}`"),
                None => "write it in `lower_snake_case`".to_owned(),
            },
        );
    }
    let mut table = field.table()?;
    let description = table.string("description");
    let required = table.optional("required");
    let is_required = required.as_ref().and_then(Field::boolean).unwrap_or(false);
    let default = table.optional("default");
    let secret = table.boolean("secret").unwrap_or(false);
    match (&default, is_required) {
        (Some(default), true) => default.refuse_key(
            "a required variable has no default",
            "remove `default`, or `required = true`",
        ),
        (None, false) => field.refuse_key(
            "a variable is either required or has a default",
            "add `required = true`, or `default = \"…\"`",
        ),
        (Some(_), false) | (None, true) => {}
    }
    if let (Some(default), true) = (&default, secret) {
        default.hide();
    }
    table.finish();
    let default = default
        .and_then(|default| default.string())
        .map(str::to_owned);
    Some((
        name.to_owned(),
        VariableDeclaration {
            description,
            default,
            secret,
        },
    ))
}

fn check_profile(
    document: &Document<'_>,
    context: &Context<'_>,
    drafts: &BTreeMap<String, component::Draft<'_>>,
) {
    let Some(profile) = context.profile else {
        return;
    };
    let known: BTreeSet<&str> = drafts
        .values()
        .flat_map(|draft| draft.profiles.iter().copied())
        .collect();
    if known.contains(profile) {
        return;
    }
    let message = match names::nearest(profile, known.iter().copied()) {
        Some(meant) => format!("no component has profile `{profile}`; did you mean `{meant}`?"),
        None => format!("no component has profile `{profile}`"),
    };
    let help = if known.is_empty() {
        format!("add `[component.ID.profile.{profile}]`, or choose no profile")
    } else {
        format!("the profiles are {}", names::listed(known))
    };
    document.lacks("", message, help);
}
