//! The pages over a real socket, with an operator that only remembers.

use http::Request;
use proptest::prelude::{any, proptest};

use super::*;
use crate::admin::tests::served::Served;

#[tokio::test]
async fn a_deploy_is_handed_over_as_it_was_asked_for() {
    let served = Served::start();
    let path = "/services/cart/revisions?note=faster%20search&weight=10&drain_timeout_ms=0";
    let (status, report) = served.ask("POST", path, b"\0asm").await;
    assert_eq!(status, 200, "{report}");
    assert_eq!(report["outcome"], "deployed");
    assert_eq!(report["revision"], 2);
    let steps: Vec<_> = report["steps"].as_array().unwrap().iter().collect();
    assert_eq!(steps[0]["step"], "upload");
    assert!(steps[0]["ms"].as_f64().unwrap() >= 0.0);
    assert_eq!(steps[1]["step"], "compile");
    let expected = DeployRequest {
        wasm: Bytes::from_static(b"\0asm"),
        note: Some("faster search".to_owned()),
        weight: Some(10),
        dry_run: false,
        drain_timeout_ms: 0,
    };
    assert_eq!(*served.operator.deployed.lock().unwrap(), Some(expected));
    assert_eq!(
        *served.operator.calls.lock().unwrap(),
        ["operator deploys cart"]
    );
    let (status, _) = served
        .ask("POST", "/services/cart/revisions?dry_run=true", b"x")
        .await;
    let last = served.operator.deployed.lock().unwrap().take().unwrap();
    assert_eq!((status, last.dry_run, last.weight), (200, true, None));
    assert_eq!(last.drain_timeout_ms, DRAIN_TIMEOUT_MS);
}

#[tokio::test]
async fn each_way_to_fail_has_its_status_and_its_reason() {
    let served = Served::start();
    for (service, expected) in [
        ("malformed", 400),
        ("none", 404),
        ("young", 404),
        ("broken", 409),
        ("busy", 409),
        ("refused", 422),
        ("ending", 503),
    ] {
        let path = format!("/services/{service}/revisions");
        let (status, problem) = served.ask("POST", &path, b"x").await;
        assert_eq!(status, expected, "{problem}");
        assert_eq!(problem["status"], expected);
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{problem}");
        let breaks = problem
            .get("breaks")
            .map(|breaks| breaks.as_array().unwrap().len());
        assert_eq!(breaks, (service == "broken").then_some(2), "{problem}");
        for change in ["promote", "rollback"] {
            let path = format!("/services/{service}/{change}");
            assert_eq!(served.ask("POST", &path, b"").await.0, expected, "{path}");
        }
    }
    let (_, problem) = served.ask("POST", "/services/broken/revisions", b"x").await;
    assert_eq!(problem["breaks"][0]["consumer"], "shop");
    assert_eq!(problem["breaks"][0]["is"], "func(id: string)");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("`shop`") && detail.ends_with("and 1 more"),
        "{detail}"
    );
}

#[tokio::test]
async fn what_is_not_understood_is_not_handed_over() {
    let served = Served::start();
    for query in [
        "weight=0",
        "weight=101",
        "weight=ten",
        "weight=1&weight=2",
        "dry_run=yes",
        "drain_timeout_ms=-1",
        "drain_timeout_ms=300001",
        "note=%07",
        "wieght=1",
        &format!("note={}", "n".repeat(NOTE_MAX + 1)),
    ] {
        let path = format!("/services/cart/revisions?{query}");
        let (status, problem) = served.ask("POST", &path, b"x").await;
        assert_eq!(status, 400, "{query}: {problem}");
        let name = query.split('=').next().unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("`{name}`")), "{detail}");
    }
    for (path, body, expected) in [
        ("/services/cart/revisions", "", 400),
        ("/services/cart/rollback", "{\"to\": -1}", 400),
        ("/services/cart/rollback", "{\"from\": 1}", 400),
        ("/services/cart/rollback?to=1", "", 400),
        ("/services/cart/promote", "{\"to\": 1}", 400),
        ("/apply", "", 400),
        ("/apply", "{\"manifest\": \"/a\", \"dry-run\": true}", 400),
        ("/apply", "{\"manifest\": \"spin.toml\"}", 422),
        ("/services//promote", "", 404),
        ("/services/a/b/promote", "", 404),
        ("/services/cart/delete", "", 404),
        ("/audit", "", 405),
    ] {
        let (status, problem) = served.ask("POST", path, body.as_bytes()).await;
        assert_eq!(status, expected, "{path} {body}: {problem}");
    }
    assert_eq!(*served.operator.calls.lock().unwrap(), [""; 0]);
}

