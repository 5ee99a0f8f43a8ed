//! Spin's `allowed_outbound_hosts`: the list of places that a service may reach, parsed and asked.
//!
//! The rules are those of Spin's `outbound-networking-config` crate. One is wider: a CIDR entry
//! also serves a DNS name, on the condition that the name resolves into it. Templates are expanded
//! before the list comes here. The check of resolved addresses, and the connection, are left to
//! [`super::guard`].

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use ipnet::IpNet;
use url::Host;

#[cfg(test)]
mod tests;

/// The domain below which every service of the app is reached in process:
/// `http://ID.spin.internal`.
pub const CHAINING_SUFFIX: &str = ".spin.internal";

/// The places that one service may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    rules: Vec<Rule>,
}

/// What the list says about one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The destination is permitted, whatever its name resolves to.
    Allowed,
    /// The name is permitted where it resolves into one of these networks.
    AllowedIfAddressIn(Vec<IpNet>),
    /// No entry permits the destination.
    Denied,
}

/// An entry that Spin would refuse as well, with the mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` in allowed_outbound_hosts {problem}; {mend}")]
pub struct AllowedHostError {
    /// The entry as it stands in the list.
    pub entry: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to write in its place.
    pub mend: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    scheme: SchemeRule,
    host: HostRule,
    port: PortRule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum SchemeRule {
    Any,
    Named(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostRule {
    Any,
    /// A suffix that begins with a dot: the domain itself is not part of it.
    Subdomain(String),
    ToSelf,
    Literal(Host<String>),
    Network(IpNet),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PortRule {
    Any,
    One(u16),
    Span(Range<u16>),
}

impl AllowedHosts {
    /// Parses the whole list and reports every wrong entry, not the first only.
    pub fn parse(list: &[String]) -> Result<Self, Vec<AllowedHostError>> {
        let mut rules = Vec::with_capacity(list.len());
        let mut errors = Vec::new();
        for entry in list {
            match Rule::parse(entry.trim()) {
                Ok(rule) => rules.push(rule),
                Err(Problem { problem, mend }) => {
                    errors.push(AllowedHostError {
                        entry: entry.clone(),
                        problem,
                        mend,
                    });
                }
            }
        }
        if errors.is_empty() {
            Ok(Self { rules })
        } else {
            Err(errors)
        }
    }

    /// Whether nothing at all may be reached.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the list says about `scheme://host:port`. `host` is a name or an address, an IPv6 one
    /// with or without brackets. A host that is neither is denied.
    pub fn check(&self, scheme: &str, host: &str, port: u16) -> Verdict {
        let Some(host) = parse_host(host) else {
            return Verdict::Denied;
        };
        let mut networks = Vec::new();
        for rule in &self.rules {
            if !rule.scheme.permits(scheme) || !rule.port.permits(port) {
                continue;
            }
            match (&rule.host, &host) {
                (HostRule::Network(network), Host::Domain(_)) => networks.push(*network),
                (rule, host) if rule.permits(host) => return Verdict::Allowed,
                _ => {}
            }
        }
        if networks.is_empty() {
            Verdict::Denied
        } else {
            Verdict::AllowedIfAddressIn(networks)
        }
    }

    /// Whether a socket may reach this address; `scheme` is `tcp` or `udp` for the sockets of WASI.
    pub fn permits_address(&self, scheme: &str, address: SocketAddr) -> bool {
        let host = address.ip().to_canonical().to_string();
        self.check(scheme, &host, address.port()) == Verdict::Allowed
    }

    /// Whether requests to the app's own listener are permitted, which `self` and `*` do. The port
    /// of the entry has no meaning here, as in Spin.
    pub fn permits_self(&self) -> bool {
        self.rules.iter().any(|rule| {
            (rule.scheme.permits("http") || rule.scheme.permits("https"))
                && matches!(rule.host, HostRule::Any | HostRule::ToSelf)
        })
    }

    /// Whether the service may chain to the service `id` of its app, and nothing but its name
    /// decides it.
    pub fn permits_service(&self, scheme: &str, id: &str, port: u16) -> bool {
        self.check(scheme, &format!("{id}{CHAINING_SUFFIX}"), port) == Verdict::Allowed
    }

    /// The ids of the services that the list names one by one, so that a caller can say which of
    /// them do not exist.
    pub fn named_services(&self) -> Vec<&str> {
        self.rules
            .iter()
            .filter_map(|rule| match &rule.host {
                HostRule::Literal(Host::Domain(domain)) => chained_service(domain),
                _ => None,
            })
            .collect()
    }
}

/// The service that a host name of the form `ID.spin.internal` stands for.
pub fn chained_service(host: &str) -> Option<&str> {
    let (id, domain) = host.split_once('.')?;
    let is_chained = domain.eq_ignore_ascii_case(CHAINING_SUFFIX.trim_start_matches('.'));
    (is_chained && !id.is_empty() && id != "*").then_some(id)
}

/// Reads a host as a browser does, so that `127.1` and `0x7f000001` are the address that the system
/// would make of them. An IPv4 address in the form of an IPv6 one is that IPv4 address.
pub fn parse_host(host: &str) -> Option<Host<String>> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(address_host(address));
    }
    match Host::parse(host).ok()? {
        Host::Ipv6(address) => Some(address_host(IpAddr::V6(address))),
        other => Some(other),
    }
}

fn address_host(address: IpAddr) -> Host<String> {
    match address.to_canonical() {
        IpAddr::V4(address) => Host::Ipv4(address),
        IpAddr::V6(address) => Host::Ipv6(address),
    }
}

/// The port that a scheme stands for when none is written; the list is Spin's.
pub fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "redis" => Some(6379),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "mqtt" => Some(1883),
        _ => None,
    }
}

