//! The listener's address: taken before anything slow happens, opened once the app can answer.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use crate::network::listening;

/// Ports that `--find-free-port` tries, from the given one upwards.
const PORTS_TRIED_MAX: u16 = 100;

/// Connections that the system holds for the listener until it accepts them.
const BACKLOG: u32 = 1024;

/// Why there is no address to listen on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "{0} is already in use; stop what listens there, give another address with --listen, or \
         let the next free port be taken with --find-free-port"
    )]
    InUse(SocketAddr),
    #[error(
        "no free port between {first} and {last} on {host}; give a lower one with --listen",
        host = .first.ip()
    )]
    NoneFree { first: SocketAddr, last: u16 },
    #[error("{0} may not be listened on by this user; take a port from 1024 upwards with --listen")]
    NotPermitted(SocketAddr),
    #[error("{0} is not an address of this machine; give one of its own with --listen")]
    NotOurs(SocketAddr),
    #[error("{address} cannot be listened on: {source}")]
    Other {
        address: SocketAddr,
        source: std::io::Error,
    },
}

/// An address that is ours, on which nobody can connect yet.
#[derive(Debug)]
pub struct Bound {
    socket: TcpSocket,
    address: SocketAddr,
    find_free_port: bool,
}

impl Bound {
    /// The address, with the port that the system chose where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens the address to clients. Another program may have opened it meanwhile: the system lets
    /// two bind one port as long as neither listens. Then the next free port is taken, if that was
    /// asked for.
    pub fn listen(self) -> Result<TcpListener, ListenError> {
        let address = self.address;
        let listening = self.socket.listen(BACKLOG);
        match listening.map_err(|error| listen_error(address, error)) {
            Err(ListenError::InUse(_)) if self.find_free_port => bind(address, true)?.listen(),
            outcome => outcome,
        }
    }
}

/// Takes the address. With `find_free_port` an address in use means the next port upwards.
pub fn bind(address: SocketAddr, find_free_port: bool) -> Result<Bound, ListenError> {
    let mut candidate = address;
    for _ in 0..PORTS_TRIED_MAX {
        match bind_exactly(candidate, find_free_port) {
            Err(ListenError::InUse(_)) if find_free_port => match candidate.port().checked_add(1) {
                Some(port) => candidate.set_port(port),
                None => break,
            },
            outcome => return outcome,
        }
    }
    Err(ListenError::NoneFree {
        first: address,
        last: candidate.port(),
    })
}

fn bind_exactly(address: SocketAddr, find_free_port: bool) -> Result<Bound, ListenError> {
    let bound = || {
        let socket = listening::bind(address)?;
        let address = socket.local_addr()?;
        Ok(Bound {
            socket,
            address,
            find_free_port,
        })
    };
    bound().map_err(|error| listen_error(address, error))
}

fn listen_error(address: SocketAddr, error: std::io::Error) -> ListenError {
    match error.kind() {
        ErrorKind::AddrInUse => ListenError::InUse(address),
        ErrorKind::PermissionDenied => ListenError::NotPermitted(address),
        ErrorKind::AddrNotAvailable => ListenError::NotOurs(address),
        _ => ListenError::Other {
            address,
            source: error,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any_port() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    #[tokio::test]
    async fn nobody_connects_before_the_app_can_answer() {
        let bound = bind(any_port(), false).unwrap();
        let address = bound.address();
        assert_ne!(address.port(), 0);
        tokio::net::TcpStream::connect(address).await.unwrap_err();
        let _listener = bound.listen().unwrap();
        tokio::net::TcpStream::connect(address).await.unwrap();
    }

    #[tokio::test]
    async fn an_address_in_use_names_the_mend() {
        let taken = std::net::TcpListener::bind(any_port()).unwrap();
        let address = taken.local_addr().unwrap();
        let message = bind(address, false).unwrap_err().to_string();
        assert!(
            message.contains("--find-free-port") && message.contains("--listen"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn the_next_free_port_is_found_upwards() {
        let taken = std::net::TcpListener::bind(any_port()).unwrap();
        let address = taken.local_addr().unwrap();
        let found = bind(address, true).unwrap().address();
        assert_eq!(found.ip(), address.ip());
        assert!(found.port() > address.port());
    }

    #[tokio::test]
    async fn the_search_ends_at_the_last_port() {
        let last: SocketAddr = "127.0.0.1:65535".parse().unwrap();
        // Whether this test or another program holds the last port makes no difference.
        let _taken = std::net::TcpListener::bind(last);
        let error = bind(last, true).unwrap_err();
        assert!(
            matches!(error, ListenError::NoneFree { last: 65535, .. }),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_foreign_address_is_refused() {
        let foreign: SocketAddr = "192.0.2.1:0".parse().unwrap();
        let error = bind(foreign, false).unwrap_err();
        assert!(matches!(error, ListenError::NotOurs(_)), "{error}");
    }
}
