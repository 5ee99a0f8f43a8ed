//! A manifest as a tree of keys: what belongs to each service, and the rest.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::manifest::LoadOptions;
use crate::manifest::model::{HttpTarget, Manifest};

/// A manifest, taken apart.
#[derive(Debug, Default)]
pub struct Tree {
    /// By path: all that belongs to no service, such as `variables.token.default`.
    pub(super) application: BTreeMap<String, Value>,
    /// The routes that the host answers by itself.
    pub(super) static_routes: Vec<String>,
    /// By id.
    pub(super) services: BTreeMap<String, Service>,
    pub(super) variables: Table,
}

/// One service of a manifest.
#[derive(Debug, Default)]
pub(super) struct Service {
    /// Its table as it stands in the manifest.
    pub(super) table: Table,
    /// The same by path, and the details of its triggers.
    pub(super) keys: BTreeMap<String, Value>,
    /// Where it is reached: patterns, `private`, channels of Redis.
    pub(super) routes: Vec<String>,
}

impl Tree {
    /// Takes a manifest apart; `text` is what `manifest` was read of, with these options.
    ///
    /// # Errors
    /// When the text is no TOML, or has a number that TOML does not promise to keep.
    pub fn of(
        text: &str,
        manifest: &Manifest,
        options: &LoadOptions,
    ) -> Result<Self, toml::de::Error> {
        let mut root: Table = text.parse()?;
        let components = table(root.remove("component"));
        let triggers = table(root.remove("trigger"));
        let mut tree = Self::default();
        for (id, value) in components {
            tree.add_service(&id, table(Some(value)), options);
        }
        tree.add_http(list(triggers.get("http")), manifest, options);
        tree.add_redis(list(triggers.get("redis")), manifest, options);
        for service in tree.services.values_mut() {
            service.routes.sort();
        }
        tree.static_routes.sort();
        if options.stock
            && let Some(Value::Table(application)) = root.get_mut("application")
        {
            remove_ours(application);
        }
        if let Some(Value::Table(variables)) = root.get("variables") {
            tree.variables = variables.clone();
        }
        flatten("", Value::Table(root), &mut tree.application);
        Ok(tree)
    }

    fn add_service(&mut self, id: &str, mut table: Table, options: &LoadOptions) {
        if options.stock {
            remove_ours(&mut table);
        }
        let service = self.services.entry(id.to_owned()).or_default();
        for (key, value) in &table {
            flatten(&path("", key), value.clone(), &mut service.keys);
        }
        service.table = table;
    }

    fn add_http(&mut self, triggers: &[Value], manifest: &Manifest, options: &LoadOptions) {
        for (value, read) in triggers.iter().zip(&manifest.http_triggers) {
            let mut trigger = table(Some(value.clone()));
            let route = match trigger.remove("route") {
                Some(Value::String(route)) => route,
                _ => "private".to_owned(),
            };
            let id = match &read.target {
                HttpTarget::Component(id) => Some(id.as_str()),
                HttpTarget::Static(_) => None,
            };
            self.add_trigger(&path("route", &route), id, trigger, options);
            match id.and_then(|id| self.services.get_mut(id)) {
                Some(service) => service.routes.push(route),
                None => self.static_routes.push(route),
            }
        }
    }

    fn add_redis(&mut self, triggers: &[Value], manifest: &Manifest, options: &LoadOptions) {
        for (value, read) in triggers.iter().zip(&manifest.redis_triggers) {
            let trigger = table(Some(value.clone()));
            let place = path("channel", &read.channel);
            self.add_trigger(&place, Some(&read.component), trigger, options);
            if let Some(service) = self.services.get_mut(&read.component) {
                service.routes.push(format!("redis {}", read.channel));
            }
        }
    }

    /// What a trigger says besides its route; a component may be written in it.
    fn add_trigger(
        &mut self,
        place: &str,
        id: Option<&str>,
        mut trigger: Table,
        options: &LoadOptions,
    ) {
        if let (Some(Value::Table(inline)), Some(id)) = (trigger.remove("component"), id) {
            self.add_service(id, inline, options);
        }
        let keys = match id.and_then(|id| self.services.get_mut(id)) {
            Some(service) => &mut service.keys,
            None => &mut self.application,
        };
        for (key, value) in trigger {
            flatten(&path(place, &key), value, keys);
        }
    }

    /// Whether a path leads to the default of a secret variable.
    pub(super) fn is_secret(&self, key: &str) -> bool {
        self.variables.iter().any(|(name, declared)| {
            let secret = declared.get("secret").and_then(Value::as_bool);
            secret == Some(true) && key == format!("{}.default", path("variables", name))
        })
    }
}

fn table(value: Option<Value>) -> Table {
    match value {
        Some(Value::Table(table)) => table,
        _ => Table::new(),
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value
        .and_then(Value::as_array)
        .map_or(&[], |list| list.as_slice())
}

/// A stock run sees none of our tables.
fn remove_ours(owner: &mut Table) {
    if let Some(Value::Table(tool)) = owner.get_mut("tool") {
        tool.remove("kumiki");
    }
}

/// Every value below a path that is no table with keys of its own.
fn flatten(place: &str, value: Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Table(table) if !table.is_empty() || place.is_empty() => {
            for (key, value) in table {
                flatten(&path(place, &key), value, into);
            }
        }
        value => {
            into.insert(place.to_owned(), value);
        }
    }
}

/// One more key of a path, as TOML writes it.
fn path(place: &str, key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let key = match !key.is_empty() && key.bytes().all(is_bare) {
        true => key.to_owned(),
        false => format!("{key:?}"),
    };
    match place {
        "" => key,
        place => format!("{place}.{key}"),
    }
}
