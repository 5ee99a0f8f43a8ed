//! What a customer, or a guest, is about to buy.
//!
//! # Layout
//!
//! - [`contents`]: what lies in one cart, and what may be done with it.
//! - [`priced`]: a cart at the catalog's prices, as people see it.
//! - [`service`]: the carts in their store, the HTTP interface and the events.
//! - `component`: the only part that knows generated types.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod contents;
pub mod priced;
pub mod service;
