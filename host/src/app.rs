//! The app as it runs: put together from its manifest, out of the parts of the host.
//!
//! Left to others: flags, the listener's address and signals (the command line), what the parts do.

pub mod application;
pub mod call_graph;
pub mod dependencies;
pub mod descriptions;
pub mod elsewhere;
pub mod events;
pub mod loading;
pub mod options;
pub mod overrides;
pub mod parts;
pub mod stores;
