//! Resolves `?name=` by `wasi:sockets/ip-name-lookup@0.2` and answers with one address per line.

use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::wasip2::sockets::instance_network::instance_network;
use kumiki_guests::wasip2::sockets::ip_name_lookup::resolve_addresses;
use kumiki_guests::wasip2::sockets::network::{ErrorCode, IpAddress};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    resolve(request.query.text("name")).into()
}

fn resolve(name: &str) -> Result<String, ErrorCode> {
    let stream = resolve_addresses(&instance_network(), name)?;
    let mut lines = Vec::new();
    loop {
        match stream.resolve_next_address() {
            Ok(Some(IpAddress::Ipv4((a, b, c, d)))) => lines.push(format!("{a}.{b}.{c}.{d}")),
            Ok(Some(IpAddress::Ipv6(parts))) => lines.push(format!("{parts:?}")),
            Ok(None) => return Ok(lines.join("\n")),
            Err(ErrorCode::WouldBlock) => stream.subscribe().block(),
            Err(error) => return Err(error),
        }
    }
}
