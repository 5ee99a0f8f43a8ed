//! Static composition: several components made one, from bytes to bytes. Reading and keeping files
//! is left to the commands, compiling to the runtime.
//!
//! [`links`] puts the providers of a component's links into it, for engines that link nothing while
//! they run; [`dependencies`] does what Spin does with `dependencies` of its manifest.

pub mod denial;
pub mod dependencies;
mod graph;
pub mod links;
mod refusal;

#[cfg(test)]
mod tests;

pub use graph::GraphError;
