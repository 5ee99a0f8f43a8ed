//! Manifests through [`parse`]: what good ones mean, and the exact findings in bad ones.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::diagnostics::Diagnostics;
use super::model::{
    DependencySource, FileMount, HttpRoute, HttpTarget, InheritConfiguration, Manifest,
    ServiceSettings, Source, StaticResponse,
};
use super::{LoadOptions, load, parse};

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
        "spin_manifest_version = 2\n[application]\nname = \"a\"\n[component.c]\n\
         source = \"c.wasm\"\n[[trigger.http]]\nroute = \"/\"\ncomponent = \"c\"\n{rest}"
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
source = { url = "https://example.com/cart.wasm", 
digest = "sha256:ABCD1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234" }
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

#[test]
fn an_empty_file_lacks_everything_at_once() {
    assert_eq!(
        bad(""),
        [
            "1:1: spin_manifest_version: missing key",
            "1:1: application: missing key",
            "1:1: trigger: missing key",
        ]
    );
}

#[test]
fn other_versions_are_refused_without_more() {
    let rest = "name = \"x\"\n[[component]]\nid = \"a\"\n";
    for (version, message) in [
        ("\"1\"", "manifests of version 1 are not supported"),
        ("1", "manifests of version 1 are not supported"),
        ("3", "there is no version 3"),
        ("true", "this is no version"),
    ] {
        let found = bad(&format!("spin_manifest_version = {version}\n{rest}"));
        assert_eq!(found, [format!("1:25: spin_manifest_version: {message}")]);
    }
    let found = bad("spin_manifest_version = \"2\"\n[application]\nname = \"a\"\n[trigger]\n");
    assert_eq!(
        found,
        ["1:25: spin_manifest_version: the version is a number, not a text"]
    );
}

#[test]
fn unknown_keys_are_found_at_every_level() {
    let text = r#"spin_manifest_version = 2
aplication = 1
[application]
name = "a"
nam = "b"
[variables]
v = { default = "", secrt = true }
[[trigger.http]]
route = "/"
componet = "c"
component = "c"
executor = { type = "http", argv = "x" }
[component.c]
source = "c.wasm"
alowed_outbound_hosts = []
build = { command = "x", wtch = [] }
[component.c.tool.kumiki]
timeout = 1
[component.c.profile.p]
surce = "x"
"#;
    assert_eq!(
        bad(text),
        [
            "2:1: aplication: unknown key; did you mean `application`?",
            "5:1: application.nam: unknown key; did you mean `name`?",
            "7:21: variables.v.secrt: unknown key; did you mean `secret`?",
            "10:1: trigger.http[0].componet: unknown key; did you mean `component`?",
            "12:29: trigger.http[0].executor.argv: unknown key",
            "15:1: component.c.alowed_outbound_hosts: unknown key; \
             did you mean `allowed_outbound_hosts`?",
            "16:26: component.c.build.wtch: unknown key; did you mean `watch`?",
            "18:1: component.c.tool.kumiki.timeout: unknown key; did you mean `timeout_ms`?",
            "20:1: component.c.profile.p.surce: unknown key; did you mean `source`?",
        ]
    );
}

#[test]
fn values_of_the_wrong_kind_are_named() {
    let text = r#"spin_manifest_version = 2
[application]
name = 1
authors = "me"
[variables]
a = "b"
[[trigger.http]]
route = 1
component = 2
[trigger.redis]
channel = "c"
[component.c]
source = []
files = [1]
environment = { A = 1 }
key_value_stores = ["my-store_x"]
dependencies_inherit_configuration = "yes"
build = { command = 1 }
[component.c.tool]
kumiki = 1
"#;
    assert_eq!(
        bad(text),
        [
            "3:8: application.name: a text is wanted, this is a number",
            "4:11: application.authors: a list is wanted, this is a text",
            "6:5: variables.a: a table is wanted, this is a text",
            "8:9: trigger.http[0].route: this is no route",
            "9:13: trigger.http[0].component: a text is wanted, this is a number",
            "10:10: trigger.redis: triggers are a list",
            "13:10: component.c.source: this is no source",
            "14:10: component.c.files[0]: this names no files",
            "15:21: component.c.environment.A: a text is wanted, this is a number",
            "16:21: component.c.key_value_stores[0]: `my-store_x` cannot be a label: \
             `-` cannot stand in a word",
            "17:38: component.c.dependencies_inherit_configuration: \
             true or false is wanted, this is a text",
            "18:21: component.c.build.command: a text is wanted, this is a number",
            "20:10: component.c.tool.kumiki: a table is wanted, this is a number",
        ]
    );
}

