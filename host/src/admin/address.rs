//! Where the admin API may stand: loopback addresses and Unix sockets, nothing else.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The address when nothing else is asked for.
pub const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3001);

/// What the operator asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Setting {
    /// [`DEFAULT`], or a free port where that one is taken.
    #[default]
    Preset,
    /// This address and no other.
    At(Address),
    /// No admin API.
    Off,
}

/// One address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Always a loopback address; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// The path of a socket.
    Unix(PathBuf),
}

/// Why a text is no address of the admin API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("write it as 127.0.0.1:PORT, [::1]:PORT, unix:/PATH or off")]
    Malformed,
    #[error(
        "{0} is not a loopback address, and the admin API stands on no other; to reach it from \
         elsewhere, forward a port, for example with `ssh -L 3001:127.0.0.1:3001`"
    )]
    NotLoopback(IpAddr),
}

impl FromStr for Setting {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            _ => text.parse().map(Self::At),
        }
    }
}

impl Setting {
    /// Makes the path of a socket absolute.
    pub fn below(self, directory: &Path) -> Self {
        match self {
            Self::At(Address::Unix(path)) => Self::At(Address::Unix(directory.join(path))),
            Self::At(Address::Tcp(_)) | Self::Preset | Self::Off => self,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = Some(path).filter(|path| !path.is_empty());
            return path
                .map(|path| Self::Unix(path.into()))
                .ok_or(AddressError::Malformed);
        }
        // The URL that a client is given leads to the same place.
        let text = text.strip_prefix("http://").unwrap_or(text);
        let text = text.strip_suffix('/').unwrap_or(text);
        let address = match text.strip_prefix("localhost:") {
            Some(port) => port
                .parse()
                .map(|port| (Ipv4Addr::LOCALHOST, port).into())
                .ok(),
            None => text.parse::<SocketAddr>().ok(),
        };
        let address = address.ok_or(AddressError::Malformed)?;
        if address.ip().is_loopback() {
            Ok(Self::Tcp(address))
        } else {
            Err(AddressError::NotLoopback(address.ip()))
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(out, "http://{address}"),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

/// Whether `host` or `host:port`, as in the header `Host`, names this machine without the help of
/// any resolver.
pub fn is_loopback_host(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) => match port.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None => return false,
            },
            None => return false,
        },
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_address = if authority.starts_with('[') {
        host.parse() == Ok(Ipv6Addr::LOCALHOST)
    } else {
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback())
    };
    is_address && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_sockets_and_off_are_settings() {
        let tcp = |text: &str| Ok(Setting::At(Address::Tcp(text.parse().unwrap())));
        assert_eq!("127.0.0.1:0".parse(), tcp("127.0.0.1:0"));
        assert_eq!("127.8.9.1:3001".parse(), tcp("127.8.9.1:3001"));
        assert_eq!("[::1]:3001".parse(), tcp("[::1]:3001"));
        assert_eq!("localhost:3001".parse(), tcp("127.0.0.1:3001"));
        assert_eq!("http://127.0.0.1:3001/".parse(), tcp("127.0.0.1:3001"));
        assert_eq!("off".parse(), Ok(Setting::Off));
        let unix = "unix:run/admin".parse::<Setting>().unwrap();
        assert_eq!(
            unix.below(Path::new("/srv")),
            Setting::At(Address::Unix("/srv/run/admin".into()))
        );
    }

    #[test]
    fn other_addresses_are_refused_with_the_mend() {
        for text in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[::ffff:127.0.0.1]:1"] {
            let error = text.parse::<Setting>().unwrap_err();
            assert!(
                matches!(error, AddressError::NotLoopback(_)),
                "{text}: {error}"
            );
            assert!(error.to_string().contains("ssh -L"), "{error}");
        }
        for text in ["", "on", "3001", "unix:", "127.0.0.1", "example.com:80"] {
            assert_eq!(text.parse::<Setting>(), Err(AddressError::Malformed));
        }
    }

    #[test]
    fn only_names_of_this_machine_are_its_hosts() {
        for host in [
            "localhost",
            "LocalHost:3001",
            "127.0.0.1",
            "127.1.2.3:1",
            "[::1]",
            "[::1]:65535",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "localhost.",
            "0.0.0.0",
            "[::]",
            "::1",
            "[::1",
            "[::1]x",
            "[127.0.0.1]",
            "[::ffff:127.0.0.1]",
            "localhost:x",
            "localhost:65536",
            "user@localhost",
            "2130706433",
            "127.1",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
