//! Order processing: from placed to delivered, or undone. What each step takes is left to the
//! services that do it; fulfilment knows whose turn it is, and what to do when someone is late.
//!
//! # Layout
//!
//! - [`saga`]: what an order waits for, and what follows when it comes.
//! - [`command`]: what follows, as events.
//! - [`events`]: the events that are taken.
//! - [`service`]: the HTTP interface.

pub mod command;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod events;
pub mod saga;
pub mod service;
