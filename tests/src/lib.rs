//! What the end-to-end tests share: the real host as a child process, the apps that it runs, a
//! client that can also send what no honest client sends, and the peers that guests talk to. The
//! tests themselves are in `tests/e2e/`.
//!
//! # Layout
//!
//! - [`app`]: a manifest, built in a temporary folder.
//! - [`host`]: the host that runs it; killed with all its output shown when a test fails.
//! - [`guests`]: where the guests are; builds them once.
//! - [`http`]: one HTTP/1.1 exchange at the level of bytes, answers read whole or as they come.
//! - [`peers`]: TCP, UDP and HTTP servers in threads, and a real redis-server.
//! - [`watch`]: `kumiki watch`, and the host that it runs.
//! - [`registry`]: what the host says that runs.
//! - [`deploys`]: builds that differ, and an operator who deploys them.
//! - [`events`]: apps with a bus, and what became of events.
//! - [`provider`]: a payment provider that can be told to misbehave.
//! - [`store`]: the store at the root of this repository, and people who use it.
//! - [`store_services`]: some of its services, and their events.
//! - [`gate`]: a door at which guests wait until the test opens it.
//! - [`wait`]: waiting on a condition with a deadline, which stands in the place of sleeping.
//!
//! These parts fail a test by panicking, with a text that says what was expected.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this crate is test code: to panic is how it reports"
)]

pub mod app;
pub mod deploys;
pub mod events;
pub mod gate;
pub mod guests;
pub mod host;
pub mod http;
pub mod peers;
pub mod provider;
pub mod registry;
pub mod store;
pub mod store_services;
pub mod wait;
pub mod watch;
