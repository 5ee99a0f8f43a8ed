//! Engines, compiled artifacts, services and their instances, and one invocation from hand-over to
//! answer.
//!
//! In reading order: [`engine`] and [`artifact_cache`] make a component out of a file,
//! [`contracts`] says what it imports and exports and what meets what, [`linker`] and [`handler`]
//! make it callable, [`service`] holds it with its grants and limits, and [`answer`] drives one
//! call of it.

pub mod absent;
pub mod admission;
pub mod answer;
pub mod artifact_cache;
pub mod code;
pub mod componentize;
pub mod contracts;
pub mod engine;
pub mod failure;
pub mod handler;
pub mod host_places;
pub mod instance;
pub mod instances;
pub mod linker;
pub mod links;
pub mod meter;
pub mod registry;
pub mod service;
pub mod sources;
pub mod standstill;
pub mod state;
pub mod time_limit;
