//! The app as it runs: put together from its manifest, out of the parts of the host.
//!
//! Left to others: flags, the listener's address and signals (the command line), what the parts do.

pub mod application;
mod beginning;
pub mod call_graph;
mod canary_watch;
mod compilers;
pub mod dependencies;
mod deploy;
pub mod descriptions;
pub mod elsewhere;
pub mod events;
mod fleet;
pub mod loading;
mod operator;
pub mod options;
pub mod overrides;
pub mod parts;
pub mod plan;
pub mod stores;
mod switch;
mod wiring;
