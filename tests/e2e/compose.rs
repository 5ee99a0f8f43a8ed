//! Static composition: `kumiki compose` and what a stock engine runs of it, and Spin's own
//! `dependencies`.

use std::path::Path;

use kumiki_tests::app::{App, Service};
use kumiki_tests::guests;
use kumiki_tests::host::{self, Host, Refusal};
use tempfile::TempDir;

const LINK: &str = "links = { \"test:prices/quotes@1.0.0\" = \"catalog\" }";
const WITHHELD: &str = "composed_only = { key_value_stores = [\"catalog\"] }";

/// The caller of the app below, under its grants; its artifact goes to `composed/cart.wasm`.
fn cart() -> Service {
    let live = guests::path("composed_caller");
    Service::new("cart", "composed_caller")
        .route("/...")
        .source("\"composed/cart.wasm\"")
        .setting(format!("source = {:?}", live.display().to_string()))
        .setting(LINK)
}

fn catalog() -> Service {
    Service::new("catalog", "composed_provider").key_value_stores(&["catalog"])
}

/// Two services, of which one links the other.
fn shop() -> App {
    let cart = cart()
        .key_value_stores(&["cart", "catalog"])
        .line("environment = { WHO = \"cart\" }")
        .setting(WITHHELD);
    App::new([cart, catalog()])
        .key_value_store("cart")
        .key_value_store("catalog")
}

fn composed(app: &App, arguments: &[&str]) -> (TempDir, Refusal) {
    let folder = TempDir::new().unwrap();
    app.write(folder.path());
    let run = host::run(folder.path(), arguments);
    (folder, run)
}

/// What `kumiki compose` says against an app.
fn refused(app: &App) -> String {
    let (folder, run) = composed(app, &["compose"]);
    assert!(!run.status.success(), "{run}");
    assert!(!folder.path().join("composed").exists());
    run.stderr
}

/// A stock run, in which the caller and the provider are one.
fn check_shop(host: &Host) {
    assert_eq!(
        host.get("/?op=quote&item=tea").expect(422),
        "Error::NotFound"
    );
    assert_eq!(host.get("/?op=fix&item=tea&cents=250").expect(200), "fixed");
    assert_eq!(host.get("/?op=quote&item=tea").expect(200), "tea: 250 EUR");
    assert_eq!(host.get("/?op=own").expect(200), "cart 1");
    assert_eq!(
        host.get("/?op=try&name=store").expect(200),
        "Error::AccessDenied"
    );
}

#[test]
fn a_composed_artifact_runs_as_stock_engines_run_it() {
    let app = shop();
    let (folder, run) = composed(&app, &["compose"]);
    assert!(run.status.success(), "{run}");
    assert!(
        run.stdout.starts_with("cart: composed/cart.wasm, "),
        "{run}"
    );
    let artifact = folder.path().join("composed/cart.wasm");
    let artifact = std::fs::read(artifact).unwrap();
    let names: Vec<_> = std::fs::read_dir(folder.path().join("composed"))
        .unwrap()
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
    check_shop(
        &app.file("composed/cart.wasm", artifact)
            .arguments(&["--stock"])
            .start(),
    );
}

#[test]
fn a_build_composes_and_so_does_a_stock_run_that_builds() {
    let (folder, run) = composed(&shop(), &["build"]);
    assert!(run.status.success(), "{run}");
    assert!(folder.path().join("composed/cart.wasm").is_file(), "{run}");
    check_shop(&shop().arguments(&["--stock", "--build"]).start());
}

#[test]
fn missing_grants_are_named_with_the_lines_to_write() {
    let stderr = refused(&App::new([cart().key_value_stores(&["cart"]), catalog()]));
    for line in [
        "component `cart`: its composed artifact lacks grants of `key_value_stores`: \"catalog\"",
        "write `key_value_stores = [\"cart\", \"catalog\"]` under [component.cart]",
        "and `composed_only.key_value_stores = [\"catalog\"]` under [component.cart.tool.kumiki]",
    ] {
        assert!(stderr.contains(line), "no `{line}` in:\n{stderr}");
    }
    let cart = cart()
        .key_value_stores(&["cart", "catalog"])
        .setting(WITHHELD);
    let catalog = Service::new("catalog", "composed_provider");
    let stderr = refused(&App::new([cart, catalog]));
    assert!(
        stderr.contains("nothing inside its artifact needs: \"catalog\""),
        "{stderr}"
    );
}

