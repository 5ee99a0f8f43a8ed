//! What is remembered of deploys: weights, promotions and rollbacks, revisions over a kill and a
//! restart, which of them are kept, and who did what. How a deploy reaches the calls is in
//! `deploy`.

use std::collections::BTreeMap;

use kumiki_tests::app::{App, Service};
use kumiki_tests::deploys::{build, guest};
use kumiki_tests::host::Host;

use crate::deploy::{app, file, kept_files};

/// How many of 200 requests each build answers.
fn drawn(host: &Host) -> BTreeMap<u64, u32> {
    let mut counts = BTreeMap::new();
    for _ in 0..200 {
        *counts.entry(host.build("/shop")).or_default() += 1;
    }
    counts
}

#[test]
fn weights_share_the_requests_until_a_promotion() {
    let host = app().start();
    let operator = host.operator();
    assert_eq!(operator.deploy_with("shop", "weight=50", &build(2)), 2);
    assert_eq!(operator.live("shop"), [(2, 50), (1, 50)]);
    // That one of two is not drawn in 200 times happens once in 10^60 runs.
    assert_eq!(drawn(&host).into_keys().collect::<Vec<_>>(), [1, 2]);
    let told = host.command(&["promote", "shop"]);
    assert!(told.status.success(), "{told}");
    assert!(told.stdout.contains("revision 2 has all calls"), "{told}");
    assert_eq!(operator.live("shop"), [(2, 100)]);
    assert_eq!(drawn(&host), BTreeMap::from([(2, 200)]));
    let again = operator.ask("POST", "/services/shop/promote", b"");
    assert_eq!(again.status, 409, "{}", again.text());
}

#[test]
fn a_canary_that_is_rolled_back_gets_no_call_more() {
    let host = app().start();
    let operator = host.operator();
    let wasm = file(&host, &build(2));
    let told = host.command(&["deploy", "shop", "--weight", "30", "--wasm", &wasm]);
    assert!(told.stdout.contains("30 % of the calls"), "{told}");
    assert_eq!(operator.live("shop"), [(2, 30), (1, 70)]);
    let told = host.command(&["rollback", "shop"]);
    assert!(told.stdout.contains("revision 1 has all calls"), "{told}");
    assert_eq!(operator.live("shop"), [(1, 100)]);
    assert_eq!(drawn(&host), BTreeMap::from([(1, 200)]));
}

#[test]
fn a_rollback_goes_to_the_revision_before_or_to_any_that_is_kept() {
    let host = app().start();
    let operator = host.operator();
    let first = operator.ask("POST", "/services/shop/rollback", b"");
    assert_eq!(first.status, 409, "{}", first.text());
    for number in 2..=4 {
        operator.deploy("shop", &build(number));
    }
    let told = host.command(&["rollback", "shop"]);
    assert!(
        told.stdout.contains("shop: revision 3 has all calls"),
        "{told}"
    );
    assert!(told.stdout.contains("before: 4 (100 %)"), "{told}");
    assert_eq!(host.build("/shop"), 3);
    // This one is on disk alone.
    let state = |number: usize| operator.revisions("shop")[4 - number]["state"].clone();
    assert_eq!(state(1), "kept");
    let told = host.command(&["rollback", "shop", "--to", "1"]);
    assert!(told.status.success(), "{told}");
    assert_eq!(host.build("/shop"), 1);
    assert_eq!(operator.live("shop"), [(1, 100)]);
    assert_eq!(state(3), "warm");
    let told = host.command(&["rollback", "shop", "--to", "9"]);
    assert_eq!(told.status.code(), Some(1), "{told}");
    assert!(told.stderr.contains("no revision 9"), "{told}");
    assert_eq!(host.build("/shop"), 1);
    // A trap at each call is what a rollback is for.
    assert_eq!(operator.deploy("shop", &guest("trap")), 5);
    assert_eq!(host.get("/shop").status, 500);
    let told = host.command(&["rollback", "shop"]);
    assert!(told.status.success(), "{told}");
    assert_eq!(host.build("/shop"), 1);
}

#[test]
fn a_killed_host_comes_back_with_its_revisions_and_weights() {
    let mut host = app().start();
    let operator = host.operator();
    operator.deploy("shop", &build(2));
    operator.deploy_with("shop", "weight=40", &build(3));
    let before = operator.revisions("shop");
    host.kill9();
    let mut host = host.restart();
    let operator = host.operator();
    assert_eq!(operator.live("shop"), [(3, 40), (2, 60)]);
    assert_eq!(drawn(&host).into_keys().collect::<Vec<_>>(), [2, 3]);
    let after = operator.revisions("shop");
    for (before, after) in before.iter().zip(&after) {
        for member in [
            "number", "digest", "settings", "origin", "made", "by", "weight",
        ] {
            assert_eq!(before[member], after[member], "{member}");
        }
    }
    assert_eq!(operator.deploy("shop", &build(4)), 4);
    host.kill9();
    let host = host.restart();
    assert_eq!(drawn(&host), BTreeMap::from([(4, 200)]));
    let told = host.command(&["rollback", "shop"]);
    assert!(told.stdout.contains("revision 2 has all calls"), "{told}");
    assert_eq!(host.build("/shop"), 2);
}

