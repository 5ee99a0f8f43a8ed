//! Outbound HTTP: whom a service may reach, and what it gets back.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::Answer;
use kumiki_tests::peers::{HttpPeer, silent};

const GUESTS: [&str; 2] = ["http_out_two", "http_out_three"];

fn host(guest: &str, allowed: &[String]) -> Host {
    let service = Service::new("out", guest)
        .route("/out/...")
        .allowed_outbound_hosts(allowed);
    App::new([service, Service::new("hello", "hello_two").route("/hello")]).start()
}

fn fetch(host: &Host, url: &str) -> Answer {
    host.get(&format!("/out/?url={url}"))
}

#[test]
fn an_allowed_host_answers() {
    let peer = HttpPeer::start();
    for guest in GUESTS {
        let host = host(guest, &[format!("http://{}", peer.address())]);
        assert_eq!(
            fetch(&host, &peer.url("/path")).expect(200),
            "200\n/path",
            "{guest}"
        );
        let path = format!("/out/?url={}", peer.url("/post"));
        assert_eq!(
            host.post(&path, "a body").expect(200),
            "200\na body",
            "{guest}"
        );
        assert_eq!(peer.requests().len() % 2, 0);
    }
    let heads = peer.requests();
    assert!(heads[0].starts_with("GET /path HTTP/1.1\r\n"), "{heads:?}");
    assert!(heads[1].starts_with("POST /post HTTP/1.1\r\n"), "{heads:?}");
}

#[test]
fn a_host_that_is_not_allowed_is_denied_and_sees_nothing() {
    let peer = HttpPeer::start();
    let port = peer.address().port();
    let refused: [&[String]; 6] = [
        &[],
        &["http://example.com".into()],
        &[format!(
            "http://127.0.0.1:{}",
            if port == 1 { 2 } else { 1 }
        )],
        &[format!("https://127.0.0.1:{port}")],
        &["http://*.example.com:*".into()],
        &["http://10.0.0.0/8:*".into()],
    ];
    for guest in GUESTS {
        for allowed in refused {
            let host = host(guest, allowed);
            let text = fetch(&host, &peer.url("/secret")).expect(422);
            assert!(
                text.contains("HttpRequestDenied"),
                "{guest} {allowed:?}: {text}"
            );
            assert!(
                guest != "http_out_two" || text.starts_with("future: "),
                "{text}"
            );
        }
    }
    assert_eq!(peer.requests(), Vec::<String>::new());
}

#[test]
fn wildcards_ranges_and_templates_allow() {
    let peer = HttpPeer::start();
    let port = peer.address().port();
    let allowing = [
        "*://*:*".to_owned(),
        "http://*:*".to_owned(),
        format!("http://*:{port}"),
        "http://127.0.0.0/8:*".to_owned(),
        format!("http://127.0.0.1:{}..{}", port - 1, u32::from(port) + 1),
        "http://{{ place }}:*".to_owned(),
    ];
    for allowed in allowing {
        let service = Service::new("out", "http_out_two").route("/out/...");
        let service = service.allowed_outbound_hosts(&[&allowed]);
        let host = App::new([service])
            .variable("place = { default = \"127.0.0.1\" }")
            .start();
        assert_eq!(
            fetch(&host, &peer.url("/x")).expect(200),
            "200\n/x",
            "{allowed}"
        );
    }
}

#[test]
fn a_range_of_ports_ends_before_its_end() {
    let peer = HttpPeer::start();
    let port = peer.address().port();
    let host = host(
        "http_out_two",
        &[format!("http://127.0.0.1:{}..{port}", port - 1)],
    );
    assert!(
        fetch(&host, &peer.url("/x"))
            .expect(422)
            .contains("HttpRequestDenied")
    );
}

