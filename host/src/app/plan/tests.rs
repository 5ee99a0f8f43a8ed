//! Plans, digests and restarts of manifests that the reader takes.

use std::path::Path;

use proptest::prelude::*;

use super::restart::restart_needed;
use super::tree::Tree;
use super::{Action, PlanLine, plan};
use crate::manifest::model::Manifest;
use crate::manifest::{LoadOptions, parse};

fn manifest(text: &str) -> Manifest {
    let read = parse(text, Path::new("/app/spin.toml"), &LoadOptions::default());
    read.unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
        .0
}

fn tree_with(text: &str, options: &LoadOptions) -> Tree {
    Tree::of(text, &manifest(text), options).unwrap()
}

fn tree(text: &str) -> Tree {
    tree_with(text, &LoadOptions::default())
}

const APP: &str = r#"
spin_manifest_version = 2
[application]
name = "shop"
version = "1.0.0"
[application.tool.kumiki]
connections_max = 100
[variables]
host = { default = "a.example" }
token = { default = "hunter2", secret = true }
[[trigger.http]]
route = "/cart/..."
component = "cart"
[[trigger.http]]
route = "/old"
static_response = { status_code = 410 }
[[trigger.http]]
route = { private = true }
component = "events"
[component.cart]
source = "cart.wasm"
description = "carts"
allowed_outbound_hosts = ["https://{{ host }}"]
key_value_stores = ["cart"]
[component.cart.build]
command = "make"
[component.cart.tool.kumiki]
timeout_ms = 5000
source = "live.wasm"
[component.events]
source = "events.wasm"
[component.events.tool.kumiki]
builtin = "events"
[[trigger.http]]
id = "helper"
route = "/helper"
component = { source = "helper.wasm" }
"#;

/// The app with some of its text replaced.
fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(APP.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    })
}

/// Each line as `action service key was -> is`.
fn lines(old: &str, new: &str) -> Vec<String> {
    let line = |line: &PlanLine| {
        let mark = match line.action {
            Action::Added => '+',
            Action::Changed => '~',
            Action::Removed => '-',
        };
        let service = line.service.as_deref().unwrap_or("-");
        let value = |value: &Option<String>| value.clone().unwrap_or_default();
        let (was, is) = (value(&line.was), value(&line.is));
        format!("{mark} {service} {} {was} -> {is}", line.key)
    };
    plan(&tree(old), &tree(new)).iter().map(line).collect()
}

fn lines_of(changes: &[(&str, &str)]) -> Vec<String> {
    lines(APP, &changed(changes))
}

#[test]
fn settings_are_compared_key_by_key() {
    let found = lines_of(&[
        ("timeout_ms = 5000", "timeout_ms = 2_000\nqueue_max = 3"),
        ("connections_max = 100", "body_bytes_max = 7"),
        ("description = \"carts\"\n", ""),
        ("\"a.example\"", "\"b.example\", description = \"where\""),
    ]);
    let expected = [
        "+ - application.tool.kumiki.body_bytes_max  -> 7",
        "- - application.tool.kumiki.connections_max 100 -> ",
        "~ - variables.host.default \"a.example\" -> \"b.example\"",
        "+ - variables.host.description  -> \"where\"",
        "- cart description \"carts\" -> ",
        "+ cart tool.kumiki.queue_max  -> 3",
        "~ cart tool.kumiki.timeout_ms 5000 -> 2000",
    ];
    assert_eq!(found, expected);
}

#[test]
fn how_a_manifest_is_written_does_not_matter() {
    let found = lines_of(&[
        ("timeout_ms = 5000", "timeout_ms = 5_000 # five seconds"),
        (
            "key_value_stores = [\"cart\"]",
            "key_value_stores = [\n  'cart',\n]",
        ),
        (
            "[component.cart.build]\ncommand = \"make\"",
            "build.command = \"make\"",
        ),
    ]);
    assert_eq!(found, <[&str; 0]>::default());
}

#[test]
fn routes_belong_to_their_service() {
    let cart = "route = \"/cart/...\"\ncomponent = \"cart\"";
    assert_eq!(
        lines_of(&[("\"/cart/...\"", "\"/basket/...\"")]),
        ["~ cart route /cart/... -> /basket/..."]
    );
    let both = format!("{cart}\n[[trigger.http]]\nroute = \"/b\"\ncomponent = \"cart\"");
    assert_eq!(lines_of(&[(cart, &both)]), ["+ cart route  -> /b"]);
    assert_eq!(
        lines_of(&[("status_code = 410", "status_code = 404")]),
        ["~ - route.\"/old\".static_response.status_code 410 -> 404"]
    );
    let executor = "route = \"/helper\"\nexecutor = { type = \"http\" }";
    assert_eq!(
        lines_of(&[("route = \"/helper\"", executor)]),
        ["+ helper-component route.\"/helper\".executor.type  -> \"http\""]
    );
}

