//! Who may import what: modules of the host import only what stands below them in the layout of its
//! library, capabilities do not import each other, and the types of wasmtime and of HTTP stay where
//! they belong. Test code may bring any parts together.

use syn::visit::{self, Visit};

use crate::Violation;
use crate::tree::SourceFile;

pub const GLOB: &str = "glob import";
pub const DIRECTION: &str = "import upwards";
pub const SIDEWAYS: &str = "import between capabilities";
pub const FOREIGN_TYPES: &str = "foreign types";
pub const LIBRARY: &str = "library";

/// Crates whose types stay in some modules: the crate, and the modules' paths.
const HOMES: [(&str, &[&str]); 5] = [
    ("wasmtime", &["runtime", "capabilities"]),
    ("wasmtime_wasi", &["runtime", "capabilities"]),
    // The gateway hands bodies over as wasi:http has them.
    (
        "wasmtime_wasi_http",
        &["runtime", "capabilities", "gateway", "events"],
    ),
    ("http", &HTTP_HOMES),
    ("hyper", &["admin", "gateway", "capabilities::http_out"]),
];

/// Where a request or an answer passes on its way between the gateway and a guest.
const HTTP_HOMES: [&str; 10] = [
    "admin",
    "events",
    "gateway",
    "runtime::service",
    "runtime::handler",
    "runtime::answer",
    "runtime::atomic",
    "runtime::instance",
    "capabilities::invocation",
    "capabilities::http_out",
];

/// The module that capabilities share; what else they have in common lies below them.
const SHARED_CAPABILITY: &str = "invocation";

/// The modules of the host in the order of its library's `# Layout`.
pub fn layout(library: &SourceFile) -> Vec<String> {
    let lines = library
        .text
        .lines()
        .skip_while(|line| !line.starts_with("//! # Layout"));
    let names = lines.filter_map(|line| line.strip_prefix("//! - [`")?.split('`').next());
    let layout: Vec<String> = names.map(str::to_owned).collect();
    assert!(
        layout.len() > 5,
        "the layout of {} is {layout:?}",
        library.path
    );
    layout
}

/// The library is documentation and modules, no logic, and its layout names every module.
pub fn library(file: &SourceFile) -> Vec<Violation> {
    let layout = layout(file);
    let violation = |subject: String, detail: &str| Violation {
        rule: LIBRARY,
        path: file.path.clone(),
        subject,
        detail: detail.to_owned(),
    };
    let items = file.syntax().items;
    let problems = items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) if module.content.is_none() => {
            let name = module.ident.to_string();
            let missing = !layout.contains(&name);
            missing.then(|| violation(name, "is not in the `# Layout`"))
        }
        _ => Some(violation(
            "an item".to_owned(),
            "the library has modules and no logic",
        )),
    });
    problems.collect()
}

/// Finds `use …::*`. In test code `use super::*` and the preludes of test libraries are the custom.
pub fn globs(file: &SourceFile) -> Vec<Violation> {
    let mut uses = Uses::default();
    uses.visit_file(&file.syntax());
    let is_custom = |path: &[String], in_test: bool| {
        let is_prelude = path.last().is_some_and(|step| step == "prelude");
        (in_test || file.is_test()) && (is_prelude || path.iter().all(|step| step == "super"))
    };
    let globs = uses.found.into_iter().filter_map(|(mut path, in_test)| {
        let is_glob = path.pop_if(|step| step == "*").is_some();
        (is_glob && !is_custom(&path, in_test)).then(|| path.join("::"))
    });
    globs
        .map(|subject| Violation {
            rule: GLOB,
            path: file.path.clone(),
            subject,
            detail: "name what is imported".to_owned(),
        })
        .collect()
}

/// Finds what a file of the host names that it should not know.
pub fn directions(file: &SourceFile, layout: &[String]) -> Vec<Violation> {
    let Some(module) = host_module(&file.path).filter(|_| !file.is_test()) else {
        return Vec::new();
    };
    let mut uses = Uses::default();
    uses.visit_file(&file.syntax());
    let outside_tests = uses.found.into_iter().filter(|(_, in_test)| !in_test);
    let mut violations: Vec<Violation> = Vec::new();
    for (path, _) in outside_tests {
        let path = absolute(&module, path);
        if let Some((rule, subject, detail)) = judge(&module, &path, layout) {
            let known = violations
                .iter()
                .any(|old| old.rule == rule && old.subject == subject);
            if !known {
                violations.push(Violation {
                    rule,
                    path: file.path.clone(),
                    subject,
                    detail,
                });
            }
        }
    }
    violations
}

