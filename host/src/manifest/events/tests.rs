//! Manifests with events through [`parse`]: what they mean, and the exact findings in bad ones.

use std::path::Path;

use proptest::prelude::*;

use crate::manifest::model::Manifest;
use crate::manifest::model::events::{
    Atomic, BusSettings, EVENT_BYTES_MAX, From, Retry, Schedule, Subscription, TopicSettings,
};
use crate::manifest::{LoadOptions, parse};

const BUS: &str = "[component.events]\nsource = \"e.wasm\"\n[component.events.tool.kumiki]\n\
                   builtin = \"events\"\n";

/// A manifest with `cart`, which has the store of its name, and more text behind it.
fn with(rest: &str) -> String {
    format!(
        "spin_manifest_version = 2\n[application]\nname = \"a\"\n[[trigger.http]]\nroute = \"/\"\n\
         component = \"cart\"\n[component.cart]\nsource = \"c.wasm\"\n\
         key_value_stores = [\"cart\"]\n{rest}"
    )
}

fn read(text: &str, stock: bool) -> Result<Manifest, Vec<String>> {
    let options = LoadOptions {
        stock,
        ..LoadOptions::default()
    };
    let read = parse(text, Path::new("/app/spin.toml"), &options);
    read.map(|(manifest, _)| manifest).map_err(|mistakes| {
        let line = |finding: &crate::manifest::diagnostics::Diagnostic| {
            let place = finding.position.unwrap();
            let key = finding.key.replace("component.cart.tool.kumiki.", "");
            format!(
                "{}:{}: {key}: {}",
                place.line, place.column, finding.message
            )
        };
        mistakes.iter().map(line).collect()
    })
}

