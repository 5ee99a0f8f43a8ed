//! A simulated payment provider, for the demo.
//!
//! # Layout
//!
//! - [`card`]: the cards of the demo and their tokens.
//! - [`authorization`]: the book; [`signature`]: how webhooks are signed.
//! - [`service`]: the HTTP interface; `component`: the glue to the WebAssembly host.

pub mod authorization;
pub mod card;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod service;
pub mod signature;
#[cfg(test)]
mod tests;
