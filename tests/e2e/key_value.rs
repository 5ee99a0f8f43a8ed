//! Key-value by its three interfaces: what they answer, who may open what, and what outlives the
//! host.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::http::Connection;

/// The service's path and the guest of each interface.
const INTERFACES: [(&str, &str); 3] = [
    ("two", "key_value_spin_two"),
    ("three", "key_value_spin_three"),
    ("wasi", "key_value_wasi"),
];

fn services() -> Vec<Service> {
    let service = |(id, guest): (&str, &str)| {
        Service::new(id, guest)
            .route(&format!("/{id}"))
            .key_value_stores(&["default"])
    };
    INTERFACES.into_iter().map(service).collect()
}

/// Runs an operation on the store `default`.
fn operate(host: &Host, id: &str, operation: &str, key: &str, value: &str) -> String {
    host.post(
        &format!("/{id}?op={operation}&store=default&key={key}"),
        value,
    )
    .expect(200)
}

#[test]
fn every_interface_reads_what_it_wrote() {
    for service in services() {
        let id = service.id().to_owned();
        let host = App::new([service]).start();
        let ask =
            |operation: &str, key: &str, value: &str| operate(&host, &id, operation, key, value);
        assert_eq!(ask("get", "a", ""), "(none)", "{id}");
        assert_eq!(ask("exists", "a", ""), "false");
        assert_eq!(ask("keys", "", ""), "");
        ask("set", "a", "1");
        ask("set", "b%2Fc%20d", "two");
        assert_eq!(ask("get", "a", ""), "1");
        assert_eq!(ask("exists", "a", ""), "true");
        ask("set", "a", "");
        assert_eq!(ask("get", "a", ""), "", "an empty value is a value");
        let mut keys: Vec<_> = ask("keys", "", "").lines().map(str::to_owned).collect();
        keys.sort();
        assert_eq!(keys, ["a", "b/c d"]);
        ask("delete", "a", "");
        ask("delete", "a", "");
        assert_eq!(ask("exists", "a", ""), "false");
    }
}

#[test]
fn all_interfaces_see_one_store_and_it_survives_kill_9() {
    let mut host = App::new(services()).start();
    for (id, _) in INTERFACES {
        operate(&host, id, "set", id, &format!("from {id}"));
    }
    host.kill9();
    let host = host.restart();
    for (reader, _) in INTERFACES {
        for (writer, _) in INTERFACES {
            let found = operate(&host, reader, "get", writer, "");
            assert_eq!(found, format!("from {writer}"), "read by {reader}");
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_host_is_killed_while_it_writes() {
    let mut host = App::new(services()).start();
    let address = host.address();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            std::thread::spawn(move || {
                let mut acknowledged = Vec::new();
                for number in 0..100_000 {
                    let key = format!("w{writer}-{number}");
                    let Some(mut connection) = Connection::try_open(address) else {
                        break;
                    };
                    let path = format!("/two?op=set&store=default&key={key}");
                    let sent = connection.send("POST", &path, &[], key.as_bytes());
                    match sent.and_then(|()| connection.answer("POST")) {
                        Ok(answer) if answer.status == 200 => acknowledged.push(key),
                        _ => break,
                    }
                }
                acknowledged
            })
        })
        .collect();
    kumiki_tests::wait::until("some writes", || {
        let keys = operate(&host, "wasi", "keys", "", "");
        (keys.lines().count() >= 40).then_some(())
    });
    host.kill9();
    let acknowledged: Vec<String> = writers
        .into_iter()
        .flat_map(|writer| writer.join().unwrap())
        .collect();
    let host = host.restart();
    assert!(acknowledged.len() >= 36, "{}", acknowledged.len());
    for key in acknowledged {
        assert_eq!(operate(&host, "two", "get", &key, ""), key);
    }
}

#[test]
fn a_store_without_a_grant_is_denied() {
    for (id, guest) in INTERFACES {
        let service = Service::new(id, guest).route("/kv");
        let host = App::new([service]).start();
        for store in ["default", "unheard-of"] {
            let answer = host.get(&format!("/kv?op=get&store={store}&key=a"));
            assert!(
                answer.clone().expect(422).contains("AccessDenied"),
                "{id}: {answer:?}"
            );
        }
    }
}

#[test]
fn increments_of_many_callers_all_count() {
    let host = App::new(services()).start();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    operate(&host, "wasi", "increment", "counter", "");
                }
            });
        }
    });
    assert_eq!(
        host.post(
            "/wasi?op=increment&store=default&key=counter&delta=-200",
            ""
        )
        .text(),
        "0"
    );
}

