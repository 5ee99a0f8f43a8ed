//! The kumiki host: runs an application of WebAssembly microservices from its Spin manifest.
//!
//! # Layout
//!
//! In reading order; imports flow down this list, never up and never sideways between capabilities.
//!
//! - [`cli`]: the commands of the binary.
//! - [`app`]: the app as it runs, put together from its manifest out of the parts below.
//! - [`admin`]: what the operator is shown of a running host.
//! - [`events`]: what goes through the bus: publishing, delivery, schedules.
//! - [`gateway`]: the request path, from the listener's socket to the answer.
//! - [`runtime`]: engines, compiled artifacts, services, instances, one invocation.
//! - [`capabilities`]: what a guest may import (key-value, SQL, variables, outbound HTTP, …).
//! - [`storage`]: the state directory and the SQLite files in it.
//! - [`network`]: which hosts a service may reach, and the guard at connect time.
//! - [`composition`]: several components made one, from bytes to bytes.
//! - [`manifest`]: `spin.toml` and the runtime config, parsed with positions.
//! - [`telemetry`]: logs and request identity; anyone may use it.

pub mod admin;
pub mod app;
pub mod capabilities;
pub mod cli;
pub mod composition;
pub mod events;
pub mod gateway;
pub mod manifest;
pub mod network;
pub mod runtime;
pub mod storage;
pub mod telemetry;
