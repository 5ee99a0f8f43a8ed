//! Full text search of the catalogue, with facets, in SQLite's FTS5.
//!
//! # Layout
//!
//! - [`database`]: statements and rows; [`native`]: on a SQLite of this process; [`tables`]: what
//!   the index consists of.
//! - [`words`]: the words of a text, and how far two of them are apart.
//! - [`product`]: what an event says of a product; [`index`]: what becomes of it.
//! - [`prices`]: ranges of prices; [`query`]: what is asked for; [`facets`]: how much of it there
//!   is; [`search`]: the answer; [`correction`]: the words that were meant; [`suggestions`].
//! - [`service`]: the HTTP interface and the events.
//! - `component`: the glue to the engine.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod correction;
pub mod database;
pub mod facets;
pub mod index;
#[cfg(all(not(target_arch = "wasm32"), any(test, feature = "native")))]
pub mod native;
pub mod prices;
pub mod product;
pub mod query;
pub mod search;
pub mod service;
pub mod suggestions;
pub mod tables;
#[cfg(test)]
mod testing;
pub mod words;
