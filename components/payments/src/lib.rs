//! Authorizes, captures, voids and refunds.
//!
//! # Layout
//!
//! - [`payment`]: what is known of one payment, and how it changes.
//! - [`provider`]: who moves the money; [`webhook`]: whether it is really they who tell something.
//! - [`authorization`]: what a checkout waits for; [`settlement`]: what comes later.
//! - [`service`]: routes and events; `component`: the glue to the WebAssembly host.

pub mod authorization;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod payment;
pub mod provider;
pub mod service;
pub mod settlement;
#[cfg(test)]
mod tests;
pub mod webhook;
