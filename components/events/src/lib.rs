//! Forwards events to subscribers where no bus is part of the host.
//!
//! # Layout
//!
//! - [`event`]: a CloudEvent as it was published, and the headers that it goes on with.
//! - [`subscription`]: who takes which topics.
//! - [`publishing`]: from a request to its answer, without sockets.
//! - `component`: the only part that knows generated types, and is built for WebAssembly only.
//!
//! The specification is in `wit/world.wit`.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod event;
pub mod publishing;
pub mod subscription;
