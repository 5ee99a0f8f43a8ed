//! What bounds a linked call: time, CPU, size and depth; and who waits for whom: queues are fair,
//! overflow is told at once, and no circle of services stands still. Nothing here is timed: guests
//! wait at gates, and what would wait for ever runs into a deadline, which is an error.

use std::sync::mpsc;

use kumiki_tests::app::Service;
use kumiki_tests::host::Host;
use kumiki_tests::http::Answer;

use crate::links::{
    CALLERS, PROVIDERS, app, ask, caller, caller_of, middle, named, provider, unavailable, unharmed,
};

/// A time that no test waits for.
const LONG: &str = "timeout_ms = 600000\ncpu_ms_max = 600000";

/// One instance, and no CPU or time limit that could free it.
fn single(service: Service) -> Service {
    service.setting("instances_max = 1").setting(LONG)
}

#[test]
fn a_callers_deadline_ends_what_it_waits_for() {
    for guest in PROVIDERS {
        for caller_guest in CALLERS {
            let hasty = caller_of(caller_guest, "hasty", "provider").setting("timeout_ms = 300");
            let services = [
                hasty,
                caller("patient", "provider"),
                single(named("provider", guest)),
            ];
            let mut host = app(services).start();
            for how in ["wait", "loop"] {
                let answer = host.get(&format!("/hasty?call=fail&how={how}"));
                assert_eq!(answer.status, 504, "{guest}, {how}: {}", answer.text());
                // Its one instance is free again, or this would wait for ever.
                assert_eq!(ask(&host, "/patient?call=whoami"), "ok provider");
            }
            unharmed(&mut host);
        }
    }
}

#[test]
fn a_deadline_shrinks_along_a_chain() {
    let services = [
        caller("hasty", "a").setting("timeout_ms = 500"),
        single(middle("a", "b")),
        single(middle("b", "c")),
        single(middle("c", "a")),
    ];
    let host = app(services).start();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| ask(&host, "/c?do=hold&gate=g"));
        host.wait_for_held("g", 1);
        assert_eq!(host.get("/hasty?call=chain&steps=2").status, 504);
        // Those in between have been ended with the one who asked.
        assert_eq!(ask(&host, "/a?do=whoami"), "ok a");
        assert_eq!(ask(&host, "/b?do=whoami"), "ok b");
        host.open("g");
        assert_eq!(held.join().unwrap(), "ok held");
    });
    assert_eq!(ask(&host, "/a?call=chain&steps=1"), "ok b > c");
}

#[test]
fn a_callees_own_timeout_is_told_to_a_caller_that_has_time_left() {
    let services = [
        caller("patient", "a"),
        middle("a", "b").setting("timeout_ms = 500"),
        single(middle("b", "a")),
    ];
    let host = app(services).start();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| ask(&host, "/b?do=hold&gate=g"));
        host.wait_for_held("g", 1);
        unavailable(&ask(&host, "/patient?call=chain&steps=1"));
        host.open("g");
        assert_eq!(held.join().unwrap(), "ok held");
    });
    assert_eq!(ask(&host, "/patient?call=chain&steps=1"), "ok a > b");
}

#[test]
fn cpu_is_charged_to_the_one_that_computes() {
    for guest in CALLERS {
        for provider in PROVIDERS {
            let frugal = caller_of(guest, "frugal", "provider").setting("cpu_ms_max = 200");
            let provider = named("provider", provider).setting("timeout_ms = 60000");
            let host = app([frugal.setting("timeout_ms = 60000"), provider]).start();
            assert_eq!(ask(&host, "/frugal?call=compute&ms=1500"), "ok computed");
            let answer = host.get("/frugal?do=fail&how=loop");
            assert_eq!(answer.status, 504, "its own CPU is still bounded");
        }
    }
    let provider = provider("provider").setting("cpu_ms_max = 200");
    let host = app([caller("caller", "provider"), provider]).start();
    unavailable(&ask(&host, "/caller?call=fail&how=loop"));
}

/// A circle of three.
fn circle(setting: &str) -> [Service; 3] {
    [("a", "b"), ("b", "c"), ("c", "a")].map(|(id, next)| middle(id, next).setting(setting))
}

#[test]
fn chains_are_at_most_sixteen_calls_deep() {
    let mut host = app(circle("")).start();
    let names = ["b", "c", "a"];
    for steps in [0, 1, 2, 15] {
        let expected: Vec<&str> = names.into_iter().cycle().take(steps + 1).collect();
        let text = ask(&host, &format!("/a?call=chain&steps={steps}"));
        assert_eq!(text, format!("ok {}", expected.join(" > ")));
    }
    for steps in [16, 17, 1000] {
        let text = ask(&host, &format!("/a?call=chain&steps={steps}"));
        unavailable(&text);
        assert!(text.contains("16"), "{text}");
    }
    unharmed(&mut host);
}

