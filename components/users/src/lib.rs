//! Accounts, signing in, and who a token names.
//!
//! # Layout
//!
//! - [`service`]: the HTTP interface, and what links ask for.
//! - [`sign_in`]: e-mail address and password become an account; [`lockout`]: who guesses has to
//!   wait; [`staff`]: the account that the manifest makes.
//! - [`account`]: what is kept of a user, and one account per e-mail address.
//! - [`password`]: argon2id; [`token`]: access tokens and their key; [`session`]: refresh tokens.
//! - [`webhook`]: where a webhook may lead.
//! - `component`: the exports; the only part that knows generated types.

pub mod account;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod lockout;
pub mod password;
pub mod service;
pub mod session;
pub mod sign_in;
pub mod staff;
pub mod token;
pub mod webhook;
