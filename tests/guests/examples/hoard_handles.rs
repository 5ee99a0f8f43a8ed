//! Hostile: opens resources of the kind `?kind=` without closing them, until an error or a trap.

use kumiki_guests::bindings::plain::fermyon::spin::key_value::Store;
use kumiki_guests::bindings::plain::fermyon::spin::sqlite::Connection;
use kumiki_guests::incoming::{Answer, Request};
use kumiki_guests::wasip2::clocks::monotonic_clock::subscribe_duration;
use kumiki_guests::wasip2::http::types::Fields;
use kumiki_guests::wasip2::sockets::network::IpAddressFamily;
use kumiki_guests::wasip2::sockets::tcp_create_socket::create_tcp_socket;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    match request.query.text("kind") {
        "store" => hoard(|| Store::open("default")),
        "connection" => hoard(|| Connection::open("default")),
        "socket" => hoard(|| create_tcp_socket(IpAddressFamily::Ipv4)),
        "pollable" => hoard(|| Ok::<_, ()>(subscribe_duration(u64::MAX / 4))),
        _ => hoard(|| Ok::<_, ()>(Fields::new())),
    }
}

fn hoard<T, E: std::fmt::Debug>(open: impl Fn() -> Result<T, E>) -> Answer {
    let mut count = 0u64;
    loop {
        match open() {
            Ok(handle) => std::mem::forget(handle),
            Err(error) => return Answer::new(422, format!("{count} then {error:?}")),
        }
        count += 1;
    }
}
