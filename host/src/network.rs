//! Which hosts a service may reach, the one guard that every outbound connection passes, and the
//! sockets that the host listens on.

pub mod allowed_hosts;
pub mod guard;
pub mod listening;
pub mod tls;
