//! That no guest reaches the admin API, whatever it is granted and whatever way it takes, and that
//! the app's own listener knows nothing of it.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::{self, Answer};
use kumiki_tests::peers::{HttpPeer, serve_once, tcp_echo};

const EVERYTHING: [&str; 2] = ["*://*:*", "http://self"];

/// Paths of the admin API.
const PATHS: [&str; 8] = [
    "/registry",
    "/registry/http-two",
    "/metrics",
    "/backup",
    "/tokens",
    "/services/http-two/revisions",
    "/audit",
    "/openapi.json",
];

/// Numbers that lead to this machine.
const NUMBERS: [&str; 9] = [
    "127.0.0.1",
    "127.0.0.2",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:0.0.0.0]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
];

/// An app of these guests, with grants for everything.
fn app(guests: &[(&str, &str)]) -> App {
    App::new(guests.iter().map(|(id, guest)| {
        let service = Service::new(id, guest).route(&format!("/{id}"));
        service.allowed_outbound_hosts(&EVERYTHING)
    }))
}

const HTTP: [(&str, &str); 2] = [
    ("http-two", "http_out_two"),
    ("http-three", "http_out_three"),
];

fn token(host: &Host) -> String {
    let file = host.folder().join(".kumiki/admin-token");
    format!("Bearer {}", std::fs::read_to_string(file).unwrap().trim())
}

fn address(host: &Host) -> SocketAddr {
    let file = std::fs::read_to_string(host.folder().join(".kumiki/admin")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    let address = file["address"].as_str().unwrap();
    address.trim_start_matches("http://").parse().unwrap()
}

/// What the operator is answered.
fn operator(host: &Host, path: &str) -> Answer {
    let token = token(host);
    http::request(
        address(host),
        "GET",
        path,
        &[("authorization", &token)],
        b"",
    )
}

/// Names that this machine resolves without a network, and that lead back to it.
fn names() -> Vec<String> {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let listed = hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split_whitespace().skip(1).map(str::to_owned));
    let usual = [
        "localhost",
        "LOCALHOST",
        "localhost.localdomain",
        "any.localhost",
    ];
    let mut names: Vec<String> = listed.chain(usual.map(str::to_owned)).collect();
    names.retain(|name| {
        let found = (name.as_str(), 1).to_socket_addrs();
        let is_here = |address: SocketAddr| address.ip().is_loopback();
        name == "localhost" || found.is_ok_and(|mut all| all.any(is_here))
    });
    names.sort();
    names.dedup();
    names
}

fn is_refused(text: &str) -> bool {
    text.contains("Prohibited") || text.contains("Denied")
}

#[test]
fn no_guest_reaches_it_by_any_number() {
    let others = [
        ("tcp", "tcp_echo"),
        ("redis-two", "redis_spin_two"),
        ("redis-three", "redis_spin_three"),
    ];
    let host = app(&[&HTTP[..], &others[..]].concat()).start();
    // The same guests reach others on this machine.
    let (peer, echo) = (HttpPeer::start(), tcp_echo());
    for (id, _) in HTTP {
        let answer = host.get(&format!("/{id}?url={}", peer.url("/x")));
        assert_eq!(answer.expect(200), "200\n/x");
    }
    let echoed = host.post(&format!("/tcp?address={echo}"), "x");
    assert_eq!(echoed.expect(200), "x");
    let port = address(&host).port();
    for form in NUMBERS
        .into_iter()
        .chain(["2130706433", "0x7f.1", "localhost"])
    {
        for (id, _) in HTTP {
            let text = host.get(&format!("/{id}?url=http://{form}:{port}/registry"));
            let text = text.expect(422);
            assert!(is_refused(&text), "{form}: {text}");
        }
        for id in ["redis-two", "redis-three"] {
            let url = format!("/{id}?address=redis://{form}:{port}&op=get&key=a");
            let text = host.get(&url).expect(422);
            assert!(text.contains("InvalidAddress"), "{form}: {text}");
        }
    }
    for form in NUMBERS {
        let text = host.post(&format!("/tcp?address={form}:{port}"), "x");
        let text = text.expect(422);
        assert!(
            text.contains("access-denied") || text.contains("invalid-argument"),
            "{form}: {text}"
        );
    }
    assert_eq!(
        operator(&host, "/registry").status,
        200,
        "it is there all the same"
    );
}

