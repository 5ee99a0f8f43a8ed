//! Runtime configs through [`parse`].

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Diagnostics, DirectorySetting, KeyValueStore, RuntimeConfig, SqliteDatabase, parse};

fn read(text: &str) -> Result<RuntimeConfig, Diagnostics> {
    parse(text, Path::new("/app/rc.toml"))
}

fn bad(text: &str) -> Vec<String> {
    let found = read(text).expect_err("the runtime config is accepted");
    let line = |finding: &super::super::diagnostics::Diagnostic| {
        let place = finding.position.unwrap();
        format!(
            "{}:{}: {}: {}",
            place.line, place.column, finding.key, finding.message
        )
    };
    found.iter().map(line).collect()
}

const MAXIMAL: &str = r#"
state_dir = "state"
log_dir = ""
max_instance_memory = 67108864
[key_value_store.default]
type = "spin"
path = "kv.db"
[key_value_store.cache]
type = "redis"
url = "redis://:secret@localhost:6379"
[sqlite_database.default]
type = "spin"
[[variables_provider]]
type = "static"
values = { token = "hunter2" }
[[variables_provider]]
type = "env"
prefix = "APP"
dotenv_path = "vars.env"
[outbound_http]
connection_pooling = false
max_connections = 10
[outbound_pg]
max_connections = 1
[outbound_mysql]
max_connections = 2
[outbound_redis]
max_connections = 3
[outbound_mqtt]
max_connections = 4
[outbound_networking]
block_networks = ["8.8.8.8/16", "1.1.1.1", "private"]
max_socket_connections = 5
max_total_connections = 6
[[client_tls]]
component_ids = ["cart"]
hosts = ["db.example.com"]
ca_roots_file = "roots.pem"
client_cert_file = "cert.pem"
client_private_key_file = "key.pem"
"#;

#[test]
fn every_key_is_read() {
    let config = read(MAXIMAL).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(
        config.state_dir,
        DirectorySetting::Path("/app/state".into())
    );
    assert_eq!(config.log_dir, DirectorySetting::Unset);
    assert_eq!(config.max_instance_memory, Some(67_108_864));
    let path = Some(PathBuf::from("/app/kv.db"));
    assert_eq!(
        config.key_value_stores["default"],
        KeyValueStore::Spin { path }
    );
    assert_eq!(
        config.sqlite_databases["default"],
        SqliteDatabase::Spin { path: None }
    );
    assert_eq!(config.variables_providers.len(), 2);
    assert_eq!(config.outbound_http.max_connections, Some(10));
    assert_eq!(config.outbound_mqtt.max_connections, Some(4));
    let networks: Vec<String> = config
        .outbound_networking
        .block_networks
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(networks, ["8.8.0.0/16", "1.1.1.1/32"]);
    assert!(config.outbound_networking.block_private_networks);
    assert_eq!(
        config.client_tls[0].ca_roots_file.as_deref(),
        Some(Path::new("/app/roots.pem"))
    );

    let shown = format!("{config:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("secret@"),
        "{shown}"
    );
}

#[test]
fn nothing_said_is_the_default() {
    let config = read("").unwrap();
    assert_eq!(
        RuntimeConfig {
            path: None,
            ..config
        },
        RuntimeConfig::default()
    );
}

#[test]
fn what_spin_can_and_kumiki_cannot_is_named() {
    let text = r#"[key_value_store.a]
type = "azure_cosmos"
key = "k"
[key_value_store.b]
type = "aws_dynamo"
[sqlite_database.c]
type = "libsql"
url = "u"
[[variables_provider]]
type = "vault"
[[variables_provider]]
type = "azure_key_vault"
[llm_compute]
type = "spin"
"#;
    assert_eq!(
        bad(text),
        [
            "2:8: key_value_store.a.type: type `azure_cosmos` is not supported by kumiki",
            "5:8: key_value_store.b.type: type `aws_dynamo` is not supported by kumiki",
            "7:8: sqlite_database.c.type: type `libsql` is not supported by kumiki",
            "10:8: variables_provider[0].type: type `vault` is not supported by kumiki",
            "12:8: variables_provider[1].type: type `azure_key_vault` is not supported by kumiki",
            "13:2: llm_compute: AI models are not supported",
        ]
    );
}

#[test]
fn mistakes_are_all_named() {
    let text = r#"state_di = "s"
[key_value_store.default]
type = "spn"
[key_value_store.other]
type = "spin"
path = "one.db"
[sqlite_database.other]
type = "spin"
path = "one.db"
[key_value_store.third]
type = "redis"
url = "localhost"
[outbound_networking]
block_networks = ["10.0.0.0/33"]
[outbound_redis]
max_connections = -1
[[client_tls]]
component_ids = []
client_cert_file = "c.pem"
"#;
    assert_eq!(
        bad(text),
        [
            "1:1: state_di: unknown key; did you mean `state_dir`?",
            "3:8: key_value_store.default.type: there is no type `spn`; did you mean `spin`?",
            "9:8: sqlite_database.other.path: `key_value_store.other.path` is the same file",
            "12:7: key_value_store.third.url: this is no address of Redis",
            "14:19: outbound_networking.block_networks[0]: `10.0.0.0/33` is no network",
            "16:19: outbound_redis.max_connections: -1 is out of range",
            "17:1: client_tls[0].hosts: missing key",
            "17:1: client_tls[0]: a client certificate needs its private key, \
             and the key its certificate",
            "18:17: client_tls[0].component_ids: the list is empty",
        ]
    );
}

#[test]
fn secrets_are_masked_in_what_is_printed() {
    let text = "[[variables_provider]]\ntype = \"static\"\nvalues = { a = \"hunter2\", b = 1 }\n";
    let shown = read(text).unwrap_err().to_string();
    assert!(
        shown.contains("variables_provider[0].values.b: a text is wanted"),
        "{shown}"
    );
    assert!(!shown.contains("hunter2"), "{shown}");
}

proptest! {
    #[test]
    fn a_config_with_a_hole_is_read_or_refused_within_the_text(
        start in 0..MAXIMAL.len(),
        length in 0..80_usize,
        patch in "[\\[\\]{}=\"'.,a1 \n]{0,3}",
    ) {
        let mut text = MAXIMAL.to_owned();
        text.replace_range(start..(start + length).min(MAXIMAL.len()), &patch);
        if let Err(mistakes) = read(&text) {
            let lines = text.matches('\n').count() + 1;
            prop_assert!(mistakes.mistakes() > 0);
            prop_assert!(mistakes.iter().all(|finding| finding.position.unwrap().line <= lines));
            prop_assert!(mistakes.to_string().ends_with(" in /app/rc.toml"));
        }
    }
}