/// The module path of a file of the host: `host/src/gateway/routes.rs` is `gateway::routes`.
fn host_module(path: &str) -> Option<Vec<String>> {
    let inside = path.strip_prefix("host/src/")?.strip_suffix(".rs")?;
    let steps = inside.split('/').map(str::to_owned).collect();
    (inside != "lib" && inside != "main").then_some(steps)
}

/// Resolves `crate`, `self` and `super` at the start of a path. In a module within a file `super`
/// leads to a place nearer by, which never makes an import look worse than it is.
fn absolute(module: &[String], path: Vec<String>) -> Vec<String> {
    let mut base = module.to_vec();
    let mut steps = path.into_iter().peekable();
    match steps.peek().map(String::as_str) {
        Some("crate") => base.clear(),
        Some("self" | "super") => {}
        _ => return steps.collect(),
    }
    let mut resolved = vec!["crate".to_owned()];
    while let Some(step) = steps.next_if(|step| ["crate", "self", "super"].contains(&&**step)) {
        if step == "super" {
            base.pop();
        }
    }
    resolved.extend(base);
    resolved.extend(steps);
    resolved
}

/// What is wrong with a module naming a path: rule, subject and detail.
fn judge(
    module: &[String],
    path: &[String],
    layout: &[String],
) -> Option<(&'static str, String, String)> {
    let from = &module[0];
    let place = |name: &String| layout.iter().position(|known| known == name);
    if path[0] == "crate" {
        let to = path.get(1)?;
        let (above, below) = (place(from)?, place(to)?);
        if below < above {
            let detail = format!("`{from}` stands below `{to}` in the layout of host/src/lib.rs");
            return Some((DIRECTION, format!("crate::{to}"), detail));
        }
        let sibling = (from == "capabilities" && to == "capabilities").then(|| path.get(2))??;
        let is_other = module.get(1).is_some_and(|own| own != sibling);
        let is_module = sibling.starts_with(|first: char| first.is_ascii_lowercase());
        if is_other && is_module && sibling != SHARED_CAPABILITY {
            let detail = "what capabilities share lies below them".to_owned();
            return Some((SIDEWAYS, format!("crate::capabilities::{sibling}"), detail));
        }
        return None;
    }
    let (_, homes) = HOMES.iter().find(|(name, _)| *name == path[0])?;
    let own = module.join("::");
    let at_home = homes
        .iter()
        .any(|home| own == *home || own.starts_with(&format!("{home}::")));
    (!at_home).then(|| {
        let detail = format!("its types stay in {}", homes.join(", "));
        (FOREIGN_TYPES, path[0].clone(), detail)
    })
}

/// Every path that a file names, split at `::`, and whether test code names it.
#[derive(Default)]
struct Uses {
    found: Vec<(Vec<String>, bool)>,
    in_test: bool,
}

impl Uses {
    fn add(&mut self, path: Vec<String>) {
        self.found.push((path, self.in_test));
    }

    fn add_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.add(with(&name.ident)),
            syn::UseTree::Rename(rename) => self.add(with(&rename.ident)),
            syn::UseTree::Glob(_) => self.add([before, &["*".to_owned()]].concat()),
            syn::UseTree::Group(group) => {
                group
                    .items
                    .iter()
                    .for_each(|tree| self.add_tree(before, tree));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let outer = self.in_test;
        self.in_test |= is_test_only(&item.attrs);
        self.add_tree(&[], &item.tree);
        self.in_test = outer;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        // A single name is a local one, which its import or declaration already brought in.
        if path.segments.len() > 1 {
            self.add(
                path.segments
                    .iter()
                    .map(|segment| segment.ident.to_string())
                    .collect(),
            );
        }
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let outer = self.in_test;
        self.in_test |= is_test_only(&module.attrs);
        visit::visit_item_mod(self, module);
        self.in_test = outer;
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let outer = self.in_test;
        self.in_test |= is_test_only(&function.attrs);
        visit::visit_item_fn(self, function);
        self.in_test = outer;
    }
}

/// Whether an item is there for tests alone: `#[cfg(test)]`.
fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute
            .path()
            .is_ident("cfg")
            .then(|| attribute.meta.require_list().ok());
        condition
            .flatten()
            .is_some_and(|list| list.tokens.to_string() == "test")
    })
}
