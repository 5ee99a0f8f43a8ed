//! Whether a composed artifact has the grants of everything inside: a provider that lives in
//! another component's sandbox has only what that component is granted.
//!
//! What the component has for this alone is its `composed_only`; that has to be exactly what is
//! missing otherwise.

use std::collections::BTreeMap;

use super::shown;
use crate::manifest::model::{Component, FileMount, Manifest};

/// By what is needed, as it is written in the manifest: who needs it.
type Needed = BTreeMap<String, String>;

/// All differences, each with the lines to write. `parts` are the components inside, the outermost
/// among them.
pub(super) fn check(
    manifest: &Manifest,
    component: &Component,
    parts: &[&Component],
) -> Vec<String> {
    let providers: Vec<Component> = parts
        .iter()
        .filter(|part| part.id != component.id)
        .map(|part| {
            let mut live = (*part).clone();
            live.withhold_composed_only();
            live
        })
        .collect();
    let withheld = &component.settings.composed_only;
    let mut check = Check {
        component,
        differences: Vec::new(),
    };
    let mounts = |files: &[FileMount]| files.iter().map(|file| mount(manifest, file)).collect();
    check.texts(
        "key_value_stores",
        (&component.key_value_stores, &withheld.key_value_stores),
        &needed(&providers, |provider| provider.key_value_stores.clone()),
    );
    check.texts(
        "sqlite_databases",
        (&component.sqlite_databases, &withheld.sqlite_databases),
        &needed(&providers, |provider| provider.sqlite_databases.clone()),
    );
    check.texts(
        "allowed_outbound_hosts",
        (
            &component.allowed_outbound_hosts,
            &withheld.allowed_outbound_hosts,
        ),
        &needed(&providers, |provider| {
            provider.allowed_outbound_hosts.clone()
        }),
    );
    check.lists(
        "files",
        (&mounts(&component.files), &mounts(&withheld.files)),
        &needed(&providers, |provider| mounts(&provider.files)),
    );
    check.tables(
        "variables",
        (&component.variables, &withheld.variables),
        &providers,
        |provider| &provider.variables,
    );
    check.tables(
        "environment",
        (&component.environment, &withheld.environment),
        &providers,
        |provider| &provider.environment,
    );
    check.differences
}

fn needed(providers: &[Component], grants: impl Fn(&Component) -> Vec<String>) -> Needed {
    let mut needed = Needed::new();
    for provider in providers {
        for grant in grants(provider) {
            needed.entry(grant).or_insert_with(|| provider.id.clone());
        }
    }
    needed
}

/// A mount as the manifest writes it.
fn mount(manifest: &Manifest, file: &FileMount) -> String {
    match file {
        FileMount::Glob(glob) => format!("{glob:?}"),
        FileMount::Placement {
            source,
            destination,
        } => {
            let source = shown(manifest, source);
            format!("{{ source = {source:?}, destination = {destination:?} }}")
        }
    }
}

struct Check<'c> {
    component: &'c Component,
    differences: Vec<String>,
}

