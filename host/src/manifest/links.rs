//! `links` and `composed_only` of a component: their forms, and what has to agree within the
//! manifest. Whether contracts match is judged where both artifacts are read.

use std::collections::BTreeMap;

use super::dependency::check_interface;
use super::model::{Component, ComposedOnly, FileMount};
use super::reader::{Field, Table};
use super::{Context, component};

/// What is checked once the whole component, or every component, is known.
#[derive(Default)]
pub(super) struct Draft<'t> {
    /// The components that its links name.
    pub(super) providers: Vec<(Field<'t>, String)>,
    /// The entries of `composed_only`.
    withheld: Vec<(Field<'t>, Entry)>,
}

/// One grant that a live service does not get, with the key that it stands under.
enum Entry {
    Text(&'static str, String),
    Files(FileMount),
}

/// Reads `links` and `composed_only`.
pub(super) fn read<'t>(
    context: &Context<'_>,
    table: &mut Table<'t>,
) -> (BTreeMap<String, String>, ComposedOnly, Draft<'t>) {
    let mut draft = Draft::default();
    let mut links = BTreeMap::new();
    let entries = table
        .optional("links")
        .and_then(|field| field.table())
        .map(|table| table.entries())
        .unwrap_or_default();
    for (import, field) in entries {
        if let Err((reason, mend)) = check_interface(import) {
            field.refuse_key(format!("`{import}` cannot be linked: {reason}"), mend);
        }
        if let Some(provider) = field.filled_string() {
            links.insert(import.to_owned(), provider.to_owned());
            draft.providers.push((field, provider.to_owned()));
        }
    }
    let Some(field) = table.optional("composed_only") else {
        return (links, ComposedOnly::default(), draft);
    };
    if draft.providers.is_empty() {
        field.refuse_key(
            "a grant can only be withheld from a service that links others in their place",
            "add `links`, or remove `composed_only` and the grants that nobody needs",
        );
    }
    let composed_only = read_composed_only(context, &field, &mut draft);
    (links, composed_only, draft)
}

fn read_composed_only<'t>(
    context: &Context<'_>,
    field: &Field<'t>,
    draft: &mut Draft<'t>,
) -> ComposedOnly {
    let Some(mut table) = field.table() else {
        return ComposedOnly::default();
    };
    let mut texts = |key: &'static str| -> Vec<String> {
        let entries = table.strings(key);
        let texts = entries.iter().map(|(_, text)| (*text).to_owned()).collect();
        let entries = entries
            .into_iter()
            .map(|(field, text)| (field, Entry::Text(key, text.to_owned())));
        draft.withheld.extend(entries);
        texts
    };
    let mut composed_only = ComposedOnly {
        key_value_stores: texts("key_value_stores"),
        sqlite_databases: texts("sqlite_databases"),
        allowed_outbound_hosts: texts("allowed_outbound_hosts"),
        variables: texts("variables"),
        environment: texts("environment"),
        files: Vec::new(),
    };
    let mounts = table
        .optional("files")
        .and_then(|field| field.elements())
        .unwrap_or_default();
    for element in mounts {
        if let Some(mount) = component::read_mount(context, &element) {
            composed_only.files.push(mount.clone());
            draft.withheld.push((element, Entry::Files(mount)));
        }
    }
    table.finish();
    composed_only
}

impl Draft<'_> {
    /// Checks that everything withheld is granted in the first place.
    pub(super) fn check(&self, component: &Component) {
        for (field, entry) in &self.withheld {
            let (key, is_granted) = match entry {
                Entry::Text(key, text) => (*key, is_granted(component, key, text)),
                Entry::Files(mount) => ("files", component.files.contains(mount)),
            };
            if !is_granted {
                field.refuse(
                    format!("it is not granted by `{key}`, so there is nothing to withhold"),
                    format!("add it to `{key}` of the component, or remove it here"),
                );
            }
        }
    }
}

fn is_granted(component: &Component, key: &str, text: &str) -> bool {
    let has = |list: &[String]| list.iter().any(|entry| entry == text);
    match key {
        "key_value_stores" => has(&component.key_value_stores),
        "sqlite_databases" => has(&component.sqlite_databases),
        "allowed_outbound_hosts" => has(&component.allowed_outbound_hosts),
        "variables" => component.variables.contains_key(text),
        _ => component.environment.contains_key(text),
    }
}

