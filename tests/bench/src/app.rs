//! An app in a folder: a manifest that the host and Spin both run, with the guests where cargo
//! built them. What only the host understands stands in `tool.kumiki`, which Spin ignores.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// One component.
pub struct Service {
    pub id: String,
    pub source: PathBuf,
    pub reached: Reached,
    pub allowed_outbound_hosts: Vec<String>,
    /// Labels of the key-value stores that it may open.
    pub stores: Vec<String>,
    /// Lines of its `tool.kumiki` table.
    pub settings: Vec<String>,
}

/// Who reaches a service.
#[derive(Clone, Debug)]
pub enum Reached {
    /// Clients, on this route.
    Route(String),
    /// Other services, by service chaining.
    Chaining,
    /// Other services, by links: it has no trigger.
    Links,
}

impl Service {
    /// A service on a route of its own that may call nobody.
    pub fn new(id: impl Into<String>, source: PathBuf, route: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            source,
            reached: Reached::Route(route.into()),
            allowed_outbound_hosts: Vec::new(),
            stores: Vec::new(),
            settings: Vec::new(),
        }
    }

    /// The same service, reached in another way.
    pub fn reached(self, reached: Reached) -> Self {
        Self { reached, ..self }
    }

    /// The same service with one more setting: a line such as `reuse_max = 1`.
    pub fn setting(mut self, line: impl Into<String>) -> Self {
        self.settings.push(line.into());
        self
    }

    /// The same service with one more key-value store.
    pub fn store(mut self, label: impl Into<String>) -> Self {
        self.stores.push(label.into());
        self
    }

    /// The same service, which may call this host.
    pub fn calls(mut self, host: impl Into<String>) -> Self {
        self.allowed_outbound_hosts.push(host.into());
        self
    }

    fn write(&self, text: &mut String) -> Result<()> {
        let Self {
            id,
            source,
            reached,
            allowed_outbound_hosts,
            stores,
            settings,
        } = self;
        let route = match reached {
            Reached::Route(route) => Some(format!("{route:?}")),
            Reached::Chaining => Some("{ private = true }".to_owned()),
            Reached::Links => None,
        };
        if let Some(route) = route {
            writeln!(
                text,
                "\n[[trigger.http]]\nroute = {route}\ncomponent = {id:?}"
            )?;
        }
        writeln!(text, "\n[component.{id}]\nsource = {source:?}")?;
        writeln!(text, "allowed_outbound_hosts = {allowed_outbound_hosts:?}")?;
        if !stores.is_empty() {
            writeln!(text, "key_value_stores = {stores:?}")?;
        }
        if !settings.is_empty() {
            writeln!(
                text,
                "\n[component.{id}.tool.kumiki]\n{}",
                settings.join("\n")
            )?;
        }
        Ok(())
    }
}

/// A manifest on disk and the folder of its state.
pub struct App {
    pub manifest: PathBuf,
    /// The component that a host of one component serves.
    pub first_source: PathBuf,
    /// What the host keeps: stores, logs and compiled code.
    pub state: PathBuf,
    /// Requests that one instance serves under the peers, one after the other. Of the host it is a
    /// setting of the services.
    pub peers_reuse_max: u64,
}

impl App {
    /// An app that is there already, with its state in a folder. Peers do not run it.
    pub fn at(manifest: &Path, folder: &Path) -> Self {
        Self {
            manifest: manifest.to_owned(),
            first_source: PathBuf::new(),
            state: folder.join("state"),
            peers_reuse_max: 1,
        }
    }

    /// Writes the manifest `name.toml` into `folder`, and beside it the runtime config, which puts
    /// every store into the state. Apps in one folder share their state. Peers
    /// take a fresh instance for each request.
    ///
    /// # Errors
    /// When there is no service, or the manifest cannot be written.
    pub fn write(folder: &Path, name: &str, services: &[Service]) -> Result<Self> {
        let mut text = String::from("spin_manifest_version = 2\n\n[application]\n");
        text.push_str("name = \"bench\"\nversion = \"0.1.0\"\n");
        for service in services {
            service.write(&mut text)?;
        }
        let manifest = folder.join(format!("{name}.toml"));
        std::fs::create_dir_all(folder)?;
        std::fs::write(&manifest, text)
            .with_context(|| format!("{} cannot be written", manifest.display()))?;
        let stores = services.iter().flat_map(|service| &service.stores);
        let config: String = stores
            .map(|label| format!("[key_value_store.{label}]\ntype = \"spin\"\n\n"))
            .collect();
        if !config.is_empty() {
            std::fs::write(folder.join("runtime-config.toml"), config)?;
        }
        let first = services.first().context("the app has no service")?;
        Ok(Self {
            manifest,
            first_source: first.source.clone(),
            state: folder.join("state"),
            peers_reuse_max: 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{App, Reached, Service};

    #[test]
    fn a_service_has_its_trigger_and_its_settings() {
        let folder = tempfile::tempdir().unwrap();
        let caller = Service::new("caller", "a.wasm".into(), "/call").setting("reuse_max = 7");
        let linked = Service::new("callee", "b.wasm".into(), "").reached(Reached::Links);
        let app = App::write(folder.path(), "app", &[caller, linked]).unwrap();
        let text = std::fs::read_to_string(app.manifest).unwrap();
        assert_eq!(text.matches("[[trigger.http]]").count(), 1, "{text}");
        let settings = "[component.caller.tool.kumiki]\nreuse_max = 7\n";
        assert!(text.contains(settings), "{text}");
        assert!(!text.contains("component.callee.tool"), "{text}");
    }
}
