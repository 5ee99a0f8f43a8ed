//! `[component.ID]`, the same table written inside a trigger, and its profiles.

use std::collections::BTreeMap;

use super::dependency;
use super::model::{Build, Component, FileMount, InheritConfiguration, Source};
use super::names;
use super::reader::{Field, Table};
use super::{Context, application, events, outbound, settings, source};

/// A component as far as it could be read, and what the checks across components need.
#[derive(Default)]
pub(super) struct Draft<'t> {
    /// `None` when a part that it cannot be without is wrong.
    pub(super) component: Option<Component>,
    /// The names of its profiles.
    pub(super) profiles: Vec<&'t str>,
    /// Whether it asks for AI models, a grant that the model of a component has no place for.
    ai_models: bool,
    /// The components that it names as dependencies.
    references: Vec<(Field<'t>, String)>,
    /// What its own settings have to agree with.
    settings: settings::Draft<'t>,
}

/// The parts of a component that `[component.ID.profile.NAME]` can change.
struct Profile<'t> {
    source: Option<Source>,
    environment: BTreeMap<String, String>,
    dependencies: Vec<dependency::Draft<'t>>,
    build: Option<Build>,
}

/// Reads all of `[component]`.
pub(super) fn read_all<'t>(
    context: &Context<'t>,
    field: Option<&Field<'t>>,
) -> BTreeMap<String, Draft<'t>> {
    let entries = field
        .and_then(Field::table)
        .map(|table| table.entries())
        .unwrap_or_default();
    let mut drafts = BTreeMap::new();
    for (id, field) in entries {
        if let Err(reason) = names::check_kebab(id) {
            field.refuse_key(
                format!("`{id}` cannot be the id of a component: {reason}"),
                match names::mended_kebab(id) {
                    Some(mended) => format!("rename it to `{mended}`"),
                    None => "write it in `kebab-case`".to_owned(),
                },
            );
        }
        // A component that is no table is known all the same, so that no one misses it.
        let draft = read(context, id, &field).unwrap_or_default();
        drafts.insert(id.to_owned(), draft);
    }
    drafts
}

/// Reads one component.
pub(super) fn read<'t>(context: &Context<'t>, id: &str, field: &Field<'t>) -> Option<Draft<'t>> {
    let mut table = field.table()?;
    let source = table.required("source", "source = \"app.wasm\"");
    let source = source.and_then(|field| source::read(context, &field));
    let description = table.string("description").unwrap_or_default();
    let variables = read_variables(context, &mut table);
    let environment = read_environment(&mut table);
    let files = read_files(context, &mut table);
    let exclude_files = texts(&mut table, "exclude_files");
    let allowed_outbound_hosts = read_hosts(context, &mut table);
    let key_value_stores = read_labels(&mut table, "key_value_stores");
    let sqlite_databases = read_labels(&mut table, "sqlite_databases");
    let ai_models = !texts(&mut table, "ai_models").is_empty();
    if let Some(targets) = table.optional("targets") {
        application::check_targets(&targets);
    }
    let build = table
        .optional("build")
        .and_then(|field| read_build(context, &field));
    let (settings, settings_draft) = settings::service(context, table.optional("tool"));
    let inherit_all = table.optional("dependencies_inherit_configuration");
    let dependencies = table.optional("dependencies");
    let dependencies = dependencies
        .map(|field| dependency::read(context, &field))
        .unwrap_or_default();
    let (profiles, chosen) = read_profiles(context, &mut table);
    table.finish();
    let mut base = Profile {
        source,
        environment,
        dependencies,
        build,
    };
    if let Some(chosen) = chosen {
        base.apply(chosen);
    }
    let inherit_all = check_dependencies(inherit_all.as_ref(), &mut base.dependencies);
    let references = base
        .dependencies
        .iter()
        .filter_map(|draft| draft.component.clone())
        .collect();
    let dependencies = base.dependencies.into_iter();
    let dependencies = dependencies.map(|draft| (draft.name, draft.dependency));
    let component = base.source.map(|source| Component {
        id: id.to_owned(),
        source,
        description,
        variables,
        environment: base.environment,
        files,
        exclude_files,
        allowed_outbound_hosts,
        key_value_stores,
        sqlite_databases,
        build: base.build,
        dependencies: dependencies.collect(),
        dependencies_inherit_configuration: inherit_all,
        settings,
    });
    Some(Draft {
        component,
        ai_models,
        profiles,
        references,
        settings: settings_draft,
    })
}

