//! Engines, compiled artifacts, services and their instances, and one invocation from hand-over to
//! answer.
//!
//! In reading order: [`engine`] and [`artifact_cache`] make a component out of a file, [`linker`]
//! and [`handler`] make it callable, [`service`] holds it with its grants and limits, and
//! [`answer`] drives one call of it.

pub mod absent;
pub mod answer;
pub mod artifact_cache;
pub mod componentize;
pub mod engine;
pub mod handler;
pub mod linker;
#[cfg(test)]
mod links_property_tests;
pub mod meter;
pub mod service;
pub mod sources;
pub mod state;