#[test]
fn services_come_and_go_as_a_whole() {
    let coupons = "[[trigger.http]]\nroute = \"/api/coupons/...\"\ncomponent = \"coupons\"\n\
                   [component.coupons]\nsource = \"c.wasm\"\n[component.coupons.tool.kumiki]\n\
                   timeout_ms = 1\n";
    let with = format!("{APP}{coupons}");
    let expected = "+ coupons service  -> /api/coupons/...";
    assert_eq!(lines(APP, &with), [expected]);
    let expected = "- coupons service /api/coupons/... -> ";
    assert_eq!(lines(&with, APP), [expected]);
    // One that is written in its trigger as well.
    let helper = "[[trigger.http]]\nid = \"helper\"\nroute = \"/helper\"\n\
                  component = { source = \"helper.wasm\" }\n";
    let found = lines_of(&[(helper, "")]);
    assert_eq!(found, ["- helper-component service /helper -> "]);
}

#[test]
fn a_secret_is_never_shown() {
    let other = ("\"hunter2\"", "\"hunter3\"");
    let expected = ["~ - variables.token.default (secret) -> (secret)"];
    assert_eq!(lines_of(&[other]), expected);
    // Nor is one that is secret on one side only.
    let found = lines_of(&[other, (", secret = true", "")]);
    let expected = [
        "~ - variables.token.default (secret) -> (secret)",
        "- - variables.token.secret true -> ",
    ];
    assert_eq!(found, expected);
    let gone = lines_of(&[("token = { default = \"hunter2\", secret = true }\n", "")]);
    assert!(gone.iter().all(|line| !line.contains("hunter")), "{gone:?}");
}

#[test]
fn long_values_are_shown_about_what_differs() {
    let hosts = |last: &str| {
        let hosts: Vec<_> = (0..50)
            .map(|number| format!("\"https://h{number}\""))
            .collect();
        format!("[{}, \"{last}\"]", hosts.join(", "))
    };
    let with = |last: &str| changed(&[("[\"https://{{ host }}\"]", &hosts(last))]);
    let [line] = lines(&with("https://a"), &with("https://b\\n"))
        .try_into()
        .unwrap();
    let line: String = line;
    assert!(line.chars().count() < 180 && !line.contains('\n'), "{line}");
    assert!(
        line.contains("https://a") && line.contains("https://b"),
        "{line}"
    );
}

#[test]
fn a_stock_run_sees_none_of_our_tables() {
    let options = LoadOptions {
        stock: true,
        ..LoadOptions::default()
    };
    let other = changed(&[("timeout_ms = 5000", "timeout_ms = 1"), ("= 100", "= 9")]);
    let (old, new) = (tree_with(APP, &options), tree_with(&other, &options));
    assert_eq!(plan(&old, &new), []);
}

fn digest(text: &str, id: &str, profile: Option<&str>) -> Option<String> {
    tree(text).settings_digest(id, profile).unwrap()
}

#[test]
fn a_digest_changes_with_what_the_service_sees_alone() {
    let before = digest(APP, "cart", None).unwrap();
    assert_eq!(before.len(), 64);
    assert_eq!(digest(APP, "nobody", None), None);
    let after = |changes: &[(&str, &str)]| digest(&changed(changes), "cart", None).unwrap();
    for unseen in [
        ("\"cart.wasm\"", "\"other.wasm\""),
        ("\"carts\"", "\"baskets\""),
        ("\"make\"", "\"ninja\""),
        ("source = \"live.wasm\"", ""),
        ("5000", "5_000"),
        ("\"hunter2\"", "\"hunter3\""),
        ("\"a.example\"", "\"a.example\", description = \"where\""),
        ("\"/cart/...\"", "\"/basket\""),
        ("\"1.0.0\"", "\"2.0.0\""),
        (
            "[component.events]",
            "[component.cart.profile.debug]\nsource = \"d.wasm\"\n[component.events]",
        ),
        (
            "[component.events]",
            "[component.cart.tool.lint]\nlevel = 3\n[component.events]",
        ),
    ] {
        assert_eq!(after(&[unseen]), before, "{unseen:?}");
    }
    for seen in [
        ("5000", "5001"),
        ("[\"cart\"]", "[\"default\"]"),
        ("\"a.example\"", "\"b.example\""),
        ("https://{{ host }}", "https://{{ host }}:444"),
        ("\"carts\"", "\"carts\"\nenvironment = { A = \"1\" }"),
        (
            "\"carts\"",
            "\"carts\"\nvariables = { t = \"{{ token }}\" }",
        ),
    ] {
        assert_ne!(after(&[seen]), before, "{seen:?}");
    }
}

#[test]
fn the_chosen_profile_counts() {
    let with = |environment: &str| {
        let profile = format!(
            "[component.cart.profile.debug]\nenvironment = {{ {environment} }}\n[component.events]"
        );
        changed(&[("[component.events]", &profile)])
    };
    let (one, other) = (with("A = \"1\""), with("A = \"2\""));
    assert_eq!(digest(&one, "cart", None), digest(&other, "cart", None));
    let debug = Some("debug");
    assert_ne!(digest(&one, "cart", debug), digest(&other, "cart", debug));
}

