//! The rules of `allowed_outbound_hosts`, and what no text of a user can do to the parser.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::{AllowedHostError, AllowedHosts, Verdict, chained_service};

fn list(entries: &[&str]) -> AllowedHosts {
    AllowedHosts::parse(
        &entries
            .iter()
            .map(|entry| entry.to_string())
            .collect::<Vec<_>>(),
    )
    .unwrap()
}

fn errors(entries: &[&str]) -> Vec<AllowedHostError> {
    let entries: Vec<_> = entries.iter().map(|entry| entry.to_string()).collect();
    AllowedHosts::parse(&entries).unwrap_err()
}

fn allows(entry: &str, scheme: &str, host: &str, port: u16) -> bool {
    list(&[entry]).check(scheme, host, port) == Verdict::Allowed
}

#[test]
fn a_literal_host_stands_for_itself_and_its_default_port() {
    assert!(allows("http://example.com", "http", "example.com", 80));
    assert!(allows("http://example.com/", "http", "EXAMPLE.com", 80));
    assert!(allows(
        "https://example.com:5555/",
        "https",
        "example.com",
        5555
    ));
    assert!(allows("redis://cache", "redis", "cache", 6379));
    assert!(!allows("http://example.com", "https", "example.com", 80));
    assert!(!allows("http://example.com", "http", "example.com", 8080));
    assert!(!allows("http://example.com", "http", "www.example.com", 80));
}

#[test]
fn wildcards_stand_for_scheme_subdomain_host_and_port() {
    assert!(allows("*://example.com:7777", "tcp", "example.com", 7777));
    assert!(allows(
        "http://*.example.com",
        "http",
        "a.b.example.com",
        80
    ));
    assert!(!allows("http://*.example.com", "http", "example.com", 80));
    assert!(!allows("http://*.example.com", "http", "myexample.com", 80));
    assert!(!allows("http://*.0.0.1", "http", "127.0.0.1", 80));
    assert!(allows("*://*:*", "udp", "203.0.113.9", 53));
}

#[test]
fn a_range_of_ports_excludes_its_end() {
    assert!(allows("http://a:4444..5555", "http", "a", 4444));
    assert!(allows("http://a:4444..5555", "http", "a", 5554));
    assert!(!allows("http://a:4444..5555", "http", "a", 5555));
}

#[test]
fn a_network_serves_addresses_at_once_and_names_on_a_condition() {
    let allowed = list(&["*://127.0.0.1/24:80", "http://10.0.0.0/8"]);
    assert_eq!(allowed.check("tcp", "127.0.0.200", 80), Verdict::Allowed);
    assert_eq!(allowed.check("tcp", "127.0.1.1", 80), Verdict::Denied);
    assert_eq!(
        allowed.check("http", "localhost", 80),
        Verdict::AllowedIfAddressIn(vec![
            "127.0.0.0/24".parse().unwrap(),
            "10.0.0.0/8".parse().unwrap(),
        ])
    );
    assert_eq!(allowed.check("http", "localhost", 81), Verdict::Denied);
    assert!(allows("*://ff00::/8:80", "tcp", "[ff02::1]", 80));
    assert!(allows("*://::ffff:10.0.0.0/104:80", "tcp", "10.1.2.3", 80));
}

#[test]
fn every_spelling_of_an_address_is_that_address() {
    for host in [
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "[::ffff:127.0.0.1]",
        "::ffff:7f00:1",
    ] {
        assert!(allows("http://127.0.0.1", "http", host, 80), "{host}");
        assert!(!allows("http://::/0:80", "http", host, 80), "{host}");
    }
    assert!(allows("http://[::1]:8001", "http", "::1", 8001));
    assert!(allows("http://[0:0::1]:8001", "http", "[::1]", 8001));
}

#[test]
fn sockets_ask_by_address() {
    let allowed = list(&["tcp://192.0.2.7:5432", "udp://[2001:db8::1]:53"]);
    assert!(allowed.permits_address("tcp", "192.0.2.7:5432".parse().unwrap()));
    assert!(allowed.permits_address("tcp", "[::ffff:192.0.2.7]:5432".parse().unwrap()));
    assert!(!allowed.permits_address("udp", "192.0.2.7:5432".parse().unwrap()));
    assert!(allowed.permits_address("udp", "[2001:db8::1]:53".parse().unwrap()));
}

#[test]
fn self_is_the_listener_and_nothing_else() {
    assert!(list(&["http://self"]).permits_self());
    assert!(list(&["https://self.alt"]).permits_self());
    assert!(list(&["*://*:*"]).permits_self());
    assert!(!list(&["redis://self"]).permits_self());
    assert!(!list(&["http://localhost:3000"]).permits_self());
    assert!(!allows("http://self", "http", "self", 80));
}