#[test]
fn names_that_spin_refuses_are_refused() {
    let text = with(
        "[component.my_Cart]\nsource = \"x\"\nvariables = { \"A-b\" = \"\" }\n\
         [variables]\nAPI-key = { required = true }\n",
    );
    assert_eq!(
        bad(&text),
        [
            "9:12: component.my_Cart: `my_Cart` cannot be the id of a component: \
             `_` cannot stand in a word",
            "11:15: component.my_Cart.variables.A-b: `A-b` cannot name a variable: \
             `A` is not a lower-case letter, a digit or `_`",
            "13:1: variables.API-key: `API-key` cannot name a variable: \
             `A` is not a lower-case letter, a digit or `_`",
        ]
    );
}

#[test]
fn a_variable_is_either_required_or_has_a_default() {
    let text = with(
        "[variables]\na = {}\nb = { required = true, default = \"x\" }\n\
         c = { required = false }\nd = { required = false, default = \"\" }\n",
    );
    assert_eq!(
        bad(&text),
        [
            "10:1: variables.a: a variable is either required or has a default",
            "11:24: variables.b.default: a required variable has no default",
            "12:1: variables.c: a variable is either required or has a default",
        ]
    );
}

#[test]
fn templates_are_checked_where_they_stand() {
    let text = with(
        "[variables]\nhost = { default = \"h\" }\n[[trigger.redis]]\nchannel = \"{{ hots }}\"\n\
         component = \"d\"\n[component.d]\nsource = \"d.wasm\"\n\
         variables = { a = \"x {{ host\", b = 'ä{{ nope }}' }\n\
         allowed_outbound_hosts = [\"https://{{ host }}\", \"\\thttps://{{}}\"]\n",
    );
    assert_eq!(
        bad(&text),
        [
            "12:15: trigger.redis[0].channel: variable `hots` is not declared; \
             did you mean `host`?",
            "16:22: component.d.variables.a: `{{` is never closed by `}}`",
            "16:41: component.d.variables.b: variable `nope` is not declared",
            "17:49: component.d.allowed_outbound_hosts[1]: `{{ }}` names no variable",
        ]
    );
}

#[test]
fn triggers_are_checked_against_components_and_routes() {
    let text = r#"spin_manifest_version = 2
[application]
name = "a"
[[trigger.http]]
route = "/a"
component = "crat"
[[trigger.http]]
route = "/b"
[[trigger.http]]
route = "/c"
component = "cart"
static_response = { body = "x" }
[[trigger.http]]
component = "cart"
[[trigger.http]]
route = { private = false }
component = "cart"
[[trigger.http]]
route = "/.../x"
component = "cart"
[[trigger.http]]
route = "/.well-known/spin/health"
component = "cart"
[[trigger.http]]
route = "/w"
component = "cart"
executor = { type = "wagi", argv = "" }
[[trigger.http]]
route = "/x"
component = "cart"
dependencies = { middleware = [{ path = "auth.wasm" }] }
[[trigger.http]]
route = "/y"
static_response = { status_code = 20, headers = { "a b" = "x", c = "\n" } }
[[trigger.redis]]
component = "cart"
[[trigger.htp]]
route = "/"
[component.cart]
source = "cart.wasm"
"#;
    assert_eq!(
        bad(text),
        [
            "6:13: trigger.http[0].component: there is no component `crat`; \
             did you mean `cart`?",
            "7:1: trigger.http[1]: a trigger needs `component` or `static_response`",
            "12:1: trigger.http[2].static_response: \
             a trigger has either `component` or `static_response`",
            "13:1: trigger.http[3].route: missing key",
            "16:21: trigger.http[4].route.private: a route without a pattern must be private",
            "19:9: trigger.http[5].route: `/...` may only stand at the end",
            "22:9: trigger.http[6].route: `/.well-known/spin/…` is answered by the host, \
             the component would never be called",
            "27:21: trigger.http[7].executor.type: the executor `wagi` is not supported",
            "31:18: trigger.http[8].dependencies.middleware: middleware is not supported yet",
            "34:35: trigger.http[9].static_response.status_code: 20 is out of range",
            "34:51: trigger.http[9].static_response.headers.\"a b\": this cannot name a header",
            "34:68: trigger.http[9].static_response.headers.c: \
             this cannot be the value of a header",
            "35:1: trigger.redis[0].channel: missing key",
            "37:11: trigger.htp: unknown kind of trigger; did you mean `http`?",
        ]
    );
}