#[test]
fn a_swap_from_a_stale_reading_fails_and_brings_the_new_value() {
    let host = App::new(services()).start();
    assert_eq!(
        operate(&host, "wasi", "swap", "fresh", "mine"),
        "lost to mine"
    );
    operate(&host, "wasi", "set", "kept", "old");
    assert_eq!(operate(&host, "wasi", "swap", "kept", "new"), "lost to new");
    assert_eq!(operate(&host, "wasi", "get", "kept", ""), "new");
}

#[test]
fn batches_set_get_and_delete() {
    let host = App::new(services()).start();
    let batch = |operation: &str, lines: &str| operate(&host, "wasi", operation, "", lines);
    batch("set-many", "a=1\nb=2\nc=3");
    assert_eq!(
        batch("get-many", "a\nmissing\nc"),
        "a=1\nmissing=(none)\nc=3"
    );
    batch("delete-many", "a\nmissing\nb");
    assert_eq!(batch("keys", ""), "c");
}

#[test]
fn more_keys_than_one_page_are_all_listed() {
    let host = App::new(services()).start();
    for hundred in 0..25 {
        let lines: Vec<_> = (0..100)
            .map(|number| format!("k{hundred}-{number}=v"))
            .collect();
        operate(&host, "wasi", "set-many", "", &lines.join("\n"));
    }
    for (id, _) in INTERFACES {
        let mut keys: Vec<_> = operate(&host, id, "keys", "", "")
            .lines()
            .map(str::to_owned)
            .collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 2500, "{id}");
    }
}

#[test]
fn keys_and_values_over_the_quota_are_refused() {
    let host = App::new(services()).start();
    for (id, _) in INTERFACES {
        let long_key = "k".repeat(1025);
        let set = |key: &str, bytes: usize| {
            host.post(
                &format!("/{id}?op=set&store=default&key={key}"),
                vec![b'v'; bytes],
            )
        };
        assert_eq!(
            set(&"k".repeat(1024), 1 << 20).status,
            200,
            "{id}: within the quota"
        );
        let answer = set(&long_key, 1);
        assert!(
            answer.clone().expect(422).contains("Other"),
            "{id}: {answer:?}"
        );
        let answer = set("k", (1 << 20) + 1);
        assert!(
            answer.clone().expect(422).contains("Other"),
            "{id}: {answer:?}"
        );
    }
}

#[test]
fn a_label_named_like_a_service_belongs_to_it() {
    let cart = Service::new("cart", "key_value_spin_two")
        .route("/cart")
        .key_value_stores(&["cart"]);
    let thief = Service::new("thief", "key_value_wasi")
        .route("/thief")
        .key_value_stores(&["cart"]);
    let app = App::new([cart.clone(), thief]).key_value_store("cart");
    let refusal = app.refused();
    assert!(
        refusal.stderr.contains("thief") && refusal.stderr.contains("cart"),
        "{refusal}"
    );
    let host = App::new([cart]).key_value_store("cart").start();
    host.post("/cart?op=set&store=cart&key=a", "mine")
        .expect(200);
    assert_eq!(
        host.get("/cart?op=get&store=cart&key=a").expect(200),
        "mine"
    );
}

#[test]
fn stores_of_different_labels_are_apart() {
    let both = Service::new("both", "key_value_spin_two").route("/kv");
    let both = both.key_value_stores(&["default", "second"]);
    let host = App::new([both]).key_value_store("second").start();
    host.post("/kv?op=set&store=second&key=a", "2").expect(200);
    assert_eq!(
        host.get("/kv?op=get&store=default&key=a").expect(200),
        "(none)"
    );
    assert_eq!(host.get("/kv?op=get&store=second&key=a").expect(200), "2");
}

#[test]
fn two_labels_on_one_file_are_a_mistake() {
    let service = Service::new("kv", "key_value_spin_two").route("/kv");
    let refusal = App::new([service.key_value_stores(&["one", "two"])])
        .runtime_config("[key_value_store.one]\ntype = \"spin\"\npath = \"same.db\"\n")
        .runtime_config("[key_value_store.two]\ntype = \"spin\"\npath = \"./same.db\"\n")
        .refused();
    assert!(refusal.stderr.contains("same.db"), "{refusal}");
}