#[test]
fn chaining_is_granted_by_name() {
    assert!(list(&["http://cart.spin.internal"]).permits_service("http", "cart", 80));
    assert!(!list(&["http://cart.spin.internal"]).permits_service("http", "stock", 80));
    assert!(list(&["http://*.spin.internal"]).permits_service("http", "cart", 80));
    assert!(list(&["http://*"]).permits_service("http", "cart", 80));
    assert!(!list(&["http://0.0.0.0/0"]).permits_service("http", "cart", 80));
    assert_eq!(
        list(&[
            "http://cart.spin.internal",
            "http://*.spin.internal",
            "http://a.b"
        ])
        .named_services(),
        ["cart"]
    );
    assert_eq!(chained_service("cart.Spin.Internal"), Some("cart"));
    assert_eq!(chained_service("a.cart.spin.internal"), None);
    assert_eq!(chained_service("*.spin.internal"), None);
    assert_eq!(chained_service(".spin.internal"), None);
}

#[test]
fn what_spin_refuses_is_refused_with_a_mend() {
    for entry in [
        "example.com",
        "example.com:80",
        "localhost",
        "*",
        "",
        "insecure:allow-all",
        "http://example.com/a",
        "http://example.com:6666/a/b",
        "http://*.example.com/a",
        "http://a.*.com",
        "http://*.*.com",
        "http://[::1]",
        "*://127.0.0.0/24",
        "http://example.com:eighty",
        "http://example.com:1..x",
        "http://example.com:70000",
        "h2://example.com:80",
        "://example.com:80",
        "http://{a,b}:80",
        "http://user@example.com",
        "http://a:9..9",
    ] {
        let error = errors(&[entry]).remove(0);
        assert!(error.to_string().contains("; "), "{error}");
        assert_eq!(error.entry, entry);
    }
    assert_eq!(errors(&["http://ok", "bad", "http://worse/x"]).len(), 2);
}

#[test]
fn an_error_says_what_to_write() {
    assert_eq!(
        errors(&["api.example.com"])[0].to_string(),
        "`api.example.com` in allowed_outbound_hosts has no scheme; write for example \
         `https://api.example.com` or `*://api.example.com`"
    );
    assert_eq!(
        errors(&["http://api.example.com/v1"])[0].mend,
        "a path cannot be granted; write `http://api.example.com`"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_makes_the_parser_panic(entry in ".{0,40}", host in ".{0,20}", port: u16) {
        if let Ok(allowed) = AllowedHosts::parse(&[entry]) {
            let _ = allowed.check("http", &host, port);
            let _ = allowed.named_services();
        }
    }

    #[test]
    fn pieces_of_entries_do_not_panic(
        entry in r"(http|\*|redis|)(://|:/)?(\[|\]|\*|\.|/|:|self|a|::|\{){0,8}(:[0-9.*]{0,6})?/?",
    ) {
        let _ = AllowedHosts::parse(&[entry]);
    }

    #[test]
    fn a_literal_permits_exactly_its_own_destination(
        host in "[a-z]{1,8}(\\.[a-z]{1,8}){0,2}", port: u16, other: u16,
    ) {
        let allowed = list(&[&format!("http://{host}:{port}")]);
        prop_assert_eq!(allowed.check("http", &host, port), Verdict::Allowed);
        prop_assert_eq!(allowed.check("http", &host, other) == Verdict::Allowed, port == other);
        prop_assert_eq!(allowed.check("http", &format!("x{host}"), port), Verdict::Denied);
    }

    #[test]
    fn a_network_holds_what_its_prefix_says(network: u32, address: u32, bits in 0u8..=32) {
        let entry = format!("*://{}/{bits}:*", Ipv4Addr::from(network));
        let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
        let expected = network & mask == address & mask;
        let plain = Ipv4Addr::from(address);
        prop_assert_eq!(allows(&entry, "tcp", &plain.to_string(), 1), expected);
        prop_assert_eq!(allows(&entry, "tcp", &plain.to_ipv6_mapped().to_string(), 1), expected);
    }

    #[test]
    fn an_ipv6_literal_permits_itself(address in any::<u128>(), port: u16) {
        let address = Ipv6Addr::from(address);
        let entry = format!("tcp://[{address}]:{port}");
        let permitted = allows(&entry, "tcp", &address.to_string(), port);
        prop_assert!(permitted);
    }
}