#[test]
fn of_two_identical_routes_the_later_is_noted() {
    let text = with("[[trigger.http]]\nroute = \"/\"\nstatic_response = {}\n");
    let (manifest, notes) = read(&text).unwrap();
    assert_eq!(manifest.http_triggers.len(), 2);
    assert_eq!(
        lines(&notes),
        ["10:9: trigger.http[1].route: `/` is the route of trigger `c-http-trigger` as well"]
    );
    assert!(notes.to_string().ends_with("1 note in /app/spin.toml"));
}

#[test]
fn the_deprecated_list_of_hosts_is_rewritten() {
    let text = with("[component.d]\nsource = \"d.wasm\"\nallowed_http_hosts = [\"a.com:8080\"]\n");
    let (manifest, notes) = read(&text).unwrap();
    assert_eq!(
        manifest.components["d"].allowed_outbound_hosts,
        ["http://a.com:8080", "https://a.com:8080"]
    );
    assert_eq!(
        lines(&notes),
        ["11:22: component.d.allowed_http_hosts: `allowed_http_hosts` is deprecated"]
    );
}

#[test]
fn sources_and_digests_are_checked() {
    let text = with(
        "[component.d]\nsource = { url = \"ftp://x/y\", digest = \"sha256:12\" }\n\
         [component.e]\nsource = { url = \"https://x/y\" }\n\
         [component.f]\nsource = { url = \"https://x/y\", package = \"a:b\" }\n\
         [component.g]\nsource = { package = \"ab\", version = \"1\", pth = 1 }\n\
         [component.h]\nsource = {}\n[component.i]\nsource = \"\"\n[component.j]\n",
    );
    assert_eq!(
        bad(&text),
        [
            "10:18: component.d.source.url: `ftp` is not fetched",
            "10:40: component.d.source.digest: \
             a digest has 64 digits after `sha256:`, this one has 2",
            "12:10: component.e.source.digest: missing key",
            "14:33: component.f.source.package: a source has either `url` or `package`",
            "16:22: component.g.source.package: `ab` is no package name",
            "16:38: component.g.source.version: `1` is no exact version: \
             unexpected end of input while parsing major version number",
            "16:43: component.g.source.pth: unknown key",
            "18:10: component.h.source: a source needs `url` or `package`",
            "20:10: component.i.source: it is empty",
            "21:1: component.j.source: missing key",
        ]
    );
}

#[test]
fn dependencies_are_checked() {
    let text = with(
        r#"[component.d]
source = "d.wasm"
dependencies_inherit_configuration = false
[component.d.dependencies]
plain = "1.0"
"a:b" = { path = "x.wasm", export = "y" }
"c:d/e@1.0.0" = { path = "x.wasm", url = "https://x" }
"c:d/e@1.2.0" = { path = "x.wasm" }
"c:d/e@1.3.0" = { path = "x.wasm", inherit_configuration = ["fils"] }
"f:g/h" = { component = "helpr" }
"i:j/k" = { component = "helper" }
"l:m/n" = "newest"
"o/p" = "1.0"
[component.helper]
source = "h.wasm"
files = ["x"]
ai_models = ["llama"]
"#,
    );
    assert_eq!(
        bad(&text),
        [
            "13:9: component.d.dependencies.plain: \
             an import with a plain name does not say which package it is",
            "14:9: component.d.dependencies.\"a:b\": `export` cannot satisfy a whole package",
            "15:36: component.d.dependencies.\"c:d/e@1.0.0\".url: \
             a dependency has only one of `version`, `path`, `url` and `component`",
            "17:1: component.d.dependencies.\"c:d/e@1.3.0\": \
             `c:d/e@1.3.0` and `c:d/e@1.2.0` can satisfy the same import",
            "17:36: component.d.dependencies.\"c:d/e@1.3.0\".inherit_configuration: \
             the component has `dependencies_inherit_configuration` already",
            "17:61: component.d.dependencies.\"c:d/e@1.3.0\".inherit_configuration[0]: \
             unknown grant; did you mean `files`?",
            "18:25: component.d.dependencies.\"f:g/h\".component: \
             there is no component `helpr`; did you mean `helper`?",
            "19:25: component.d.dependencies.\"i:j/k\".component: `helper` cannot be a dependency, \
             because it has grants of its own: `ai_models`, `files`",
            "20:11: component.d.dependencies.\"l:m/n\": `newest` is no version requirement: \
             unexpected character 'n' while parsing major version number",
            "21:1: component.d.dependencies.\"o/p\": `o/p` cannot name an import: \
             a package is named `namespace:name`",
        ]
    );
}

