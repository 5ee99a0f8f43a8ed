//! Links: every kind of value crosses, each service keeps what is its own, a callee that fails
//! costs its caller one answer, and what does not fit is refused at start. Time, size, waiting and
//! depth are in `links_limits`, the sandboxes behind the calls in `instances`.

use std::collections::BTreeSet;

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::{Host, Refusal};
use serde_json::Value;

pub const WORK: &str = "test:chain/work@1.0.0";
pub const NEXT: &str = "test:chain/next@1.0.0";

/// The callers of both generations of WASI.
pub const CALLERS: [&str; 2] = ["link_caller", "link_caller_three"];
/// The callees of both generations.
pub const PROVIDERS: [&str; 2] = ["link_provider", "link_provider_three"];

/// A guest under its name, with a way to the gates.
pub fn named(id: &str, guest: &str) -> Service {
    Service::new(id, guest)
        .line(format!("environment = {{ NAME = {id:?} }}"))
        .gated()
}

/// Calls the work of `callee` for whoever asks at the path of its id.
pub fn caller(id: &str, callee: &str) -> Service {
    caller_of("link_caller", id, callee)
}

pub fn caller_of(guest: &str, id: &str, callee: &str) -> Service {
    named(id, guest).route(&format!("/{id}")).link(WORK, callee)
}

/// Does work for linked callers.
pub fn provider(id: &str) -> Service {
    named(id, "link_provider")
}

/// Does work for linked callers and for whoever asks at the path of its id, or has `next` do it.
pub fn middle(id: &str, next: &str) -> Service {
    let path = format!("/{id}");
    named(id, "link_middle").route(&path).link(NEXT, next)
}

/// These services, a neighbour that has nothing to do with them, and the gates.
pub fn app(services: impl IntoIterator<Item = Service>) -> App {
    let neighbour = Service::new("neighbour", "hello_two").route("/neighbour");
    App::new(services.into_iter().chain([neighbour])).gates("key_value_wasi")
}

pub fn ask(host: &Host, path: &str) -> String {
    host.get(path).expect(200)
}

/// The host runs, and its neighbour answers.
pub fn unharmed(host: &mut Host) {
    assert_eq!(ask(host, "/neighbour"), "hello from 0.2\n");
    assert!(host.runs());
}

/// An answer `unavailable`, which says nothing of the callee's insides.
#[track_caller]
pub fn unavailable(text: &str) {
    assert!(text.starts_with("unavailable"), "{text}");
    assert!(text.len() > "unavailable ".len(), "it says why: {text}");
    assert!(!text.contains("internal detail"), "{text}");
}

#[test]
fn every_kind_of_value_crosses_both_ways() {
    let caller = Service::new("caller", "link_values_caller").route("/");
    // The types of its contract stand in an interface of their own, which needs no link.
    let caller = caller.link("test:values/values@1.0.0", "provider");
    let host = App::new([caller, Service::new("provider", "link_values_provider")]).start();
    for _ in 0..3 {
        assert_eq!(ask(&host, "/"), "ok");
    }
}

#[test]
fn services_of_both_generations_call_each_other() {
    for caller in CALLERS {
        for provider in PROVIDERS {
            let caller = caller_of(caller, "caller", "provider");
            let mut host = app([caller, named("provider", provider)]).start();
            let ask = |query: &str| ask(&host, &format!("/caller?{query}"));
            assert_eq!(ask("call=whoami"), "ok provider");
            assert_eq!(ask("call=sized&bytes=1000"), "ok 1000 bytes");
            assert_eq!(ask("call=take&bytes=1000"), "ok 1000");
            assert_eq!(ask("call=write&store=gate&key=a&value=1"), "ok done");
            assert_eq!(ask("call=read&store=gate&key=a"), "ok 1");
            assert_eq!(ask("call=read&store=gate&key=b"), "ok (none)");
            assert_eq!(ask("call=fail&how=own"), "error own it says no");
            assert_eq!(ask("call=bare"), "ok 7");
            unavailable(&ask("call=fail&how=trap"));
            assert_eq!(ask("call=whoami&times=2"), "ok provider\nok provider");
            unharmed(&mut host);
        }
    }
}