impl Component {
    /// Takes away the grants that only a composed artifact needs: what is left is what a live
    /// service gets. In a manifest that was read as a stock engine reads it, nothing is withheld.
    pub fn withhold_composed_only(&mut self) {
        let withheld = &self.settings.composed_only;
        let without = |list: &mut Vec<String>, withheld: &[String]| {
            list.retain(|entry| !withheld.contains(entry));
        };
        without(&mut self.key_value_stores, &withheld.key_value_stores);
        without(&mut self.sqlite_databases, &withheld.sqlite_databases);
        without(
            &mut self.allowed_outbound_hosts,
            &withheld.allowed_outbound_hosts,
        );
        self.variables
            .retain(|name, _| !withheld.variables.contains(name));
        self.environment
            .retain(|name, _| !withheld.environment.contains(name));
        self.files.retain(|mount| !withheld.files.contains(mount));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::manifest::model::{FileMount, Manifest};
    use crate::manifest::{LoadOptions, parse};

    /// A manifest of two components; `cart` has more lines and, in our table, yet more.
    fn manifest(lines: &str, ours: &str, stock: bool) -> Result<Manifest, String> {
        let text = format!(
            "spin_manifest_version = 2\n[application]\nname = \"a\"\n[[trigger.http]]\n\
             route = \"/\"\ncomponent = \"cart\"\n[component.catalog]\nsource = \"b.wasm\"\n\
             [component.cart]\nsource = \"a.wasm\"\n{lines}\n[component.cart.tool.kumiki]\n{ours}\n"
        );
        let options = LoadOptions {
            stock,
            ..LoadOptions::default()
        };
        parse(&text, Path::new("/app/spin.toml"), &options)
            .map(|(manifest, _)| manifest)
            .map_err(|mistakes| mistakes.to_string())
    }

    const LINK: &str = "links = { \"store:catalog/products@1.0.0\" = \"catalog\" }\n";
    const GRANTS: &str = "key_value_stores = [\"cart\", \"catalog\"]\nfiles = [\"a/*\", \
                          { source = \"b\", destination = \"/b\" }]\nenvironment = { A = \"1\" }";

    #[test]
    fn a_link_names_an_interface_with_its_version_and_another_component() {
        let mistakes = |link: &str| {
            manifest("", &format!("links = {{ {link} }}"), false)
                .err()
                .unwrap()
        };
        for (link, part) in [
            (
                "\"store:catalog/products\" = \"catalog\"",
                "write `store:catalog/products@1.0.0`, with the version that",
            ),
            (
                "\"store:catalog\" = \"catalog\"",
                "names a package, not one",
            ),
            ("products = \"catalog\"", "it names no package"),
            ("\"a:b/c@1.0.0\" = \"catalgo\"", "did you mean `catalog`?"),
            (
                "\"a:b/c@1.0.0\" = \"other\"",
                "there is no component `other`",
            ),
        ] {
            let mistakes = mistakes(link);
            assert!(mistakes.contains(part), "{link}\n{mistakes}");
            assert!(mistakes.contains("spin.toml:13:"), "{mistakes}");
        }
        assert!(manifest("", LINK, false).is_ok());
        assert!(manifest("", "links = { products = \"x\" }", true).is_ok());
    }

    #[test]
    fn only_what_is_granted_can_be_withheld() {
        let mistakes = |ours: &str| manifest(GRANTS, ours, false).err().unwrap();
        for (withheld, part) in [
            ("key_value_stores = [\"catalgo\"]", "not granted by `key_v"),
            ("environment = [\"B\"]", "not granted by `environment`"),
            ("files = [\"b/*\"]", "not granted by `files`"),
            ("key_value_store = []", "did you mean `key_value_stores`?"),
        ] {
            let mistakes = mistakes(&format!("{LINK}composed_only = {{ {withheld} }}"));
            assert!(mistakes.contains(part), "{withheld}\n{mistakes}");
        }
        let alone = mistakes("composed_only = { key_value_stores = [\"catalog\"] }");
        assert!(alone.contains("add `links`"), "{alone}");
    }

    #[test]
    fn a_live_service_goes_without_what_is_withheld() {
        let ours = format!(
            "{LINK}composed_only = {{ key_value_stores = [\"catalog\"], environment = [\"A\"], \
             files = [{{ source = \"b\", destination = \"/b\" }}] }}"
        );
        let live = |stock| {
            let mut manifest = manifest(GRANTS, &ours, stock).unwrap();
            let mut cart = manifest.components.remove("cart").unwrap();
            cart.withhold_composed_only();
            cart
        };
        let cart = live(false);
        assert_eq!(cart.key_value_stores, ["cart"]);
        assert_eq!(cart.files, [FileMount::Glob("a/*".to_owned())]);
        assert!(cart.environment.is_empty());
        let stock = live(true);
        assert_eq!(stock.key_value_stores, ["cart", "catalog"]);
        assert_eq!((stock.files.len(), stock.environment.len()), (2, 1));
    }
}