#[test]
fn no_guest_reaches_it_by_a_name_of_this_machine() {
    let host = app(&HTTP).start();
    let (peer, port) = (HttpPeer::start(), address(&host).port());
    let names = names();
    assert!(names.contains(&"localhost".to_owned()), "{names:?}");
    for name in &names {
        for (id, _) in HTTP {
            // The name is one that leads here.
            let url = format!("http://{name}:{}/x", peer.address().port());
            let answer = host.get(&format!("/{id}?url={url}"));
            assert_eq!(answer.expect(200), "200\n/x", "{name}");
            let answer = host.get(&format!("/{id}?url=http://{name}:{port}/registry"));
            let text = answer.expect(422);
            assert!(is_refused(&text), "{name}: {text}");
        }
    }
    let refusals = host.stderr();
    assert!(refusals.contains("admin endpoint"), "{refusals}");
}

#[test]
fn no_redirect_leads_there() {
    let host = app(&HTTP).start();
    let (peer, port) = (HttpPeer::start(), address(&host).port());
    let redirect = |status: u16, location: &str| {
        let answer = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\
             connection: close\r\n\r\n"
        );
        serve_once(answer.into_bytes()).0
    };
    for (id, _) in HTTP {
        let ask = |to: SocketAddr| host.get(&format!("/{id}?follow=1&url=http://{to}/"));
        // The guest does follow.
        let elsewhere = redirect(302, &peer.url("/moved"));
        assert_eq!(ask(elsewhere).expect(200), "200\n/moved");
        for (status, form) in [
            (301, "127.0.0.1"),
            (302, "localhost"),
            (303, "0.0.0.0"),
            (307, "[::ffff:127.0.0.1]"),
            (308, "[::1]"),
        ] {
            let location = format!("http://{form}:{port}/registry");
            let text = ask(redirect(status, &location)).expect(422);
            assert!(is_refused(&text), "{location}: {text}");
        }
        // The host itself follows none.
        let location = format!("http://127.0.0.1:{port}/registry");
        let to = redirect(302, &location);
        let answer = host.get(&format!("/{id}?url=http://{to}/"));
        assert_eq!(answer.expect(200), "302\n");
    }
}

#[test]
fn no_guest_reaches_it_where_it_stands_on_ipv6() {
    let v6: SocketAddr = "[::1]:0".parse().unwrap();
    if std::net::TcpListener::bind(v6).is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let host = app(&HTTP).arguments(&["--admin", "[::1]:0"]).start();
    let address = address(&host);
    assert_eq!(address.ip(), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]));
    assert_eq!(operator(&host, "/registry").status, 200);
    for form in NUMBERS.into_iter().chain(["localhost"]) {
        for (id, _) in HTTP {
            let url = format!("http://{form}:{}/registry", address.port());
            let text = host.get(&format!("/{id}?url={url}")).expect(422);
            assert!(is_refused(&text), "{form}: {text}");
        }
    }
}

#[test]
fn the_listener_of_the_app_serves_none_of_it() {
    let host = app(&HTTP).start();
    let token = token(&host);
    for path in PATHS {
        for method in ["GET", "POST", "DELETE"] {
            let headers = [("authorization", token.as_str())];
            let answer = host.request(method, path, &headers, "");
            assert_eq!(answer.status, 404, "{method} {path}");
        }
        // Nor does it on the way from within, by the app's own address or by a service's name.
        for (id, _) in HTTP {
            let answer = host.get(&format!("/{id}?url=http://self{path}"));
            assert_eq!(answer.expect(200).lines().next(), Some("404"), "{path}");
            let admin = host.get(&format!("/{id}?url=http://admin.spin.internal{path}"));
            assert_ne!(admin.text().lines().next(), Some("200"), "{path}");
        }
    }
    assert_eq!(operator(&host, "/openapi.json").json()["openapi"], "3.1.0");
}