#[test]
fn settings_stay_within_their_ranges() {
    let text = with(
        "[component.c.tool.kumiki]\ntimeout_ms = 0\nmemory_max_mib = 5000\ncpu_ms_max = \"1s\"\n\
         [application.tool.kumiki]\nheader_bytes_max = 1\nbody_bytes_max = -1\n",
    );
    assert_eq!(
        bad(&text),
        [
            "10:14: component.c.tool.kumiki.timeout_ms: 0 is out of range",
            "11:18: component.c.tool.kumiki.memory_max_mib: 5000 is out of range",
            "12:14: component.c.tool.kumiki.cpu_ms_max: a whole number is wanted, this is a text",
            "14:20: application.tool.kumiki.header_bytes_max: 1 is out of range",
            "15:18: application.tool.kumiki.body_bytes_max: -1 is out of range",
        ]
    );
}

#[test]
fn what_is_kept_of_revisions_and_in_memory_is_read() {
    let manifest = good(&with(
        "[component.c.tool.kumiki]\nidle_timeout_ms = 5000\nunload_after_ms = 5000\n\
         [application.tool.kumiki]\nrevisions_kept = 3\nmemory_budget_mib = 512\n",
    ));
    let settings = &manifest.components["c"].settings;
    assert_eq!(settings.unload_after_ms, Some(5000));
    assert_eq!(manifest.settings.revisions_kept, 3);
    assert_eq!(manifest.settings.memory_budget_mib, Some(512));
    let preset = good(&with(""));
    assert_eq!(preset.settings.revisions_kept, 10);
    assert_eq!(preset.settings.memory_budget_mib, None);
    assert_eq!(preset.components["c"].settings.unload_after_ms, None);
    assert_eq!(
        bad(&with(
            "[component.c.tool.kumiki]\nunload_after_ms = 59_999\n\
             [application.tool.kumiki]\nrevisions_kept = 0\nmemory_budget_mib = 0\n",
        )),
        [
            "10:19: component.c.tool.kumiki.unload_after_ms: the code would leave memory before \
             the service's instances, which stay for 60000 ms (`idle_timeout_ms`)",
            "12:18: application.tool.kumiki.revisions_kept: 0 is out of range",
            "13:21: application.tool.kumiki.memory_budget_mib: 0 is out of range",
        ]
    );
}

#[test]
fn a_file_or_its_folder_can_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = load(folder.path(), &LoadOptions::default()).unwrap_err();
    let shown = missing.to_string();
    assert!(shown.contains("spin.toml: cannot be read: "), "{shown}");
    assert!(shown.contains("help: name a manifest with `-f`"), "{shown}");
    let file = folder.path().join("spin.toml");
    std::fs::write(&file, with("")).unwrap();
    for path in [folder.path(), &file] {
        let manifest = load(path, &LoadOptions::default()).unwrap();
        assert_eq!(manifest.path, file);
        assert_eq!(
            manifest.components["c"].source,
            Source::Path(folder.path().join("c.wasm"))
        );
    }
}