fn good(rest: &str) -> Manifest {
    read(&with(rest), false).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

fn bad(rest: &str) -> Vec<String> {
    read(&with(rest), false).expect_err("the manifest is accepted")
}

/// What is wrong with lines in our table of `cart`, which begin in line 15.
fn bad_ours(lines: &str) -> Vec<String> {
    bad(&format!("{BUS}[component.cart.tool.kumiki]\n{lines}\n"))
}

#[test]
fn all_that_the_page_on_events_shows_is_read() {
    let manifest = good(&format!(
        "[[component.cart.tool.kumiki.subscriptions]]\ntopic = \"order.*\"\npath = \"/e/order\"\n\
         [[component.cart.tool.kumiki.subscriptions]]\ntopic = \"#\"\npath = \"/e/%C3%A4\"\n\
         concurrency = 1\nattempts_max = 3\nbackoff_ms = 5\nbackoff_max_ms = 5\n\
         from = \"beginning\"\n\
         [[component.cart.tool.kumiki.schedules]]\ncron = \"0 3 * * *\"\n\
         timezone = \"Europe/Berlin\"\npath = \"/nightly\"\n\
         [[component.cart.tool.kumiki.schedules]]\ncron = \"*/2 * * * * MON-FRI\"\n\
         path = \"/often\"\ncatch_up = true\nattempts_max = 1\n\
         [component.cart.tool.kumiki]\natomic = [\"/checkout\", \"/e/...\", \"/...\"]\n\
         atomic_commit_status = [\"2xx\", \"404\", 409]\natomic_attempts_max = 2\n\
         {BUS}event_bytes_max = 1024\nretention_hours = 2\nbacklog_max = 10\n\
         topics = [{{ topic = \"log.#\", retention_mib = 1, keep_unacknowledged = false }}]\n"
    ));
    let settings = &manifest.components["cart"].settings;
    let subscription = |topic: &str, path: &str| Subscription {
        topic: topic.to_owned(),
        path: path.to_owned(),
        concurrency: 8,
        retry: Retry::default(),
        from: From::Now,
    };
    let retry = |attempts_max, backoff_ms, backoff_max_ms| Retry {
        attempts_max,
        backoff_ms,
        backoff_max_ms,
    };
    let second = Subscription {
        concurrency: 1,
        retry: retry(3, 5, 5),
        from: From::Beginning,
        ..subscription("#", "/e/%C3%A4")
    };
    let first = subscription("order.*", "/e/order");
    assert_eq!(settings.subscriptions, [first, second]);
    let schedule = |cron: &str, timezone: &str, path: &str| Schedule {
        cron: cron.to_owned(),
        timezone: timezone.to_owned(),
        path: path.to_owned(),
        catch_up: false,
        retry: retry(10, 200, 60_000),
    };
    let second = Schedule {
        catch_up: true,
        retry: retry(1, 200, 60_000),
        ..schedule("*/2 * * * * MON-FRI", "UTC", "/often")
    };
    let first = schedule("0 3 * * *", "Europe/Berlin", "/nightly");
    assert_eq!(settings.schedules, [first, second]);
    let atomic = Atomic {
        paths: ["/checkout", "/e/...", "/..."].map(str::to_owned).to_vec(),
        commit_status: vec![(200, 299), (404, 404), (409, 409)],
        attempts_max: 2,
    };
    assert_eq!(settings.atomic, atomic);
    let preset = TopicSettings {
        retention_hours: 2,
        backlog_max: 10,
        ..TopicSettings::default()
    };
    let log = TopicSettings {
        retention_mib: 1,
        keep_unacknowledged: false,
        ..preset
    };
    let bus = BusSettings {
        preset,
        topics: vec![("log.#".to_owned(), log)],
        event_bytes_max: 1024,
    };
    assert_eq!(manifest.components["events"].settings.bus, Some(bus));
}

#[test]
fn without_more_the_bus_has_its_presets_and_lists_can_be_inline() {
    let manifest = good(&format!(
        "{BUS}[component.cart.tool.kumiki]\n\
         subscriptions = [{{ topic = \"a\", path = \"/a\" }}, {{ topic = \"b\", path = \"/a\" }}]\n\
         schedules = []\natomic = []\n"
    ));
    let settings = &manifest.components["cart"].settings;
    assert_eq!(settings.subscriptions.len(), 2);
    assert_eq!(settings.atomic, Atomic::default());
    let bus = BusSettings {
        event_bytes_max: EVENT_BYTES_MAX,
        ..BusSettings::default()
    };
    assert_eq!(manifest.components["events"].settings.bus, Some(bus));
}

#[test]
fn a_stock_run_has_no_bus_and_sees_no_mistake() {
    let text = with(&format!(
        "{BUS}retention_hours = 0\n[component.cart.tool.kumiki]\nsubscriptions = 1\natomic = [2]\n"
    ));
    assert!(read(&text, false).is_err());
    let manifest = read(&text, true).unwrap();
    assert_eq!(manifest.components["events"].settings.bus, None);
}

#[test]
fn what_is_for_the_bus_stands_with_the_bus() {
    assert_eq!(
        bad_ours("retention_hours = 1\ntopics = 3\nbuiltin = \"event\""),
        [
            "15:1: retention_hours: `retention_hours` is a setting of the bus, \
             which this component is not",
            "16:1: topics: `topics` is a setting of the bus, which this component is not",
            "17:11: builtin: nothing is built in as `event`; did you mean `events`?",
        ]
    );
    assert_eq!(
        bad_ours("builtin = \"events\"\natomic = [\"/a\"]\nsubscriptions = []"),
        [
            "13:11: component.events.tool.kumiki.builtin: \
             the bus stands in the place of `cart` already",
            "16:1: atomic: the bus stands in the place of this component and has no `atomic`",
            "17:1: subscriptions: the bus stands in the place of this component \
             and has no `subscriptions`",
        ]
    );
    assert_eq!(
        bad_ours("links = { \"a:b/c@1.0.0\" = \"events\" }"),
        [
            "15:27: links.\"a:b/c@1.0.0\": the bus stands in the place of `events`, \
          and exports no interface"
        ]
    );
}

#[test]
fn the_bus_keeps_to_its_ranges() {
    assert_eq!(
        bad(&format!(
            "{BUS}event_bytes_max = 1023\nretention_mib = 0\nkeep_unacknowledged = 1\n\
             topics = [{{ topic = \"a.#.b\" }}, {{ retention_hours = 1 }}, \
             {{ topic = \"b\", retention = 1 }}, {{ topic = \"b\" }}]\n"
        ))
        .iter()
        .map(|line| line.replace("component.events.tool.kumiki.", ""))
        .collect::<Vec<_>>(),
        [
            "14:19: event_bytes_max: 1023 is out of range",
            "15:17: retention_mib: 0 is out of range",
            "16:23: keep_unacknowledged: true or false is wanted, this is a number",
            "17:21: topics[0].topic: `a.#.b` is no topic: `#` may only stand at the end",
            "17:32: topics[1].topic: missing key",
            "17:72: topics[2].retention: unknown key; did you mean `retention_mib`?",
            "17:99: topics[3].topic: `b` stands above already, \
             and the first that matches counts",
        ]
    );
}

#[test]
fn subscriptions_need_a_bus() {
    let lines = "[component.cart.tool.kumiki]\n\
                 subscriptions = [{ topic = \"a\", path = \"/a\" }]\n";
    assert_eq!(
        bad(lines),
        ["11:17: subscriptions: nothing delivers events, \
          because no component has `builtin = \"events\"`"]
    );
    let text = with(lines);
    let shown = parse(&text, Path::new("spin.toml"), &LoadOptions::default()).unwrap_err();
    let added = "    [[trigger.http]]\n    route = { private = true }\n    \
                 component = \"events\"\n    [component.events]\n    source = \"events.wasm\"\n    \
                 [component.events.tool.kumiki]\n    builtin = \"events\"\n";
    assert!(shown.to_string().contains(added), "{shown}");
    // What the message says to add mends it.
    assert!(read(&format!("{text}{added}"), false).is_ok());
}

#[test]
fn subscriptions_are_checked() {
    let one = |topic: &str, path: &str, more: &str| {
        bad_ours(&format!(
            "subscriptions = [{{ topic = \"{topic}\", path = \"{path}\"{more} }}]"
        ))
    };
    for (topic, path, more, expected) in [
        (
            "A",
            "/a",
            "",
            "[0].topic: `A` is no topic: `A` is no lower-case letter, digit",
        ),
        ("a", "a", "", "[0].path: a path begins with `/`"),
        ("a", "", "", "[0].path: a path begins with `/`"),
        (
            "a",
            "/a?b",
            "",
            "[0].path: a path has no query and no fragment",
        ),
        (
            "a",
            "/a#b",
            "",
            "[0].path: a path has no query and no fragment",
        ),
        (
            "a",
            "//a",
            "",
            "[0].path: there is nothing between two slashes",
        ),
        (
            "a",
            "/a%2",
            "",
            "[0].path: a `%` stands before two hexadecimal digits",
        ),
        (
            "a",
            "/a%zz",
            "",
            "[0].path: a `%` stands before two hexadecimal digits",
        ),
        (
            "a",
            "/ä",
            "",
            "[0].path: 'ä' cannot stand in the path of a request",
        ),
        (
            "a",
            "/a b",
            "",
            "[0].path: ' ' cannot stand in the path of a request",
        ),
        (
            "a",
            "/a",
            ", from = \"begining\"",
            "`begining` is no beginning; did you mean `b",
        ),
        (
            "a",
            "/a",
            ", from = \"then\"",
            "[0].from: `then` is no beginning",
        ),
        (
            "a",
            "/a",
            ", concurrency = 0",
            "[0].concurrency: 0 is out of range",
        ),
        (
            "a",
            "/a",
            ", attempts = 1",
            "[0].attempts: unknown key; did you mean `attempts_max`?",
        ),
        (
            "a",
            "/a",
            ", backoff_ms = 60001",
            "the first pause, 60001 ms, is longer than the",
        ),
        (
            "a",
            "/a",
            ", backoff_max_ms = 1",
            "the first pause, 200 ms, is longer than the",
        ),
    ] {
        let found = one(topic, path, more);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains(expected), "{found:#?}");
        assert!(found[0].starts_with("15:"), "{found:#?}");
    }
    assert_eq!(
        bad_ours("subscriptions = [{}]"),
        [
            "15:18: subscriptions[0].topic: missing key",
            "15:18: subscriptions[0].path: missing key",
        ]
    );
    assert_eq!(
        bad_ours(
            "subscriptions = [{ topic = \"a\", path = \"/ab\" }, \
             { topic = \"a\", path = \"/%61b\" }]"
        ),
        ["15:71: subscriptions[1].path: `a` has a subscription with this path already"]
    );
}

