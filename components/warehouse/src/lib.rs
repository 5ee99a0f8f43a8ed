//! Stock, and reservations of it.
//!
//! # Layout
//!
//! - [`item`]: everything about one SKU, and what may happen to it; one value of the store.
//! - [`stock`]: the items in the store: levels, deliveries, counts, what to restock, announcements.
//!   - [`stock::index`]: the SKUs that there are.
//!   - [`stock::reservation`]: holding goods for a checkout.
//!   - [`stock::picking`]: taking them from their places for an order, and putting them back.
//!   - [`stock::upkeep`]: what time brings about.
//! - [`service`]: the HTTP interface; [`events`]: the events that it takes.
//! - `component`: the only part that knows generated types.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod events;
pub mod item;
pub mod service;
pub mod stock;
