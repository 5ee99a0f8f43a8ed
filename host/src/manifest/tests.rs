//! Manifests through [`parse`]: what good ones mean, and the exact findings in bad ones.

use std::path::{Path, PathBuf};

use super::diagnostics::Diagnostics;
use super::model::*;
use super::{LoadOptions, parse};

const PATH: &str = "/app/spin.toml";

fn read(text: &str) -> Result<(Manifest, Diagnostics), Diagnostics> {
    parse(text, Path::new(PATH), &LoadOptions::default())
}

fn good(text: &str) -> Manifest {
    match read(text) {
        Ok((manifest, _)) => manifest,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

/// `line:column: key: message` of every finding.
fn lines(findings: &Diagnostics) -> Vec<String> {
    let line = |finding: &super::diagnostics::Diagnostic| {
        let place = finding.position.unwrap();
        format!(
            "{}:{}: {}: {}",
            place.line, place.column, finding.key, finding.message
        )
    };
    findings.iter().map(line).collect()
}

fn bad(text: &str) -> Vec<String> {
    lines(&read(text).expect_err("the manifest is accepted"))
}

/// A valid manifest, with more text behind it.
fn with(rest: &str) -> String {
    format!(
        "spin_manifest_version = 2\n[application]\nname = \"a\"\n[component.c]\nsource = \"c.wasm\"\n[[trigger.http]]\nroute = \"/\"\ncomponent = \"c\"\n{rest}"
    )
}

const MAXIMAL: &str = r#"
spin_manifest_version = 2
[application]
name = "store"
version = "1.0.0"
description = "everything"
authors = ["a@example.com"]
targets = ["spin-up:3.2", { path = "env.toml" }]
[application.trigger.redis]
address = "redis://{{ redis_host }}:6379"
[application.tool.lint]
level = 3
[application.tool.kumiki]
body_bytes_max = 1_000_000

[variables]
redis_host = { default = "localhost", description = "where events come from" }
token = { required = true, secret = true }

[[trigger.http]]
route = "/cart/..."
component = "cart"
executor = { type = "http" }
[[trigger.http]]
route = { private = true }
component = { source = "inline.wasm" }
[[trigger.http]]
id = "gone"
route = "/old/:id"
static_response = { status_code = 410, headers = { x-why = "moved" }, body = "gone" }
[[trigger.redis]]
channel = "orders"
component = "cart"

[component.cart]
source = { url = "https://example.com/cart.wasm", digest = "sha256:ABCD1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234" }
description = "the cart"
variables = { token = "Bearer {{ token }}" }
environment = { LEVEL = "info" }
files = ["assets/*", { source = "public", destination = "/" }]
exclude_files = ["**/secret"]
allowed_outbound_hosts = ["https://{{ redis_host }}:443"]
key_value_stores = ["default", "my_cart"]
sqlite_databases = ["default"]
ai_models = ["llama2-chat"]
targets = ["spin-up:3.2"]
[component.cart.build]
command = ["npm install", "npm run build"]
workdir = "cart"
watch = ["src/**/*.ts"]
[component.cart.tool.kumiki]
timeout_ms = 5000
source = "live.wasm"
[component.cart.tool.other]
anything = { goes = true }
[component.cart.dependencies]
"a:b/c" = { registry = "example.com", version = "^1.2.3", package = "x:y", export = "foo" }
"foo:bar/baz@0.1.0" = { path = "dep.wasm", inherit_configuration = ["files"] }
"fizz:buzz" = ">=0.1.0"
plain = { component = "helper", inherit_configuration = true }
[component.cart.profile.debug]
source = "debug.wasm"
environment = { LEVEL = "debug", MORE = "1" }
build.command = "npm run debug"
dependencies = { "fizz:buzz" = "=0.2.0" }

[component.helper]
source = { package = "a:helper", version = "1.2.3" }
"#;

#[test]
fn every_key_of_a_manifest_is_read() {
    let manifest = good(MAXIMAL);
    assert_eq!(manifest.path, PathBuf::from(PATH));
    assert_eq!(manifest.name, "store");
    assert_eq!(manifest.settings.body_bytes_max, Some(1_000_000));
    assert!(manifest.variables["token"].secret);
    assert_eq!(
        manifest.variables["redis_host"].default.as_deref(),
        Some("localhost")
    );
    let ids: Vec<&str> = manifest
        .http_triggers
        .iter()
        .map(|t| t.id.as_str())
        .collect();
    assert_eq!(ids, ["cart-http-trigger", "http-trigger1", "gone"]);
    assert_eq!(manifest.http_triggers[1].route, HttpRoute::Private);
    assert!(matches!(
        &manifest.http_triggers[1].target,
        HttpTarget::Component(id) if id == "http-trigger1-component"
    ));
    assert!(matches!(
        &manifest.http_triggers[2].target,
        HttpTarget::Static(StaticResponse { status_code: 410, body, .. }) if body == b"gone"
    ));
    let redis = &manifest.redis_triggers[0];
    assert_eq!(
        redis.address.as_deref(),
        Some("redis://{{ redis_host }}:6379")
    );
    let known: Vec<&String> = manifest.components.keys().collect();
    assert_eq!(known, ["cart", "helper", "http-trigger1-component"]);

    let cart = &manifest.components["cart"];
    let digest = format!("sha256:{}", "abcd1234".repeat(8));
    let url = "https://example.com/cart.wasm".to_owned();
    assert_eq!(cart.source, Source::Url { url, digest });
    assert_eq!(cart.settings.timeout_ms, 5000);
    assert_eq!(
        cart.settings.source,
        Some(Source::Path("/app/live.wasm".into()))
    );
    let placement = FileMount::Placement {
        source: "/app/public".into(),
        destination: "/".to_owned(),
    };
    assert_eq!(
        cart.files,
        [FileMount::Glob("assets/*".to_owned()), placement]
    );
    let build = cart.build.as_ref().unwrap();
    assert_eq!(build.commands, ["npm install", "npm run build"]);
    assert_eq!(build.workdir.as_deref(), Some(Path::new("/app/cart")));
    assert_eq!(cart.dependencies.len(), 4);
    assert_eq!(
        cart.dependencies["plain"].source,
        DependencySource::Component("helper".to_owned())
    );
    assert_eq!(
        cart.dependencies["foo:bar/baz@0.1.0"].inherit_configuration,
        InheritConfiguration::Some(vec!["files".to_owned()])
    );
}

#[test]
fn a_profile_goes_over_what_the_component_says() {
    let options = LoadOptions {
        profile: Some("debug".to_owned()),
        stock: false,
    };
    let (manifest, _) = parse(MAXIMAL, Path::new(PATH), &options).unwrap();
    let cart = &manifest.components["cart"];
    assert_eq!(cart.source, Source::Path("/app/debug.wasm".into()));
    assert_eq!(cart.environment["LEVEL"], "debug");
    assert_eq!(cart.environment["MORE"], "1");
    let build = cart.build.as_ref().unwrap();
    assert_eq!(build.commands, ["npm run debug"]);
    assert_eq!(build.watch, ["src/**/*.ts"]);
    assert_eq!(cart.dependencies.len(), 4);
    assert!(matches!(
        &cart.dependencies["fizz:buzz"].source,
        DependencySource::Version { version, .. } if version == "=0.2.0"
    ));
}

#[test]
fn stock_ignores_our_tables_mistakes_included() {
    let text = with("[component.c.tool.kumiki]\ntimeout_ms = \"soon\"\nnonsense = 1\n");
    assert_eq!(bad(&text).len(), 2);
    let options = LoadOptions {
        profile: None,
        stock: true,
    };
    let (manifest, _) = parse(&text, Path::new(PATH), &options).unwrap();
    assert_eq!(
        manifest.components["c"].settings,
        ServiceSettings::default()
    );
}
