//! From the labels of the manifest to key-value stores and SQL databases: which file or server
//! stands behind each, and which service may open it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::app::parts::LoadErrors;
use crate::capabilities::key_value::redis::Redis;
use crate::capabilities::key_value::sqlite::Sqlite;
use crate::capabilities::key_value::{self, Backend};
use crate::capabilities::sqlite;
use crate::capabilities::sqlite::local::Limits as SqliteLimits;
use crate::capabilities::sqlite::local::Local;
use crate::manifest::model::{Component, Manifest};
use crate::manifest::runtime_config::{
    KeyValueStore as StoreConfig, RuntimeConfig, SqliteDatabase,
};
use crate::storage::key_value::{self as engine, KeyValueStore, Limits};
use crate::storage::ownership::{self, StoreKind};
use crate::storage::state_dir::StateDir;

/// The one label that exists without a runtime config, as in Spin.
const DEFAULT_LABEL: &str = "default";

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("key-value store `{label}`: {error}")]
    Redis {
        label: String,
        error: ::redis::RedisError,
    },
    /// A service with atomic handlers has no store of its own.
    #[error(
        "component `{component}`: `atomic` commits to the service's own store, which is not \
         granted; add \"{component}\" to its key_value_stores"
    )]
    NotGranted { component: String },
    /// The own store of a service with atomic handlers is no file of this host.
    #[error(
        "component `{component}`: `atomic` needs the service's own store, key_value_store \
         `{component}`, to be a file of this host; write in runtime-config.toml \
         [key_value_store.{component}] with type = \"spin\""
    )]
    NotLocal { component: String },
}

/// Where a label leads.
enum Place<'a> {
    File(PathBuf),
    Redis(&'a str),
}

/// The app's stores, by label.
pub struct Stores {
    key_value: BTreeMap<String, Arc<dyn Backend>>,
    /// Those of `key_value` that are files of this host.
    local: BTreeMap<String, Arc<KeyValueStore>>,
    sqlite: BTreeMap<String, Arc<dyn sqlite::Backend>>,
}

impl Stores {
    /// Settles every label that a component names; one that is defined nowhere, or two that share a
    /// file, are errors. Nothing is opened before its first use.
    pub fn new(
        manifest: &Manifest,
        config: &RuntimeConfig,
        state: &StateDir,
    ) -> anyhow::Result<Self> {
        let mut undefined = Vec::new();
        let mut files = Vec::new();
        let mut key_value = BTreeMap::new();
        let mut local = BTreeMap::new();
        let engine_stores = engine::Stores::new(state.commit_gate().clone());
        for label in labels(manifest, |component| &component.key_value_stores) {
            match key_value_place(label, config, state) {
                None => undefined.push(undefined_message("key_value_store", label)),
                Some(Place::Redis(url)) => {
                    let backend = Redis::new(url).map_err(|error| StoreError::Redis {
                        label: label.to_owned(),
                        error,
                    })?;
                    key_value.insert(label.to_owned(), Arc::new(backend) as Arc<dyn Backend>);
                }
                Some(Place::File(path)) => {
                    let limits = Limits {
                        store_mib_max: mib_max(manifest, |c| &c.key_value_stores, label),
                        ..Limits::default()
                    };
                    let store = engine_stores.store(&path, limits);
                    local.insert(label.to_owned(), store.clone());
                    let backend = Arc::new(Sqlite::new(store)) as Arc<dyn Backend>;
                    key_value.insert(label.to_owned(), backend);
                    files.push((StoreKind::KeyValue, label, path));
                }
            }
        }
        let mut sqlite = BTreeMap::new();
        for label in labels(manifest, |component| &component.sqlite_databases) {
            match sqlite_file(label, config, state) {
                None => undefined.push(undefined_message("sqlite_database", label)),
                Some(path) => {
                    let limits = SqliteLimits {
                        store_mib_max: mib_max(manifest, |c| &c.sqlite_databases, label),
                        free_bytes_min: engine::FREE_BYTES_MIN,
                    };
                    let gate = state.commit_gate().clone();
                    let backend = Local::new(path.clone(), limits, gate);
                    sqlite.insert(
                        label.to_owned(),
                        Arc::new(backend) as Arc<dyn sqlite::Backend>,
                    );
                    files.push((StoreKind::Sqlite, label, path));
                }
            }
        }
        let files: Vec<_> = files
            .iter()
            .map(|(kind, label, path)| (*kind, *label, path.as_path()))
            .collect();
        let shared = ownership::check_paths(&files);
        undefined.extend(shared.iter().map(ToString::to_string));
        LoadErrors::check(undefined)?;
        Ok(Self {
            key_value,
            local,
            sqlite,
        })
    }