#[test]
fn a_provider_without_a_trigger_is_loaded_because_a_link_names_it() {
    let host = app([caller("caller", "provider"), provider("provider")]).start();
    assert_eq!(ask(&host, "/caller?call=whoami"), "ok provider");
    assert_eq!(host.get("/provider").status, 404);
}

#[test]
fn one_service_answers_clients_and_callers() {
    let services = [middle("a", "b"), middle("b", "a"), caller("caller", "b")];
    let host = app(services).start();
    assert_eq!(ask(&host, "/b?do=whoami"), "ok b");
    assert_eq!(ask(&host, "/a?call=whoami"), "ok b");
    assert_eq!(ask(&host, "/b?call=whoami"), "ok a");
    assert_eq!(ask(&host, "/caller?call=whoami"), "ok b");
    assert_eq!(ask(&host, "/caller?call=chain&steps=2"), "ok b > a > b");
}

#[test]
fn each_service_has_its_own_stores() {
    let services = || {
        let caller = Service::new("caller", "link_caller").route("/caller");
        let provider = Service::new("provider", "link_provider");
        [caller.link(WORK, "provider"), provider]
    };
    let start = |[caller, provider]: [Service; 2]| {
        let services = [caller, provider.key_value_stores(&["provider"])];
        let app = App::new(services).key_value_store("caller");
        app.key_value_store("provider").start()
    };
    let denied = "error own Error::AccessDenied";
    let check = |host: &Host| {
        let ask = |query: &str| ask(host, &format!("/caller?{query}"));
        assert_eq!(ask("call=write&store=provider&key=a&value=p"), "ok done");
        assert_eq!(ask("do=write&store=caller&key=a&value=c"), "ok done");
        assert_eq!(ask("call=read&store=provider&key=a"), "ok p");
        assert_eq!(ask("do=read&store=caller&key=a"), "ok c");
        assert_eq!(ask("call=read&store=caller&key=a"), denied);
        assert_eq!(ask("do=read&store=provider&key=a"), denied);
        assert_eq!(ask("do=write&store=provider&key=a&value=c"), denied);
        assert_eq!(ask("call=read&store=provider&key=a"), "ok p");
    };
    let [caller, provider] = services();
    check(&start([caller.key_value_stores(&["caller"]), provider]));
    // What only a composed caller needs, a live one does not get.
    let [caller, provider] = services();
    let caller = caller
        .key_value_stores(&["caller", "provider"])
        .setting(r#"composed_only = { key_value_stores = ["provider"] }"#);
    check(&start([caller, provider]));
}

#[test]
fn a_callee_that_fails_is_unavailable_once() {
    for guest in PROVIDERS {
        let failing = named("provider", guest)
            .setting("timeout_ms = 2000")
            .setting("cpu_ms_max = 300")
            .setting("memory_max_mib = 16");
        let mut host = app([caller("caller", "provider"), failing]).start();
        for how in ["trap", "memory", "loop", "wait", "effect"] {
            let text = ask(&host, &format!("/caller?call=fail&how={how}"));
            unavailable(&text);
            assert_eq!(ask(&host, "/caller?call=whoami"), "ok provider", "{how}");
            unharmed(&mut host);
        }
        let own = ask(&host, "/caller?call=fail&how=own");
        assert_eq!(own, "error own it says no");
        assert_eq!(host.counter("effects"), 1, "a failed call is not repeated");
        // One invocation outlives the failures of many callees.
        let text = ask(&host, "/caller?call=fail&how=trap&times=20");
        assert_eq!(text.lines().count(), 20, "{text}");
        text.lines().for_each(unavailable);
    }
}

#[test]
fn a_function_that_cannot_say_unavailable_traps_its_caller() {
    for guest in CALLERS {
        let failing = provider("provider")
            .setting("timeout_ms = 2000")
            .setting("cpu_ms_max = 300")
            .setting("memory_max_mib = 16");
        let caller = caller_of(guest, "caller", "provider");
        let mut host = app([caller, failing]).start();
        assert_eq!(ask(&host, "/caller?call=bare"), "ok 7");
        for how in ["trap", "memory", "loop", "wait"] {
            let answer = host.get(&format!("/caller?call=bare-fail&how={how}"));
            assert_eq!(answer.status, 500, "{guest}, {how}: {}", answer.text());
            assert!(!answer.text().contains("internal detail"), "{answer:?}");
            assert_eq!(ask(&host, "/caller?call=whoami"), "ok provider");
            unharmed(&mut host);
        }
    }
}

#[test]
fn a_callee_that_cannot_be_started_is_unavailable() {
    let broken = named("broken", "link_provider_start");
    let mut host = app([caller("caller", "broken"), broken]).start();
    for _ in 0..3 {
        unavailable(&ask(&host, "/caller?call=whoami"));
        assert_eq!(host.get("/caller?call=bare").status, 500);
    }
    unharmed(&mut host);
}

#[test]
fn a_failure_at_the_end_of_a_chain_is_told_to_its_beginning() {
    let full = middle("c", "a")
        .setting("instances_max = 1")
        .setting("queue_max = 0");
    let services = [
        caller("caller", "a"),
        middle("a", "b"),
        middle("b", "c"),
        full,
    ];
    let mut host = app(services).start();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| ask(&host, "/c?do=hold&gate=g"));
        host.wait_for_held("g", 1);
        unavailable(&ask(&host, "/caller?call=chain&steps=2"));
        assert_eq!(ask(&host, "/caller?call=chain&steps=1"), "ok a > b");
        host.open("g");
        assert_eq!(held.join().unwrap(), "ok held");
    });
    assert_eq!(ask(&host, "/caller?call=chain&steps=2"), "ok a > b > c");
    unharmed(&mut host);
}