#[test]
fn mistakes_are_printed_with_the_line_and_the_mend() {
    let text = with("[component.d]\nsourc = \"d.wasm\"\n");
    let shown = parse(&text, Path::new("spin.toml"), &LoadOptions::default()).unwrap_err();
    assert_eq!(
        shown.to_string(),
        "spin.toml:9:1: component.d.source: missing key\n\
         \x20 9 | [component.d]\n\
         \x20   | ^^^^^^^^^^^^^\n\
         \x20 help: add `source = \"app.wasm\"`\n\
         \n\
         spin.toml:10:1: component.d.sourc: unknown key; did you mean `source`?\n\
         \x20 10 | sourc = \"d.wasm\"\n\
         \x20    | ^^^^^\n\
         \x20 help: rename it to `source`, or remove it\n\
         \n\
         2 mistakes in spin.toml"
    );
}

#[test]
fn a_profile_that_no_component_has_is_refused() {
    let options = LoadOptions {
        profile: Some("debgu".to_owned()),
        stock: false,
    };
    let found = parse(MAXIMAL, Path::new(PATH), &options).unwrap_err();
    assert_eq!(
        lines(&found),
        ["1:1: : no component has profile `debgu`; did you mean `debug`?"]
    );
}

#[test]
fn all_syntax_errors_are_reported_with_the_mistakes_that_are_certain() {
    let text = "spin_manifest_version = 2\nbogus = 1\n[application]\nname = \n[component.c]\n\
                source = \"c.wasm\nnope = 1\ndescription = 1\n[component.c]\n";
    assert_eq!(
        bad(text),
        [
            "2:1: bogus: unknown key",
            "4:8: : syntax error: string values must be quoted, expected literal string",
            "6:17: : syntax error: invalid basic string, expected `\"`",
            "7:1: component.c.nope: unknown key",
            "8:15: component.c.description: a text is wanted, this is a number",
            "9:12: : syntax error: duplicate key",
        ]
    );
}

/// Lines that belong in a manifest, and pieces that break it.
fn line() -> impl Strategy<Value = String> {
    let known = MAXIMAL.lines().map(str::to_owned).collect::<Vec<_>>();
    let broken = [
        "[",
        "]]",
        "[[trigger]]",
        "a.b.c = 1",
        "x = \"",
        "'''",
        "\"\" = {}",
        "= 1",
        "{{",
    ];
    let broken = broken.map(str::to_owned).to_vec();
    prop_oneof![
        6 => proptest::sample::select(known),
        2 => proptest::sample::select(broken),
        1 => "\\PC{0,12}",
    ]
}

/// Every finding has a place in the text, and the findings can be printed.
fn check_findings(text: &str, found: &Diagnostics) {
    let lines: Vec<&str> = text.split('\n').collect();
    for finding in found.iter() {
        let place = finding.position.unwrap();
        let line = lines[place.line - 1];
        assert!(
            (1..=line.chars().count() + 1).contains(&place.column),
            "{finding:?} in {line:?}"
        );
    }
    assert!(found.to_string().ends_with(" in /app/spin.toml"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_lines_are_read_or_refused_within_the_text(
        lines in proptest::collection::vec(line(), 0..40),
        ending in proptest::sample::select(vec!["\n", "\r\n"]),
    ) {
        let text = lines.join(ending);
        match read(&text) {
            Ok((_, notes)) => check_findings(&text, &notes),
            Err(mistakes) => {
                prop_assert!(!mistakes.is_empty());
                check_findings(&text, &mistakes);
            }
        }
    }

    #[test]
    fn a_manifest_with_a_hole_is_read_or_refused_within_the_text(
        start in 0..MAXIMAL.len(),
        length in 0..80_usize,
        patch in "[\\[\\]{}=\"'.,a1 \n]{0,3}",
    ) {
        let mut text = MAXIMAL.to_owned();
        text.replace_range(start..(start + length).min(MAXIMAL.len()), &patch);
        if let Err(mistakes) = read(&text) {
            prop_assert!(!mistakes.is_empty());
            check_findings(&text, &mistakes);
        }
    }

    #[test]
    fn any_text_is_refused_within_itself(text in "(?s).{0,200}") {
        if let Err(mistakes) = read(&text) {
            check_findings(&text, &mistakes);
        }
    }
}
