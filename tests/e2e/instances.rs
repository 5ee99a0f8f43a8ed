//! Sandboxes: when one is used again and when never, what is made ahead of need, and what an idle
//! service leaves in memory. Who waits for one is in `links_limits`.

use kumiki_tests::app::Service;
use kumiki_tests::host::Host;
use serde_json::Value;

use crate::links::{PROVIDERS, app, ask, caller, middle, named, provider, unavailable, unharmed};

/// The settings that should make no difference to what a guest can see.
const AHEAD: [&str; 3] = [
    "fresh_instances_ready = 0",
    "fresh_instances_ready = 1",
    "fresh_instances_ready = 5",
];

/// One instance at a time, so that each call gets the one that the call before has left.
fn one(service: Service) -> Service {
    service.setting("instances_max = 1")
}

/// The answers to the same request, one after the other.
fn answers(host: &Host, path: &str, times: usize) -> Vec<String> {
    (0..times).map(|_| ask(host, path)).collect()
}

/// What a counter in an instance's memory says when each instance serves so many.
fn counted(per_instance: usize, times: usize, before: &str) -> Vec<String> {
    let count = |call| format!("{before}{}", call % per_instance + 1);
    (0..times).map(count).collect()
}

#[test]
fn a_linked_call_gets_a_fresh_sandbox() {
    for ahead in AHEAD {
        let services = [
            caller("caller", "provider"),
            provider("provider").setting(ahead),
        ];
        let host = app(services).start();
        let path = "/caller?call=count";
        assert_eq!(answers(&host, path, 10), counted(1, 10, "ok "), "{ahead}");
        // Nor does a second call of one invocation meet the first one's memory.
        assert_eq!(ask(&host, "/caller?call=count&times=3"), "ok 1\nok 1\nok 1");
        assert_eq!(ask(&host, "/caller?call=remember&text=secret"), "ok (none)");
        assert_eq!(ask(&host, "/caller?call=remember&text=other"), "ok (none)");
    }
}

#[test]
fn a_sandbox_serves_as_many_as_it_may_and_no_more() {
    for ahead in AHEAD {
        let reused = |service: Service| one(service).setting("reuse_max = 5").setting(ahead);
        let services = [
            caller("caller", "provider"),
            reused(provider("provider")),
            reused(middle("both", "both")),
            reused(Service::new("two", "count_two").route("/two")),
            reused(Service::new("three", "count_three").route("/three")),
        ];
        let host = app(services).start();
        for path in ["/caller?call=count", "/both?do=count"] {
            let found = answers(&host, path, 12);
            assert_eq!(found, counted(5, 12, "ok "), "{ahead}, {path}");
        }
        for path in ["/two", "/three"] {
            assert_eq!(
                answers(&host, path, 12),
                counted(5, 12, ""),
                "{ahead}, {path}"
            );
        }
    }
}

#[test]
fn memory_ends_with_the_last_use_of_a_sandbox() {
    let reused = one(provider("provider")).setting("reuse_max = 2");
    let host = app([caller("caller", "provider"), reused]).start();
    let tell = |text: &str| ask(&host, &format!("/caller?call=remember&text={text}"));
    assert_eq!(tell("first"), "ok (none)");
    assert_eq!(tell("second"), "ok first");
    assert_eq!(
        tell("third"),
        "ok (none)",
        "the second was told to another sandbox"
    );
    assert_eq!(tell("fourth"), "ok third");
}

#[test]
fn services_of_0_3_are_used_again_unless_they_say_otherwise() {
    let three = |id: &str| {
        let service = named(id, "link_provider_three").route(&format!("/{id}"));
        one(service)
    };
    let services = [
        three("usual"),
        three("fresh").setting("reuse_max = 1"),
        three("both"),
        caller("caller", "both"),
    ];
    let host = app(services).start();
    assert_eq!(answers(&host, "/usual", 130), counted(128, 130, ""));
    assert_eq!(answers(&host, "/fresh", 3), counted(1, 3, ""));
    // Clients and callers use the same sandboxes.
    assert_eq!(ask(&host, "/both"), "1");
    assert_eq!(ask(&host, "/caller?call=count"), "ok 2");
    assert_eq!(ask(&host, "/both"), "3");
}