#[test]
fn links_in_a_circle_are_named() {
    let link = |id: &str, to: &str| {
        Service::new(id, "composed_caller")
            .source(format!("\"composed/{id}.wasm\""))
            .setting("source = \"x.wasm\"")
            .setting(format!(
                "links = {{ \"test:prices/quotes@1.0.0\" = \"{to}\" }}"
            ))
    };
    let stderr = refused(&App::new([link("a", "b").route("/..."), link("b", "a")]));
    assert!(
        stderr.contains("component `a`: its links lead back"),
        "{stderr}"
    );
    assert!(stderr.contains("a → b → a"), "{stderr}");
}

#[test]
fn a_component_that_has_no_place_for_its_artifact_is_told_what_to_write() {
    let cart = Service::new("cart", "composed_caller")
        .route("/...")
        .setting(LINK);
    let stderr = refused(&App::new([
        cart,
        Service::new("catalog", "composed_provider"),
    ]));
    assert!(
        stderr.contains("write `source = \"target/composed/cart.wasm\"` under [component.cart]"),
        "{stderr}"
    );
    // To build it is no mistake: kumiki itself runs it as it is.
    let cart = Service::new("cart", "composed_caller")
        .route("/...")
        .setting(LINK);
    let app = App::new([cart, Service::new("catalog", "composed_provider")]);
    let (_folder, run) = composed(&app, &["build"]);
    assert!(run.status.success(), "{run}");
}

#[test]
fn contracts_that_do_not_fit_are_named() {
    let cart = cart().setting("").key_value_stores(&["cart"]);
    let stderr = refused(&App::new([cart, Service::new("catalog", "hello_two")]));
    assert!(
        stderr.contains("links `test:prices/quotes@1.0.0` to `catalog`, which does not export it"),
        "{stderr}"
    );
    let wrong = Service::new("cart", "composed_caller")
        .route("/...")
        .source("\"composed/cart.wasm\"")
        .setting(format!(
            "source = {:?}",
            guests::path("hello_two").display().to_string()
        ))
        .setting(LINK);
    let stderr = refused(&App::new([
        wrong,
        Service::new("catalog", "composed_provider"),
    ]));
    assert!(stderr.contains("which it does not import"), "{stderr}");
}

/// A caller whose provider is one of Spin's dependencies, with everything granted.
fn dependent(dependency: &str) -> App {
    let main = Service::new("main", "composed_caller")
        .route("/...")
        .key_value_stores(&["default", "cart"])
        .sqlite_databases(&["default"])
        .allowed_outbound_hosts(&["*://127.0.0.1:1"])
        .line("environment = { WHO = \"main\" }")
        .line("files = [\"a.txt\"]")
        .line("variables = { token = \"{{ token }}\" }")
        .line(format!("dependencies = {{ {dependency} }}"));
    App::new([main])
        .variable("token = { default = \"1\" }")
        .file("a.txt", "a")
        .key_value_store("default")
        .key_value_store("cart")
        .sqlite_database("default")
}

/// A dependency of the provider's file, which satisfies the caller's older import.
fn by_path(more: &str) -> String {
    let path = guests::path("composed_provider").display().to_string();
    format!(
        "\"test:prices/quotes@1.0.0\" = {{ path = {path:?}, export = \"test:prices/quotes@1.1.0\"\
         {more} }}"
    )
}

/// What comes of every capability that the dependency tries.
fn tried(host: &Host) -> Vec<String> {
    let names = [
        "store",
        "sqlite",
        "variable",
        "environment",
        "files",
        "socket",
        "http",
    ];
    let tried = names.map(|name| host.get(&format!("/?op=try&name={name}")).expect(200));
    tried.into()
}

