//! What a component imports and exports, as a summary that can be kept, compared and printed.
//!
//! Types stand in it as one canonical text each, by structure: names of types, and where they were
//! declared, leave no trace. So two types are equal exactly when their texts are. The summary is
//! made from wasmtime's own view of a component, the one that its dynamic values are checked
//! against. Which version of an interface meets an import, and what differs, is left to [`links`];
//! a whole app is checked by [`app`], and what a deploy would break by [`deploy`].

pub mod app;
mod change;
pub mod deploy;
pub mod links;
pub mod mismatch;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem, Type};
use wasmtime::component::{Component, ResourceType};

use text::Writer;

/// Text of one function's types. Longer ones are not kept, and cannot be linked.
const FUNCTION_TEXT_BYTES_MAX: usize = 64 << 10;

/// Text of all functions of a component: a small component can name one large type many times.
const CONTRACT_TEXT_BYTES_MAX: usize = 4 << 20;

/// The case of an error by which a caller hears that a link failed.
pub const UNAVAILABLE: &str = "unavailable";

/// What a component imports and exports, each in the component's own order.
#[derive(Debug, PartialEq, Eq)]
pub struct Contract {
    pub imports: Box<[Item]>,
    pub exports: Box<[Item]>,
}

/// One import or export. Interfaces that many components have are shared by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Interface(Arc<Interface>),
    /// A function that stands in no interface.
    Function(Arc<Function>),
    Other(Arc<Other>),
}

/// An interface with its name, such as `store:catalog/products@1.0.0`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    pub name: String,
    pub functions: Vec<Function>,
    /// Names of the resource types that it holds.
    pub resources: Vec<String>,
    /// What else it holds that is neither a function nor a type, such as a nested instance.
    pub others: Vec<Other>,
}

/// A function and the canonical text of its types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    pub is_async: bool,
    pub parameters: Vec<Parameter>,
    pub result: Option<String>,
    /// Why it cannot be linked, if anything; without doubles.
    pub obstacles: Vec<Obstacle>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    pub name: String,
    pub ty: String,
}

/// What keeps a function from being linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Obstacle {
    AsyncFunction,
    Resource,
    Stream,
    Future,
    ErrorContext,
    /// The text of its types is longer than the host keeps, so they cannot be compared.
    TooLong,
}

/// An import or export that is neither an interface nor a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    pub name: String,
    pub kind: OtherKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OtherKind {
    /// A type that is no resource: it asks for nothing.
    Type,
    Resource,
    Instance,
    Component,
    Module,
    CoreFunction,
}

impl Contract {
    /// The contract of a component.
    pub fn of(component: &Component) -> Self {
        let engine = component.engine();
        let ty = component.component_type();
        let mut text_bytes = CONTRACT_TEXT_BYTES_MAX;
        let imports = ty
            .imports(engine)
            .map(|(name, item)| Item::of(name, &item.ty, engine, &mut text_bytes))
            .collect();
        let exports = ty
            .exports(engine)
            .map(|(name, item)| Item::of(name, &item.ty, engine, &mut text_bytes))
            .collect();
        Self { imports, exports }
    }

    /// The interfaces that the component exports.
    pub fn exported_interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.exports.iter().filter_map(Item::interface)
    }

    /// The interfaces that the component imports.
    pub fn imported_interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.imports.iter().filter_map(Item::interface)
    }
}

impl Item {
    fn of(
        name: &str,
        item: &ComponentItem,
        engine: &wasmtime::Engine,
        text_bytes: &mut usize,
    ) -> Self {
        match item {
            ComponentItem::ComponentInstance(instance) => {
                Self::Interface(Arc::new(Interface::of(name, instance, engine, text_bytes)))
            }
            ComponentItem::ComponentFunc(ty) => {
                Self::Function(Arc::new(Function::of(name, ty, &[], text_bytes)))
            }
            ComponentItem::CoreFunc(_)
            | ComponentItem::Module(_)
            | ComponentItem::Component(_)
            | ComponentItem::Type(_)
            | ComponentItem::Resource(_) => Self::Other(Arc::new(Other::of(name, item))),
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Interface(interface) => &interface.name,
            Self::Function(function) => &function.name,
            Self::Other(other) => &other.name,
        }
    }

    /// The interface that it is, if it is one.
    pub fn interface(&self) -> Option<&Interface> {
        match self {
            Self::Interface(interface) => Some(interface),
            Self::Function(_) | Self::Other(_) => None,
        }
    }

    /// Whether an import of it asks for nothing but names of types.
    pub fn is_types_only(&self) -> bool {
        match self {
            Self::Interface(interface) => interface.is_types_only(),
            Self::Function(_) => false,
            Self::Other(other) => other.kind == OtherKind::Type,
        }
    }
}

