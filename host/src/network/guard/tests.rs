//! What the guard lets through, over real loopback sockets.

use super::{ConnectError, Guard, Refused};
use crate::network::allowed_hosts::AllowedHosts;
use proptest::prelude::{prop_assert, proptest};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;

const TIMEOUT: Duration = Duration::from_secs(20);

fn allowed(entry: &str) -> AllowedHosts {
    AllowedHosts::parse(&[entry.to_owned()]).unwrap()
}

fn blocking(entries: &[&str]) -> Guard {
    let networks = entries.iter().filter(|entry| **entry != "private");
    let networks: Vec<_> = networks.map(|entry| entry.parse().unwrap()).collect();
    Guard::new(&networks, entries.contains(&"private"))
}

fn check(guard: &Guard, address: &str) -> Result<(), Refused> {
    guard.check(address.parse().unwrap())
}

#[test]
fn the_admin_endpoint_is_refused_in_all_its_forms() {
    let mut guard = Guard::default();
    guard.refuse_endpoint("127.0.0.1:3999".parse().unwrap());
    for address in [
        "127.0.0.1:3999",
        "127.255.0.9:3999",
        "0.0.0.0:3999",
        "[::1]:3999",
        "[::]:3999",
        "[::ffff:127.0.0.1]:3999",
        "[::ffff:0.0.0.0]:3999",
        "[::127.0.0.1]:3999",
        "[64:ff9b::127.0.0.1]:3999",
    ] {
        let refused = Err(Refused::AdminEndpoint(address.parse().unwrap()));
        assert_eq!(check(&guard, address), refused);
    }
    assert_eq!(check(&guard, "127.0.0.1:3000"), Ok(()));
    assert_eq!(check(&guard, "192.0.2.1:3999"), Ok(()));
}

#[test]
fn a_listener_on_another_interface_is_refused_there_and_on_loopback() {
    let mut guard = Guard::default();
    guard.refuse_endpoint("10.1.2.3:3999".parse().unwrap());
    let guard = guard.for_service();
    assert!(check(&guard, "10.1.2.3:3999").is_err());
    assert!(check(&guard, "[::ffff:10.1.2.3]:3999").is_err());
    assert!(check(&guard, "10.1.2.4:3999").is_ok());
}

#[test]
fn private_is_what_is_not_globally_reachable() {
    let guard = blocking(&["private"]);
    for address in [
        "0.0.0.0:1",
        "10.9.8.7:1",
        "100.64.1.1:1",
        "127.0.0.1:1",
        "169.254.0.1:1",
        "172.31.0.1:1",
        "192.0.0.1:1",
        "192.168.3.4:1",
        "198.19.0.1:1",
        "224.0.0.1:1",
        "255.255.255.255:1",
        "[::1]:1",
        "[::ffff:10.10.10.10]:1",
        "[fc00::f00d]:1",
        "[fe80::1]:1",
        "[2001:db8::1]:1",
        "[64:ff9b::10.0.0.1]:1",
        "[2002:7f00:1::]:1",
    ] {
        assert!(check(&guard, address).is_err(), "{address}");
    }
    for address in [
        "123.123.123.123:1",
        "[2600::beef]:1",
        "[64:ff9b::8.8.8.8]:1",
    ] {
        assert!(check(&guard, address).is_ok(), "{address}");
    }
}

#[test]
fn blocked_networks_hold_mapped_addresses_too() {
    let guard = blocking(&["123.123.0.0/16", "2001::/96", "9.9.9.9/32"]);
    for address in [
        "123.123.1.1:1",
        "[::ffff:123.123.1.1]:1",
        "[2001::1000]:1",
        "9.9.9.9:1",
    ] {
        assert!(check(&guard, address).is_err(), "{address}");
    }
    assert!(check(&guard, "123.100.1.1:1").is_ok());
}

#[tokio::test]
async fn a_name_is_connected_only_where_its_address_is_permitted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let guard = Guard::default();
    let connect = async |entry: String, host| {
        guard
            .connect(host, port, &allowed(&entry), "http", TIMEOUT)
            .await
    };
    let stream = connect(format!("http://127.0.0.0/8:{port}"), "localhost")
        .await
        .unwrap();
    assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    assert!(stream.nodelay().unwrap());
    let outside = connect(format!("http://10.0.0.0/8:{port}"), "localhost").await;
    assert!(matches!(outside, Err(ConnectError::NotAllowed)));
    let elsewhere = connect("http://example.com".to_owned(), "localhost").await;
    assert!(matches!(elsewhere, Err(ConnectError::NotAllowed)));
}

#[tokio::test]
async fn a_permitted_name_does_not_lead_to_the_admin_endpoint() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut guard = Guard::default();
    guard.refuse_endpoint(listener.local_addr().unwrap());
    for host in [
        "localhost",
        "127.1",
        "2130706433",
        "0.0.0.0",
        "[::]",
        "[::ffff:7f00:1]",
    ] {
        let error = guard
            .connect(host, port, &allowed("*://*:*"), "http", TIMEOUT)
            .await;
        assert!(matches!(error, Err(ConnectError::Refused(_))), "{host}");
    }
}

#[tokio::test]
async fn a_port_without_a_listener_and_a_name_without_an_address_are_told_apart() {
    let unused = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let guard = Guard::default();
    let everything = allowed("*://*:*");
    let refused = guard
        .connect("127.0.0.1", unused.port(), &everything, "tcp", TIMEOUT)
        .await;
    assert!(matches!(refused, Err(ConnectError::Connect(_))));
    let unknown = guard
        .connect("no such name", 80, &everything, "tcp", TIMEOUT)
        .await;
    assert!(matches!(unknown, Err(ConnectError::NotAllowed)));
    let late = guard.connect(
        "127.0.0.1",
        unused.port(),
        &everything,
        "tcp",
        Duration::ZERO,
    );
    assert!(matches!(
        late.await,
        Err(ConnectError::TimedOut | ConnectError::Connect(_))
    ));
}

proptest! {
    #[test]
    fn no_form_of_a_blocked_address_passes(last: u32, port: u16) {
        let guard = blocking(&["0.0.0.0/0"]);
        let address = Ipv4Addr::from(last);
        prop_assert!(guard.check(SocketAddr::new(address.into(), port)).is_err());
        let mapped = address.to_ipv6_mapped();
        prop_assert!(guard.check(SocketAddr::new(mapped.into(), port)).is_err());
    }
}