#[test]
fn what_needs_a_restart_is_named() {
    let needed =
        |changes: &[(&str, &str)]| restart_needed(&manifest(APP), &manifest(&changed(changes)));
    let nothing = <[&str; 0]>::default();
    assert_eq!(needed(&[]), nothing);
    assert_eq!(
        needed(&[("5000", "5001"), ("\"/cart/...\"", "\"/a\"")]),
        nothing
    );
    // What is written out and is the preset has not changed.
    let preset = (
        "builtin = \"events\"",
        "builtin = \"events\"\nretention_hours = 168",
    );
    assert_eq!(needed(&[preset]), nothing);
    let kept = (
        "connections_max = 100",
        "connections_max = 100\nrevisions_kept = 3",
    );
    assert_eq!(needed(&[kept]), nothing);
    assert_eq!(
        needed(&[
            ("\"shop\"", "\"store\""),
            ("\"1.0.0\"", "\"1.0.1\""),
            ("= 100", "= 101")
        ]),
        [
            "application.name",
            "application.version",
            "application.tool.kumiki.connections_max"
        ]
    );
    let topics = "builtin = \"events\"\ntopics = [{ topic = \"a\", retention_mib = 1 }]";
    assert_eq!(
        needed(&[("builtin = \"events\"", topics)]),
        ["component.events.tool.kumiki.topics"]
    );
    assert_eq!(
        needed(&[(
            "builtin = \"events\"",
            &format!("{topics}\nretention_hours = 1")
        )]),
        ["component.events.tool.kumiki.retention_hours"]
    );
    assert_eq!(
        needed(&[("builtin = \"events\"\n", "")]),
        ["component.events.tool.kumiki.builtin"]
    );
    let stores = "key_value_stores = [\"cart\", \"basket\"]\nsqlite_databases = [\"cart\"]";
    assert_eq!(
        needed(&[("key_value_stores = [\"cart\"]", stores)]),
        [
            "component.cart.key_value_stores: `basket`",
            "component.cart.sqlite_databases: `cart`"
        ]
    );
}

/// A small manifest by what is in it.
#[derive(Clone, Debug, PartialEq)]
struct Small {
    connections_max: Option<u8>,
    token: u8,
    /// Route, time limit, environment.
    services: [Option<(u8, Option<u8>, u8)>; 3],
}

fn any_small() -> impl Strategy<Value = Small> {
    let service = || prop::option::of((0..3_u8, prop::option::of(1..3_u8), 0..2_u8));
    let all = (
        prop::option::of(1..3_u8),
        0..2_u8,
        [service(), service(), service()],
    );
    all.prop_map(|(connections_max, token, services)| Small {
        connections_max,
        token,
        services,
    })
}

impl Small {
    fn text(&self) -> String {
        let mut text = "spin_manifest_version = 2\n[application]\nname = \"a\"\n".to_owned();
        if let Some(max) = self.connections_max {
            text += &format!("[application.tool.kumiki]\nconnections_max = {max}\n");
        }
        text += &format!(
            "[variables]\ntoken = {{ default = \"{}\", secret = true }}\n\
             [[trigger.http]]\nroute = \"/none\"\nstatic_response = {{ status_code = 404 }}\n",
            self.token
        );
        for (id, service) in ["a", "b", "c"].iter().zip(&self.services) {
            let Some((route, timeout, value)) = service else {
                continue;
            };
            text += &format!(
                "[[trigger.http]]\nroute = \"/{id}/{route}\"\ncomponent = \"{id}\"\n\
                 [component.{id}]\nsource = \"{id}.wasm\"\nenvironment = {{ A = \"{value}\" }}\n"
            );
            if let Some(timeout) = timeout {
                text += &format!("[component.{id}.tool.kumiki]\ntimeout_ms = {timeout}\n");
            }
        }
        text
    }
}

proptest! {
    #[test]
    fn a_plan_is_empty_exactly_when_nothing_differs(old in any_small(), new in any_small()) {
        let (old_text, new_text) = (old.text(), new.text());
        let (old_tree, new_tree) = (tree(&old_text), tree(&new_text));
        let there = plan(&old_tree, &new_tree);
        prop_assert_eq!(there.is_empty(), old == new, "{:?}", there);
        prop_assert_eq!(plan(&old_tree, &old_tree), []);
        let back = plan(&new_tree, &old_tree);
        prop_assert_eq!(there.len(), back.len());
        for (id, (old, new)) in ["a", "b", "c"].iter().zip(old.services.iter().zip(&new.services)) {
            let (Some((_, old_timeout, old_value)), Some((_, timeout, value))) = (old, new) else {
                continue;
            };
            let is_same = (old_timeout, old_value) == (timeout, value);
            let digests = [&old_tree, &new_tree].map(|it| it.settings_digest(id, None).unwrap());
            prop_assert_eq!(digests[0] == digests[1], is_same, "{}", id);
        }
    }
}