#[test]
fn schedules_are_checked() {
    for (lines, expected) in [
        (
            "cron = \"0 3 * *\", path = \"/a\"",
            "this has 4 fields; a time has five, or six",
        ),
        (
            "cron = \"0 0 3 * * * 2030\", path = \"/a\"",
            "this has 7 fields; a time has five,",
        ),
        (
            "cron = \"@daily\", path = \"/a\"",
            "this has 1 fields; a time has five, or six",
        ),
        ("cron = \"60 3 * * *\", path = \"/a\"", "this is no time: "),
        ("cron = \"x 3 * * *\", path = \"/a\"", "this is no time: "),
        (
            "cron = \"0 0 30 2 *\", path = \"/a\"",
            "this time never comes",
        ),
        (
            "cron = 3, path = \"/a\"",
            "schedules[0].cron: a text is wanted, this is a number",
        ),
        ("path = \"/a\"", "schedules[0].cron: missing key"),
        ("cron = \"0 3 * * *\"", "schedules[0].path: missing key"),
        (
            "cron = \"0 3 * * *\", path = \"/a\", timezone = \"europe/berlin\"",
            "there is no timezone `europe/berlin`; did you mean `Europe/Berlin`?",
        ),
        (
            "cron = \"0 3 * * *\", path = \"/a\", timezone = \"Europe/Berlim\"",
            "there is no timezone `Europe/Berlim`; did you mean `Europe/Berlin`?",
        ),
        (
            "cron = \"0 3 * * *\", path = \"/a\", catchup = true",
            "did you mean `catch_up`?",
        ),
    ] {
        let found = bad_ours(&format!("schedules = [{{ {lines} }}]"));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains(expected), "{found:#?}");
    }
    assert_eq!(
        bad_ours(
            "subscriptions = [{ topic = \"a\", path = \"/a\" }]\nschedules = [\n\
             { cron = \"0 3 * * *\", path = \"/%61\" },\n{ cron = \"0 3 * * *\", path = \"/b\" },\n\
             { cron = \"0 4 * * *\", path = \"/b\" }]"
        ),
        [
            "17:30: schedules[0].path: `/%61` is the path of a subscription as well",
            "19:30: schedules[2].path: `/b` is the path of another schedule",
        ]
    );
}

