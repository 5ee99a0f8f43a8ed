//! Sockets that the host listens on. Which addresses may be taken is left to those who listen.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A socket that has taken `address` and does not listen yet; port 0 takes a free one.
pub fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Connections of an earlier run that still linger must not keep the port from this one.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