/// Starts an app that must be refused, and returns what is said about it.
fn refused(services: impl IntoIterator<Item = Service>) -> String {
    let Refusal { stderr, .. } = app(services).refused();
    stderr
}

#[track_caller]
fn names(text: &str, expected: &[&str]) {
    for expected in expected {
        assert!(text.contains(expected), "no `{expected}` in:\n{text}");
    }
}

#[test]
fn an_import_without_a_link_is_refused_with_the_line_to_add() {
    let caller = || named("caller", "link_caller").route("/caller");
    let text = refused([caller(), provider("one"), provider("two")]);
    names(&text, &["caller", WORK, "[component.caller.tool.kumiki]"]);
    let lines = ["one", "two"].map(|id| format!("{WORK:?} = {id:?}"));
    let offered = lines.iter().any(|line| text.contains(line));
    assert!(offered, "no line to add in:\n{text}");
    names(&text, &["one", "two"]);
    // Where nobody exports it, there is no line that would help.
    names(&refused([caller()]), &["caller", WORK]);
}

#[test]
fn a_link_that_leads_nowhere_is_refused() {
    let text = refused([caller("caller", "prvider"), provider("provider")]);
    names(&text, &["caller", WORK, "prvider", "provider"]);
    // The neighbour is there and exports no work.
    let text = refused([caller("caller", "neighbour"), provider("provider")]);
    names(&text, &["caller", WORK, "neighbour", "provider"]);
}

#[test]
fn every_difference_of_two_contracts_is_listed() {
    let differs = named("differs", "link_provider_differs");
    let text = refused([caller("caller", "differs"), differs]);
    names(&text, &["caller", "differs", WORK]);
    // The function that is not there, and those with another parameter, name or result.
    for function in [
        "whoami",
        "fail",
        "sized",
        "take",
        "count",
        "ticket",
        "bare-fail",
    ] {
        names(&text, &[function]);
    }
    for same in ["remember", "compute", "bare-sized"] {
        assert!(!text.contains(same), "`{same}` does not differ:\n{text}");
    }
}

