//! What tells the settings of two revisions apart: a digest of all that the manifest says of a
//! component but where its WebAssembly is and how it is built.

use sha2::{Digest, Sha256};
use toml::{Table, Value};

/// Keys of a component that its revision does not depend on.
const OTHERS: [&str; 3] = ["source", "description", "build"];

/// The digests of all components of a manifest.
#[derive(Default)]
pub struct SettingsDigests {
    components: Table,
    /// The declarations of the app's variables, as text.
    variables: String,
}

impl SettingsDigests {
    /// Of a manifest that was read without a mistake; any other one has no components.
    pub fn of(text: &str) -> Self {
        let mut manifest: Table = text.parse().unwrap_or_default();
        let mut table = |key: &str| match manifest.remove(key) {
            Some(Value::Table(table)) => table,
            _ => Table::new(),
        };
        Self {
            components: table("component"),
            variables: table("variables").to_string(),
        }
    }

    /// The digest of one component's settings. An inline component of a trigger has those of its
    /// id.
    pub fn get(&self, id: &str) -> String {
        let mut settings = match self.components.get(id) {
            Some(Value::Table(table)) => table.clone(),
            _ => Table::new(),
        };
        for key in OTHERS {
            settings.remove(key);
        }
        if let Some(ours) = ours(&mut settings) {
            ours.remove("source");
        }
        // Keys of a table are in their order whatever the order in the file.
        let mut text = settings.to_string();
        if text.contains("{{") || settings.contains_key("variables") {
            text.push_str(&self.variables);
        }
        hex::encode(Sha256::digest(text))
    }
}

/// The table `tool.kumiki`.
fn ours(settings: &mut Table) -> Option<&mut Table> {
    let tool = settings.get_mut("tool")?.as_table_mut()?;
    tool.get_mut("kumiki")?.as_table_mut()
}

#[cfg(test)]
mod tests {
    use super::SettingsDigests;

    fn digest(component: &str, rest: &str) -> String {
        let text = format!("[component.a]\n{component}\n{rest}");
        SettingsDigests::of(&text).get("a")
    }

    #[test]
    fn only_what_the_service_sees_counts() {
        let plain = digest("source = \"a.wasm\"\nkey_value_stores = [\"a\"]", "");
        let same = digest(
            "key_value_stores = [\"a\"]\nsource = \"b.wasm\"\ndescription = \"d\"",
            "[component.b]\nsource = \"b.wasm\"\n[variables]\nv = { default = \"1\" }",
        );
        assert_eq!(plain, same);
        let sources = "[component.a.tool.kumiki]\nsource = \"live.wasm\"";
        let live = digest("key_value_stores = [\"a\"]", sources);
        let other = digest(
            "key_value_stores = [\"a\"]",
            &sources.replace("live", "next"),
        );
        assert_eq!(live, other);
        let limited = format!("{sources}\ntimeout_ms = 5");
        assert_ne!(live, digest("key_value_stores = [\"a\"]", &limited));
        assert_ne!(plain, digest("key_value_stores = []", ""));
    }

    #[test]
    fn variables_count_where_they_are_used() {
        let variables = |default: &str| format!("[variables]\nv = {{ default = \"{default}\" }}");
        let used = "allowed_outbound_hosts = [\"https://{{ v }}\"]";
        assert_ne!(digest(used, &variables("1")), digest(used, &variables("2")));
        assert_eq!(digest("", &variables("1")), digest("", &variables("2")));
    }
}
