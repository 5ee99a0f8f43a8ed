//! The code of one revision in memory: linked and ready to be instantiated. It leaves memory when
//! the service is idle, and is mapped again from the artifact cache at the next call.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use super::absent;
use super::artifact_cache::{Artifact, ArtifactCache, ArtifactError};
use super::contracts::links::meeting_name;
use super::engine::Engines;
use super::handler::Handler;
use super::linker::Linkers;
use super::links::{self, Link};
use super::state::InstanceState;
use crate::network::allowed_hosts::AllowedHosts;

/// Why a component's code cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// An import that neither the host nor a link offers.
    #[error(
        "it imports `{0}`, which kumiki does not offer; remove the import, or run this \
         component in an engine that has it"
    )]
    Import(String),
    /// The component cannot be linked for another reason.
    #[error("it cannot be linked: {0}")]
    Link(String),
}

/// Code in memory.
pub struct Code {
    /// Unlike that of any other code in this process.
    pub number: u64,
    pub pre: InstancePre<InstanceState>,
    /// `None`: the component exports no HTTP handler.
    pub handler: Option<Handler>,
    /// The functions of the exported interfaces that links lead to.
    functions: Vec<ComponentExportIndex>,
    /// The exported interfaces.
    interfaces: Vec<Arc<str>>,
    /// By interface and function: the place in `functions`.
    function_numbers: HashMap<(Arc<str>, Arc<str>), usize>,
}

/// Makes the code of one revision, as often as it is needed.
pub struct CodeLoader {
    pub engines: Arc<Engines>,
    pub linkers: Arc<Linkers>,
    pub cache: Arc<ArtifactCache>,
    pub artifact: Artifact,
    pub links: Vec<Arc<Link>>,
    pub allowed_hosts: Arc<AllowedHosts>,
}

impl CodeLoader {
    /// The engine that the code runs in.
    pub fn engine(&self) -> Engine {
        self.engines.get(self.artifact.kind()).clone()
    }

    /// The code, if the cache has it: mapped and linked in the time of a disk read.
    pub fn load_cached(&self) -> Result<Option<Code>, CodeError> {
        let component = self.cache.cached_code(&self.engines, &self.artifact)?;
        component.map(|component| self.link(&component)).transpose()
    }

    /// The code, compiled again if the cache has lost it, which takes up to seconds.
    pub fn load(&self) -> Result<Code, CodeError> {
        self.link(&self.cache.code(&self.engines, &self.artifact)?)
    }

    fn link(&self, component: &Component) -> Result<Code, CodeError> {
        let linking = |error: wasmtime::Error| CodeError::Link(format!("{error:#}"));
        let mut linker = self
            .linkers
            .get(component, self.artifact.kind())
            .map_err(linking)?;
        if !self.links.is_empty() {
            links::add_to_linker(linker.to_mut(), component, &self.links).map_err(linking)?;
        }
        if !absent::imports(self.artifact.contract()).is_empty() {
            absent::add_to_linker(linker.to_mut(), component, &self.allowed_hosts)
                .map_err(linking)?;
        }
        let pre = linker
            .instantiate_pre(component)
            .map_err(|error| import_error(&format!("{error:#}")))?;
        Ok(Code::new(pre))
    }
}

impl CodeLoader {
    /// Names what was checked when this code is linked: its artifact, what it is linked to, and
    /// whether it must answer HTTP.
    pub fn check_key(&self, is_triggered: bool) -> String {
        let mut imports: Vec<&str> = self.links.iter().map(|link| &*link.import).collect();
        imports.sort_unstable();
        let linked = hex::encode(Sha256::digest(imports.join("\n")));
        let linked = linked.get(..16).unwrap_or(&linked);
        format!("{}-{linked}-{is_triggered}", self.artifact.digest())
    }
}

impl Code {
    fn new(pre: InstancePre<InstanceState>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let mut code = Self {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            handler: Handler::find(&pre),
            functions: Vec::new(),
            interfaces: Vec::new(),
            function_numbers: HashMap::new(),
            pre: pre.clone(),
        };
        code.find_functions(pre.component());
        code
    }

    fn find_functions(&mut self, component: &Component) {
        let engine = component.engine();
        for (interface, export) in component.component_type().exports(engine) {
            let ComponentItem::ComponentInstance(instance) = export.ty else {
                continue;
            };
            let Some(index) = component.get_export_index(None, interface) else {
                continue;
            };
            let interface: Arc<str> = interface.into();
            self.interfaces.push(interface.clone());
            for (name, _) in instance.exports(engine) {
                let Some(index) = component.get_export_index(Some(&index), name) else {
                    continue;
                };
                let number = self.functions.len();
                self.functions.push(index);
                self.function_numbers
                    .insert((interface.clone(), name.into()), number);
            }
        }
    }

    /// What it takes of the address space.
    pub fn bytes(&self) -> u64 {
        let image = self.pre.component().image_range();
        (image.end.addr() - image.start.addr()) as u64
    }

    /// The names of everything that the component exports.
    pub fn exports(&self) -> Vec<String> {
        let component = self.pre.component();
        let ty = component.component_type();
        let names = ty.exports(component.engine()).map(|(name, _)| name);
        names.map(str::to_owned).collect()
    }

    /// The number of the exported function that an import of the interface means, which holds for
    /// this code alone. The interface is exported as it is imported, or in a later minor version.
    pub fn function_number(&self, import: &Arc<str>, name: &Arc<str>) -> Option<usize> {
        let key = (import.clone(), name.clone());
        self.function_numbers.get(&key).copied().or_else(|| {
            let interfaces: Vec<&str> = self.interfaces.iter().map(|name| &**name).collect();
            let export = meeting_name(import, &interfaces)?;
            let key = (export.into(), name.clone());
            self.function_numbers.get(&key).copied()
        })
    }

    /// The export of a number.
    pub fn function(&self, number: usize) -> Option<ComponentExportIndex> {
        self.functions.get(number).copied()
    }
}

/// wasmtime names the import first, and then the part of it that it missed first.
fn import_error(text: &str) -> CodeError {
    let name = text
        .split_once("component imports instance `")
        .and_then(|(_, rest)| rest.split_once('`'));
    match name {
        Some((name, _)) => CodeError::Import(name.to_owned()),
        None => CodeError::Link(text.to_owned()),
    }
}
