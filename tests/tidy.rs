//! The house rules that a program can check: sizes, names, the direction of imports, and a host
//! test for every guest. What needs judgement is left to review.
//!
//! A rule that makes a program worse gets an exception in [`EXCEPTIONS`] with its reason; one that
//! is not needed any more fails the test, so that the list never outlives its causes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code: to panic is how it reports"
)]

#[path = "tidy/functions.rs"]
mod functions;
#[path = "tidy/guests.rs"]
mod guests;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/text.rs"]
mod text;
#[path = "tidy/tree.rs"]
mod tree;

use std::fmt;

use tree::SourceFile;

/// A place where a rule does not hold.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    rule: &'static str,
    path: String,
    /// What is too long, or what is imported; an exception names it.
    subject: String,
    detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            path,
            subject,
            detail,
        } = self;
        write!(out, "{path}: {rule}: {subject}: {detail}")
    }
}

/// A place where a rule does not have to hold.
struct Exception {
    rule: &'static str,
    path: &'static str,
    /// The violation's subject; empty: all of them in this file.
    subject: &'static str,
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        rule: functions::LENGTH,
        path: "host/src/gateway/tests/hostile.rs",
        subject: "heads_that_servers_read_differently_are_refused",
        reason: "one table of heads with the answer to each; parted, no one sees what is missing",
    },
    Exception {
        rule: functions::LENGTH,
        path: "host/src/capabilities/redis/tests.rs",
        subject: "every_command_does_what_redis_does",
        reason: "one conversation with one server, in which each answer rests on those before",
    },
    Exception {
        rule: functions::LENGTH,
        path: "host/src/events/cloud_event/tests.rs",
        subject: "every_mistake_names_its_attribute",
        reason: "one table of what is written and what is said of it, which is read as one",
    },
    Exception {
        rule: functions::LENGTH,
        path: "host/src/events/cloud_event/tests.rs",
        subject: "structured_data_is_what_its_type_says",
        reason: "one table of what is written and what is said of it, which is read as one",
    },
    Exception {
        rule: functions::LENGTH,
        path: "host/src/manifest/events/tests.rs",
        subject: "subscriptions_are_checked",
        reason: "one table of what is written and what is said of it, which is read as one",
    },
    Exception {
        rule: functions::LENGTH,
        path: "host/src/manifest/events/tests.rs",
        subject: "all_that_the_page_on_events_shows_is_read",
        reason: "one table of what is written and what is said of it, which is read as one",
    },
    Exception {
        rule: imports::FOREIGN_TYPES,
        path: "host/src/manifest/trigger.rs",
        subject: "http",
        reason: "the headers of static responses are judged by the crate that will send them",
    },
    Exception {
        rule: guests::UNTESTED,
        path: "tests/guests/examples/bench_atomic.rs",
        subject: "bench_atomic",
        reason: "it shows no behaviour, and the benchmark fails without its answers",
    },
    Exception {
        rule: guests::UNTESTED,
        path: "tests/guests/examples/bench_publish.rs",
        subject: "bench_publish",
        reason: "it shows no behaviour, and the benchmark fails without its answers",
    },
    Exception {
        rule: guests::UNTESTED,
        path: "tests/guests/examples/bench_store.rs",
        subject: "bench_store",
        reason: "it shows no behaviour, and the benchmark fails without its answers",
    },
    Exception {
        rule: guests::UNTESTED,
        path: "tests/guests/examples/bench_subscriber.rs",
        subject: "bench_subscriber",
        reason: "it shows no behaviour, and the benchmark fails without its answers",
    },
    Exception {
        rule: guests::UNTESTED,
        path: "tests/guests/examples/bench_callee.rs",
        subject: "bench_callee",
        reason: "it shows no behaviour, and the benchmark fails without its answers",
    },
    Exception {
        rule: guests::UNTESTED,
        path: "tests/guests/examples/bench_caller.rs",
        subject: "bench_caller",
        reason: "it shows no behaviour, and the benchmark fails without its answers",
    },
];