#[test]
fn a_sandbox_that_failed_is_never_used_again() {
    for guest in PROVIDERS {
        let reused = one(named("provider", guest))
            .setting("reuse_max = 100")
            .setting("timeout_ms = 2000")
            .setting("cpu_ms_max = 300")
            .setting("memory_max_mib = 16");
        let mut host = app([caller("caller", "provider"), reused]).start();
        for how in ["trap", "loop", "wait", "memory", "effect"] {
            assert_eq!(ask(&host, "/caller?call=count"), "ok 1", "{guest}, {how}");
            assert_eq!(ask(&host, "/caller?call=count"), "ok 2", "{guest}, {how}");
            unavailable(&ask(&host, &format!("/caller?call=fail&how={how}")));
        }
        assert_eq!(ask(&host, "/caller?call=count"), "ok 1");
        // An error of its own is an answer like any other.
        let own = ask(&host, "/caller?call=fail&how=own");
        assert_eq!(own, "error own it says no");
        assert_eq!(ask(&host, "/caller?call=count"), "ok 2");
        unharmed(&mut host);
    }
}

#[test]
fn a_sandbox_whose_request_failed_is_never_used_again() {
    let reused = one(middle("both", "both"))
        .setting("reuse_max = 100")
        .setting("timeout_ms = 2000")
        .setting("cpu_ms_max = 300");
    let host = app([reused]).start();
    for (how, status) in [("trap", 500), ("loop", 504), ("wait", 504)] {
        assert_eq!(
            answers(&host, "/both?do=count", 2),
            ["ok 1", "ok 2"],
            "{how}"
        );
        assert_eq!(host.get(&format!("/both?do=fail&how={how}")).status, status);
    }
    assert_eq!(ask(&host, "/both?do=count"), "ok 1");
}

#[test]
fn each_use_of_a_sandbox_has_its_limits_anew() {
    for guest in PROVIDERS {
        let reused = one(named("provider", guest))
            .setting("reuse_max = 100")
            .setting("cpu_ms_max = 1000");
        let host = app([caller("caller", "provider"), reused]).start();
        for _ in 0..4 {
            assert_eq!(
                ask(&host, "/caller?call=compute&ms=400"),
                "ok computed",
                "{guest}"
            );
        }
        assert_eq!(ask(&host, "/caller?call=count"), "ok 1");
        assert_eq!(ask(&host, "/caller?call=count"), "ok 2");
    }
}

#[test]
fn sandboxes_at_once_are_as_many_as_allowed() {
    let services = [
        caller("caller", "provider"),
        provider("provider").setting("instances_max = 3"),
    ];
    let host = app(services).observed().start();
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..5)
            .map(|_| scope.spawn(|| ask(&host, "/caller?call=hold&gate=g")))
            .collect();
        host.wait_for_held("g", 3);
        host.wait_for_registered("provider", "queued", 2);
        host.wait_for_registered("provider", "instances_busy", 3);
        assert_eq!(host.counter("held-g"), 3);
        host.open("g");
        for call in calls {
            assert_eq!(call.join().unwrap(), "ok held");
        }
    });
    host.wait_for_registered("provider", "instances_busy", 0);
    assert_eq!(host.counter("held-g"), 5);
}