    /// The key-value stores that a service may open.
    pub fn key_value(&self, component: &Component) -> Result<key_value::Config, StoreError> {
        let mut config = key_value::Config::default();
        for label in &component.key_value_stores {
            config.grant(label.as_str(), self.key_value.get(label).cloned());
        }
        Ok(config)
    }

    /// The store that belongs to the service of this id, if it has one in a file.
    pub fn own(&self, id: &str) -> Option<&Arc<KeyValueStore>> {
        self.local.get(id)
    }

    /// The store that a service's atomic handlers commit to; `None` if it has no such handlers.
    pub fn of_atomic(
        &self,
        component: &Component,
    ) -> Result<Option<Arc<KeyValueStore>>, StoreError> {
        if component.settings.atomic.paths.is_empty() {
            return Ok(None);
        }
        let id = &component.id;
        if !component.key_value_stores.contains(id) {
            return Err(StoreError::NotGranted {
                component: id.clone(),
            });
        }
        match self.local.get(id) {
            Some(store) => Ok(Some(store.clone())),
            None => Err(StoreError::NotLocal {
                component: id.clone(),
            }),
        }
    }

    /// The SQL databases that a service may open.
    pub fn sqlite(&self, component: &Component) -> sqlite::Config {
        let mut config = sqlite::Config::default();
        for label in &component.sqlite_databases {
            config.grant(label, self.sqlite.get(label).cloned());
        }
        config
    }
}

/// The labels that components name, each once.
fn labels(manifest: &Manifest, of: fn(&Component) -> &Vec<String>) -> BTreeSet<&str> {
    manifest
        .components
        .values()
        .flat_map(of)
        .map(String::as_str)
        .collect()
}

/// A store that several services share is as large as the largest limit among them.
fn mib_max(manifest: &Manifest, of: fn(&Component) -> &Vec<String>, label: &str) -> u64 {
    let users = manifest
        .components
        .values()
        .filter(|c| of(c).iter().any(|name| name == label));
    users
        .map(|component| component.settings.store_mib_max)
        .max()
        .unwrap_or_default()
}

fn key_value_place<'a>(
    label: &str,
    config: &'a RuntimeConfig,
    state: &StateDir,
) -> Option<Place<'a>> {
    match config.key_value_stores.get(label) {
        Some(StoreConfig::Redis { url }) => Some(Place::Redis(url)),
        Some(StoreConfig::Spin { path: Some(path) }) => Some(Place::File(path.clone())),
        Some(StoreConfig::Spin { path: None }) => Some(Place::File(state.key_value_file(label))),
        None if label == DEFAULT_LABEL => Some(Place::File(state.key_value_file(label))),
        None => None,
    }
}

fn sqlite_file(label: &str, config: &RuntimeConfig, state: &StateDir) -> Option<PathBuf> {
    match config.sqlite_databases.get(label) {
        Some(SqliteDatabase::Spin { path: Some(path) }) => Some(path.clone()),
        Some(SqliteDatabase::Spin { path: None }) => Some(state.sqlite_file(label)),
        None if label == DEFAULT_LABEL => Some(state.sqlite_file(label)),
        None => None,
    }
}

fn undefined_message(table: &str, label: &str) -> String {
    format!(
        "`{label}` is defined nowhere; add to runtime-config.toml:\n  [{table}.{label}]\n  \
         type = \"spin\""
    )
}
