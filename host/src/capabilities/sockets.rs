//! The sockets of `wasi:sockets`, 0.2 and 0.3: outgoing TCP and UDP to what the service may reach,
//! as in Spin.
//!
//! The sockets are wasmtime's; this decides on every address that they use. A service never
//! listens. Names are not resolved for sockets (Spin does not either: an entry of
//! `allowed_outbound_hosts` that names a host serves HTTP and the other capabilities, sockets are
//! permitted by address). Guests get `access-denied`.

mod limit;

use std::net::SocketAddr;
use std::sync::Arc;

use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

use crate::network::allowed_hosts::AllowedHosts;
use crate::network::guard::Guard;

pub use limit::{Context, SocketsView, add_concurrent_to_linker, add_to_linker};

/// What the sockets of one service may reach.
#[derive(Clone)]
pub struct Config {
    /// The service's `allowed_outbound_hosts`, asked with the schemes `tcp` and `udp`.
    pub allowed_hosts: Arc<AllowedHosts>,
    /// The host's guard.
    pub guard: Arc<Guard>,
}

/// Gives an instance the sockets of its service.
pub fn apply(config: &Config, builder: &mut WasiCtxBuilder) {
    let config = config.clone();
    // A service that may reach nothing makes no sockets, which hold descriptors.
    let may_reach_any = !config.allowed_hosts.is_empty();
    builder
        .allow_tcp(may_reach_any)
        .allow_udp(may_reach_any)
        .allow_ip_name_lookup(false);
    builder.socket_addr_check(move |address, purpose| {
        let is_permitted = config.permits(address, purpose);
        Box::pin(async move { is_permitted })
    });
}

impl Config {
    fn permits(&self, address: SocketAddr, purpose: SocketAddrUse) -> bool {
        match purpose {
            // An outgoing socket that was not bound is asked for with the wildcard address.
            SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
            SocketAddrUse::UdpBind => address.port() == 0,
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => false,
            SocketAddrUse::TcpConnect => self.reaches("tcp", address),
            // Datagrams come in only from where they may be sent.
            SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => self.reaches("udp", address),
        }
    }

    fn reaches(&self, scheme: &str, address: SocketAddr) -> bool {
        if !self.allowed_hosts.permits_address(scheme, address) {
            return false;
        }
        match self.guard.check(address) {
            Ok(()) => true,
            Err(reason) => {
                tracing::warn!(%reason, "an outgoing socket was stopped by the guard");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AllowedHosts, Arc, Config, Guard, SocketAddrUse};

    fn permits(entries: &[&str], address: &str, purpose: SocketAddrUse) -> bool {
        let entries: Vec<_> = entries.iter().map(|entry| entry.to_string()).collect();
        let mut guard = Guard::default();
        guard.refuse_endpoint("127.0.0.1:3999".parse().unwrap());
        let config = Config {
            allowed_hosts: Arc::new(AllowedHosts::parse(&entries).unwrap()),
            guard: Arc::new(guard),
        };
        config.permits(address.parse().unwrap(), purpose)
    }

    #[test]
    fn tcp_reaches_what_the_list_has_by_address() {
        let connect = SocketAddrUse::TcpConnect;
        assert!(permits(
            &["*://127.0.0.0/24:6000"],
            "127.0.0.1:6000",
            connect
        ));
        assert!(!permits(
            &["*://127.0.0.0/24:6001"],
            "127.0.0.1:6000",
            connect
        ));
        assert!(!permits(
            &["*://10.0.0.0/24:6000"],
            "127.0.0.1:6000",
            connect
        ));
        assert!(!permits(
            &["udp://127.0.0.1:6000"],
            "127.0.0.1:6000",
            connect
        ));
        assert!(!permits(
            &["tcp://localhost:6000"],
            "127.0.0.1:6000",
            connect
        ));
        assert!(!permits(&[], "127.0.0.1:6000", connect));
    }

    #[test]
    fn the_guard_has_the_last_word() {
        assert!(!permits(
            &["*://*:*"],
            "127.0.0.1:3999",
            SocketAddrUse::TcpConnect
        ));
        assert!(!permits(
            &["*://*:*"],
            "[::ffff:127.0.0.1]:3999",
            SocketAddrUse::UdpSend
        ));
    }

    #[test]
    fn a_service_binds_only_what_an_outgoing_socket_needs() {
        assert!(permits(&[], "0.0.0.0:0", SocketAddrUse::TcpBind));
        assert!(permits(&[], "[::]:0", SocketAddrUse::UdpBind));
        for (address, purpose) in [
            ("0.0.0.0:8080", SocketAddrUse::TcpBind),
            ("127.0.0.1:0", SocketAddrUse::TcpBind),
            ("0.0.0.0:5353", SocketAddrUse::UdpBind),
            ("0.0.0.0:0", SocketAddrUse::TcpListen),
            ("127.0.0.1:9", SocketAddrUse::TcpAccept),
        ] {
            assert!(
                !permits(&["*://*:*"], address, purpose),
                "{address} {purpose:?}"
            );
        }
    }

    #[test]
    fn datagrams_come_from_where_they_may_be_sent() {
        let entries = ["udp://192.0.2.1:53"];
        assert!(permits(&entries, "192.0.2.1:53", SocketAddrUse::UdpSend));
        assert!(permits(&entries, "192.0.2.1:53", SocketAddrUse::UdpReceive));
        assert!(!permits(
            &entries,
            "192.0.2.2:53",
            SocketAddrUse::UdpReceive
        ));
    }
}
