//! Engines, compiled artifacts, services and their instances, and one invocation from hand-over to answer.

pub mod service;
