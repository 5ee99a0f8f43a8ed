//! The guard of every outbound connection: it sees the resolved address, whoever connects and
//! whatever the name was.
//!
//! It refuses the networks that the operator blocks and the host's own admin endpoint in all its
//! forms, and connects to the very address that it checked. Which names a service may use is left
//! to [`super::allowed_hosts`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Host;

use super::allowed_hosts::{AllowedHosts, Verdict, canonical_network, parse_host};

#[cfg(test)]
mod tests;

/// Names that one service may have looked up at once. A lookup holds a thread of the host until the
/// resolver answers, even when nobody waits for it any more.
const LOOKUPS_MAX: usize = 16;

/// What no service may reach, whatever its manifest grants. One set of rules per host, and one
/// guard per service made of it by [`Guard::for_service`].
#[derive(Clone, Debug)]
pub struct Guard {
    blocked_networks: Vec<IpNet>,
    blocks_private: bool,
    refused_endpoints: Vec<SocketAddr>,
    lookups: Arc<Semaphore>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            blocked_networks: Vec::new(),
            blocks_private: false,
            refused_endpoints: Vec::new(),
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
        }
    }
}

/// Why the guard refuses an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The address lies in a network of the runtime config's `block_networks`.
    #[error("{0} lies in a network that the runtime config blocks")]
    BlockedNetwork(IpAddr),
    /// The address is the host's own admin endpoint.
    #[error("{0} is the host's own admin endpoint")]
    AdminEndpoint(SocketAddr),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The service's `allowed_outbound_hosts` do not permit the destination, or the address that
    /// its name has.
    #[error("the destination is not among the allowed outbound hosts")]
    NotAllowed,
    /// Every address of the destination is refused by the guard; this is the first.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name has no address.
    #[error("the name could not be resolved: {0}")]
    Resolve(io::Error),
    /// No connection within the time given.
    #[error("no connection within the time given")]
    TimedOut,
    /// No permitted address accepts the connection; this is the last one's error.
    #[error("the connection failed: {0}")]
    Connect(io::Error),
}

impl Guard {
    /// A guard for the runtime config's `block_networks`; `blocks_private` is its word `private`,
    /// which stands for everything that is not globally reachable.
    pub fn new(blocked_networks: &[IpNet], blocks_private: bool) -> Self {
        let blocked_networks = blocked_networks.iter().copied().map(canonical_network);
        Self {
            blocked_networks: blocked_networks.collect(),
            blocks_private,
            ..Self::default()
        }
    }

    /// Refuses a listener of the host's own, in every form in which its address can be written.
    pub fn refuse_endpoint(&mut self, listener: SocketAddr) {
        self.refused_endpoints.push(listener);
    }

