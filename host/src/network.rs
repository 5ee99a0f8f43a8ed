//! Which hosts a service may reach, and the one guard that every outbound connection passes.

pub mod allowed_hosts;
pub mod guard;
pub mod tls;
