//! `kumiki graph`: what it draws through the real binary, with nothing built, and that the maps in
//! the pages of `docs/` are those of the root app.

use std::path::{Path, PathBuf};

use kumiki_tests::app::{App, Service};
use kumiki_tests::guests::workspace;
use kumiki_tests::host::{Refusal, run};
use tempfile::TempDir;

/// Two services, of which one calls the other; no artifact is there.
fn shop() -> App {
    let artifact = "\"nothing.wasm\"";
    let cart = Service::new("cart", "hello_two").source(artifact);
    let catalog = Service::new("catalog", "hello_two").source(artifact);
    App::new([
        cart.route("/cart/:id")
            .link("store:catalog/products@1.0.0", "catalog")
            .setting("schedules = [{ cron = \"0 3 * * *\", path = \"/nightly\" }]"),
        catalog.private(),
    ])
}

fn written(app: &App) -> TempDir {
    let folder = TempDir::new().unwrap();
    app.write(folder.path());
    folder
}

/// What a command that succeeds prints.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let run = run(folder, arguments);
    assert!(run.status.success() && run.stderr.is_empty(), "{run}");
    run.stdout
}

fn refused(folder: &Path, arguments: &[&str]) -> Refusal {
    let run = run(folder, arguments);
    assert!(!run.status.success() && run.stdout.is_empty(), "{run}");
    run
}

const LINKS: &str = "```mermaid\n\
    flowchart LR\n    \
        service_cart[\"cart\"]\n    \
        service_catalog[\"catalog\"]\n    \
        service_cart -->|\"products\"| service_catalog\n\
    ```\n";

#[test]
fn the_map_is_drawn_from_the_manifest_alone() {
    let folder = written(&shop());
    let links = printed(folder.path(), &["graph", "--part", "links"]);
    assert_eq!(links, LINKS);
    let manifest = folder.path().join("spin.toml");
    let file = ["graph", "-f", manifest.to_str().unwrap()];
    let all = printed(Path::new("/"), &file);
    assert!(all.contains(&format!("## Links\n\n{LINKS}\n## Events\n")));
    assert!(all.contains("(\"/cart/#58;id\")"), "{all}");
    assert_eq!(all.matches("```mermaid\n").count(), 3, "{all}");
    assert_eq!(printed(folder.path(), &["graph"]), all);
}

#[test]
fn the_maps_of_a_page_are_drawn_anew_in_their_places() {
    let folder = written(&shop());
    let page = |links: &str| {
        format!("# Store\n\n<!-- kumiki graph --part links -->\n{links}<!-- end -->\n\nText.\n")
    };
    let path = folder.path().join("page.md");
    std::fs::write(&path, page("An older map.\n")).unwrap();
    let write = ["graph", "--write", "page.md"];
    assert_eq!(printed(folder.path(), &write), "page.md is drawn anew.\n");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), page(LINKS));
    assert_eq!(
        printed(folder.path(), &write),
        "page.md is as the manifest is.\n"
    );
    std::fs::write(&path, "# Store\n\n<!-- kumiki graph -->\n").unwrap();
    let unended = refused(folder.path(), &write);
    assert_eq!(unended.status.code(), Some(1));
    let text = "page.md: line 3: `<!-- kumiki graph -->` has no `<!-- end -->` after it";
    assert!(unended.stderr.contains(text), "{unended}");
    let missing = refused(folder.path(), &["graph", "--write", "nowhere.md"]);
    assert!(
        missing.stderr.contains("nowhere.md cannot be read"),
        "{missing}"
    );
}

#[test]
fn mistakes_name_their_line_and_mend() {
    let folder = written(&App::new([
        Service::new("cart", "hello_two").line("key_value_store = [\"cart\"]")
    ]));
    let typo = refused(folder.path(), &["graph"]);
    assert_eq!(typo.status.code(), Some(1));
    let line = line_of(folder.path(), "key_value_store");
    let place = format!("spin.toml:{line}:1: component.cart.key_value_store: unknown key");
    for text in [place.as_str(), "did you mean `key_value_stores`?"] {
        assert!(typo.stderr.contains(text), "no `{text}` in {typo}");
    }
    let both = refused(folder.path(), &["graph", "--part", "links", "--write", "a"]);
    assert_eq!(both.status.code(), Some(2), "{both}");
}

/// The number of the manifest's line that begins with `text`.
fn line_of(folder: &Path, text: &str) -> usize {
    let manifest = std::fs::read_to_string(folder.join("spin.toml")).unwrap();
    let mut lines = (1..).zip(manifest.lines());
    let line = lines.find(|(_, line)| line.starts_with(text));
    line.unwrap().0
}

/// The pages that show a map of the root app.
fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(workspace().join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    let is_drawn = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .any(|line| line.starts_with("<!-- kumiki graph"))
    };
    docs.filter(is_drawn).collect()
}

#[test]
fn the_maps_in_the_documentation_are_those_of_the_app() {
    let manifest = workspace().join("spin.toml");
    let manifest = manifest.to_str().unwrap();
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("page.md");
    for page in pages() {
        std::fs::copy(&page, &copy).unwrap();
        printed(
            folder.path(),
            &["graph", "-f", manifest, "--write", "page.md"],
        );
        let [shown, drawn] = [&page, &copy].map(|path| std::fs::read_to_string(path).unwrap());
        assert!(
            shown == drawn,
            "{} does not show the app of spin.toml; run `kumiki graph --write {0}`",
            page.strip_prefix(workspace()).unwrap().display(),
        );
    }
}
