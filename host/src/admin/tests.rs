//! The page of one request, without a socket: who is let in, and what is shown.

mod openapi;
pub(super) mod served;

use std::collections::BTreeMap;

use http::{Method, Request};
use http_body_util::BodyExt;

use super::*;
use crate::storage::state_dir::StateDir;
use crate::telemetry::metrics::{
    EdgeKind, EdgeMetrics, EdgeStatus, Health, Outcome, ServiceMetrics, ServiceStatus,
};

/// One service that was called by another and from outside, and many that nobody calls.
pub(super) struct Sample {
    metrics: Arc<ServiceMetrics>,
    edges: Vec<EdgeStatus>,
}

impl Sample {
    pub(super) fn new() -> Self {
        let metrics = Arc::new(ServiceMetrics::default());
        let edge = |caller: &str, kind| EdgeStatus {
            caller: caller.to_owned(),
            callee: "cart".to_owned(),
            kind,
            metrics: Arc::new(EdgeMetrics::new(metrics.clone())),
        };
        let edges = vec![
            edge("", EdgeKind::Http),
            edge("shop", EdgeKind::Link),
            edge("idle-7", EdgeKind::Chained),
        ];
        metrics.cold_starts.increment();
        metrics.queue_time.record_ns(1_500);
        edges[0].metrics.record(Outcome::Answered, 1_000);
        edges[0].metrics.record(Outcome::Trapped, 70_000_000_000);
        edges[1].metrics.record(Outcome::Answered, 1_001);
        Self { metrics, edges }
    }
}

fn service(id: &str, metrics: Arc<ServiceMetrics>) -> ServiceStatus {
    ServiceStatus {
        id: id.to_owned(),
        revision: "0123456789ab".to_owned(),
        revisions: Vec::new(),
        health: Health::Idle,
        code_loaded: false,
        last_call_seconds: None,
        instances_max: 4,
        instances_ready: 0,
        instances_busy: 0,
        queue_max: 8,
        queued: 0,
        memory_bytes: 0,
        links: BTreeMap::new(),
        metrics,
    }
}

impl Observed for Sample {
    fn services(&self) -> Vec<ServiceStatus> {
        let idle = (0..100).map(|number| service(&format!("idle-{number}"), Arc::default()));
        let used = [
            service("cart", self.metrics.clone()),
            service("shop", Arc::default()),
        ];
        used.into_iter().chain(idle).collect()
    }

    fn edges(&self) -> Vec<EdgeStatus> {
        self.edges.clone()
    }
}

fn admin() -> (Admin, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    let tokens = Tokens::open(folder.path()).unwrap();
    let token = |name| tokens::read_token(&folder.path().join(name)).unwrap();
    let (all, metrics) = (token(tokens::ADMIN_TOKEN), token(tokens::METRICS_TOKEN));
    (Admin::new(subject(&state), tokens), all, metrics)
}

/// An app that cannot be changed.
pub(super) fn subject(state: &StateDir) -> Subject {
    Subject {
        name: "a \"quoted\"\nname".to_owned(),
        version: "1.0".to_owned(),
        observed: Arc::new(Sample::new()),
        descriptions: Arc::default(),
        lines: Arc::default(),
        backups: Arc::new(Backups::new(state, Vec::new())),
        events: None,
        operator: None,
    }
}

fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

