//! Order taking: checkout and orders. What happens to an order after it is placed is left to
//! `fulfilment`.
//!
//! # Layout
//!
//! - [`peers`]: what a checkout asks of other services.
//! - [`order`]: an order, and how news change it.
//! - [`basket`]: the lines of a cart at their prices, and what shipping them costs.
//! - [`checkout`]: from a cart to an order, or to nothing.
//! - [`list`]: lists of ids that grow without end.
//! - [`service`]: the HTTP interface and the events.

pub mod basket;
pub mod checkout;
#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(test)]
mod fakes;
pub mod list;
pub mod order;
pub mod peers;
pub mod service;
