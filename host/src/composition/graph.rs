//! The graph of one composition: components as parts, exports connected to imports. Which are
//! connected is left to the callers.

use std::error::Error;
use std::fmt::Write as _;

use wac_graph::types::{ItemKind, Package, Type, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

/// Why there is no composed component.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// A part that is no component, or one that the composer does not understand.
    #[error("`{part}` cannot be composed: {reason}")]
    Part { part: String, reason: String },
    /// The parts were connected, but what came out is not valid.
    #[error("the parts do not make one component: {0}")]
    Encode(String),
}

/// The components that become one.
#[derive(Default)]
pub(super) struct Graph {
    graph: CompositionGraph,
}

/// One component in the graph: a single instance, shared by all who use it.
#[derive(Clone, Copy)]
pub(super) struct Part {
    node: NodeId,
    world: WorldId,
}

impl Graph {
    /// Adds a component; names are unique within a graph.
    pub(super) fn add(&mut self, name: &str, component: &[u8]) -> Result<Part, GraphError> {
        let refused = |reason| GraphError::Part {
            part: name.to_owned(),
            reason,
        };
        let package = Package::from_bytes(name, None, component, self.graph.types_mut())
            .map_err(|error| refused(format!("{error:#}")))?;
        let world = package.ty();
        let package = self
            .graph
            .register_package(package)
            .map_err(|error| refused(chain(&error)))?;
        let node = self.graph.instantiate(package);
        self.graph.set_node_name(node, name);
        Ok(Part { node, world })
    }

    /// The names of a part's imports.
    pub(super) fn imports(&self, part: Part) -> Vec<String> {
        let types = self.graph.types();
        types[part.world].imports.keys().cloned().collect()
    }

    /// The names of a part's exports.
    pub(super) fn exports(&self, part: Part) -> Vec<String> {
        let types = self.graph.types();
        types[part.world].exports.keys().cloned().collect()
    }

    /// Whether somebody has to satisfy an import. One of types alone needs nobody.
    pub(super) fn needs_provider(&self, part: Part, import: &str) -> bool {
        let types = self.graph.types();
        match types[part.world].imports.get(import) {
            Some(ItemKind::Instance(interface)) => {
                let mut items = types[*interface].exports.values();
                !items.all(is_plain_type)
            }
            Some(item) => !is_plain_type(item),
            None => false,
        }
    }

    /// Satisfies an import of one part with an export of another; the error is why it does not fit.
    pub(super) fn connect(
        &mut self,
        consumer: Part,
        import: &str,
        provider: Part,
        export: &str,
    ) -> Result<(), String> {
        let export = self
            .graph
            .alias_instance_export(provider.node, export)
            .map_err(|error| chain(&error))?;
        self.graph
            .set_instantiation_argument(consumer.node, import, export)
            .map_err(|error| chain(&error))
    }

    /// The composed component: it exports what `root` exports, and imports what is left.
    pub(super) fn encode(mut self, root: Part) -> Result<Vec<u8>, GraphError> {
        for name in self.exports(root) {
            let export = self.graph.alias_instance_export(root.node, &name);
            let export = export.map_err(|error| GraphError::Encode(chain(&error)))?;
            let exported = self.graph.export(export, &name);
            exported.map_err(|error| GraphError::Encode(chain(&error)))?;
        }
        let encoded = self.graph.encode(EncodeOptions::default());
        encoded.map_err(|error| GraphError::Encode(chain(&error)))
    }
}

/// A type that is the same everywhere; a resource belongs to whoever defines it.
fn is_plain_type(item: &ItemKind) -> bool {
    match item {
        ItemKind::Type(ty) => !matches!(ty, Type::Resource(_)),
        ItemKind::Func(_)
        | ItemKind::Instance(_)
        | ItemKind::Component(_)
        | ItemKind::Module(_)
        | ItemKind::Value(_) => false,
    }
}

/// An error with all its causes, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a text cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
