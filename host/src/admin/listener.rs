//! The socket of the admin API. It listens from the start, so that its address is known before any
//! service is made; who connects meanwhile waits.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use super::address::{Address, DEFAULT, Setting};
use crate::network::listening;

/// Connections that the system holds until they are accepted.
const BACKLOG: u32 = 16;

/// Why there is no admin API.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "the admin address {0} is already in use; give another with --admin, port 0 for a free \
         one, or --admin off"
    )]
    InUse(Address),
    /// A file of somebody's stands where the socket would.
    #[error("{0} is not a socket, and is left as it is; give another path with --admin")]
    NotASocket(PathBuf),
    #[error(
        "the admin address {address} cannot be listened on: {source}; give another with --admin"
    )]
    Other { address: Address, source: io::Error },
}

/// A connection of either kind.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A socket that clients can connect to.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    address: Address,
    file: Option<OwnFile>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A file that is removed when the host ends.
#[derive(Debug)]
pub(super) struct OwnFile(pub(super) PathBuf);

impl Drop for OwnFile {
    fn drop(&mut self) {
        // Who stops the host may have removed the folder already.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Opens the socket; `None` when there is to be none. `public` is the address that the app's
    /// own listener has taken and may not have opened yet.
    pub fn open(setting: &Setting, public: SocketAddr) -> Result<Option<Self>, ListenError> {
        match setting {
            Setting::Off => Ok(None),
            Setting::At(Address::Unix(path)) => Self::unix(path).map(Some),
            Setting::At(Address::Tcp(address)) => Self::tcp(*address, public).map(Some),
            Setting::Preset => match Self::tcp(DEFAULT, public) {
                Err(ListenError::InUse(_)) => {
                    let found = Self::tcp(SocketAddr::new(DEFAULT.ip(), 0), public)?;
                    let (wanted, found_at) = (DEFAULT, &found.address);
                    tracing::warn!("the admin port of {wanted} is in use; took {found_at}");
                    Ok(Some(found))
                }
                outcome => outcome.map(Some),
            },
        }
    }

    /// The address, with the port that the system chose where 0 was asked for.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The endpoint that no guest may reach; a guest has no way to a Unix socket.
    pub fn endpoint(&self) -> Option<SocketAddr> {
        match &self.address {
            Address::Tcp(address) => Some(*address),
            Address::Unix(_) => None,
        }
    }

    /// The file that the socket has, to be removed when nobody serves it any more.
    pub(super) fn take_file(&mut self) -> Option<OwnFile> {
        self.file.take()
    }

    /// The next client.
    pub(super) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A client that is gone already is no reason to stop taking others.
                let _ = stream.set_nodelay(true);
                Ok(Box::new(stream))
            }
            Socket::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }

    fn tcp(address: SocketAddr, public: SocketAddr) -> Result<Self, ListenError> {
        // The system lets two bind one port as long as neither listens, and the app does not yet.
        let is_public = address.port() == public.port()
            && (public.ip().is_unspecified() || public.ip() == address.ip());
        if is_public {
            return Err(ListenError::InUse(Address::Tcp(address)));
        }
        let open = || {
            let listener = listening::bind(address)?.listen(BACKLOG)?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) =
            open().map_err(|error| listen_error(Address::Tcp(address), error))?;
        Ok(Self {
            socket: Socket::Tcp(listener),
            address: Address::Tcp(address),
            file: None,
        })
    }

    fn unix(path: &Path) -> Result<Self, ListenError> {
        make_room(path)?;
        let address = Address::Unix(path.to_owned());
        let open = || {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket =
                rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
            rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
            // Nobody can connect before `listen`, so nobody connects with another mode.
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
            rustix::net::listen(&socket, BACKLOG.cast_signed())?;
            UnixListener::from_std(std::os::unix::net::UnixListener::from(socket))
        };
        let listener = open().map_err(|error| listen_error(address.clone(), error))?;
        Ok(Self {
            socket: Socket::Unix(listener),
            address,
            file: Some(OwnFile(path.to_owned())),
        })
    }
}

/// Removes the socket of a host that was killed.
fn make_room(path: &Path) -> Result<(), ListenError> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(ListenError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(listen_error(Address::Unix(path.to_owned()), error)),
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path)
            .map_err(|error| listen_error(Address::Unix(path.to_owned()), error)),
        Ok(_) | Err(_) => Err(ListenError::InUse(Address::Unix(path.to_owned()))),
    }
}

fn listen_error(address: Address, source: io::Error) -> ListenError {
    match source.kind() {
        ErrorKind::AddrInUse => ListenError::InUse(address),
        _ => ListenError::Other { address, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> SocketAddr {
        "127.0.0.1:1".parse().unwrap()
    }

    fn at(address: Address) -> Setting {
        Setting::At(address)
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error_only_where_it_was_asked_for() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let setting = at(Address::Tcp(taken.local_addr().unwrap()));
        let error = Listener::open(&setting, nowhere()).unwrap_err();
        assert!(error.to_string().contains("--admin off"), "{error}");
        // The app's own listener has not opened its port yet, and still has it.
        let found = Listener::open(&Setting::Preset, DEFAULT).unwrap().unwrap();
        assert_ne!(found.endpoint().unwrap().port(), DEFAULT.port());
        let everywhere = SocketAddr::new("0.0.0.0".parse().unwrap(), DEFAULT.port());
        let setting = at(Address::Tcp(DEFAULT));
        Listener::open(&setting, everywhere).unwrap_err();
        assert!(Listener::open(&Setting::Off, nowhere()).unwrap().is_none());
    }

    #[tokio::test]
    async fn a_socket_is_this_users_and_goes_with_its_host() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let setting = at(Address::Unix(path.clone()));
        let first = Listener::open(&setting, nowhere()).unwrap().unwrap();
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(first.endpoint(), None);
        let error = Listener::open(&setting, nowhere()).unwrap_err();
        assert!(matches!(error, ListenError::InUse(_)), "{error}");
        drop(first);
        assert!(!path.exists());
        // A host that was killed leaves its socket behind.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        Listener::open(&setting, nowhere()).unwrap();
        std::fs::write(&path, "mine").unwrap();
        let error = Listener::open(&setting, nowhere()).unwrap_err();
        assert!(matches!(error, ListenError::NotASocket(_)), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
