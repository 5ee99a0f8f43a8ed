//! Tokens as files, and whose they are.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;

use super::*;
use crate::admin::tests::served::Served;
use crate::storage::operations::AuditEntry;

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

#[test]
fn tokens_are_made_once_for_this_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let first = Tokens::open(folder.path()).unwrap();
    assert_eq!(first.admin.len(), 64);
    assert_ne!(first.admin, first.metrics);
    for name in [ADMIN_TOKEN, METRICS_TOKEN] {
        assert_eq!(mode(&folder.path().join(name)), 0o600);
    }
    let again = Tokens::open(folder.path()).unwrap();
    assert_eq!(first.admin, again.admin);
    assert_eq!(first.metrics, again.metrics);
    let other = tempfile::tempdir().unwrap();
    let other = Tokens::open(other.path()).unwrap();
    assert!(other.admin != again.metrics && other.metrics != again.metrics);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_token_that_others_may_know_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    Tokens::open(folder.path()).unwrap();
    let path = folder.path().join(METRICS_TOKEN);
    for loose in [0o640, 0o604, 0o620] {
        std::fs::set_permissions(&path, Permissions::from_mode(loose)).unwrap();
        let error = Tokens::open(folder.path()).err().unwrap();
        assert!(matches!(error, TokenError::ReadableByOthers(_)), "{error}");
    }
}

#[test]
fn what_is_no_token_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(ADMIN_TOKEN);
    for text in ["", "secret\n", &"g".repeat(64), &"0".repeat(63)] {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let error = Tokens::open(folder.path()).err().unwrap();
        assert!(matches!(error, TokenError::Damaged(_)), "{text}: {error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/null", &path).unwrap();
    let error = Tokens::open(folder.path()).err().unwrap();
    assert!(matches!(error, TokenError::Io { .. }), "{error}");
}

#[test]
fn a_role_takes_the_whole_token_once() {
    let tokens = Tokens {
        admin: "a".repeat(64),
        metrics: "b".repeat(64),
        store: None,
    };
    let role = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        tokens.caller(&headers).map(|caller| caller.role)
    };
    let (admin, metrics) = (format!("Bearer {}", "a".repeat(64)), "b".repeat(64));
    assert_eq!(role(&[&admin]).unwrap(), Role::Operator);
    let lax = format!("bearer  {metrics}");
    assert_eq!(role(&[&lax]).unwrap(), Role::Metrics);
    assert!(matches!(role(&[]), Err(Unauthorized::NoToken)));
    let is_wrong = |values: &[&str]| matches!(role(values), Err(Unauthorized::WrongToken));
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        &metrics,
        &format!("Basic {metrics}"),
        &admin[..70],
        &format!("{admin}a"),
        &format!("{admin} {admin}"),
    ] {
        assert!(is_wrong(&[wrong]), "{wrong}");
    }
    assert!(is_wrong(&[&admin, &admin]));
}

#[tokio::test]
async fn an_added_token_is_shown_once_and_works_until_it_is_removed() {
    let served = Served::start();
    let token = served
        .add("ci", "deployer", &["shop", "cart", "cart"])
        .await;
    let (prefix, secret) = token.split_at("kumiki_".len());
    assert_eq!(prefix, "kumiki_");
    assert_eq!(URL_SAFE_NO_PAD.decode(secret).unwrap().len(), TOKEN_BYTES);
    assert_ne!(token, served.add("other", "reader", &[]).await);
    let (_, mut list) = served.ask("GET", "/tokens", b"").await;
    for token in list["tokens"].as_array_mut().unwrap() {
        let made = token.as_object_mut().unwrap().remove("made").unwrap();
        chrono::DateTime::parse_from_rfc3339(made.as_str().unwrap()).unwrap();
    }
    let expected = serde_json::json!({"tokens": [
        {"name": "ci", "role": "deployer", "services": ["cart", "shop"]},
        {"name": "other", "role": "reader", "services": []},
    ]});
    assert_eq!(list, expected);
    assert_eq!(served.ask_as(&token, "GET", "/registry", b"").await.0, 200);
    let almost = format!("{}A", &token[..token.len() - 1]);
    for wrong in [secret, &token[..20], &almost, &format!("{token}A")] {
        if wrong != token {
            assert_eq!(served.ask_as(wrong, "GET", "/registry", b"").await.0, 401);
        }
    }
    let (status, removed) = served.ask("DELETE", "/tokens/ci", b"").await;
    assert_eq!((status, &removed["name"]), (200, &"ci".into()));
    assert_eq!(served.ask_as(&token, "GET", "/registry", b"").await.0, 401);
    assert_eq!(served.ask("DELETE", "/tokens/ci", b"").await.0, 404);
    let log = served.store.audit(0, None, 10).unwrap();
    let told = |line: &AuditEntry| {
        assert_eq!(line.by, "operator");
        assert!(!line.detail.to_string().contains(secret), "{line:?}");
        format!("{} {}", line.action, line.detail["token"])
    };
    let expected = [
        "add-token \"ci\"",
        "add-token \"other\"",
        "remove-token \"ci\"",
    ];
    assert_eq!(log.iter().map(told).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_token_that_cannot_be_is_refused_with_the_mend() {
    let served = Served::start();
    served.add("ci", "reader", &[]).await;
    for (request, expected, mend) in [
        (r#"{"name": "ci", "role": "reader"}"#, 409, "`ci`"),
        (r#"{"name": "C I", "role": "reader"}"#, 422, "lowercase"),
        (r#"{"name": "operator", "role": "reader"}"#, 422, "another"),
        (
            r#"{"name": "a", "role": "deployer"}"#,
            422,
            "name at least one",
        ),
        (
            r#"{"name": "a", "role": "reader", "services": ["cart"]}"#,
            422,
            "deployer",
        ),
        (
            r#"{"name": "a", "role": "deployer", "services": ["none"]}"#,
            422,
            "`none`",
        ),
        (r#"{"name": "a", "role": "root"}"#, 400, "deployer"),
        (
            r#"{"name": "a", "role": "reader", "service": ["cart"]}"#,
            400,
            "services",
        ),
        ("", 400, "body"),
    ] {
        let (status, problem) = served.ask("POST", "/tokens", request.as_bytes()).await;
        assert_eq!(status, expected, "{request}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(mend), "{request}: {detail}");
    }
    assert_eq!(served.store.tokens().unwrap().len(), 1);
}
