//! What a guest may import. Each capability has the same parts under the same names: bindings,
//! `Config` (what the manifest grants, one per service), `Context` (one per instance), a view and
//! `add_to_linker`.
//!
//! Capabilities never import each other; what several need lies below them (`network`, `storage`)
//! or in [`invocation`].

pub mod files;
pub mod http_out;
pub mod invocation;
pub mod key_value;
pub mod logs;
pub mod redis;
pub mod sockets;
pub mod sqlite;
pub mod variables;
