//! Shipping quotes, shipments and their tracking.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod service;
