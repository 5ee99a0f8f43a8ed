//! The catalog: the goods of the shop, and the plain list of products of the first days.
//!
//! # Layout
//!
//! The goods, under `/api/catalog`:
//! - [`assortment`]: products with variants, in categories, and their HTTP interface.
//! - [`goods`]: the first goods; [`picture`]: what they look like.
//!
//! The plain list, under `/products`:
//! - [`product`]: a product, its id, and what makes them valid.
//! - [`draft`]: a product as a client sends it.
//! - [`catalog`]: reading, listing, creating, replacing and deleting products in a store.
//! - [`backend`]: what the catalog needs of a store.
//! - [`rest`]: the HTTP interface, without sockets; [`problem`]: its error answers.
//!
//! And `component`: the only part that knows generated types, and is built for WebAssembly only.
//!
//! The specification is in `wit/world.wit`.

pub mod assortment;
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
