//! The admin API of the real host: who may ask, and what is said. That no guest gets there is
//! tested in `admin_reach`.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::{self, Host};
use kumiki_tests::http::{self, Answer, Connection};

fn app() -> App {
    let private = Service::new("private", "hello_three").private();
    App::new([Service::new("hello", "hello_two").route("/hello"), private])
}

fn state(host: &Host) -> PathBuf {
    host.folder().join(".kumiki")
}

/// Where the host says that it answers, without `http://`.
fn announced(state: &Path) -> String {
    let text = std::fs::read_to_string(state.join("admin")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let address = file["address"].as_str().unwrap();
    address
        .strip_prefix("http://")
        .unwrap_or(address)
        .to_owned()
}

fn address(host: &Host) -> SocketAddr {
    announced(&state(host)).parse().unwrap()
}

fn bearer(host: &Host, file: &str) -> String {
    let token = std::fs::read_to_string(state(host).join(file)).unwrap();
    format!("Bearer {}", token.trim())
}

fn ask(host: &Host, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    http::request(address(host), method, path, headers, b"")
}

fn get(host: &Host, path: &str) -> Answer {
    let token = bearer(host, "admin-token");
    ask(host, "GET", path, &[("authorization", &token)])
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_registry_names_the_app_and_its_services() {
    let host = app().start();
    let registry = get(&host, "/registry");
    assert_eq!(registry.header("content-type"), Some("application/json"));
    assert_eq!(registry.header("cache-control"), Some("no-store"));
    assert_eq!(registry.header("connection"), Some("close"));
    let registry = registry.json();
    assert_eq!(registry["name"], "test-app");
    assert_eq!(registry["version"], "0.1.0");
    assert!(registry["uptime_seconds"].is_u64(), "{registry}");
    let services = registry["services"].as_array().unwrap();
    let ids: Vec<_> = services.iter().map(|service| &service["id"]).collect();
    assert_eq!(ids, ["hello", "private"]);
    assert_eq!(services[0]["instances_max"], 128, "{registry}");
    let one = get(&host, "/registry/hello").json();
    assert_eq!(one["id"], "hello");
    assert!(one["edges"].is_array(), "{one}");
    assert_eq!(get(&host, "/registry/none").status, 404);
}

#[test]
fn without_the_token_nothing_is_said() {
    let host = app().start();
    for path in ["/registry", "/metrics", "/registry/hello", "/none", "/"] {
        let answer = ask(&host, "GET", path, &[]);
        assert_eq!(answer.status, 401, "{path}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(answer.json()["status"], 401);
        assert!(!answer.text().contains("hello"), "{}", answer.text());
    }
    let token = bearer(&host, "admin-token");
    let almost = format!("{}0", &token[..token.len() - 1]);
    let basic = token.replace("Bearer", "Basic");
    for wrong in ["Bearer", "Bearer x", &almost, &token[..60], &basic] {
        // One token in sixteen ends in the digit that was put there.
        if wrong == token {
            continue;
        }
        let answer = ask(&host, "GET", "/registry", &[("authorization", wrong)]);
        assert_eq!(answer.status, 401, "{wrong}");
    }
    // The app's own listener knows nothing of it.
    let answer = host.request("GET", "/registry", &[("authorization", &token)], "");
    assert_eq!(answer.status, 404);
}

#[test]
fn the_token_for_metrics_opens_nothing_else() {
    let host = app().start();
    let token = bearer(&host, "metrics-token");
    let status = |path| {
        let answer = ask(&host, "GET", path, &[("authorization", &token)]);
        answer.status
    };
    assert_eq!(status("/metrics"), 200);
    for path in ["/registry", "/registry/hello", "/none"] {
        assert_eq!(status(path), 403, "{path}");
    }
}

#[test]
fn other_hosts_and_every_origin_are_refused() {
    let host = app().start();
    let token = bearer(&host, "admin-token");
    let token = ("authorization", token.as_str());
    let port = address(&host).port();
    for good in [
        "localhost".to_owned(),
        format!("localhost:{port}"),
        "127.0.0.1:1".to_owned(),
        "[::1]".to_owned(),
    ] {
        let answer = ask(&host, "GET", "/registry", &[("host", &good), token]);
        assert_eq!(answer.status, 200, "{good}");
    }
    for foreign in [
        format!("example.com:{port}"),
        format!("127.0.0.1.example.com:{port}"),
        format!("0.0.0.0:{port}"),
        format!("localhost.:{port}"),
        String::new(),
    ] {
        let answer = ask(&host, "GET", "/registry", &[("host", &foreign), token]);
        assert_eq!(answer.status, 403, "{foreign}");
        // With and without a token it is the same answer.
        let answer = ask(&host, "GET", "/registry", &[("host", &foreign)]);
        assert_eq!(answer.status, 403, "{foreign}");
    }
    let mut old = Connection::open(address(&host));
    old.write(format!(
        "GET /registry HTTP/1.0\r\nauthorization: {}\r\n\r\n",
        token.1
    ))
    .unwrap();
    assert_eq!(old.head().unwrap().0, 403, "no Host at all");
    let own = format!("http://127.0.0.1:{port}");
    for origin in ["null", "http://example.com", &own] {
        for method in ["GET", "OPTIONS", "POST"] {
            let headers = [("origin", origin), token];
            let answer = ask(&host, method, "/registry", &headers);
            assert_eq!(answer.status, 403, "{method} {origin}");
            let cors = answer.headers.iter();
            let cors = cors.filter(|(name, _)| name.starts_with("access-control"));
            assert_eq!(cors.count(), 0, "{answer:?}");
        }
    }
}

#[test]
fn a_request_is_small_and_reads() {
    let host = app().start();
    let token = bearer(&host, "admin-token");
    let token = ("authorization", token.as_str());
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let answer = ask(&host, method, "/registry", &[token]);
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
    let head = ask(&host, "HEAD", "/metrics", &[token]);
    assert_eq!(head.status, 200);
    let with_body = http::request(address(&host), "GET", "/registry", &[token], b"body");
    assert_eq!(with_body.status, 413);
    let large = "x".repeat(32 * 1024);
    let answer = ask(&host, "GET", "/registry", &[("x-large", &large), token]);
    assert_eq!(answer.status, 431);
    // Those who say nothing leave places to others.
    let silent: Vec<_> = (0..8).map(|_| Connection::open(address(&host))).collect();
    assert_eq!(get(&host, "/registry").status, 200);
    drop(silent);
}

#[test]
fn its_files_are_the_users_alone_and_the_tokens_stay() {
    let mut host = app().start();
    let state = state(&host);
    for file in ["admin", "admin-token", "metrics-token"] {
        assert_eq!(mode(&state.join(file)), 0o600, "{file}");
    }
    let token = bearer(&host, "admin-token");
    assert_eq!(token.len(), "Bearer ".len() + 64);
    assert_ne!(token, bearer(&host, "metrics-token"));
    let elsewhere = app().start();
    assert_ne!(token, bearer(&elsewhere, "admin-token"));
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    assert!(!state.join("admin").exists());
    let mut host = host.restart();
    assert_eq!(bearer(&host, "admin-token"), token);
    assert_eq!(get(&host, "/registry").status, 200);
    // A host that was killed leaves the file, and nobody is led by it.
    host.kill9();
    assert!(state.join("admin").exists());
    let refused = host::run(host.folder(), &["services"]);
    assert_eq!(refused.status.code(), Some(1), "{refused}");
    assert!(refused.stderr.contains("no host answers"), "{refused}");
}

#[test]
fn tokens_that_others_may_know_are_refused_with_the_mend() {
    let mut host = app().start();
    host.kill9();
    let path = state(&host).join("metrics-token");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refusal = host.start_again().err().expect("the token is refused");
    for text in ["metrics-token", "read by others", "delete it"] {
        assert!(refusal.stderr.contains(text), "{refusal}");
    }
}

#[test]
fn it_stands_on_loopback_alone_or_not_at_all() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:127.0.0.1]:0"] {
        let refusal = app().arguments(&["--admin", address]).refused();
        assert_eq!(refusal.status.code(), Some(2), "{refusal}");
        assert!(refusal.stderr.contains("loopback"), "{refusal}");
    }
    let host = app().arguments(&["--admin", "off"]).start();
    for file in ["admin", "admin-token", "metrics-token"] {
        assert!(!state(&host).join(file).exists(), "{file}");
    }
}