impl<'t> Profile<'t> {
    /// Puts what a profile says over what the component says.
    fn apply(&mut self, chosen: Self) {
        self.source = chosen.source.or(self.source.take());
        self.environment.extend(chosen.environment);
        let replaced = |name: &str| chosen.dependencies.iter().any(|new| new.name == name);
        self.dependencies.retain(|base| !replaced(&base.name));
        self.dependencies.extend(chosen.dependencies);
        match (&mut self.build, chosen.build) {
            (Some(base), Some(chosen)) => base.commands = chosen.commands,
            (base, Some(chosen)) => *base = Some(chosen),
            (_, None) => {}
        }
    }
}

/// The grants that a component has, by their keys.
fn grants(component: &Component, ai_models: bool) -> Vec<&'static str> {
    let present = [
        ("ai_models", ai_models),
        (
            "allowed_outbound_hosts",
            !component.allowed_outbound_hosts.is_empty(),
        ),
        ("dependencies", !component.dependencies.is_empty()),
        ("environment", !component.environment.is_empty()),
        ("files", !component.files.is_empty()),
        ("key_value_stores", !component.key_value_stores.is_empty()),
        ("sqlite_databases", !component.sqlite_databases.is_empty()),
        ("variables", !component.variables.is_empty()),
    ];
    present
        .into_iter()
        .filter(|(_, present)| *present)
        .map(|(key, _)| key)
        .collect()
}

fn texts(table: &mut Table<'_>, key: &'static str) -> Vec<String> {
    table
        .strings(key)
        .into_iter()
        .map(|(_, text)| text.to_owned())
        .collect()
}

fn read_variables(context: &Context<'_>, table: &mut Table<'_>) -> BTreeMap<String, String> {
    let Some(table) = table.optional("variables").and_then(|field| field.table()) else {
        return BTreeMap::new();
    };
    let mut variables = BTreeMap::new();
    for (name, field) in table.entries() {
        if let Err(reason) = names::check_variable(name) {
            field.refuse_key(
                format!("`{name}` cannot name a variable: {reason}"),
                match names::mended_variable(name) {
                    Some(mended) => format!("rename it to `{mended}`"),
                    None => "write it in `lower_snake_case`".to_owned(),
                },
            );
        }
        if let Some(template) = context.template(&field) {
            variables.insert(name.to_owned(), template);
        }
    }
    variables
}

fn read_environment(table: &mut Table<'_>) -> BTreeMap<String, String> {
    let Some(table) = table
        .optional("environment")
        .and_then(|field| field.table())
    else {
        return BTreeMap::new();
    };
    let value =
        |(name, field): (&str, Field<'_>)| Some((name.to_owned(), field.string()?.to_owned()));
    table.entries().into_iter().filter_map(value).collect()
}

fn read_files(context: &Context<'_>, table: &mut Table<'_>) -> Vec<FileMount> {
    let elements = table
        .optional("files")
        .and_then(|field| field.elements())
        .unwrap_or_default();
    elements
        .iter()
        .filter_map(|element| read_mount(context, element))
        .collect()
}

pub(super) fn read_mount(context: &Context<'_>, field: &Field<'_>) -> Option<FileMount> {
    if field.value().is_str() {
        return Some(FileMount::Glob(field.filled_string()?.to_owned()));
    }
    if !field.value().is_table() {
        let help = "write a glob, or `{ source = \"assets\", destination = \"/assets\" }`";
        field.refuse("this names no files", help);
        return None;
    }
    let mut table = field.table()?;
    let source = table.required("source", "source = \"assets\"");
    let destination = table.required("destination", "destination = \"/assets\"");
    table.finish();
    let source = source.and_then(|source| source.filled_string());
    let destination = destination.and_then(|destination| {
        let text = destination.string()?;
        if !text.starts_with('/') {
            destination.refuse(
                "a destination is an absolute path",
                format!("write `\"/{text}\"`"),
            );
            return None;
        }
        Some(text.to_owned())
    });
    Some(FileMount::Placement {
        source: context.path(source?),
        destination: destination?,
    })
}

fn read_hosts(context: &Context<'_>, table: &mut Table<'_>) -> Vec<String> {
    let allowed = table.strings("allowed_outbound_hosts");
    let mut hosts: Vec<String> = allowed
        .iter()
        .filter_map(|(field, _)| context.template(field))
        .collect();
    if let Some(deprecated) = table.optional("allowed_http_hosts") {
        hosts.extend(outbound::read_deprecated(&deprecated));
    }
    hosts
}

fn read_labels(table: &mut Table<'_>, key: &'static str) -> Vec<String> {
    let mut labels = Vec::new();
    for (field, label) in table.strings(key) {
        if let Err(reason) = names::check_label(label) {
            field.refuse(
                format!("`{label}` cannot be a label: {reason}"),
                "write it in `kebab-case` or `snake_case`",
            );
        }
        labels.push(label.to_owned());
    }
    labels
}

fn read_build(context: &Context<'_>, field: &Field<'_>) -> Option<Build> {
    let mut table = field.table()?;
    let command = table.required("command", "command = \"cargo build --release\"");
    let workdir = table
        .string("workdir")
        .map(|workdir| context.path(&workdir));
    let watch = texts(&mut table, "watch");
    table.finish();
    let commands = command.as_ref().map(read_commands).unwrap_or_default();
    Some(Build {
        commands,
        workdir,
        watch,
    })
}

fn read_commands(field: &Field<'_>) -> Vec<String> {
    let commands = field.one_or_many();
    commands
        .iter()
        .filter_map(|command| command.string().map(str::to_owned))
        .collect()
}

/// Reads every profile, so that mistakes show in each, and answers their names and the chosen one.
fn read_profiles<'t>(
    context: &Context<'t>,
    table: &mut Table<'t>,
) -> (Vec<&'t str>, Option<Profile<'t>>) {
    let profiles = table.optional("profile").and_then(|field| field.table());
    let (mut names, mut chosen) = (Vec::new(), None);
    for (name, field) in profiles.map(|table| table.entries()).unwrap_or_default() {
        names.push(name);
        let profile = read_profile(context, &field);
        if context.profile == Some(name) {
            chosen = profile;
        }
    }
    (names, chosen)
}

