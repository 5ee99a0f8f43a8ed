//! Shipping quotes, shipments and their tracking.
//!
//! # Layout
//!
//! - [`quote`]: where is shipped to, and for how much.
//! - [`shipment`]: one shipment and its stages; [`wheel`]: those that are under way, by their time.
//! - [`service`]: routes, events and the schedule; `component`: the glue to the WebAssembly host.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod quote;
pub mod service;
pub mod shipment;
#[cfg(test)]
mod tests;
pub mod wheel;
