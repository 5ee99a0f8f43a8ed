//! An app for a test: services, settings and files, written as a manifest into a temporary folder.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use crate::guests;
use crate::host::{Host, Refusal};

/// One component and its triggers.
#[derive(Clone, Debug)]
pub struct Service {
    id: String,
    /// As TOML: a path in quotes, or a table.
    source: String,
    /// The lines of `[[trigger.http]]`, one text per trigger.
    triggers: Vec<String>,
    /// Lines under `[component.ID]`.
    lines: Vec<String>,
    /// Lines under `[component.ID.tool.kumiki]`.
    settings: Vec<String>,
    /// Interfaces that it imports, and the services that answer them.
    links: Vec<(String, String)>,
}

impl Service {
    /// The guest of this name, under the id that it has in the app.
    pub fn new(id: &str, guest: &str) -> Self {
        Self {
            id: id.into(),
            source: format!("{:?}", guests::path(guest).display().to_string()),
            triggers: Vec::new(),
            lines: Vec::new(),
            settings: Vec::new(),
            links: Vec::new(),
        }
    }

    /// The component's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Another source than a guest's path, as TOML: `"file.wasm"` with its quotes, or a table.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    pub fn route(mut self, route: &str) -> Self {
        self.triggers.push(format!("route = {route:?}"));
        self
    }

    /// Reached by service chaining only.
    pub fn private(mut self) -> Self {
        self.triggers.push("route = { private = true }".into());
        self
    }

    pub fn key_value_stores(self, labels: &[&str]) -> Self {
        self.line(format!("key_value_stores = {labels:?}"))
    }

    pub fn sqlite_databases(self, labels: &[&str]) -> Self {
        self.line(format!("sqlite_databases = {labels:?}"))
    }

    pub fn allowed_outbound_hosts<T: AsRef<str>>(self, hosts: &[T]) -> Self {
        let hosts: Vec<&str> = hosts.iter().map(AsRef::as_ref).collect();
        self.line(format!("allowed_outbound_hosts = {hosts:?}"))
    }

    /// A line under `[component.ID]`.
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// A line under `[component.ID.tool.kumiki]`.
    pub fn setting(mut self, line: impl Into<String>) -> Self {
        self.settings.push(line.into());
        self
    }

    /// Has an imported interface answered by the service of this id.
    pub fn link(mut self, interface: &str, id: &str) -> Self {
        self.links.push((interface.into(), id.into()));
        self
    }

    fn write(&self, text: &mut String) {
        let Self {
            id,
            source,
            triggers,
            lines,
            settings,
            links,
        } = self;
        for trigger in triggers {
            writeln!(text, "[[trigger.http]]\n{trigger}\ncomponent = {id:?}\n").unwrap();
        }
        writeln!(
            text,
            "[component.{id}]\nsource = {source}\n{}\n",
            lines.join("\n")
        )
        .unwrap();
        let mut settings = settings.clone();
        if !links.is_empty() {
            let links = links
                .iter()
                .map(|(interface, id)| format!("{interface:?} = {id:?}"));
            let links: Vec<String> = links.collect();
            settings.push(format!("links = {{ {} }}", links.join(", ")));
        }
        if !settings.is_empty() {
            let settings = settings.join("\n");
            writeln!(text, "[component.{id}.tool.kumiki]\n{settings}\n").unwrap();
        }
    }
}

/// A whole app, and how the host is started on it.
#[derive(Clone, Debug, Default)]
pub struct App {
    services: Vec<Service>,
    settings: Vec<String>,
    variables: Vec<String>,
    text: String,
    pub(crate) runtime_config: String,
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// Symbolic links: where each stands, and its target.
    pub(crate) links: Vec<(String, String)>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) preset_admin: bool,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
}

impl App {
    /// An app of these services.
    pub fn new(services: impl IntoIterator<Item = Service>) -> Self {
        Self {
            services: services.into_iter().collect(),
            ..Self::default()
        }
    }

    /// One service more.
    pub(crate) fn add(&mut self, service: Service) {
        self.services.push(service);
    }

    /// A line under `[application.tool.kumiki]`.
    pub fn setting(mut self, line: impl Into<String>) -> Self {
        self.settings.push(line.into());
        self
    }

    /// A line under `[variables]`.
    pub fn variable(mut self, line: impl Into<String>) -> Self {
        self.variables.push(line.into());
        self
    }

    /// Text at the end of the manifest.
    pub fn text(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Text of `runtime-config.toml` beside the manifest.
    pub fn runtime_config(mut self, text: &str) -> Self {
        self.runtime_config.push_str(text);
        self
    }

    /// A key-value store of this label, which the runtime config declares.
    pub fn key_value_store(self, label: &str) -> Self {
        self.runtime_config(&format!("[key_value_store.{label}]\ntype = \"spin\"\n"))
    }

    /// An SQL database of this label, which the runtime config declares.
    pub fn sqlite_database(self, label: &str) -> Self {
        self.runtime_config(&format!("[sqlite_database.{label}]\ntype = \"spin\"\n"))
    }

    /// A file at a path relative to the manifest.
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.into(), bytes.into()));
        self
    }

    /// A symbolic link at a path relative to the manifest.
    pub fn link(mut self, path: &str, target: &str) -> Self {
        self.links.push((path.into(), target.into()));
        self
    }

    /// The address to listen on, in the place of a free port.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// The admin API stands where it does when nobody says otherwise, in the place of a free port.
    pub fn preset_admin(mut self) -> Self {
        self.preset_admin = true;
        self
    }

    /// Arguments after `kumiki up`.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.into()));
        self
    }

    /// Lets the test ask the host what runs: [`Host::registry`].
    pub fn observed(self) -> Self {
        self.arguments(&["--admin", "127.0.0.1:0"])
    }

    /// A variable of the host's environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts the host and waits until it serves.
    pub fn start(self) -> Host {
        match Host::start(self) {
            Ok(host) => host,
            Err(refusal) => panic!("the host does not start:\n{refusal}"),
        }
    }

    /// Starts the host, which must refuse the app and end.
    pub fn refused(self) -> Refusal {
        match Host::start(self) {
            Ok(host) => panic!("the host serves what it should refuse:\n{}", host.output()),
            Err(refusal) => refusal,
        }
    }

    /// The manifest's text.
    pub fn manifest(&self) -> String {
        let mut text = String::from("spin_manifest_version = 2\n\n[application]\n");
        text.push_str("name = \"test-app\"\nversion = \"0.1.0\"\n\n");
        if !self.settings.is_empty() {
            let settings = self.settings.join("\n");
            writeln!(text, "[application.tool.kumiki]\n{settings}\n").unwrap();
        }
        if !self.variables.is_empty() {
            writeln!(text, "[variables]\n{}\n", self.variables.join("\n")).unwrap();
        }
        for service in &self.services {
            service.write(&mut text);
        }
        text.push_str(&self.text);
        text
    }

    /// Writes manifest, runtime config and files into `folder`.
    pub fn write(&self, folder: &Path) {
        std::fs::write(folder.join("spin.toml"), self.manifest()).unwrap();
        if !self.runtime_config.is_empty() {
            std::fs::write(folder.join("runtime-config.toml"), &self.runtime_config).unwrap();
        }
        for (path, bytes) in &self.files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        for (path, target) in &self.links {
            std::os::unix::fs::symlink(target, folder.join(path)).unwrap();
        }
    }
}