#[test]
fn two_hosts_with_the_preset_address_stand_side_by_side() {
    let hosts = [app(), app()].map(|app| app.preset_admin().start());
    assert_ne!(address(&hosts[0]), address(&hosts[1]));
    for host in &hosts {
        assert_eq!(get(host, "/registry").status, 200);
        // Each has its own token.
        let other = if host.pid() == hosts[0].pid() {
            &hosts[1]
        } else {
            &hosts[0]
        };
        let token = bearer(other, "admin-token");
        let answer = ask(host, "GET", "/registry", &[("authorization", &token)]);
        assert_eq!(answer.status, 401);
    }
    // The second finds the port taken by the first, or the first by somebody else.
    let warning = "is in use; took http://127.0.0.1:";
    assert!(
        hosts.iter().any(|host| host.stderr().contains(warning)),
        "{}",
        hosts[1].output()
    );
}

#[test]
fn an_address_that_was_asked_for_is_the_one_or_none() {
    let host = app().start();
    let taken = address(&host).to_string();
    let refusal = app().arguments(&["--admin", &taken]).refused();
    assert!(
        refusal.stderr.contains(&taken) && refusal.stderr.contains("--admin"),
        "{refusal}"
    );
    // Nor may it be the address of the app itself.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let same = free.local_addr().unwrap();
    drop(free);
    let app = app().listen(same);
    let refusal = app.arguments(&["--admin", &same.to_string()]).refused();
    assert!(refusal.stderr.contains("already in use"), "{refusal}");
}

