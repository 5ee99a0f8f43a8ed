//! Connects a TCP socket to `?address=IP:PORT` by `wasi:sockets` 0.2, sends the body, and answers
//! with as many bytes as it sent; or with the step that failed and the error's name.

use std::net::{SocketAddr, SocketAddrV4};

use kumiki_guests::incoming::{Answer, Request, write_all};
use kumiki_guests::wasip2::sockets::instance_network::instance_network;
use kumiki_guests::wasip2::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use kumiki_guests::wasip2::sockets::tcp_create_socket::create_tcp_socket;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    match exchange(&request) {
        Ok(body) => Answer::new(200, body),
        Err(text) => Answer::new(422, text),
    }
}

fn exchange(request: &Request) -> Result<Vec<u8>, String> {
    let address: SocketAddr = request.query.text("address").parse().unwrap();
    let family = match address {
        SocketAddr::V4(_) => IpAddressFamily::Ipv4,
        SocketAddr::V6(_) => IpAddressFamily::Ipv6,
    };
    let socket = create_tcp_socket(family).map_err(|error| format!("create: {error:?}"))?;
    socket
        .start_connect(&instance_network(), socket_address(address))
        .map_err(|error| format!("connect: {error:?}"))?;
    let (source, sink) = loop {
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            other => break other.map_err(|error| format!("connect: {error:?}"))?,
        }
    };
    if !write_all(&sink, &request.body) {
        return Err("write".into());
    }
    let mut answer = Vec::new();
    while answer.len() < request.body.len() {
        match source.blocking_read(64 * 1024) {
            Ok(chunk) => answer.extend(chunk),
            Err(error) => return Err(format!("read: {error:?}")),
        }
    }
    Ok(answer)
}

fn socket_address(address: SocketAddr) -> IpSocketAddress {
    match address {
        SocketAddr::V4(address) => IpSocketAddress::Ipv4(four(address)),
        SocketAddr::V6(address) => {
            let part = address.ip().segments();
            IpSocketAddress::Ipv6(Ipv6SocketAddress {
                port: address.port(),
                flow_info: 0,
                address: (
                    part[0], part[1], part[2], part[3], part[4], part[5], part[6], part[7],
                ),
                scope_id: 0,
            })
        }
    }
}

fn four(address: SocketAddrV4) -> Ipv4SocketAddress {
    let part = address.ip().octets();
    Ipv4SocketAddress {
        port: address.port(),
        address: (part[0], part[1], part[2], part[3]),
    }
}