#[test]
fn a_cycle_without_a_free_instance_is_named_at_once() {
    let host = app([single(middle("a", "b")), single(middle("b", "a"))]).start();
    assert_eq!(ask(&host, "/a?call=chain&steps=0"), "ok b");
    let text = ask(&host, "/a?call=chain&steps=1");
    unavailable(&text);
    assert!(text.contains("cycle a → b → a"), "{text}");
    let text = ask(&host, "/b?call=chain&steps=1");
    assert!(text.contains("cycle b → a → b"), "{text}");
    // With a second instance there is a way out.
    let two = |id: &str, next: &str| middle(id, next).setting("instances_max = 2");
    let host = app([two("a", "b"), two("b", "a")]).start();
    assert_eq!(ask(&host, "/a?call=chain&steps=1"), "ok b > a");
    // A circle of one.
    let host = app([single(middle("alone", "alone"))]).start();
    let text = ask(&host, "/alone?call=chain&steps=0");
    assert!(text.contains("cycle alone → alone"), "{text}");
}

#[test]
fn two_that_would_wait_for_each_other_do_not() {
    let host = app([single(middle("a", "b")), single(middle("b", "a"))]).start();
    std::thread::scope(|scope| {
        // Each holds its one instance before either calls the other.
        let paths = [
            "/a?first=g&call=chain&steps=0",
            "/b?first=g&call=chain&steps=0",
        ];
        let host = &host;
        let calls = paths.map(|path| scope.spawn(move || ask(host, path)));
        host.wait_for_held("g", 2);
        host.open("g");
        let [a, b] = calls.map(|call| call.join().unwrap());
        let served = [a == "ok b", b == "ok a"];
        assert!(served[0] != served[1], "one is served: {a}, {b}");
        unavailable(if served[0] { &b } else { &a });
    });
    assert_eq!(ask(&host, "/a?call=chain&steps=0"), "ok b");
}

