//! What else a customer may like: "bought together", "for you", and what sells best.
//!
//! # Layout
//!
//! - [`product`]: with what a product was bought; [`person`]: what someone looked at and bought;
//!   [`best_sellers`]. Each is one bounded value of the store, and knows nothing of it.
//! - [`learning`]: what orders and views change of them; [`advice`]: what is recommended.
//! - [`service`]: the HTTP interface and the events.
//! - `component`: the glue to the engine.

pub mod advice;
pub mod best_sellers;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod learning;
pub mod person;
pub mod product;
pub mod service;
