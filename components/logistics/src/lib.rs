//! Shipping quotes, shipments and their tracking.
//!
//! # Layout
//!
//! - [`tariff`]: where things are sent, and what that costs.
//! - [`shipment`]: one shipment and its stages.
//! - [`shipments`]: all shipments in their store.
//! - [`service`]: the HTTP interface, the events and the schedule.
//! - `component`: the only part that knows generated types.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod service;
pub mod shipment;
pub mod shipments;
pub mod tariff;