#[test]
fn sandboxes_are_made_ahead_of_need_while_a_service_is_in_use() {
    for (setting, ready) in [
        ("fresh_instances_ready = 0", 0),
        ("fresh_instances_ready = 3", 3),
    ] {
        let ahead = provider("provider").setting(setting);
        let host = app([caller("caller", "provider"), ahead])
            .observed()
            .start();
        // A single call does not say that another one follows.
        assert_eq!(ask(&host, "/caller?call=count"), "ok 1");
        host.wait_for_registered("provider", "instances_busy", 0);
        host.wait_for_registered("provider", "instances_ready", 0);
        for _ in 0..2 {
            assert_eq!(ask(&host, "/caller?call=count"), "ok 1");
            host.wait_for_registered("provider", "instances_ready", ready);
        }
        host.wait_for_registered("provider", "instances_busy", 0);
    }
    // Those that are ready count as instances.
    let few = provider("provider").setting("fresh_instances_ready = 5");
    let few = few.setting("instances_max = 2");
    let host = app([caller("caller", "provider"), few]).observed().start();
    assert_eq!(ask(&host, "/caller?call=count&times=2"), "ok 1\nok 1");
    host.wait_for_registered("provider", "instances_ready", 2);
}

#[test]
fn an_idle_service_leaves_memory_and_comes_back_with_its_next_call() {
    for guest in PROVIDERS {
        let brief = |service: Service| service.setting("idle_timeout_ms = 200");
        let services = [
            brief(caller("caller", "provider")),
            brief(named("provider", guest).setting("reuse_max = 100")),
            brief(middle("both", "both").setting("fresh_instances_ready = 5")),
            brief(Service::new("three", "count_three").route("/three")),
        ];
        let mut host = app(services).observed().start();
        for _ in 0..2 {
            assert_eq!(ask(&host, "/caller?call=whoami"), "ok provider");
            assert_eq!(ask(&host, "/both?do=whoami"), "ok both");
            assert_eq!(ask(&host, "/three"), "1");
            for id in ["caller", "provider", "both", "three"] {
                host.wait_for_registered(id, "instances_ready", 0);
                host.wait_for_registered(id, "instances_busy", 0);
                host.wait_for_registered(id, "code_loaded", false);
            }
        }
        // What was in memory is gone with the sandbox.
        assert_eq!(ask(&host, "/caller?call=count"), "ok 1");
        unharmed(&mut host);
    }
}

#[test]
fn a_service_that_is_busy_is_not_idle() {
    let services = [
        caller("caller", "provider"),
        provider("provider").setting("idle_timeout_ms = 100"),
        Service::new("bystander", "count_two").route("/bystander"),
    ];
    let bystander = "idle_timeout_ms = 100";
    let [caller, provider, other] = services;
    let host = app([caller, provider, other.setting(bystander)])
        .observed()
        .start();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| ask(&host, "/caller?call=hold&gate=g"));
        host.wait_for_held("g", 1);
        // Another service becomes idle twice in the time that this one is held.
        for _ in 0..2 {
            assert_eq!(ask(&host, "/bystander"), "1");
            host.wait_for_registered("bystander", "code_loaded", false);
        }
        host.open("g");
        assert_eq!(held.join().unwrap(), "ok held");
    });
    host.wait_for_registered("provider", "code_loaded", false);
}

#[test]
fn instances_leave_memory_before_the_code() {
    let counter = |id: &str, unload_after_ms: u64| {
        Service::new(id, "count_three")
            .route(&format!("/{id}"))
            .setting("idle_timeout_ms = 100")
            .setting(format!("unload_after_ms = {unload_after_ms}"))
    };
    let services = [counter("kept", 86_400_000), counter("unloaded", 300)];
    let host = app(services).observed().start();
    for id in ["kept", "unloaded"] {
        assert_eq!(host.registered(id)["last_call_seconds"], Value::Null);
    }
    for times in 1..=2 {
        for (id, is_kept) in [("kept", true), ("unloaded", false)] {
            // The instance of the time before is gone, with what it counted.
            assert_eq!(ask(&host, &format!("/{id}")), "1");
            host.wait_for_registered(id, "health", "idle");
            host.wait_for_registered(id, "code_loaded", is_kept);
            let service = host.registered(id);
            assert_eq!(service["memory_bytes"], 0);
            let cold_starts = if is_kept { 1 } else { times };
            assert_eq!(service["counts"]["cold_starts"], cold_starts, "{id}");
            assert!(service["last_call_seconds"].is_u64(), "{service}");
        }
    }
}
