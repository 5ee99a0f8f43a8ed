//! Engines, compiled artifacts, services and their instances, and one invocation from hand-over to
//! answer.
//!
//! In reading order: [`engine`] and [`artifact_cache`] make a component out of a file,
//! [`contracts`] says what it imports and exports and what meets what, [`linker`], [`links`] and
//! [`code`] make it callable, [`instances`] makes sandboxes of it, [`admission`] says who may have
//! one, [`revision`] and [`live`] say which code a call runs and [`canary`] whether a new one does
//! worse, [`service`] holds all of that and runs one invocation, [`answer`] drives the answer to a
//! request, [`atomic`] that of an atomic one, [`registry`] holds the services, and [`idle`] takes
//! those that nobody calls out of memory.

pub mod absent;
pub mod admission;
pub mod answer;
pub mod artifact_cache;
pub mod atomic;
pub mod canary;
pub mod code;
pub mod componentize;
pub mod contracts;
pub mod engine;
pub mod failure;
pub mod handler;
pub mod host_places;
pub mod idle;
pub mod instance;
pub mod instances;
pub mod linker;
pub mod links;
#[cfg(test)]
mod links_property_tests;
pub mod live;
pub mod memory_budget;
pub mod meter;
pub mod registry;
pub mod revision;
pub mod service;
pub mod sources;
pub mod standstill;
pub mod state;
pub mod time_limit;
