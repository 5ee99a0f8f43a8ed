//! The shop: pages for people, made of what the services answer.
//!
//! # Layout
//!
//! - [`shop`]: a request in, an answer out: origin, session, route, page, headers.
//! - [`services`]: calls to the services, as data; [`visit`]: such calls in the name of who visits.
//! - [`session`] and [`cookies`]: who visits, and how the browser keeps that.
//! - [`model`]: what the services answer; [`form`]: what people type.
//! - [`view`]: the frame of every page, and the cards of products; [`pages`]: the pages.
//! - [`assets`]: the stylesheet and the script; [`money`] and [`moment`]: prices and times as text.
//! - `component`: the only part that knows spin-sdk.
//!
//! It has no store: what it knows stands in cookies or is asked anew.

pub mod assets;
// What `http_component` generates exports its function by a raw name.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)]
mod component;
pub mod cookies;
pub mod form;
pub mod model;
pub mod moment;
pub mod money;
pub mod pages;
pub mod services;
pub mod session;
pub mod shop;
pub mod view;
pub mod visit;