/// What is wrong with an entry, before it is known which one it is.
struct Problem {
    problem: String,
    mend: String,
}

fn problem<T>(problem: impl Into<String>, mend: impl Into<String>) -> Result<T, Problem> {
    Err(Problem {
        problem: problem.into(),
        mend: mend.into(),
    })
}

impl Rule {
    fn parse(entry: &str) -> Result<Self, Problem> {
        if entry == "insecure:allow-all" {
            return problem(
                "is a form that is no longer permitted",
                "write `*://*:*` to allow every destination",
            );
        }
        let Some((scheme, rest)) = entry.split_once("://") else {
            return match entry {
                "*" | ":" | "" | "?" => problem(
                    "is not of the form scheme://host[:port]",
                    "write `*://*:*` to allow every destination",
                ),
                _ => problem(
                    "has no scheme",
                    format!("write for example `https://{entry}` or `*://{entry}`"),
                ),
            };
        };
        let (host, port) = rest.rsplit_once(':').unwrap_or((rest, ""));
        if host.contains('[') && !host.contains(']') {
            return problem(
                "has an IPv6 address without a port",
                format!("write the port after the bracket, as in `{entry}:443`"),
            );
        }
        let port = match port.split_once('/') {
            Some((port, "")) => port,
            Some((port, path)) => return has_path(scheme, &format!("{host}:{port}"), path),
            None => port,
        };
        Ok(Self {
            scheme: SchemeRule::parse(scheme, rest)?,
            host: HostRule::parse(scheme, host.trim())?,
            port: PortRule::parse(scheme, host, port)?,
        })
    }
}

fn has_path<T>(scheme: &str, authority: &str, path: &str) -> Result<T, Problem> {
    problem(
        format!("has the path `/{path}`"),
        format!("a path cannot be granted; write `{scheme}://{authority}`"),
    )
}

impl SchemeRule {
    fn parse(scheme: &str, rest: &str) -> Result<Self, Problem> {
        if scheme == "*" {
            return Ok(Self::Any);
        }
        if scheme.is_empty() || scheme.chars().any(|letter| !letter.is_alphabetic()) {
            return problem(
                format!("has the scheme `{scheme}`"),
                format!("a scheme is letters only, or `*`: write for example `https://{rest}`"),
            );
        }
        Ok(Self::Named(scheme.to_owned()))
    }