#[test]
fn a_newer_minor_version_meets_an_older_import() {
    let newer = || named("newer", "link_provider_newer");
    let newest = "test:chain/work@1.1.0";
    let asks_newer = |callee: &str| {
        let service = named("new", "link_caller_newer").route("/new");
        service.link(newest, callee)
    };
    let host = app([caller("caller", "newer"), asks_newer("newer"), newer()]).start();
    assert_eq!(ask(&host, "/caller?call=whoami"), "ok newer");
    unavailable(&ask(&host, "/caller?call=fail&how=trap"));
    assert_eq!(ask(&host, "/new"), "ok added");
    // An older export does not meet a newer import.
    let text = refused([asks_newer("older"), provider("older")]);
    names(&text, &["new", newest, "older", "1.0.0"]);
}

#[test]
fn what_may_not_cross_a_link_is_refused_by_name() {
    let like = |id: &str, other: &str| {
        let interface = |name: &str| format!("test:refused/{name}@1.0.0");
        named(id, "link_refused")
            .route(&format!("/{id}"))
            .link(&interface("handles"), other)
            .link(&interface("streams"), other)
            .link(&interface("waits"), other)
    };
    let text = refused([like("one", "two"), like("two", "one")]);
    for name in ["handles", "streams", "waits"] {
        names(&text, &[&format!("test:refused/{name}@1.0.0")]);
    }
    names(&text, &["resource", "stream", "future", "async"]);
    names(&text, &["thing", "drain", "later", "wait"]);
}

/// One line for each invocation, of which those of one request share its id and its trace.
#[test]
fn a_request_can_be_followed_through_links_in_the_log() {
    let second = middle("second", "third");
    let services = [caller("first", "second"), second, middle("third", "second")];
    let host = app(services)
        .arguments(&["--log-format", "json"])
        .environment("KUMIKI_LOG", "warn,kumiki::invocation=debug")
        .start();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    let headers = [("traceparent", parent.as_str())];
    let answer = host.request("GET", "/first?call=chain&steps=1", &headers, "");
    assert_eq!(answer.expect(200), "ok second > third");
    host.wait_for_output("\"service\":\"first\"");
    let stderr = host.stderr();
    let lines: Vec<Value> = stderr
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["message"] == "invocation")
        .collect();
    let ended: Vec<_> = lines
        .iter()
        .map(|line| (line["caller"].as_str(), line["service"].as_str().unwrap()))
        .collect();
    // The last to be called ends first.
    let expected = [
        (Some("second"), "third"),
        (Some("first"), "second"),
        (None, "first"),
    ];
    assert_eq!(ended, expected);
    let mut spans = BTreeSet::new();
    for line in &lines {
        assert_eq!(line["request_id"], lines[0]["request_id"]);
        assert_eq!(line["outcome"], "answered");
        let context = line["traceparent"].as_str().unwrap();
        assert!(context.starts_with(&format!("00-{trace}-")), "{context}");
        spans.insert(context.to_owned());
    }
    assert_eq!(spans.len(), 3);
}

/// A link opens one interface, not the handler that the provider has beside it.
#[test]
fn a_provider_without_a_trigger_answers_no_chained_request() {
    let asker = Service::new("asker", "http_out_two")
        .route("/asker")
        .allowed_outbound_hosts(&["http://*.spin.internal"]);
    let provider = named("provider", "link_provider_three");
    let host = app([asker, caller("caller", "provider"), provider]).start();
    assert_eq!(ask(&host, "/caller?call=whoami"), "ok provider");
    let answer = host.get("/asker?url=http://provider.spin.internal/?do=whoami");
    let text = answer.expect(422);
    assert!(text.contains("DestinationNotFound"), "{text}");
}