/// Fails with every violation that has no exception, and every exception without a violation.
fn hold(rules: &[&str], violations: Vec<Violation>) {
    let exceptions = || {
        EXCEPTIONS
            .iter()
            .filter(|exception| rules.contains(&exception.rule))
    };
    let covers = |exception: &Exception, violation: &Violation| {
        exception.rule == violation.rule
            && exception.path == violation.path
            && (exception.subject.is_empty() || exception.subject == violation.subject)
    };
    let mut complaints = Vec::new();
    for exception in exceptions() {
        let place = format!(
            "{}: {}: {}",
            exception.path, exception.rule, exception.subject
        );
        if exception.reason.trim().is_empty() {
            complaints.push(format!("{place}: the exception has no reason"));
        }
        if !violations
            .iter()
            .any(|violation| covers(exception, violation))
        {
            complaints.push(format!(
                "{place}: the exception is not needed any more; remove it"
            ));
        }
    }
    let uncovered = violations
        .iter()
        .filter(|violation| !exceptions().any(|exception| covers(exception, violation)));
    complaints.extend(uncovered.map(Violation::to_string));
    complaints.sort();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// What a rule finds in every Rust file of the repository.
fn in_every_file(check: impl Fn(&SourceFile) -> Vec<Violation>) -> Vec<Violation> {
    tree::rust_files().iter().flat_map(check).collect()
}

#[test]
fn files_and_lines_are_short_and_open_with_their_purpose() {
    let rules = [
        text::FILE_LENGTH,
        text::LINE_LENGTH,
        text::OPENING,
        text::NAME,
    ];
    hold(&rules, in_every_file(text::check));
}

#[test]
fn functions_are_short() {
    hold(&[functions::LENGTH], in_every_file(functions::check));
}

#[test]
fn nothing_is_imported_by_a_glob() {
    hold(&[imports::GLOB], in_every_file(imports::globs));
}

#[test]
fn imports_flow_down_the_layout() {
    let layout = imports::layout(&tree::read("host/src/lib.rs"));
    let rules = [
        imports::DIRECTION,
        imports::SIDEWAYS,
        imports::FOREIGN_TYPES,
    ];
    hold(
        &rules,
        in_every_file(|file| imports::directions(file, &layout)),
    );
}

#[test]
fn the_library_is_its_layout_and_nothing_else() {
    hold(
        &[imports::LIBRARY],
        imports::library(&tree::read("host/src/lib.rs")),
    );
}

#[test]
fn every_guest_has_a_host_test() {
    hold(&[guests::UNTESTED], guests::check());
}

/// The subjects of what a rule finds in a text that stands at `path`.
fn found(path: &str, text: &str, check: impl Fn(&SourceFile) -> Vec<Violation>) -> Vec<String> {
    let file = SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    check(&file)
        .into_iter()
        .map(|violation| violation.subject)
        .collect()
}

#[test]
fn the_rules_find_what_they_are_for() {
    let long = format!(
        "//! Long.\nfn long() {{\n{}}}\n",
        "    step();\n".repeat(69)
    );
    assert_eq!(found("a.rs", &long, functions::check), ["long"]);
    let short = long.replacen("    step();\n", "", 1);
    assert!(found("a.rs", &short, functions::check).is_empty());

    let text = format!("use a;\n// {}\n{}", "x".repeat(98), "\n".repeat(500));
    let expected = ["the file", "line 2", "the first line", "utils"];
    assert_eq!(found("host/src/utils.rs", &text, text::check), expected);
    assert!(found("host/src/a/tests.rs", "//! A.\n", text::check).is_empty());

    let globs = "use a::{b, c::*};\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n";
    assert_eq!(found("a.rs", globs, imports::globs), ["a::c"]);
}

#[test]
fn the_directions_of_imports_are_read_from_uses_and_paths() {
    let layout = ["gateway", "runtime", "capabilities", "storage"].map(str::to_owned);
    let directions =
        |path: &str, text: &str| found(path, text, |file| imports::directions(file, &layout));
    let upwards = "use crate::{gateway::Gateway, storage};\nfn f() { crate::runtime::run(); }";
    let expected = ["crate::gateway", "crate::runtime"];
    assert_eq!(directions("host/src/storage/a.rs", upwards), expected);
    assert!(directions("host/src/gateway/a.rs", upwards).is_empty());
    assert!(directions("host/src/storage/tests.rs", upwards).is_empty());

    let sideways = "use super::logs::Log;\nuse crate::capabilities::invocation::Invocation;";
    let expected = ["crate::capabilities::logs"];
    assert_eq!(
        directions("host/src/capabilities/redis.rs", sideways),
        expected
    );

    let foreign = "use wasmtime::Store;\nfn f(_: http::Uri) {}";
    assert_eq!(
        directions("host/src/storage.rs", foreign),
        ["wasmtime", "http"]
    );
    assert_eq!(directions("host/src/runtime/engine.rs", foreign), ["http"]);
}