/// Sends so many requests at once to each path, and returns the answers.
fn crowd(host: &Host, paths: &[&str], each: usize) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let paths = paths
            .iter()
            .flat_map(|path| std::iter::repeat_n(*path, each));
        let calls: Vec<_> = paths.map(|path| scope.spawn(|| host.get(path))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

#[test]
fn circles_at_full_load_do_not_stand_still() {
    let pair = |instances: usize| {
        let setting = format!("instances_max = {instances}\ntimeout_ms = 20000");
        [("a", "b"), ("b", "a")].map(|(id, next)| middle(id, next).setting(&setting))
    };
    let paths = ["/a?call=chain&steps=2", "/b?call=chain&steps=2"];
    for instances in [1, 2, 3] {
        let host = app(pair(instances)).start();
        goes_on(&host, &paths, &["a", "b"]);
    }
    let host = app(circle("instances_max = 2\ntimeout_ms = 20000")).start();
    let paths = ["a", "b", "c"].map(|id| format!("/{id}?call=chain&steps=3"));
    goes_on(
        &host,
        &paths.each_ref().map(String::as_str),
        &["a", "b", "c"],
    );
}

/// Every one of a crowd gets an answer before its deadline, and then all is as before.
fn goes_on(host: &Host, paths: &[&str], ids: &[&str]) {
    for answer in crowd(host, paths, 40) {
        let text = answer.expect(200);
        assert!(
            text.starts_with("ok") || text.starts_with("unavailable"),
            "{text}"
        );
    }
    for id in ids {
        let text = ask(host, &format!("/{id}?call=chain&steps=0"));
        assert!(text.starts_with("ok"), "{text}");
    }
}

#[test]
fn what_crosses_is_bounded_in_size_both_ways() {
    for guest in CALLERS {
        let small = caller_of(guest, "small", "provider").setting("message_bytes_max = 4096");
        let services = [
            small,
            caller_of(guest, "usual", "provider"),
            provider("provider"),
        ];
        let mut host = app(services).start();
        for (id, fits, exceeds) in [("small", 4000, 4097), ("usual", 262_000, 262_145)] {
            let call = |name: &str, bytes: u32| format!("/{id}?call={name}&bytes={bytes}");
            assert_eq!(ask(&host, &call("sized", fits)), format!("ok {fits} bytes"));
            assert_eq!(ask(&host, &call("take", fits)), format!("ok {fits}"));
            unavailable(&ask(&host, &call("sized", exceeds)));
            unavailable(&ask(&host, &call("take", exceeds)));
            assert_eq!(host.get(&call("bare-sized", exceeds)).status, 500);
            // Each call is counted for itself.
            let often = format!("{}&times=10", call("sized", fits));
            assert_eq!(ask(&host, &often).lines().count(), 10);
            assert!(!ask(&host, &often).contains("unavailable"));
        }
        unharmed(&mut host);
    }
}

/// Sends requests in threads of their own, and receives each one's path and answer as it comes.
struct Waiting<'scope, 'env> {
    scope: &'scope std::thread::Scope<'scope, 'env>,
    host: &'env Host,
    sender: mpsc::Sender<(String, Answer)>,
    answers: mpsc::Receiver<(String, Answer)>,
}

impl<'scope, 'env> Waiting<'scope, 'env> {
    fn new(scope: &'scope std::thread::Scope<'scope, 'env>, host: &'env Host) -> Self {
        let (sender, answers) = mpsc::channel();
        Self {
            scope,
            host,
            sender,
            answers,
        }
    }

    fn send(&self, path: &str, times: usize) {
        for _ in 0..times {
            let (path, sender, host) = (path.to_owned(), self.sender.clone(), self.host);
            self.scope.spawn(move || {
                let answer = host.get(&path);
                // The receiver is gone when the test has failed.
                let _gone = sender.send((path, answer));
            });
        }
    }

    /// Has the one instance of the callee held at a gate.
    fn hold(&self, path: &str) {
        self.send(path, 1);
        self.host.wait_for_held("g", 1);
    }

    /// The next answer, and the path that it is for.
    fn next(&self) -> (String, Answer) {
        self.answers
            .recv_timeout(kumiki_tests::wait::PATIENCE)
            .expect("an answer")
    }

    /// The texts of the next answers for a path among so many.
    fn rest(&self, answers: usize, path: &str) -> Vec<String> {
        let all = (0..answers).map(|_| self.next());
        let texts = all.filter_map(|(found, answer)| {
            let text = answer.expect(200);
            (found == path).then_some(text)
        });
        texts.collect()
    }
}

const HOLD: &str = "/caller?call=hold&gate=g";

#[test]
fn linked_calls_beyond_the_queue_are_unavailable_at_once() {
    let provider = single(provider("provider")).setting("queue_max = 1");
    let mut host = app([caller("caller", "provider"), provider]).start();
    std::thread::scope(|scope| {
        let waiting = Waiting::new(scope, &host);
        waiting.hold(HOLD);
        waiting.send("/caller?call=whoami", 2);
        // One of the two has no place, and is told so while the gate is shut.
        let (path, answer) = waiting.next();
        assert_eq!(path, "/caller?call=whoami");
        unavailable(&answer.expect(200));
        host.open("g");
        assert_eq!(waiting.rest(2, "/caller?call=whoami"), ["ok provider"]);
    });
    unharmed(&mut host);
}

#[test]
fn a_queue_of_none_turns_away_whoever_does_not_fit() {
    let provider = single(provider("provider")).setting("queue_max = 0");
    let host = app([caller("caller", "provider"), provider]).start();
    std::thread::scope(|scope| {
        let waiting = Waiting::new(scope, &host);
        waiting.hold(HOLD);
        unavailable(&ask(&host, "/caller?call=whoami"));
        assert_eq!(host.get("/caller?call=bare").status, 500);
        host.open("g");
        assert_eq!(waiting.rest(1, HOLD), ["ok held"]);
    });
    assert_eq!(ask(&host, "/caller?call=bare"), "ok 7");
}

#[test]
fn requests_beyond_the_queue_are_503_at_once() {
    let busy = single(middle("busy", "busy")).setting("queue_max = 1");
    let mut host = app([busy]).start();
    std::thread::scope(|scope| {
        let waiting = Waiting::new(scope, &host);
        waiting.hold("/busy?do=hold&gate=g");
        waiting.send("/busy?do=whoami", 2);
        let (_, answer) = waiting.next();
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        host.open("g");
        assert_eq!(waiting.rest(2, "/busy?do=whoami"), ["ok busy"]);
    });
    unharmed(&mut host);
}

#[test]
fn whoever_waits_too_long_leaves_the_queue() {
    let services = [
        caller("caller", "provider"),
        caller("hasty", "provider").setting("timeout_ms = 300"),
        single(provider("provider")),
    ];
    let host = app(services).observed().start();
    std::thread::scope(|scope| {
        let waiting = Waiting::new(scope, &host);
        waiting.hold(HOLD);
        assert_eq!(host.get("/hasty?call=ticket").status, 504);
        host.wait_for_registered("provider", "queued", 0);
        host.open("g");
        assert_eq!(waiting.rest(1, HOLD), ["ok held"]);
    });
    assert_eq!(
        ask(&host, "/caller?call=ticket"),
        "ok 1",
        "none was drawn for who had left"
    );
}

#[test]
fn a_caller_that_floods_waits_behind_itself() {
    let services = [
        caller("caller", "provider"),
        caller("other", "provider"),
        single(provider("provider")),
    ];
    let host = app(services).observed().start();
    std::thread::scope(|scope| {
        let waiting = Waiting::new(scope, &host);
        waiting.hold(HOLD);
        waiting.send("/caller?call=ticket", 40);
        host.wait_for_registered("provider", "queued", 40);
        waiting.send("/other?call=ticket", 1);
        host.wait_for_registered("provider", "queued", 41);
        host.open("g");
        let [text] = waiting.rest(42, "/other?call=ticket").try_into().unwrap();
        let ticket: u32 = text.trim_start_matches("ok ").parse().unwrap();
        assert!(ticket <= 3, "it was served as number {ticket} of 41");
    });
}

#[test]
fn in_a_full_queue_the_newest_of_who_waits_most_gives_way() {
    let services = [
        caller("caller", "provider"),
        caller("other", "provider"),
        single(provider("provider")).setting("queue_max = 4"),
    ];
    let host = app(services).observed().start();
    std::thread::scope(|scope| {
        let waiting = Waiting::new(scope, &host);
        waiting.hold(HOLD);
        waiting.send("/caller?call=ticket", 4);
        host.wait_for_registered("provider", "queued", 4);
        // A fifth call of the same caller is itself the newest.
        unavailable(&ask(&host, "/caller?call=ticket"));
        waiting.send("/other?call=ticket", 1);
        let (path, answer) = waiting.next();
        assert_eq!(path, "/caller?call=ticket", "{}", answer.text());
        unavailable(&answer.expect(200));
        host.open("g");
        let [text] = waiting.rest(5, "/other?call=ticket").try_into().unwrap();
        assert!(text.starts_with("ok"), "{text}");
    });
    assert_eq!(host.counter("tickets"), 4);
}

#[test]
fn a_request_that_is_half_done_goes_before_one_that_has_not_begun() {
    let busy = single(middle("busy", "busy")).setting("instances_reserved_for_links = 0");
    let host = app([caller("caller", "busy"), busy]).observed().start();
    std::thread::scope(|scope| {
        let waiting = Waiting::new(scope, &host);
        waiting.hold("/busy?do=hold&gate=g");
        waiting.send("/busy?do=ticket", 5);
        host.wait_for_registered("busy", "queued", 5);
        waiting.send("/caller?call=ticket", 1);
        host.wait_for_registered("busy", "queued", 6);
        host.open("g");
        assert_eq!(waiting.rest(7, "/caller?call=ticket"), ["ok 1"]);
    });
}

#[test]
fn requests_from_outside_leave_the_reserved_instances_to_links() {
    let busy = middle("busy", "busy")
        .setting("instances_max = 2")
        .setting("instances_reserved_for_links = 1")
        .setting(LONG);
    let host = app([caller("caller", "busy"), busy]).observed().start();
    std::thread::scope(|scope| {
        let waiting = Waiting::new(scope, &host);
        waiting.hold("/busy?do=hold&gate=g");
        waiting.send("/busy?do=ticket", 3);
        host.wait_for_registered("busy", "queued", 3);
        assert_eq!(ask(&host, "/caller?call=whoami"), "ok busy");
        assert_eq!(ask(&host, "/caller?call=ticket"), "ok 1");
        host.wait_for_registered("busy", "queued", 3);
        host.open("g");
        assert_eq!(waiting.rest(4, "/busy?do=ticket").len(), 3);
    });
    assert_eq!(host.counter("tickets"), 4);
}

#[test]
fn callers_that_wait_hold_no_thread() {
    for (caller_guest, provider_guest) in CALLERS.into_iter().zip(PROVIDERS) {
        let provider = named("provider", provider_guest).setting("instances_max = 8");
        let services = [
            caller_of(caller_guest, "caller", "provider"),
            provider.setting(LONG),
        ];
        let mut host = app(services).observed().start();
        std::thread::scope(|scope| {
            let waiting = Waiting::new(scope, &host);
            waiting.send(HOLD, 80);
            host.wait_for_held("g", 8);
            host.wait_for_registered("provider", "queued", 72);
            for _ in 0..20 {
                assert_eq!(ask(&host, "/neighbour"), "hello from 0.2\n");
            }
            host.open("g");
            assert_eq!(waiting.rest(80, HOLD), ["ok held"; 80]);
        });
        unharmed(&mut host);
    }
}
