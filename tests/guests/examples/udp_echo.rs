//! Sends the body as one datagram to `?address=IPV4:PORT` by `wasi:sockets` 0.2 and answers with
//! the one that comes back, or with the step that failed and the error's name.

use std::net::SocketAddrV4;

use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::wasip2::sockets::instance_network::instance_network;
use kumiki_guests::wasip2::sockets::network::{
    IpAddressFamily, IpSocketAddress, Ipv4SocketAddress,
};
use kumiki_guests::wasip2::sockets::udp::OutgoingDatagram;
use kumiki_guests::wasip2::sockets::udp_create_socket::create_udp_socket;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    match exchange(&request) {
        Ok(body) => Answer::new(200, body),
        Err(text) => Answer::new(422, text),
    }
}

fn exchange(request: &Request) -> Result<Vec<u8>, String> {
    let address: SocketAddrV4 = request.query.text("address").parse().unwrap();
    let part = address.ip().octets();
    let peer = IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: address.port(),
        address: (part[0], part[1], part[2], part[3]),
    });
    let any = IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: 0,
        address: (0, 0, 0, 0),
    });
    let socket =
        create_udp_socket(IpAddressFamily::Ipv4).map_err(|error| format!("create: {error:?}"))?;
    socket
        .start_bind(&instance_network(), any)
        .and_then(|()| socket.finish_bind())
        .map_err(|error| format!("bind: {error:?}"))?;
    let (source, sink) = socket
        .stream(Some(peer))
        .map_err(|error| format!("connect: {error:?}"))?;
    sink.subscribe().block();
    sink.check_send()
        .map_err(|error| format!("send: {error:?}"))?;
    let datagram = OutgoingDatagram {
        data: request.body.clone(),
        remote_address: None,
    };
    sink.send(&[datagram])
        .map_err(|error| format!("send: {error:?}"))?;
    loop {
        source.subscribe().block();
        let received = source
            .receive(1)
            .map_err(|error| format!("receive: {error:?}"))?;
        if let Some(first) = received.into_iter().next() {
            return Ok(first.data);
        }
    }
}
