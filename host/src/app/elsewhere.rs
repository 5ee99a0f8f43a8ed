//! What an app keeps outside of its state directory, where backups do not reach.

use std::path::Path;

use crate::manifest::runtime_config::{KeyValueStore, RuntimeConfig, SqliteDatabase};

/// The stores that an app keeps outside of the state directory, which its backup does not have.
pub fn elsewhere(config: &RuntimeConfig, state: &Path) -> Vec<String> {
    let mut stores = Vec::new();
    let mut add = |table: &str, label: &str, path: &Path| {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if !real.starts_with(state) {
            stores.push(format!("{table} `{label}` is in {}", path.display()));
        }
    };
    for (label, store) in &config.key_value_stores {
        match store {
            KeyValueStore::Spin { path: Some(path) } => add("key-value store", label, path),
            KeyValueStore::Spin { path: None } | KeyValueStore::Redis { .. } => {}
        }
    }
    for (label, database) in &config.sqlite_databases {
        match database {
            SqliteDatabase::Spin { path: Some(path) } => add("database", label, path),
            SqliteDatabase::Spin { path: None } => {}
        }
    }
    for (label, store) in &config.key_value_stores {
        // Its address may have a password in it.
        if matches!(store, KeyValueStore::Redis { .. }) {
            stores.push(format!("key-value store `{label}` is in Redis"));
        }
    }
    stores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::runtime_config;

    #[test]
    fn stores_in_other_places_are_named() {
        let text = "[key_value_store.a]\ntype = \"spin\"\n\
            [key_value_store.b]\ntype = \"spin\"\npath = \"b.db\"\n\
            [key_value_store.c]\ntype = \"redis\"\nurl = \"redis://:secret@localhost\"\n\
            [sqlite_database.d]\ntype = \"spin\"\npath = \"/data/d.db\"\n\
            [sqlite_database.e]\ntype = \"spin\"\npath = \"/app/.kumiki/sqlite/x.db\"\n";
        let config = runtime_config::parse(text, Path::new("/app/runtime-config.toml")).unwrap();
        let named = elsewhere(&config, Path::new("/app/.kumiki"));
        let expected = [
            "key-value store `b` is in /app/b.db",
            "database `d` is in /data/d.db",
            "key-value store `c` is in Redis",
        ];
        assert_eq!(named, expected);
    }
}
