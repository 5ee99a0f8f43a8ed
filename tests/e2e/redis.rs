//! Outbound Redis against a real redis-server.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::peers::Redis;

const INTERFACES: [(&str, &str); 2] = [("two", "redis_spin_two"), ("three", "redis_spin_three")];

fn host(allowed: &str) -> Host {
    App::new(INTERFACES.into_iter().map(|(id, guest)| {
        let service = Service::new(id, guest).route(&format!("/{id}"));
        service.allowed_outbound_hosts(&[allowed])
    }))
    .variable("redis_host = { default = \"127.0.0.1\" }")
    .start()
}

#[test]
fn every_operation_works() {
    let Some(redis) = Redis::start() else { return };
    let host = host("redis://127.0.0.1:*");
    for (id, _) in INTERFACES {
        let ask = |query: &str, body: &str| {
            host.post(&format!("/{id}?address={}&{query}", redis.url()), body)
                .expect(200)
        };
        let key = format!("key={id}");
        assert_eq!(ask(&format!("op=get&{key}"), ""), "(none)", "{id}");
        ask(&format!("op=set&{key}"), "value");
        assert_eq!(ask(&format!("op=get&{key}"), ""), "value");
        assert_eq!(ask(&format!("op=del&{key}"), ""), "1");
        assert_eq!(ask(&format!("op=incr&{key}"), ""), "1");
        assert_eq!(ask(&format!("op=incr&{key}"), ""), "2");
        let set = format!("key={id}-set");
        assert_eq!(
            ask(&format!("op=sadd&{set}&value=a&value=b&value=a"), ""),
            "2"
        );
        assert_eq!(ask(&format!("op=smembers&{set}"), ""), "a\nb");
        assert_eq!(ask(&format!("op=srem&{set}&value=a"), ""), "1");
        ask("op=publish&key=channel", "hello");
        let executed = ask(&format!("op=execute&key=append&value={id}-x&value=abc"), "");
        assert!(executed.contains("Int64(3)"), "{executed}");
        let executed = ask("op=execute&key=ping", "");
        assert!(executed.contains("PONG"), "{executed}");
    }
}

#[test]
fn an_address_is_allowed_by_a_variable() {
    let Some(redis) = Redis::start() else { return };
    let host = host("redis://{{ redis_host }}:*");
    for (id, _) in INTERFACES {
        let path = format!("/{id}?address={}&op=get&key=a", redis.url());
        assert_eq!(host.get(&path).expect(200), "(none)");
    }
}

#[test]
fn an_address_without_a_grant_is_invalid() {
    let host = host("redis://example.com");
    for (id, _) in INTERFACES {
        let text = host.get(&format!(
            "/{id}?address=redis://127.0.0.1:6379&op=get&key=a"
        ));
        assert!(text.expect(422).contains("InvalidAddress"), "{id}");
    }
}

#[test]
fn errors_of_the_server_are_the_interfaces_errors() {
    let Some(redis) = Redis::start() else { return };
    let host = host("redis://127.0.0.1:*");
    for (id, _) in INTERFACES {
        let ask = |query: &str, body: &str| {
            host.post(&format!("/{id}?address={}&{query}", redis.url()), body)
        };
        ask(&format!("op=set&key={id}"), "not a number").expect(200);
        let text = ask(&format!("op=incr&key={id}"), "").expect(422);
        assert!(text.contains("Error"), "{id}: {text}");
    }
    let nobody = host
        .get("/two?address=redis://127.0.0.1:1&op=get&key=a")
        .expect(422);
    assert!(nobody.contains("Other"), "{nobody}");
}