#[tokio::test]
async fn the_other_pages_say_what_the_operator_says() {
    let served = Served::start();
    let (_, rolled) = served
        .ask("POST", "/services/cart/rollback", b"{\"to\": 3}")
        .await;
    assert_eq!(rolled["revision"], 3);
    let (_, promoted) = served.ask("POST", "/services/cart/promote", b"{}").await;
    assert_eq!(promoted["was"][0]["weight"], 90);
    let (_, revisions) = served.ask("GET", "/services/cart/revisions", b"").await;
    assert_eq!(revisions["revisions"][0]["origin"], "start");
    assert_eq!(revisions["revisions"][0]["state"], "live");
    let apply = b"{\"manifest\": \"/srv/spin.toml\", \"dry_run\": true}";
    let (_, applied) = served.ask("POST", "/apply", apply).await;
    assert_eq!(applied["plan"][0]["action"], "add");
    assert_eq!(applied["applied"], false);
    let (_, audit) = served
        .ask("GET", "/audit?after=7&service=cart&limit=2", b"")
        .await;
    assert_eq!(audit["entries"][1]["id"], 9);
    assert_eq!(audit["entries"][1]["service"], "cart");
    let (_, audit) = served.ask("GET", "/audit", b"").await;
    assert_eq!(audit["entries"].as_array().unwrap().len(), 100);
    let calls = served.operator.calls.lock().unwrap();
    let expected = [
        "operator rolls back to Some(3) cart",
        "operator promotes cart",
        "operator applies /srv/spin.toml",
    ];
    assert_eq!(*calls, expected);
}

#[tokio::test]
async fn a_deployer_changes_its_own_services_alone() {
    let served = Served::start();
    let deployer = served.add("ci", "deployer", &["cart"]).await;
    let reader = served.add("eyes", "reader", &[]).await;
    let metrics = served.file(crate::admin::tokens::METRICS_TOKEN);
    for what in ["revisions", "promote", "rollback"] {
        let body: &[u8] = if what == "revisions" { b"x" } else { b"" };
        let own = format!("/services/cart/{what}");
        let (status, answer) = served.ask_as(&deployer, "POST", &own, body).await;
        assert_eq!(status, 200, "{answer}");
        for other in ["shop", "none", "%63art", "cart%20", "CART"] {
            let path = format!("/services/{other}/{what}");
            let (status, problem) = served.ask_as(&deployer, "POST", &path, body).await;
            assert_eq!(status, 403, "{path}: {problem}");
            let detail = problem["detail"].as_str().unwrap();
            // The same words for one that there is and one that there is not.
            let expected = format!(
                "`ci` has the role deployer of cart; this needs operator, or deployer of `{other}`"
            );
            assert_eq!(detail, expected);
        }
        for token in [&reader, &metrics] {
            assert_eq!(
                served.ask_as(token, "POST", &own, body).await.0,
                403,
                "{own}"
            );
        }
    }
    let expected = [
        "ci deploys cart",
        "ci promotes cart",
        "ci rolls back to None cart",
    ];
    assert_eq!(*served.operator.calls.lock().unwrap(), expected);
    for token in [&deployer, &reader] {
        for (path, method, expected) in [
            ("/apply", "POST", 403),
            ("/backup", "POST", 403),
            ("/tokens", "POST", 403),
            ("/tokens/eyes", "DELETE", 403),
            ("/tokens/nobody", "DELETE", 403),
            ("/events/topics/a", "POST", 403),
            ("/services/shop/revisions", "GET", 200),
            ("/registry", "GET", 200),
            ("/metrics", "GET", 200),
            ("/audit", "GET", 200),
            ("/tokens", "GET", 200),
            ("/none", "GET", 404),
        ] {
            let (status, answer) = served.ask_as(token, method, path, b"").await;
            assert_eq!(status, expected, "{method} {path}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_component_has_room_and_nothing_else_has() {
    let served = Served::start();
    let component = vec![7; COMPONENT_BYTES_MAX];
    let path = "/services/cart/revisions";
    let (status, answer) = served.ask("POST", path, &component).await;
    assert_eq!(status, 200, "{answer}");
    let deployed = served.operator.deployed.lock().unwrap().take().unwrap();
    assert_eq!(deployed.wasm.len(), COMPONENT_BYTES_MAX);
    // Who may not, or sends too much, hears so although it is still sending.
    let reader = served.add("eyes", "reader", &[]).await;
    assert_eq!(
        served.ask_as(&reader, "POST", path, &component).await.0,
        403
    );
    assert_eq!(
        served.ask_as("wrong", "POST", path, &component).await.0,
        401
    );
    let large = vec![7; COMPONENT_BYTES_MAX + 1];
    assert_eq!(served.ask("POST", path, &large).await.0, 413);
    assert_eq!(served.ask("POST", "/apply", &component).await.0, 413);
    assert_eq!(served.ask("POST", "/tokens", &component).await.0, 413);
    assert_eq!(
        *served.operator.calls.lock().unwrap(),
        ["operator deploys cart"]
    );
}

proptest! {
    #[test]
    fn a_query_is_refused_or_within_its_bounds(weight in any::<u64>(), drain in any::<i64>()) {
        let path = format!("/?weight={weight}&drain_timeout_ms={drain}");
        let (head, ()) = Request::builder().uri(path).body(()).unwrap().into_parts();
        let read = deploy_request(&head, Bytes::from_static(b"x"));
        let is_valid = (1..=100).contains(&weight) && (0..=300_000).contains(&drain);
        assert_eq!(read.is_ok(), is_valid);
        if let Ok(request) = read {
            assert_eq!(request.weight.map(u64::from), Some(weight));
            assert_eq!(i64::try_from(request.drain_timeout_ms), Ok(drain));
        }
    }
}
