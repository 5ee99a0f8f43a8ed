//! What the services of the store share, so that each of them holds its own rules and little else.
//!
//! # Layout
//!
//! - [`http`]: a request and an answer, without sockets; [`problem`]: error answers.
//! - [`schema`]: the part of JSON Schema that the services' documents use, and the check of a
//!   value.
//! - [`api`]: the routes, events and schedules of a service, and the way of a request through them;
//!   [`openapi`]: the same routes as an OpenAPI 3.1 document.
//! - [`identity`]: who calls.
//! - [`store`]: a key-value store, and JSON values in it.
//! - [`event`]: events that are published and delivered.
//! - [`time`]: moments as text.
//! - [`host`]: everything that a service takes from its surroundings; [`testing`]: all of it in
//!   memory.
//! - `component`: the surroundings that a WebAssembly host gives; the only part that knows
//!   generated types.
//!
//! How a service is made of it is described in docs/STORE.md.

pub mod api;
#[cfg(target_arch = "wasm32")]
pub mod component;
pub mod event;
pub mod host;
pub mod http;
pub mod identity;
pub mod openapi;
pub mod problem;
pub mod schema;
pub mod store;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod time;
