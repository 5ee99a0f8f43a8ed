//! The guard of every outbound connection: it sees the resolved address, whoever connects and
//! whatever the name was.
//!
//! It refuses the networks that the operator blocks and the host's own admin endpoint in all its
//! forms, and connects to the very address that it checked. Which names a service may use is left
//! to [`super::allowed_hosts`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::TcpStream;
use tokio::time::Instant;
use url::Host;

use super::allowed_hosts::{AllowedHosts, Verdict, canonical_network, parse_host};

/// What no service may reach, whatever its manifest grants. One per host.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    blocked_networks: Vec<IpNet>,
    blocks_private: bool,
    refused_endpoints: Vec<SocketAddr>,
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

/// An entry of `block_networks` that is neither a network nor `private`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` in block_networks is no network; write one such as `10.0.0.0/8`, an address, or \
     `private`"
)]
pub struct BlockedNetworkError(pub String);

impl Guard {
    /// A guard for the entries of the runtime config's `block_networks`: networks, addresses, and
    /// the keyword `private` for everything that is not globally reachable.
    pub fn new(block_networks: &[String]) -> Result<Self, Vec<BlockedNetworkError>> {
        let mut guard = Self::default();
        let mut errors = Vec::new();
        for entry in block_networks {
            let address = entry.parse::<IpAddr>().map(IpNet::from);
            match entry.parse::<IpNet>().or(address) {
                Ok(network) => guard.blocked_networks.push(canonical_network(network)),
                Err(_) if entry == "private" => guard.blocks_private = true,
                Err(_) => errors.push(BlockedNetworkError(entry.clone())),
            }
        }
        if errors.is_empty() {
            Ok(guard)
        } else {
            Err(errors)
        }
    }