#[test]
fn a_changed_artifact_becomes_the_next_revision_at_a_restart() {
    let mut host = app().start();
    let operator = host.operator();
    operator.deploy("shop", &build(2));
    std::fs::write(host.folder().join("shop.wasm"), build(3)).unwrap();
    assert_eq!(host.build("/shop"), 2);
    host.terminate();
    host.wait();
    let mut host = host.restart();
    assert_eq!(host.build("/shop"), 3);
    let operator = host.operator();
    assert_eq!(operator.live("shop"), [(3, 100)]);
    let newest = &operator.revisions("shop")[0];
    assert_eq!(newest["origin"], "start", "{newest}");
    assert_eq!(newest["by"], "host", "{newest}");
    // The same file again is nothing new, also when something else is live.
    let told = host.command(&["rollback", "shop"]);
    assert!(told.status.success(), "{told}");
    host.terminate();
    host.wait();
    let host = host.restart();
    assert_eq!(host.build("/shop"), 2);
    assert_eq!(host.operator().revisions("shop").len(), 3);
}

#[test]
fn revisions_beyond_those_that_are_kept_are_removed() {
    let host = app().setting("revisions_kept = 2").start();
    let operator = host.operator();
    let others = kept_files(&host) - 1;
    for number in 2..=6 {
        operator.deploy("shop", &build(number));
    }
    let revisions = operator.revisions("shop");
    let numbers: Vec<_> = revisions
        .iter()
        .map(|it| it["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [6, 5, 4]);
    assert_eq!(kept_files(&host), others + 3);
    let gone = operator.ask("POST", "/services/shop/rollback", b"{\"to\": 3}");
    assert_eq!(gone.status, 404, "{}", gone.text());
    let told = host.command(&["rollback", "shop", "--to", "4"]);
    assert!(told.status.success(), "{told}");
    assert_eq!(host.build("/shop"), 4);
}

#[test]
fn a_deployer_deploys_its_own_service_alone() {
    let other = Service::new("other", "build_number").route("/other");
    let shop = Service::new("shop", "build_number").route("/shop");
    let host = App::new([shop, other]).start();
    let arguments = [
        "token",
        "add",
        "ci",
        "--role",
        "deployer",
        "--service",
        "shop",
    ];
    let told = host.command(&arguments);
    assert!(told.status.success(), "{told}");
    let deployer = host.operator().with_token(&told.stdout);
    assert_eq!(deployer.deploy("shop", &build(2)), 2);
    let answer = deployer.ask_deploy("other", "", &build(2));
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert_eq!((host.build("/shop"), host.build("/other")), (2, 0));
    let newest = &deployer.revisions("shop")[0];
    assert_eq!(newest["by"], "ci", "{newest}");
    assert_eq!(deployer.revisions("other").len(), 1);
}

#[test]
fn the_audit_log_has_a_line_for_each_change() {
    let mut host = app().start();
    let operator = host.operator();
    operator.deploy_with("shop", "weight=10&note=half%20a%20try", &build(2));
    for what in ["promote", "rollback"] {
        let answer = operator.ask("POST", &format!("/services/shop/{what}"), b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let refused = operator.ask_deploy("shop", "", b"no wasm");
    assert_eq!(refused.status, 400);
    std::fs::write(host.folder().join("shop.wasm"), build(3)).unwrap();
    host.kill9();
    let host = host.restart();
    let operator = host.operator();
    let expected = [
        "host start gatekeeper 1",
        "host start neighbour 1",
        "host start shop 1",
        "operator deploy shop 2",
        "operator promote shop 2",
        "operator rollback shop 1",
        "host start shop 3",
    ];
    assert_eq!(operator.audit(), expected);
    let audit = operator.get("/audit?service=shop&after=3");
    let deploy = &audit["entries"][0];
    assert_eq!(deploy["detail"]["note"], "half a try", "{deploy}");
    assert_eq!(deploy["detail"]["weight"], 10, "{deploy}");
    let noted = &operator.revisions("shop")[1];
    assert_eq!(noted["note"], "half a try", "{noted}");
}