#[test]
fn atomic_handlers_are_checked() {
    assert_eq!(
        bad_ours("atomic = [\"a\", \"/a/.../b\", \"/*\", 1]\natomic_attempts_max = 101"),
        [
            "15:11: atomic[0]: a path begins with `/`",
            "15:16: atomic[1]: a wildcard may only stand at the end, as `/...`",
            "15:28: atomic[2]: a wildcard may only stand at the end, as `/...`",
            "15:34: atomic[3]: a text is wanted, this is a number",
            "16:23: atomic_attempts_max: 101 is out of range",
        ]
    );
    assert_eq!(
        bad_ours("atomic = [\"/a\"]\natomic_commit_status = [\"1xx\", \"2x\", 600, \"+20\", true]"),
        [
            "16:25: atomic_commit_status[0]: `1xx` is no status of an answer",
            "16:32: atomic_commit_status[1]: `2x` is no status of an answer",
            "16:38: atomic_commit_status[2]: 600 is out of range",
            "16:43: atomic_commit_status[3]: `+20` is no status of an answer",
            "16:50: atomic_commit_status[4]: a text is wanted, this is true or false",
        ]
    );
    assert_eq!(
        bad_ours("atomic = [\"/a\"]\natomic_commit_status = []"),
        ["16:24: atomic_commit_status: no status would commit"]
    );
    assert_eq!(
        bad_ours("atomic_attempts_max = 2"),
        ["15:1: atomic_attempts_max: no handler of the component is atomic"]
    );
    let other = "[component.d]\nsource = \"d.wasm\"\nkey_value_stores = [\"default\"]\n\
                 [component.d.tool.kumiki]\natomic = [\"/a\"]\n";
    let text = with(other);
    let shown = parse(&text, Path::new("spin.toml"), &LoadOptions::default()).unwrap_err();
    let shown = shown.to_string();
    let help = "help: write `key_value_stores = [\"default\", \"d\"]` in `[component.d]`";
    assert!(shown.contains(help), "{shown}");
}

