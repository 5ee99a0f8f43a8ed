//! Messages to customers: inbox, e-mail and webhooks.
//!
//! # Layout
//!
//! - [`service`]: the HTTP interface and the events of the service.
//! - [`news`]: events become messages; [`template`]: their words.
//! - [`message`]: a message; [`messenger`]: it takes the ways that its user wants.
//! - [`inbox`]: the messages that a user keeps.
//! - [`outside`]: e-mail and webhooks, each message an event of its own.
//! - [`audience`]: everyone who may want offers, and offers on their way to them.
//! - [`contacts`]: how a user wants to be reached.
//! - `component`: the exports; the only part that knows generated types.

pub mod audience;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod contacts;
pub mod inbox;
pub mod message;
pub mod messenger;
pub mod news;
pub mod outside;
pub mod service;
pub mod template;