#[test]
fn a_name_that_resolves_outside_of_an_address_rule_is_denied() {
    let peer = HttpPeer::start();
    let url = format!("http://localhost:{}/x", peer.address().port());
    for guest in GUESTS {
        let outside = host(guest, &["http://10.0.0.0/8:*".into()]);
        assert!(
            fetch(&outside, &url).expect(422).contains("Denied"),
            "{guest}"
        );
        let by_name = host(guest, &["http://localhost:*".into()]);
        assert_eq!(fetch(&by_name, &url).expect(200), "200\n/x", "{guest}");
    }
}

#[test]
fn networks_that_the_operator_blocks_are_not_reached() {
    let peer = HttpPeer::start();
    let service = Service::new("out", "http_out_two").route("/out/...");
    let service = service.allowed_outbound_hosts(&["*://*:*"]);
    let config = "[outbound_networking]\nblock_networks = [\"private\"]\n";
    let host = App::new([service]).runtime_config(config).start();
    for name in ["127.0.0.1", "localhost"] {
        let url = format!("http://{name}:{}/x", peer.address().port());
        let text = fetch(&host, &url).expect(422);
        assert!(
            text.contains("Prohibited") || text.contains("Denied"),
            "{name}: {text}"
        );
    }
    assert!(peer.requests().is_empty());
}

#[test]
fn self_is_the_apps_own_listener() {
    for guest in GUESTS {
        let allowed = host(guest, &["http://self".into()]);
        let answer = fetch(&allowed, "http://self.alt/hello").expect(200);
        assert_eq!(answer, "200\nhello from 0.2\n", "{guest}");
        let denied = host(guest, &["http://example.com".into()]);
        assert!(
            fetch(&denied, "http://self.alt/hello")
                .expect(422)
                .contains("Denied")
        );
    }
}

#[test]
fn failures_of_the_network_have_their_names() {
    // A port that was free a moment ago, where nobody listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    for guest in GUESTS {
        let host = host(
            guest,
            &["http://127.0.0.1:*".into(), "http://nowhere.invalid".into()],
        );
        let text = fetch(&host, &format!("http://{nobody}/")).expect(422);
        assert!(text.contains("ConnectionRefused"), "{guest}: {text}");
        let text = fetch(&host, "http://nowhere.invalid/").expect(422);
        assert!(
            text.contains("Dns") || text.contains("DestinationNotFound"),
            "{guest}: {text}"
        );
    }
    let host = host("http_out_two", &["http://127.0.0.1:*".into()]);
    let url = format!("http://{}/&first_byte_timeout_ms=100", silent());
    let text = fetch(&host, &url).expect(422);
    assert!(text.contains("Timeout"), "{text}");
}

#[test]
fn a_peer_that_never_answers_costs_the_caller_its_deadline_only() {
    let service = Service::new("out", "http_out_two")
        .route("/out/...")
        .setting("timeout_ms = 300");
    let service = service.allowed_outbound_hosts(&["http://127.0.0.1:*"]);
    let hello = Service::new("hello", "hello_two").route("/hello");
    let host = App::new([service, hello]).start();
    // Either the guest hears of the timeout while it has time left to say so, or its own ends.
    let answer = fetch(&host, &format!("http://{}/", silent()));
    let told = answer.status == 422 && answer.text().contains("Timeout");
    assert!(told || answer.status == 504, "{answer:?}");
    assert_eq!(host.get("/hello").status, 200);
}

#[test]
fn headers_that_belong_to_the_connection_are_refused() {
    let peer = HttpPeer::start();
    let host = host("http_out_two", &["http://127.0.0.1:*".into()]);
    let url = peer.url("/x");
    for header in [
        "host:elsewhere",
        "connection:close",
        "transfer-encoding:chunked",
    ] {
        let answer = host.get(&format!("/out/?url={url}&header={header}"));
        assert!(
            answer.clone().expect(422).contains("Forbidden"),
            "{header}: {answer:?}"
        );
    }
    let answer = host.get(&format!("/out/?url={url}&header=x-mine:yes"));
    assert_eq!(answer.status, 200);
    assert!(
        peer.requests()[0]
            .to_ascii_lowercase()
            .contains("x-mine: yes")
    );
}
