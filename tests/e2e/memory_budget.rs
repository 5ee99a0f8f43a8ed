//! The host's memory budget: who leaves memory when it is exceeded, who never does, and what is
//! said of it. What leaves memory without a budget is in `instances`.

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;

use crate::links::{app, ask, caller, provider};

/// Takes all the memory that one instance may have, and keeps it for its next call.
fn hoarder(id: &str) -> Service {
    let hoarder = Service::new(id, "take_memory").route(&format!("/{id}"));
    let hoarder = hoarder.setting("memory_max_mib = 128");
    hoarder
        .setting("reuse_max = 100")
        .setting("fresh_instances_ready = 0")
}

fn hoarders() -> App {
    app(["a", "b", "c"].map(hoarder)).observed()
}

fn is_loaded(host: &Host, id: &str) -> bool {
    host.registered(id)["code_loaded"] == true
}

fn budget_unloads(host: &Host, id: &str) -> u64 {
    let unloads = host.registered(id)["counts"]["budget_unloads"].as_u64();
    unloads.unwrap()
}

#[test]
fn the_service_that_was_not_called_for_longest_leaves_memory_first() {
    let base_mib = {
        let host = hoarders().start();
        ask(&host, "/neighbour");
        host.resident_memory_kib() / 1024
    };
    // Two of them fit, and three do not, by a good part of one.
    let budget = (base_mib + 310).to_string();
    let app = hoarders().arguments(&["--memory-budget", &budget]);
    // The flag goes over the manifest.
    let host = app.setting("memory_budget_mib = 1").start();
    for (called, gone) in [("a", None), ("b", None), ("c", Some("a")), ("a", Some("b"))] {
        ask(&host, &format!("/{called}"));
        if let Some(gone) = gone {
            host.wait_for_registered(gone, "code_loaded", false);
            host.wait_for_registered(gone, "health", "idle");
            assert_eq!(host.registered(gone)["memory_bytes"], 0);
        }
        assert!(is_loaded(&host, called));
    }
    assert!(is_loaded(&host, "c"), "it was called after `b`");
    assert_eq!(budget_unloads(&host, "c"), 0);
    host.wait_for_output("services that were not called for longest leave memory");
}

#[test]
fn a_busy_service_serves_on_where_the_budget_cannot_be_kept() {
    let many: Vec<String> = (0..40).map(|number| format!("idle{number}")).collect();
    let idle = |id: &String| Service::new(id, "count_two").route(&format!("/{id}"));
    let busy = [caller("caller", "provider"), provider("provider")];
    let app = app(busy.into_iter().chain(many.iter().map(idle)));
    let host = app.setting("memory_budget_mib = 1").observed().start();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| ask(&host, "/caller?call=hold&gate=g"));
        host.wait_for_held("g", 1);
        for _ in 0..2 {
            for id in &many {
                assert_eq!(ask(&host, &format!("/{id}")), "1");
            }
            for id in &many {
                host.wait_for_registered(id, "code_loaded", false);
                assert!(budget_unloads(&host, id) > 0);
            }
        }
        host.wait_for_output("nothing can leave memory");
        for id in ["caller", "provider"] {
            assert!(is_loaded(&host, id));
            assert_eq!(budget_unloads(&host, id), 0);
        }
        host.open("g");
        assert_eq!(held.join().unwrap(), "ok held");
    });
    host.wait_for_registered("provider", "code_loaded", false);
    assert_eq!(ask(&host, "/caller?call=whoami"), "ok provider");
    let output = host.output();
    let said = |text: &str| output.matches(text).count();
    assert_eq!(said("called for longest leave memory"), 1, "{output}");
    assert!(said("nothing can leave memory") <= 2, "{output}");
}