async fn text(answer: Answer) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_check_has_its_status_and_the_first_one_answers() {
    let (admin, token, metrics_token) = admin();
    let (all, metrics) = (format!("Bearer {token}"), format!("Bearer {metrics_token}"));
    let all = ("authorization", all.as_str());
    let metrics = ("authorization", metrics.as_str());
    let host = ("host", "127.0.0.1:3001");
    let status = |method, path, headers: &[(&str, &str)]| {
        let head = head(method, path, headers);
        let answer = admin.admit(&head);
        let answer = answer.and_then(|(page, caller)| {
            let asked = Asked {
                head,
                caller,
                body: Bytes::new(),
                upload_time: Duration::ZERO,
            };
            admin.answer(page, &asked)
        });
        let answer = answer.unwrap_or_else(|refusal| refusal.answer());
        answer.status().as_u16()
    };
    assert_eq!(status("GET", "/registry", &[host, all]), 200);
    assert_eq!(status("HEAD", "/metrics", &[host, all]), 200);
    assert_eq!(status("GET", "/metrics", &[host, metrics]), 200);
    assert_eq!(status("GET", "/registry/cart", &[host, all]), 200);
    assert_eq!(
        status("GET", "http://127.0.0.1:1/registry", &[host, all]),
        200
    );
    assert_eq!(status("GET", "/registry/none", &[host, all]), 404);
    assert_eq!(status("GET", "/registry/", &[host, all]), 404);
    assert_eq!(status("GET", "/registry/cart/x", &[host, all]), 404);
    assert_eq!(status("GET", "/", &[host, all]), 404);
    assert_eq!(status("POST", "/registry", &[host, all]), 405);
    assert_eq!(status("GET", "/registry", &[host, metrics]), 403);
    assert_eq!(status("GET", "/none", &[host, metrics]), 403);
    assert_eq!(status("GET", "/registry", &[host]), 401);
    assert_eq!(status("POST", "/none", &[host]), 401);
    let origin = ("origin", "http://127.0.0.1:3001");
    assert_eq!(status("GET", "/registry", &[host, all, origin]), 403);
    assert_eq!(status("OPTIONS", "/registry", &[host, origin]), 403);
    for foreign in [
        "evil.example",
        "evil.example:3001",
        "127.0.0.1.evil.example",
        "",
    ] {
        assert_eq!(status("GET", "/registry", &[("host", foreign), all]), 403);
    }
    assert_eq!(status("GET", "/registry", &[all]), 403);
    assert_eq!(status("GET", "/registry", &[host, host, all]), 403);
    assert_eq!(
        status("GET", "http://evil.example/registry", &[host, all]),
        403
    );
    assert_eq!(status("GET", "/events/topics", &[host, all]), 404);
    assert_eq!(status("GET", "/events/topics", &[host, metrics]), 403);
    assert_eq!(status("GET", "/events/topics", &[host]), 401);
    assert_eq!(status("DELETE", "/events/topics", &[host, all]), 405);
    assert_eq!(status("GET", "/backup", &[host, all]), 405);
    assert_eq!(status("POST", "/backup", &[host, metrics]), 403);
    assert_eq!(status("POST", "/backup", &[host, all, origin]), 403);
    assert_eq!(status("POST", "/backup", &[host, all]), 400);
}

#[test]
fn pages_of_one_service_and_of_lines_have_their_status() {
    let (admin, token, metrics_token) = admin();
    let (all, metrics) = (format!("Bearer {token}"), format!("Bearer {metrics_token}"));
    let all = ("authorization", all.as_str());
    let metrics = ("authorization", metrics.as_str());
    let host = ("host", "127.0.0.1:3001");
    let status = |method, path, headers: &[(&str, &str)]| {
        let head = head(method, path, headers);
        let answer = admin.admit(&head);
        let answer = answer.and_then(|(page, caller)| {
            let asked = Asked {
                head,
                caller,
                body: Bytes::new(),
                upload_time: Duration::ZERO,
            };
            admin.answer(page, &asked)
        });
        let answer = answer.unwrap_or_else(|refusal| refusal.answer());
        answer.status().as_u16()
    };
    assert_eq!(status("GET", "/logs", &[host, all]), 200);
    assert_eq!(
        status("GET", "/logs?service=cart&after=7", &[host, all]),
        200
    );
    assert_eq!(status("GET", "/logs?service=none", &[host, all]), 404);
    assert_eq!(status("GET", "/logs?after=x", &[host, all]), 400);
    assert_eq!(status("GET", "/logs?last=1", &[host, all]), 400);
    assert_eq!(status("POST", "/logs", &[host, all]), 405);
    assert_eq!(status("GET", "/logs", &[host, metrics]), 403);
    assert_eq!(status("GET", "/services/none", &[host, all]), 404);
    assert_eq!(status("GET", "/services/", &[host, all]), 404);
    assert_eq!(status("GET", "/services/cart", &[host]), 401);
    for path in ["/audit", "/services/cart/revisions"] {
        assert_eq!(status("GET", path, &[host, all]), 503, "{path}");
        assert_eq!(status("GET", path, &[host, metrics]), 403, "{path}");
        assert_eq!(status("DELETE", path, &[host, all]), 405, "{path}");
        assert_eq!(status("GET", path, &[host]), 401, "{path}");
    }
    assert_eq!(status("GET", "/tokens", &[host, all]), 503);
}