#[test]
fn a_dependency_gets_nothing_of_its_dependents_grants() {
    let host = dependent(&by_path("")).start();
    assert_eq!(host.get("/?op=own").expect(200), "main 1");
    let tried = tried(&host);
    assert_eq!(tried[0], "Error::AccessDenied");
    assert_eq!(tried[1], "Error::AccessDenied");
    assert!(tried[2].starts_with("Error::Undefined("), "{tried:?}");
    assert_eq!(tried[3], "(none)");
    assert_eq!(tried[4], "(none)");
    assert_eq!(tried[5], "permission denied");
    assert!(
        tried[6].starts_with("ErrorCode::InternalError("),
        "{tried:?}"
    );
}

#[test]
fn a_dependency_inherits_what_it_is_said_to() {
    let all = tried(&dependent(&by_path(", inherit_configuration = true")).start());
    assert_eq!(
        all,
        [
            "opened",
            "opened",
            "opened",
            "main",
            "some",
            "connection refused",
            "opened"
        ]
    );
    let some = ", inherit_configuration = [\"key_value_stores\", \"environment\"]";
    let some = tried(&dependent(&by_path(some)).start());
    assert_eq!((some[0].as_str(), some[3].as_str()), ("opened", "main"));
    assert_eq!(some[1], "Error::AccessDenied");
    assert_eq!(some[4..6], ["(none)", "permission denied"]);
}

#[test]
fn a_component_of_the_app_can_be_a_dependency_and_runs_when_it_alone_is_chosen() {
    let library = Service::new("library", "composed_provider");
    let path = guests::path("composed_caller").display().to_string();
    let manifest = App::new([library]).text(&format!(
        "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"main\"\n[component.main]\n\
         source = {path:?}\n[component.main.dependencies]\n\
         \"test:prices/quotes\" = {{ component = \"library\", export = \
         \"test:prices/quotes@1.1.0\" }}\n"
    ));
    for arguments in [[].as_slice(), &["-c", "main"], &["--stock"]] {
        let host = manifest.clone().arguments(arguments).start();
        assert_eq!(
            host.get("/?op=try&name=store").expect(200),
            "Error::AccessDenied"
        );
    }
}

#[test]
fn a_start_with_a_full_cache_composes_nothing() {
    let mut host = dependent(&by_path("")).start();
    let kept = |host: &Host| only_file(&host.folder().join(".kumiki/cache/composed/main"));
    let first = kept(&host);
    let modified = first.metadata().unwrap().modified().unwrap();
    host.kill9();
    let mut host = host.restart();
    assert_eq!(host.get("/?op=own").expect(200), "main 1");
    assert_eq!(kept(&host), first);
    assert_eq!(first.metadata().unwrap().modified().unwrap(), modified);
    host.kill9();
    let manifest = host.folder().join("spin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let other = by_path(", inherit_configuration = true");
    std::fs::write(&manifest, text.replace(&by_path(""), &other)).unwrap();
    let host = host.start_again().unwrap();
    assert_eq!(host.get("/?op=try&name=environment").expect(200), "main");
    assert_ne!(kept(&host), first);
}

fn only_file(folder: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0).path()
}

#[test]
fn dependencies_that_cannot_be_composed_are_named_with_the_mend() {
    let path = guests::path("composed_provider").display().to_string();
    let registry = "\"test:prices\" = { registry = \"r.example\", version = \">=1\" }";
    for (dependency, texts) in [
        (
            registry.to_owned(),
            ["`test:prices`", "wkg get test:prices"],
        ),
        (
            format!("\"test:costs\" = {{ path = {path:?} }}"),
            ["satisfies none of its imports", "test:prices/quotes@1.0.0"],
        ),
        (
            format!("\"test:prices/quotes\" = {{ path = {path:?} }}"),
            [
                "has no export `test:prices/quotes@1.0.0`",
                "test:prices/quotes@1.1.0",
            ],
        ),
        (
            "\"test:prices/quotes\" = { path = \"missing.wasm\" }".to_owned(),
            [
                "dependency `test:prices/quotes`",
                "missing.wasm does not exist",
            ],
        ),
    ] {
        let refusal = dependent(&dependency).refused();
        for text in texts {
            assert!(refusal.stderr.contains(text), "no `{text}` in {refusal}");
        }
    }
}