/// Lines that belong in our table, and some that break it.
fn line() -> impl Strategy<Value = String> {
    let table = prop_oneof![
        Just("[component.cart.tool.kumiki]".to_owned()),
        Just("[[component.cart.tool.kumiki.subscriptions]]".to_owned()),
        Just("[[component.cart.tool.kumiki.schedules]]".to_owned()),
        Just("[component.events.tool.kumiki]".to_owned()),
    ];
    let keys = [
        "builtin",
        "event_bytes_max",
        "retention_hours",
        "topics",
        "topic",
        "path",
        "cron",
        "timezone",
        "from",
        "atomic",
        "atomic_commit_status",
        "backoff_ms",
        "backoff_max_ms",
        "concurrency",
    ];
    let value = prop_oneof![
        Just("\"events\"".to_owned()),
        Just("[\"/a\", \"/a/...\", \"2xx\", 404]".to_owned()),
        Just("[{ topic = \"a.#\", path = \"/a\" }]".to_owned()),
        "\"[/a%?.*#0-9]{0,6}\"",
        "\"[0-9*/,LW#?+-]{1,5}( [0-9*/,LW#?+A-Z-]{1,4}){4,5}\"",
        "\"\\PC{0,8}\"".prop_filter("no quote", |text| !text.contains('\\')),
        any::<i64>().prop_map(|number| number.to_string()),
    ];
    let entry = (proptest::sample::select(keys.to_vec()), value);
    prop_oneof![
        1 => table,
        3 => entry.prop_map(|(key, value)| format!("{key} = {value}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_lines_are_read_or_refused_and_what_is_read_is_within_its_ranges(
        lines in proptest::collection::vec(line(), 0..16),
    ) {
        if let Ok(manifest) = read(&with(&lines.join("\n")), false) {
            for component in manifest.components.values() {
                let settings = &component.settings;
                for subscription in &settings.subscriptions {
                    prop_assert!(subscription.path.starts_with('/'));
                    prop_assert!(subscription.retry.attempts_max >= 1);
                }
                for (first, last) in &settings.atomic.commit_status {
                    prop_assert!(first <= last && (200..=599).contains(first));
                }
            }
        }
    }

    #[test]
    fn any_time_is_read_or_refused(
        cron in "[0-9*/,LW#?+-]{1,6}( [0-9*/,LW#?+A-Z-]{1,6}){4,5}|\\PC{0,20}",
    ) {
        let text = with(&format!(
            "[component.cart.tool.kumiki]\nschedules = [{{ cron = {cron:?}, path = \"/a\" }}]\n"
        ));
        if let Ok(manifest) = read(&text, false) {
            prop_assert_eq!(&manifest.components["cart"].settings.schedules[0].cron, &cron);
        }
    }
}