impl Interface {
    fn of(
        name: &str,
        instance: &ComponentInstance,
        engine: &wasmtime::Engine,
        text_bytes: &mut usize,
    ) -> Self {
        let mut interface = Self {
            name: name.to_owned(),
            functions: Vec::new(),
            resources: Vec::new(),
            others: Vec::new(),
        };
        let resources: Vec<_> = instance
            .exports(engine)
            .filter_map(|(name, item)| match item.ty {
                ComponentItem::Resource(ty) => Some((name.to_owned(), ty)),
                _ => None,
            })
            .collect();
        for (name, item) in instance.exports(engine) {
            match &item.ty {
                ComponentItem::ComponentFunc(ty) => interface
                    .functions
                    .push(Function::of(name, ty, &resources, text_bytes)),
                ComponentItem::Resource(_) => interface.resources.push(name.to_owned()),
                ComponentItem::Type(_) => {}
                ComponentItem::ComponentInstance(_)
                | ComponentItem::CoreFunc(_)
                | ComponentItem::Module(_)
                | ComponentItem::Component(_) => {
                    interface.others.push(Other::of(name, &item.ty));
                }
            }
        }
        interface
    }

    /// Whether an import of it asks for nothing but names of types.
    pub fn is_types_only(&self) -> bool {
        self.functions.is_empty() && self.resources.is_empty() && self.others.is_empty()
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

impl Function {
    fn of(
        name: &str,
        ty: &ComponentFunc,
        resources: &[(String, ResourceType)],
        text_bytes: &mut usize,
    ) -> Self {
        let bytes_max = FUNCTION_TEXT_BYTES_MAX.min(*text_bytes);
        let mut writer = Writer::new(resources, bytes_max);
        let parameters = ty
            .params()
            .map(|(name, ty)| {
                Some(Parameter {
                    name: name.to_owned(),
                    ty: writer.text(&ty)?,
                })
            })
            .collect();
        let result = ty.results().next().map(|ty| writer.text(&ty));
        *text_bytes -= writer.written_bytes().min(*text_bytes);
        let mut obstacles = writer.into_obstacles();
        if ty.async_() {
            obstacles.insert(0, Obstacle::AsyncFunction);
        }
        // A text that is not whole is none: nothing must be compared with it.
        let (parameters, result) = match (parameters, result) {
            (Some(parameters), None) => (parameters, None),
            (Some(parameters), Some(Some(result))) => (parameters, Some(result)),
            (None, _) | (_, Some(None)) => (Vec::new(), None),
        };
        Self {
            name: name.to_owned(),
            is_async: ty.async_(),
            parameters,
            result,
            obstacles,
        }
    }
}

impl Other {
    fn of(name: &str, item: &ComponentItem) -> Self {
        let kind = match item {
            ComponentItem::Type(_) => OtherKind::Type,
            ComponentItem::Resource(_) => OtherKind::Resource,
            ComponentItem::ComponentInstance(_) => OtherKind::Instance,
            ComponentItem::Component(_) => OtherKind::Component,
            ComponentItem::Module(_) => OtherKind::Module,
            ComponentItem::CoreFunc(_) | ComponentItem::ComponentFunc(_) => OtherKind::CoreFunction,
        };
        Self {
            name: name.to_owned(),
            kind,
        }
    }
}

/// `func(id: u32) -> result<string>`
impl fmt::Display for Function {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.is_async {
            "async func("
        } else {
            "func("
        })?;
        for (index, parameter) in self.parameters.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(out, "{comma}{}: {}", parameter.name, parameter.ty)?;
        }
        out.write_str(")")?;
        match &self.result {
            Some(result) => write!(out, " -> {result}"),
            None => Ok(()),
        }
    }
}

/// Stands after "it has", or "it is" for a function that is `async`.
impl fmt::Display for Obstacle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::AsyncFunction => "`async func`",
            Self::Resource => "a resource",
            Self::Stream => "a stream",
            Self::Future => "a future",
            Self::ErrorContext => "an error-context",
            Self::TooLong => "types of more than 64 KiB of text",
        })
    }
}

impl fmt::Display for OtherKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Type => "type",
            Self::Resource => "resource",
            Self::Instance => "instance",
            Self::Component => "component",
            Self::Module => "core module",
            Self::CoreFunction => "core function",
        })
    }
}

/// Whether the function returns an error that has the case `unavailable(string)`, by which its
/// caller can be told that the link failed.
pub fn unavailable_case(ty: &ComponentFunc) -> bool {
    let Some(Type::Result(result)) = ty.results().next() else {
        return false;
    };
    let Some(Type::Variant(error)) = result.err() else {
        return false;
    };
    error
        .cases()
        .any(|case| case.name == UNAVAILABLE && case.ty == Some(Type::String))
}
