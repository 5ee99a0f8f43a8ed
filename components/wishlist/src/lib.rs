//! What customers would like to have.
//!
//! # Layout
//!
//! - [`wishes`]: one user's list, and what is watched of one SKU.
//! - [`peers`]: what is asked of catalog, cart and warehouse.
//! - [`lists`]: lists and watches in their store.
//! - [`news`]: what changes of products and stock mean for those who wait for them.
//! - [`service`]: the HTTP interface and the events.
//! - `component`: the only part that knows generated types.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod lists;
pub mod news;
pub mod peers;
pub mod service;
pub mod wishes;