    fn permits(&self, scheme: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Named(name) => name == scheme,
        }
    }
}

impl HostRule {
    fn parse(scheme: &str, host: &str) -> Result<Self, Problem> {
        if host == "*" {
            return Ok(Self::Any);
        }
        if host == "self" || host == "self.alt" {
            return Ok(Self::ToSelf);
        }
        if host.starts_with('{') {
            return problem("has a list of hosts", "write one entry per host");
        }
        if let Ok(network) = host.parse::<IpNet>() {
            return Ok(Self::Network(canonical_network(network)));
        }
        let host = host.trim_end_matches('/');
        if let Some((host, path)) = host.split_once('/') {
            return has_path(scheme, host, path);
        }
        if let Some(domain) = host.strip_prefix("*.")
            && !domain.contains('*')
        {
            return Ok(Self::Subdomain(format!(".{}", domain.to_ascii_lowercase())));
        }
        if host.contains('*') {
            return problem(
                "has a `*` inside its host",
                "a `*` stands for the whole host, or for what is before a domain: `*.example.com`",
            );
        }
        match parse_host(host) {
            Some(host) => Ok(Self::Literal(host)),
            None => problem(
                format!("has the host `{host}`, which is neither a name nor an address"),
                "write a name, an address (IPv6 in brackets), a network such as `10.0.0.0/8`, \
                 `*` or `self`",
            ),
        }
    }

    fn permits(&self, host: &Host<String>) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Subdomain(suffix), Host::Domain(domain)) => domain.ends_with(suffix.as_str()),
            (Self::Literal(literal), host) => literal == host,
            (Self::Network(network), Host::Ipv4(address)) => {
                network.contains(&IpAddr::V4(*address))
            }
            (Self::Network(network), Host::Ipv6(address)) => {
                network.contains(&IpAddr::V6(*address))
            }
            (Self::Subdomain(_) | Self::Network(_), _) | (Self::ToSelf, _) => false,
        }
    }
}

/// A network of mapped addresses (`::ffff:10.0.0.0/104`) is the IPv4 network, because addresses are
/// compared in that form.
pub(super) fn canonical_network(network: IpNet) -> IpNet {
    let network = network.trunc();
    let IpNet::V6(mapped) = network else {
        return network;
    };
    let Some(bits) = mapped.prefix_len().checked_sub(96) else {
        return network;
    };
    match mapped.addr().to_ipv4_mapped() {
        Some(address) => IpNet::new(IpAddr::V4(address), bits).unwrap_or(network),
        None => network,
    }
}

impl PortRule {
    fn parse(scheme: &str, host: &str, port: &str) -> Result<Self, Problem> {
        if port == "*" {
            return Ok(Self::Any);
        }
        if port.is_empty() {
            return match default_port(scheme) {
                Some(port) => Ok(Self::One(port)),
                None => problem(
                    format!("has no port, and the scheme `{scheme}` has no default one"),
                    format!("write `{scheme}://{host}:PORT`, or `:*` for every port"),
                ),
            };
        }
        let bad_port = || {
            problem(
                format!("has the port `{port}`"),
                "a port is a number, a range with its end excluded such as `8000..8010`, or `*`",
            )
        };
        let Some((start, end)) = port.split_once("..") else {
            return port.parse().map(Self::One).or_else(|_| bad_port());
        };
        match (start.parse::<u16>(), end.parse::<u16>()) {
            (Ok(start), Ok(end)) if start < end => Ok(Self::Span(start..end)),
            (Ok(_), Ok(_)) => problem(
                format!("has the empty range of ports `{port}`"),
                "the end of a range is excluded: write `8000..8001` for port 8000",
            ),
            _ => bad_port(),
        }
    }

    fn permits(&self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => *one == port,
            Self::Span(span) => span.contains(&port),
        }
    }
}
