//! `canary` of a component: its keys, their ranges and their presets.

use super::model::canary::{Canary, Sticky};
use super::reader::{Field, Table};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Reads the table where there is one.
pub(super) fn read(table: &mut Table<'_>) -> Option<Canary> {
    let mut table = table.optional("canary")?.table()?;
    let preset = Canary::default();
    let sticky = table.optional("sticky");
    let errors = table.optional("errors_max_percent_more");
    let p99 = table.optional("p99_max_ratio");
    let canary = Canary {
        sticky: sticky.and_then(|field| read_sticky(&field)),
        window_ms: table.number("window_ms", 1000..=HOUR_MS, preset.window_ms),
        calls_min: table.number("calls_min", 1..=1_000_000, preset.calls_min),
        errors_max_percent_more: errors
            .and_then(|field| field.fraction(0.0..=100.0))
            .unwrap_or(preset.errors_max_percent_more),
        p99_max_ratio: p99
            .and_then(|field| field.fraction(1.0..=1000.0))
            .unwrap_or(preset.p99_max_ratio),
    };
    table.finish();
    Some(canary)
}

fn read_sticky(field: &Field<'_>) -> Option<Sticky> {
    let text = field.string()?;
    let sticky = match text.split_once(':') {
        Some(("cookie", name)) if is_token(name) => Sticky::Cookie(name.to_owned()),
        Some(("header", name)) if is_token(name) => Sticky::Header(name.to_ascii_lowercase()),
        Some((kind @ ("cookie" | "header"), name)) => {
            let message = match name {
                "" => format!("the {kind} has no name"),
                name => format!("`{name}` cannot name a {kind}"),
            };
            field.refuse(
                message,
                "names have letters, digits and `-`, `_`, `.`: `\"cookie:session\"`, \
                 `\"header:x-user\"`",
            );
            return None;
        }
        _ => {
            field.refuse(
                format!("`{text}` names neither a cookie nor a header"),
                "write `\"cookie:NAME\"` or `\"header:NAME\"`",
            );
            return None;
        }
    };
    Some(sticky)
}

/// Whether it is what RFC 9110 calls a token, as names of headers and of cookies are.
fn is_token(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::manifest::model::canary::{Canary, Sticky};
    use crate::manifest::{LoadOptions, parse};

    /// What lines in the table mean; the first one is line 10.
    fn read(lines: &str) -> Result<Option<Canary>, Vec<String>> {
        let text = format!(
            "spin_manifest_version = 2\n[application]\nname = \"a\"\n[[trigger.http]]\n\
             route = \"/\"\ncomponent = \"c\"\n[component.c]\nsource = \"c.wasm\"\n{lines}\n"
        );
        let read = parse(&text, Path::new("/app/spin.toml"), &LoadOptions::default());
        let rule = read.map(|(manifest, _)| manifest.components["c"].settings.canary.clone());
        rule.map_err(|mistakes| {
            let line = |it: &crate::manifest::diagnostics::Diagnostic| {
                let key = it.key.replace("component.c.tool.kumiki.", "");
                format!("{key}: {}", it.message)
            };
            mistakes.iter().map(line).collect()
        })
    }

    fn table(lines: &str) -> Result<Option<Canary>, Vec<String>> {
        read(&format!("[component.c.tool.kumiki.canary]\n{lines}"))
    }

    #[test]
    fn without_the_table_there_is_no_rule_and_in_it_all_has_a_preset() {
        assert_eq!(read(""), Ok(None));
        assert_eq!(table(""), Ok(Some(Canary::default())));
    }

    #[test]
    fn every_key_is_read() {
        let rule = |sticky| Canary {
            sticky: Some(sticky),
            window_ms: 3_600_000,
            calls_min: 1,
            errors_max_percent_more: 0.5,
            p99_max_ratio: 3.0,
        };
        let rest = "window_ms = 3_600_000\ncalls_min = 1\nerrors_max_percent_more = 0.5\n\
                    p99_max_ratio = 3";
        let cookie = table(&format!("sticky = \"cookie:Session\"\n{rest}"));
        assert_eq!(cookie, Ok(Some(rule(Sticky::Cookie("Session".to_owned())))));
        let header = table(&format!("sticky = \"header:X-User\"\n{rest}"));
        assert_eq!(header, Ok(Some(rule(Sticky::Header("x-user".to_owned())))));
    }

    #[test]
    fn keys_stay_within_their_ranges() {
        let lines = "window_ms = 999\ncalls_min = 0\nerrors_max_percent_more = 100.1\n\
                     p99_max_ratio = 0.99\nsticki = \"cookie:a\"";
        let expected = [
            "canary.window_ms: 999 is out of range",
            "canary.calls_min: 0 is out of range",
            "canary.errors_max_percent_more: 100.1 is out of range",
            "canary.p99_max_ratio: 0.99 is out of range",
            "canary.sticki: unknown key; did you mean `sticky`?",
        ];
        assert_eq!(table(lines).unwrap_err(), expected);
        for (value, what) in [
            ("nan", "nan is out of range"),
            ("inf", "inf is out of range"),
            ("-1", "-1 is out of range"),
            ("\"2\"", "a number is wanted, this is a text"),
        ] {
            let found = table(&format!("p99_max_ratio = {value}")).unwrap_err();
            assert_eq!(found, [format!("canary.p99_max_ratio: {what}")]);
        }
        let found = read("[component.c.tool.kumiki]\ncanary = 10").unwrap_err();
        assert_eq!(found, ["canary: a table is wanted, this is a number"]);
    }

    #[test]
    fn a_name_that_no_cookie_or_header_can_have_is_refused() {
        for (sticky, what) in [
            ("session", "`session` names neither a cookie nor a header"),
            ("query:a", "`query:a` names neither a cookie nor a header"),
            ("cookie:", "the cookie has no name"),
            ("cookie:a=b", "`a=b` cannot name a cookie"),
            ("header:x user", "`x user` cannot name a header"),
            ("header:ä", "`ä` cannot name a header"),
        ] {
            let found = table(&format!("sticky = \"{sticky}\"")).unwrap_err();
            assert_eq!(found, [format!("canary.sticky: {what}")]);
        }
    }
}