    /// Refuses a listener of the host's own, in every form in which its address can be written.
    pub fn refuse_endpoint(&mut self, listener: SocketAddr) {
        self.refused_endpoints.push(listener);
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
        let addresses = tokio::time::timeout_at(deadline, resolve(host, port))
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

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    let no_address = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let name = match parse_host(host) {
        Some(Host::Ipv4(address)) => return Ok(vec![SocketAddr::new(address.into(), port)]),
        Some(Host::Ipv6(address)) => return Ok(vec![SocketAddr::new(address.into(), port)]),
        Some(Host::Domain(name)) => name,
        None => return Err(ConnectError::Resolve(no_address())),
    };
    let found = tokio::net::lookup_host((name.as_str(), port)).await;
    let addresses: Vec<_> = found.map_err(ConnectError::Resolve)?.collect();
    if addresses.is_empty() {
        return Err(ConnectError::Resolve(no_address()));
    }
    Ok(addresses)
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

#[cfg(test)]
mod tests {
    use super::{ConnectError, Guard, Refused};
    use crate::network::allowed_hosts::AllowedHosts;
    use proptest::prelude::{prop_assert, proptest};
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;
    use tokio::net::TcpListener;

    const TIMEOUT: Duration = Duration::from_secs(20);

    fn allowed(entry: &str) -> AllowedHosts {
        AllowedHosts::parse(&[entry.to_owned()]).unwrap()
    }

    fn blocking(entries: &[&str]) -> Guard {
        Guard::new(
            &entries
                .iter()
                .map(|entry| entry.to_string())
                .collect::<Vec<_>>(),
        )
        .unwrap()
    }

    fn check(guard: &Guard, address: &str) -> Result<(), Refused> {
        guard.check(address.parse().unwrap())
    }

    #[test]
    fn the_admin_endpoint_is_refused_in_all_its_forms() {
        let mut guard = Guard::default();
        guard.refuse_endpoint("127.0.0.1:3999".parse().unwrap());
        for address in [
            "127.0.0.1:3999",
            "127.255.0.9:3999",
            "0.0.0.0:3999",
            "[::1]:3999",
            "[::]:3999",
            "[::ffff:127.0.0.1]:3999",
            "[::ffff:0.0.0.0]:3999",
            "[::127.0.0.1]:3999",
            "[64:ff9b::127.0.0.1]:3999",
        ] {
            let refused = Err(Refused::AdminEndpoint(address.parse().unwrap()));
            assert_eq!(check(&guard, address), refused);
        }
        assert_eq!(check(&guard, "127.0.0.1:3000"), Ok(()));
        assert_eq!(check(&guard, "192.0.2.1:3999"), Ok(()));
    }

    #[test]
    fn a_listener_on_another_interface_is_refused_there_and_on_loopback() {
        let mut guard = Guard::default();
        guard.refuse_endpoint("10.1.2.3:3999".parse().unwrap());
        assert!(check(&guard, "10.1.2.3:3999").is_err());
        assert!(check(&guard, "[::ffff:10.1.2.3]:3999").is_err());
        assert!(check(&guard, "10.1.2.4:3999").is_ok());
    }

    #[test]
    fn private_is_what_is_not_globally_reachable() {
        let guard = blocking(&["private"]);
        for address in [
            "0.0.0.0:1",
            "10.9.8.7:1",
            "100.64.1.1:1",
            "127.0.0.1:1",
            "169.254.0.1:1",
            "172.31.0.1:1",
            "192.0.0.1:1",
            "192.168.3.4:1",
            "198.19.0.1:1",
            "224.0.0.1:1",
            "255.255.255.255:1",
            "[::1]:1",
            "[::ffff:10.10.10.10]:1",
            "[fc00::f00d]:1",
            "[fe80::1]:1",
            "[2001:db8::1]:1",
            "[64:ff9b::10.0.0.1]:1",
            "[2002:7f00:1::]:1",
        ] {
            assert!(check(&guard, address).is_err(), "{address}");
        }
        for address in [
            "123.123.123.123:1",
            "[2600::beef]:1",
            "[64:ff9b::8.8.8.8]:1",
        ] {
            assert!(check(&guard, address).is_ok(), "{address}");
        }
    }

    #[test]
    fn blocked_networks_hold_mapped_addresses_too() {
        let guard = blocking(&["123.123.0.0/16", "2001::/96", "9.9.9.9"]);
        for address in [
            "123.123.1.1:1",
            "[::ffff:123.123.1.1]:1",
            "[2001::1000]:1",
            "9.9.9.9:1",
        ] {
            assert!(check(&guard, address).is_err(), "{address}");
        }
        assert!(check(&guard, "123.100.1.1:1").is_ok());
        let wrong = Guard::new(&["priv".to_owned(), "1.2.3.4/40".to_owned()]).unwrap_err();
        assert_eq!(wrong.len(), 2);
    }

    #[tokio::test]
    async fn a_name_is_connected_only_where_its_address_is_permitted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let guard = Guard::default();
        let connect = async |entry: String, host| {
            guard
                .connect(host, port, &allowed(&entry), "http", TIMEOUT)
                .await
        };
        let stream = connect(format!("http://127.0.0.0/8:{port}"), "localhost")
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
        assert!(stream.nodelay().unwrap());
        let outside = connect(format!("http://10.0.0.0/8:{port}"), "localhost").await;
        assert!(matches!(outside, Err(ConnectError::NotAllowed)));
        let elsewhere = connect("http://example.com".to_owned(), "localhost").await;
        assert!(matches!(elsewhere, Err(ConnectError::NotAllowed)));
    }

    #[tokio::test]
    async fn a_permitted_name_does_not_lead_to_the_admin_endpoint() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut guard = Guard::default();
        guard.refuse_endpoint(listener.local_addr().unwrap());
        for host in [
            "localhost",
            "127.1",
            "2130706433",
            "0.0.0.0",
            "[::]",
            "[::ffff:7f00:1]",
        ] {
            let error = guard
                .connect(host, port, &allowed("*://*:*"), "http", TIMEOUT)
                .await;
            assert!(matches!(error, Err(ConnectError::Refused(_))), "{host}");
        }
    }

    #[tokio::test]
    async fn a_port_without_a_listener_and_a_name_without_an_address_are_told_apart() {
        let unused = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let guard = Guard::default();
        let everything = allowed("*://*:*");
        let refused = guard
            .connect("127.0.0.1", unused.port(), &everything, "tcp", TIMEOUT)
            .await;
        assert!(matches!(refused, Err(ConnectError::Connect(_))));
        let unknown = guard
            .connect("no such name", 80, &everything, "tcp", TIMEOUT)
            .await;
        assert!(matches!(unknown, Err(ConnectError::NotAllowed)));
        let late = guard.connect(
            "127.0.0.1",
            unused.port(),
            &everything,
            "tcp",
            Duration::ZERO,
        );
        assert!(matches!(
            late.await,
            Err(ConnectError::TimedOut | ConnectError::Connect(_))
        ));
    }

    proptest! {
        #[test]
        fn no_form_of_a_blocked_address_passes(last: u32, port: u16) {
            let guard = blocking(&["0.0.0.0/0"]);
            let address = Ipv4Addr::from(last);
            prop_assert!(guard.check(SocketAddr::new(address.into(), port)).is_err());
            let mapped = address.to_ipv6_mapped();
            prop_assert!(guard.check(SocketAddr::new(mapped.into(), port)).is_err());
        }
    }
}
