//! Sockets of `wasi:sockets` 0.2 under Spin's permission rules.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::peers::{tcp_echo, udp_echo};

fn host(allowed: &str) -> Host {
    let services = [
        ("tcp", "tcp_echo"),
        ("udp", "udp_echo"),
        ("names", "name_lookup"),
    ];
    App::new(services.into_iter().map(|(id, guest)| {
        let service = Service::new(id, guest).route(&format!("/{id}"));
        service.allowed_outbound_hosts(&[allowed])
    }))
    .variable("range = { default = \"127.0.0.0/24\" }")
    .start()
}

#[test]
fn a_tcp_socket_reaches_what_is_allowed() {
    let peer = tcp_echo();
    let allowing = [
        format!("*://{peer}"),
        "*://127.0.0.0/24:*".to_owned(),
        "*://{{ range }}:*".to_owned(),
        "*://*:*".to_owned(),
    ];
    for allowed in allowing {
        let host = host(&allowed);
        let answer = host.post(&format!("/tcp?address={peer}"), "to and fro");
        assert_eq!(answer.expect(200), "to and fro", "{allowed}");
        let large = "y".repeat(1 << 20);
        assert_eq!(
            host.post(&format!("/tcp?address={peer}"), &large)
                .expect(200),
            large
        );
    }
}

#[test]
fn other_addresses_and_ports_are_denied() {
    let peer = tcp_echo();
    let refusing = [
        "*://127.0.0.2:*".to_owned(),
        "*://10.0.0.0/8:*".to_owned(),
        format!(
            "*://127.0.0.1:{}",
            if peer.port() == 6001 { 6002 } else { 6001 }
        ),
        "*://example.com:*".to_owned(),
        "http://127.0.0.1:*".to_owned(),
    ];
    for allowed in refusing {
        let host = host(&allowed);
        let text = host.post(&format!("/tcp?address={peer}"), "x").expect(422);
        assert!(
            text.starts_with("connect: ") && text.contains("access-denied"),
            "{text}"
        );
        let text = host
            .post(&format!("/udp?address={}", udp_echo()), "x")
            .expect(422);
        assert!(text.contains("access-denied"), "{allowed}: {text}");
    }
}

#[test]
fn the_forms_of_an_allowed_address_are_one_address() {
    let peer = tcp_echo();
    let host = host("*://127.0.0.1:*");
    let mapped = format!("[::ffff:127.0.0.1]:{}", peer.port());
    let answer = host.post(&format!("/tcp?address={mapped}"), "x");
    assert_eq!(
        answer.status, 422,
        "an address of v4 in v6's clothes: {answer:?}"
    );
    let any = format!("0.0.0.0:{}", peer.port());
    assert_eq!(host.post(&format!("/tcp?address={any}"), "x").status, 422);
}

#[test]
fn datagrams_reach_what_is_allowed() {
    let peer = udp_echo();
    let host = host("*://127.0.0.1:*");
    assert_eq!(
        host.post(&format!("/udp?address={peer}"), "ping")
            .expect(200),
        "ping"
    );
}

#[test]
fn names_are_not_resolved_for_sockets() {
    // As in Spin: sockets are permitted by address, and a name serves HTTP and the other clients.
    for allowed in ["*://localhost:*", "*://*:*"] {
        let text = host(allowed).get("/names?name=localhost").expect(422);
        assert!(text.contains("permanent-resolver-failure"), "{text}");
    }
}

#[test]
fn nobody_listens_on_a_socket_of_a_guest() {
    let host = host("*://127.0.0.1:*");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    let text = host
        .post(&format!("/tcp?address={nobody}"), "x")
        .expect(422);
    assert!(
        text.starts_with("connect: ") && text.contains("connection-refused"),
        "{text}"
    );
}