    /// The same rules for another service, whose lookups do not wait for those of its neighbours.
    pub fn for_service(&self) -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
            ..self.clone()
        }
    }

    /// Judges an address at the moment of the connection.
    pub fn check(&self, address: SocketAddr) -> Result<(), Refused> {
        let ip = plain_address(address.ip());
        let is_listener = |listener: &SocketAddr| {
            let own = plain_address(listener.ip());
            listener.port() == address.port()
                && (own.is_unspecified() || own == ip || ip.is_loopback() || ip.is_unspecified())
        };
        if self.refused_endpoints.iter().any(is_listener) {
            return Err(Refused::AdminEndpoint(address));
        }
        let is_blocked = |network: &IpNet| network.contains(&ip) || network.contains(&address.ip());
        if self.blocked_networks.iter().any(is_blocked) || self.blocks_private && !is_global(ip) {
            return Err(Refused::BlockedNetwork(address.ip()));
        }
        Ok(())
    }

    /// Connects to `host:port` for a service that may reach `allowed`. The name is resolved once;
    /// the addresses that the guard and the service's CIDR entries permit are tried in turn, and
    /// the connection goes to one of them. `timeout` covers the resolution and all attempts.
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
        allowed: &AllowedHosts,
        scheme: &str,
        timeout: Duration,
    ) -> Result<TcpStream, ConnectError> {
        let networks = match allowed.check(scheme, host, port) {
            Verdict::Allowed => None,
            Verdict::AllowedIfAddressIn(networks) => Some(networks),
            Verdict::Denied => return Err(ConnectError::NotAllowed),
        };
        let deadline = Instant::now() + timeout;
        let addresses = tokio::time::timeout_at(deadline, self.resolve(host, port))
            .await
            .map_err(|_| ConnectError::TimedOut)??;
        let addresses = self.permitted(addresses, networks.as_deref())?;
        connect_in_turn(&addresses, deadline).await
    }

    /// Connects to an address that the host itself names, such as its own listener.
    pub async fn connect_address(
        &self,
        address: SocketAddr,
        timeout: Duration,
    ) -> Result<TcpStream, ConnectError> {
        self.check(address)?;
        connect_in_turn(&[address], Instant::now() + timeout).await
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
        let name = match parse_host(host) {
            Some(Host::Ipv4(address)) => return Ok(vec![SocketAddr::new(address.into(), port)]),
            Some(Host::Ipv6(address)) => return Ok(vec![SocketAddr::new(address.into(), port)]),
            Some(Host::Domain(name)) => name,
            None => return Err(ConnectError::Resolve(io::ErrorKind::InvalidInput.into())),
        };
        let permit = self.lookups.clone().acquire_owned().await;
        let lookup = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            (name.as_str(), port)
                .to_socket_addrs()
                .map(Iterator::collect::<Vec<_>>)
        });
        let found = lookup.await.map_err(|_| ConnectError::TimedOut)?;
        match found.map_err(ConnectError::Resolve)? {
            none if none.is_empty() => Err(ConnectError::Resolve(io::ErrorKind::NotFound.into())),
            addresses => Ok(addresses),
        }
    }

    fn permitted(
        &self,
        addresses: Vec<SocketAddr>,
        networks: Option<&[IpNet]>,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let mut refused = None;
        let mut permitted = Vec::with_capacity(addresses.len());
        for address in addresses {
            let ip = address.ip().to_canonical();
            if networks.is_some_and(|list| !list.iter().any(|network| network.contains(&ip))) {
                continue;
            }
            match self.check(address) {
                Ok(()) => permitted.push(address),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        match (permitted.is_empty(), refused) {
            (false, _) => Ok(permitted),
            (true, Some(error)) => Err(error.into()),
            (true, None) => Err(ConnectError::NotAllowed),
        }
    }
}

/// Gives each address but the last its share of the time that is left, so that one that swallows
/// packets does not keep the others from being tried.
async fn connect_in_turn(
    addresses: &[SocketAddr],
    deadline: Instant,
) -> Result<TcpStream, ConnectError> {
    let mut last_error = ConnectError::TimedOut;
    for (position, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let attempts_left = u32::try_from(addresses.len() - position).unwrap_or(u32::MAX);
        match tokio::time::timeout(left / attempts_left, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(ConnectError::Connect)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last_error = ConnectError::Connect(error),
            Err(_) => last_error = ConnectError::TimedOut,
        }
    }
    Err(last_error)
}

/// The IPv4 address that an IPv6 one carries: mapped, compatible (RFC 4291) or through a translator
/// (RFC 6052), else the address itself. `::1` and `::` stay what they are.
fn plain_address(address: IpAddr) -> IpAddr {
    const TRANSLATED: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];
    let IpAddr::V6(six) = address else {
        return address;
    };
    if six.is_loopback() || six.is_unspecified() {
        return address;
    }
    let [a, b, c, d, e, f, ..] = six.segments();
    if [a, b, c, d, e, f] == TRANSLATED {
        let [.., w, x, y, z] = six.octets();
        return IpAddr::V4(Ipv4Addr::new(w, x, y, z));
    }
    six.to_ipv4().map_or(address, IpAddr::V4)
}

/// Whether an address is globally reachable, by the IANA registries of special-purpose addresses
/// (RFC 6890).
fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_protocol_assignment = (a, b, c) == (192, 0, 0);
    let is_benchmark = a == 198 && (18..20).contains(&b);
    !(a == 0
        || a >= 224
        || is_shared
        || is_protocol_assignment
        || is_benchmark
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation())
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    let is_special = match (a, b) {
        // IETF protocol assignments (2001::/23), documentation, 6to4.
        (0x2001, 0..0x200) | (0x2001, 0xdb8) | (0x2002, _) => true,
        // Documentation 3fff::/20 and segment routing 5f00::/16.
        (0x3fff, 0..0x1000) | (0x5f00, _) => true,
        // Local translation 64:ff9b:1::/48 and discard-only 100::/64.
        (0x64, 0xff9b) => c == 1,
        (0x100, 0) => true,
        _ => false,
    };
    // fe80::/10 and the former site-local fec0::/10 together are fe80::/9.
    let is_local = address.is_unique_local() || a & 0xff80 == 0xfe80;
    !(is_special
        || is_local
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast())
}