fn read_profile<'t>(context: &Context<'t>, field: &Field<'t>) -> Option<Profile<'t>> {
    let mut table = field.table()?;
    let source = table
        .optional("source")
        .and_then(|field| source::read(context, &field));
    let environment = read_environment(&mut table);
    let dependencies = table.optional("dependencies");
    let dependencies = dependencies
        .map(|field| dependency::read(context, &field))
        .unwrap_or_default();
    let build = table.optional("build").and_then(|field| field.table());
    let build = build.and_then(|mut build| {
        let command = build.required("command", "command = \"cargo build\"");
        build.finish();
        let commands = read_commands(&command?);
        Some(Build {
            commands,
            workdir: None,
            watch: Vec::new(),
        })
    });
    table.finish();
    Some(Profile {
        source,
        environment,
        dependencies,
        build,
    })
}

/// Checks the dependencies together; answers whether they all inherit the component's grants.
fn check_dependencies(
    inherit_all: Option<&Field<'_>>,
    dependencies: &mut [dependency::Draft<'_>],
) -> bool {
    let all = inherit_all.and_then(Field::boolean).unwrap_or(false);
    if inherit_all.is_some() {
        for inherits in dependencies
            .iter()
            .filter_map(|draft| draft.inherits.as_ref())
        {
            inherits.refuse_key(
                "the component has `dependencies_inherit_configuration` already",
                "keep only one of the two",
            );
        }
    }
    if all {
        for draft in dependencies.iter_mut() {
            draft.dependency.inherit_configuration = InheritConfiguration::All;
        }
    }
    dependency::check_disjoint(dependencies);
    all
}

/// Checks that what components depend on is there, and has no grants that composition would lose;
/// that what they link is there, that what they withhold is granted, and that events find
/// their bus.
pub(super) fn check_references(drafts: &BTreeMap<String, Draft<'_>>) {
    for draft in drafts.values() {
        if let Some(component) = &draft.component {
            draft.settings.links.check(component);
            draft.settings.events.check(component);
        }
        for (field, id) in &draft.settings.links.providers {
            if !drafts.contains_key(id) {
                refuse_unknown(field, id, drafts);
            }
        }
    }
    let settings = drafts
        .iter()
        .map(|(id, draft)| (id.as_str(), &draft.settings));
    events::check_all(&settings.collect());
    for (field, id) in drafts.values().flat_map(|draft| &draft.references) {
        let Some(provider) = drafts.get(id) else {
            refuse_unknown(field, id, drafts);
            continue;
        };
        let Some(component) = &provider.component else {
            continue;
        };
        let grants = grants(component, provider.ai_models);
        if !grants.is_empty() {
            let grants = names::listed(grants);
            field.refuse(
                format!(
                    "`{id}` cannot be a dependency, because it has grants of its own: {grants}"
                ),
                "composed into another component it would lose them; remove them from it",
            );
        }
    }
}

/// Says that a component is named that there is none of.
pub(super) fn refuse_unknown(field: &Field<'_>, id: &str, drafts: &BTreeMap<String, Draft<'_>>) {
    let known = drafts.keys().map(String::as_str);
    match names::nearest(id, known) {
        Some(meant) => field.refuse_dangling(
            format!("there is no component `{id}`; did you mean `{meant}`?"),
            format!("write `\"{meant}\"`, or add `[component.{id}]`"),
        ),
        None => field.refuse_dangling(
            format!("there is no component `{id}`"),
            format!("add `[component.{id}]` with its `source`"),
        ),
    }
}