#[test]
fn it_answers_on_a_unix_socket() {
    let mut host = app().arguments(&["--admin", "unix:admin.sock"]).start();
    let socket = host.folder().join("admin.sock");
    assert_eq!(mode(&socket), 0o600);
    let listed = host::run(host.folder(), &["services"]);
    assert!(listed.stdout.contains("hello"), "{listed}");
    let named = format!("unix:{}", socket.display());
    let listed = host::run(host.folder(), &["services", "--admin", &named, "--json"]);
    let registry: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(registry["services"][1]["id"], "private");
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn the_command_lists_what_runs_and_says_when_nothing_does() {
    let host = app().start();
    let listed = host::run(host.folder(), &["services"]);
    assert_eq!(listed.status.code(), Some(0), "{listed}");
    let lines: Vec<_> = listed.stdout.lines().collect();
    assert!(lines[0].starts_with("SERVICE"), "{listed}");
    assert!(lines[1].starts_with("hello "), "{listed}");
    assert_eq!(lines.len(), 3, "{listed}");
    let state = state(&host).display().to_string();
    let elsewhere = tempfile::tempdir().unwrap();
    let listed = host::run(
        elsewhere.path(),
        &["services", "--state-dir", &state, "--json"],
    );
    let registry: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(registry["name"], "test-app");
    let nothing = host::run(elsewhere.path(), &["services", "--state-dir", "none"]);
    assert_eq!(nothing.status.code(), Some(1), "{nothing}");
    assert!(nothing.stderr.contains("no host answers"), "{nothing}");
    assert!(nothing.stderr.contains("kumiki up"), "{nothing}");
}

#[test]
fn the_metrics_are_what_prometheus_reads() {
    let host = app().start();
    host.get("/hello").expect(200);
    let page = get(&host, "/metrics");
    assert_eq!(
        page.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let token = bearer(&host, "metrics-token");
    let accept = ("accept", "application/openmetrics-text; version=1.0.0");
    let open = ask(
        &host,
        "GET",
        "/metrics",
        &[accept, ("authorization", &token)],
    );
    let content_type = open.header("content-type").unwrap();
    assert!(content_type.starts_with("application/openmetrics-text"));
    let samples = exposition(&page.text());
    let value = |name: &str| {
        let found = samples.iter().find(|(sample, _)| sample == name);
        found
            .unwrap_or_else(|| panic!("no {name} in {samples:?}"))
            .1
    };
    let memory = value("process_resident_memory_bytes");
    assert!((1e6..1e12).contains(&memory), "{memory}");
    assert!(value("process_open_fds") > 3.0);
    let info = samples
        .iter()
        .find(|(name, _)| name.starts_with("kumiki_build_info{"));
    assert!(info.unwrap().0.contains(r#"application="test-app""#));
}

/// The samples of a page, by their names with labels; every line is judged by the format's rules.
fn exposition(page: &str) -> Vec<(String, f64)> {
    assert!(page.ends_with("# EOF\n"), "{page}");
    let is_name = |name: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(is_part)
    };
    let mut family = ("", "");
    let mut described = std::collections::BTreeSet::new();
    let mut samples = Vec::new();
    for line in page.lines().take_while(|line| *line != "# EOF") {
        if let Some(comment) = line.strip_prefix("# ") {
            let (keyword, rest) = comment.split_once(' ').unwrap();
            let (name, text) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && !text.is_empty(), "{line}");
            match keyword {
                "HELP" => assert!(described.insert(name), "described twice: {line}"),
                "TYPE" => {
                    assert!(["counter", "gauge", "histogram"].contains(&text), "{line}");
                    family = (name, text);
                }
                "UNIT" => assert!(name.ends_with(text) && name == family.0, "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (sample, number) = line.rsplit_once(' ').unwrap();
        let name = sample.split('{').next().unwrap();
        let suffix = name.strip_prefix(family.0).expect(line);
        let suffixes: &[&str] = match family.1 {
            "counter" => &["_total"],
            "histogram" => &["_sum", "_count", "_bucket"],
            _ => &[""],
        };
        assert!(is_name(name) && suffixes.contains(&suffix), "{line}");
        let labels = sample[name.len()..].trim_matches(['{', '}']);
        assert!(labels.is_empty() || labels.ends_with('"'), "{line}");
        assert!(!samples.iter().any(|(known, _)| known == sample), "{line}");
        samples.push((sample.to_owned(), number.parse::<f64>().unwrap()));
    }
    samples
}
