//! The product service: its rules, and the glue that makes a component of them.
//!
//! # Layout
//!
//! - [`product`]: a product, its id, and what makes them valid.
//! - [`draft`]: a product as a client sends it.
//! - [`catalog`]: reading, listing, creating, replacing and deleting products in a store.
//! - [`backend`]: what the catalog needs of a store.
//! - [`rest`]: the HTTP interface, without sockets; [`problem`]: its error answers.
//! - [`goods`]: what the store begins with, from `data/goods.json`; [`picture`]: how it looks.
//! - `component`: the only part that knows generated types, and is built for WebAssembly only.
//!
//! The specification is in `wit/world.wit`.

pub mod backend;
pub mod catalog;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod draft;
pub mod goods;
pub mod picture;
pub mod problem;
pub mod product;
pub mod rest;