/// A path of each page that takes a POST or a DELETE, and the service that it changes.
#[test]
fn every_page_that_changes_something_is_closed_to_who_only_reads() {
    let pages = [
        ("/backup", None),
        ("/tokens", None),
        ("/tokens/ci", None),
        ("/events/topics/orders", None),
        ("/events/dead/1", None),
        ("/events/dead/1/retry", None),
        ("/events/replay", None),
        ("/apply", None),
        ("/services/cart/revisions", Some("cart")),
        ("/services/cart/promote", Some("cart")),
        ("/services/cart/rollback", Some("cart")),
    ];
    for (path, service) in pages {
        let page = Page::at(path).unwrap();
        let needs = service.map_or(Needs::Operate, Needs::Deploy);
        let changes = [Method::POST, Method::DELETE];
        let changes = changes
            .iter()
            .filter(|method| page.methods().contains(method));
        assert!(changes.clone().count() > 0, "{path}");
        for method in changes {
            assert_eq!(page.needs(method), needs, "{method} {path}");
        }
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(page.needs(&method), Needs::Read, "{method} {path}");
        }
        let is_component = path.ends_with("/revisions");
        assert_eq!(page.body_bytes_max() > 1 << 20, is_component, "{path}");
    }
}

#[test]
fn a_refusal_of_a_backup_has_the_status_of_its_reason() {
    let (admin, ..) = admin();
    let status = |body: &str| {
        let answer = admin.back_up(&Bytes::from(body.to_owned()));
        answer.unwrap_err().answer().status().as_u16()
    };
    assert_eq!(status("{"), 400);
    assert_eq!(status("{\"directory\": \"/a\", \"more\": 1}"), 400);
    assert_eq!(status("{\"directory\": \"relative\"}"), 422);
    assert_eq!(status("{\"directory\": \"/\"}"), 422);
}

#[tokio::test]
async fn one_service_is_shown_with_its_edges() {
    let (admin, ..) = admin();
    let shown = text(admin.service("cart").unwrap()).await;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["id"], "cart");
    assert_eq!(shown["counts"]["cold_starts"], 1);
    assert_eq!(shown["edges"].as_array().unwrap().len(), 2, "{shown}");
    let p50_us = shown["latency_us"]["p50"].as_f64().unwrap();
    assert!((0.8..1.3).contains(&p50_us), "{p50_us}");
    let shown = text(admin.registry().unwrap()).await;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["services"].as_array().unwrap().len(), 102);
    assert!(shown["services"][1]["latency_us"]["p99"].is_null());
    assert_eq!(shown["edges"][0]["outcomes"]["trapped"], 1);
    assert_eq!(shown["edges"][1]["caller"], "shop");
}

#[test]
fn the_page_has_a_line_for_all_that_was_used_and_nothing_else() {
    let (admin, ..) = admin();
    let page = admin.exposition();
    let has = |line: &str| assert!(page.lines().any(|found| found == line), "{line}\n{page}");
    has(r#"kumiki_calls_total{caller="",callee="cart",kind="http",outcome="answered"} 1"#);
    has(r#"kumiki_calls_total{caller="",callee="cart",kind="http",outcome="trapped"} 1"#);
    let bucket = |bound: &str| {
        let labels = r#"caller="",callee="cart",kind="http""#;
        format!("kumiki_call_duration_seconds_bucket{{le=\"{bound}\",{labels}}}")
    };
    has(&format!("{} 1", bucket("0.000001")));
    has(&format!("{} 1", bucket("50.0")));
    has(&format!("{} 2", bucket("+Inf")));
    has(r#"kumiki_service_cold_starts_total{service="cart"} 1"#);
    has(r#"kumiki_service_memory_bytes{service="shop"} 0"#);
    has(r#"kumiki_services{health="idle"} 102"#);
    has("# TYPE kumiki_service_queue_time_seconds histogram");
    assert!(
        page.contains(r#"application="a \"quoted\"\nname""#),
        "{page}"
    );
    assert!(!page.contains("idle-"), "{page}");
    assert!(page.ends_with("# EOF\n"));
}

#[test]
fn a_scraper_gets_the_format_that_it_asks_for() {
    let of = |accept| exposition::content_type(&head("GET", "/", &[("accept", accept)]).headers);
    assert!(of("application/openmetrics-text;version=1.0.0,*/*").starts_with("application/open"));
    assert!(of("*/*").starts_with("text/plain; version=0.0.4"));
}