impl Check<'_> {
    /// A list of texts, which stand in the manifest in quotes.
    fn texts(
        &mut self,
        key: &str,
        (granted, withheld): (&[String], &[String]),
        needed: &BTreeMap<String, String>,
    ) {
        let quoted = |list: &[String]| list.iter().map(|text| format!("{text:?}")).collect();
        let needed = needed
            .iter()
            .map(|(text, provider)| (format!("{text:?}"), provider.clone()))
            .collect();
        self.lists(key, (&quoted(granted), &quoted(withheld)), &needed);
    }

    fn lists(
        &mut self,
        key: &str,
        (granted, withheld): (&Vec<String>, &Vec<String>),
        all: &Needed,
    ) {
        let id = &self.component.id;
        let missing: Vec<&String> = all.keys().filter(|text| !granted.contains(text)).collect();
        if !missing.is_empty() {
            let whom = missing.iter().filter_map(|text| {
                let provider = all.get(*text)?;
                Some(format!("{text} for `{provider}`"))
            });
            let with = |list: &[String]| {
                let all = list.iter().chain(missing.iter().copied());
                all.cloned().collect::<Vec<_>>().join(", ")
            };
            self.differences.push(format!(
                "its composed artifact lacks grants of `{key}`: {}\n  \
                 write `{key} = [{}]` under [component.{id}]\n  \
                 and `composed_only.{key} = [{}]` under [component.{id}.tool.kumiki]",
                whom.collect::<Vec<_>>().join(", "),
                with(granted),
                with(withheld),
            ));
        }
        let unneeded = withheld.iter().filter(|text| !all.contains_key(*text));
        let unneeded: Vec<String> = unneeded.cloned().collect();
        self.unneeded(key, &unneeded);
    }

    fn unneeded(&mut self, key: &str, unneeded: &[String]) {
        if !unneeded.is_empty() {
            self.differences.push(format!(
                "`composed_only.{key}` has what nothing inside its artifact needs: {}\n  \
                 remove it there, and from `{key}` of [component.{}] unless the live component \
                 needs it",
                unneeded.join(", "),
                self.component.id,
            ));
        }
    }

    /// A table of names and values, of which `composed_only` has the names. One name cannot have
    /// two values in one artifact.
    fn tables(
        &mut self,
        key: &str,
        (granted, withheld): (&BTreeMap<String, String>, &[String]),
        providers: &[Component],
        grants: impl Fn(&Component) -> &BTreeMap<String, String>,
    ) {
        let id = &self.component.id;
        let (mut lines, mut names) = (Vec::new(), withheld.to_vec());
        let mut known: BTreeMap<&str, (&str, &str)> = granted
            .iter()
            .map(|(name, value)| (name.as_str(), (value.as_str(), id.as_str())))
            .collect();
        let mut conflicts = Vec::new();
        for provider in providers {
            for (name, value) in grants(provider) {
                match known.get(name.as_str()) {
                    Some((other, _)) if other == value => {}
                    Some((_, whose)) => conflicts.push(format!(
                        "`{name}` of `{key}` has one value in `{whose}` and another in `{}`, which \
                         cannot both be in its artifact; rename one of them",
                        provider.id
                    )),
                    None => {
                        known.insert(name, (value, &provider.id));
                        lines.push(format!("{name} = {value:?}"));
                        names.push(name.clone());
                    }
                }
            }
        }
        self.differences.extend(conflicts);
        if !lines.is_empty() {
            self.differences.push(format!(
                "its composed artifact lacks `{key}` of what is inside\n  \
                 add `{}` under [component.{id}.{key}]\n  \
                 and `composed_only.{key} = {names:?}` under [component.{id}.tool.kumiki]",
                lines.join("`, `"),
            ));
        }
        let is_needed = |name: &String| providers.iter().any(|it| grants(it).contains_key(name));
        let unneeded: Vec<String> = withheld
            .iter()
            .filter(|name| !is_needed(name))
            .map(|name| format!("{name:?}"))
            .collect();
        self.unneeded(key, &unneeded);
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::cli::sample::manifest;

    fn differences(cart: &str, ours: &str) -> Vec<String> {
        let manifest = manifest(&format!(
            r#"
            [[trigger.http]]
            route = "/"
            component = "cart"
            [variables]
            a = {{ default = "1" }}
            [component.catalog]
            source = "catalog.wasm"
            key_value_stores = ["catalog", "prices"]
            variables = {{ level = "{{{{ a }}}}" }}
            files = ["list/*"]
            [component.catalog.tool.kumiki]
            links = {{ "a:b/c@1.0.0" = "prices" }}
            composed_only = {{ key_value_stores = ["prices"] }}
            [component.prices]
            source = "prices.wasm"
            key_value_stores = ["prices"]
            allowed_outbound_hosts = ["https://bank.example"]
            [component.cart]
            source = "composed.wasm"
            {cart}
            [component.cart.tool.kumiki]
            source = "cart.wasm"
            links = {{ "a:b/d@1.0.0" = "catalog" }}
            {ours}
            "#
        ));
        let parts: Vec<_> = manifest.components.values().collect();
        check(&manifest, &manifest.components["cart"], &parts)
    }

    const GRANTS: &str = r#"key_value_stores = ["cart", "catalog", "prices"]
        files = ["list/*"]
        allowed_outbound_hosts = ["https://bank.example", "https://mail.example"]
        variables = { level = "{{ a }}" }"#;

    #[test]
    fn grants_that_cover_everything_inside_are_fine() {
        let ours = r#"composed_only = { key_value_stores = ["catalog", "prices"],
            files = ["list/*"], variables = ["level"] }"#;
        assert_eq!(differences(GRANTS, ours), [""; 0]);
        assert_eq!(differences(GRANTS, ""), [""; 0]);
    }

    #[test]
    fn each_missing_grant_is_named_with_the_lines_to_write() {
        let found = differences(r#"key_value_stores = ["cart"]"#, "").join("\n");
        for line in [
            r#"lacks grants of `key_value_stores`: "catalog" for `catalog`, "prices" for `prices`"#,
            r#"`key_value_stores = ["cart", "catalog", "prices"]` under [component.cart]"#,
            r#"`composed_only.key_value_stores = ["catalog", "prices"]` under [component.cart."#,
            r#"lacks grants of `files`: "list/*" for `catalog`"#,
            r#"lacks grants of `allowed_outbound_hosts`: "https://bank.example" for `prices`"#,
            r#"add `level = "{{ a }}"` under [component.cart.variables]"#,
        ] {
            assert!(found.contains(line), "{line}\n---\n{found}");
        }
    }

    #[test]
    fn what_nothing_inside_needs_must_not_be_withheld() {
        let ours = r#"composed_only = { key_value_stores = ["cart", "prices"],
            allowed_outbound_hosts = ["https://mail.example"] }"#;
        let found = differences(GRANTS, ours).join("\n");
        for line in [
            "`composed_only.key_value_stores` has what nothing inside its artifact needs: \"cart\"",
            "`composed_only.allowed_outbound_hosts` has what nothing inside",
        ] {
            assert!(found.contains(line), "{line}\n---\n{found}");
        }
    }

    #[test]
    fn one_name_cannot_mean_two_things() {
        let grants = GRANTS.replace("{{ a }}", "2");
        let found = differences(&grants, "").join("\n");
        assert!(
            found.contains("`level` of `variables` has one value in `cart`"),
            "{found}"
        );
    }
}
