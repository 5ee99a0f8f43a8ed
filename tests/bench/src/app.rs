//! An app in a folder: a manifest that the host and Spin both run, with the guests where cargo
//! built them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// One component with an HTTP trigger.
pub struct Service {
    pub id: String,
    pub source: PathBuf,
    /// Its route; without one it is reached by service chaining only.
    pub route: Option<String>,
    pub allowed_outbound_hosts: Vec<String>,
}

impl Service {
    /// A service on a route of its own that may call nobody.
    pub fn new(id: impl Into<String>, source: PathBuf, route: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            source,
            route: Some(route.into()),
            allowed_outbound_hosts: Vec::new(),
        }
    }

    fn write(&self, text: &mut String) -> Result<()> {
        let Self {
            id,
            source,
            route,
            allowed_outbound_hosts,
        } = self;
        let route = route.as_ref().map_or_else(
            || "{ private = true }".to_owned(),
            |route| format!("{route:?}"),
        );
        writeln!(
            text,
            "\n[[trigger.http]]\nroute = {route}\ncomponent = {id:?}"
        )?;
        writeln!(text, "\n[component.{id}]\nsource = {source:?}")?;
        writeln!(text, "allowed_outbound_hosts = {allowed_outbound_hosts:?}")?;
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
}

impl App {
    /// Writes the manifest `name.toml` into `folder`. Apps in one folder share their state.
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
        let first = services.first().context("the app has no service")?;
        Ok(Self {
            manifest,
            first_source: first.source.clone(),
            state: folder.join("state"),
        })
    }
}
