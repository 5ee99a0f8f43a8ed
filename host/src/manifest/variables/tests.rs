//! Precedence, missing values, files, and that secrets stay secret.

use std::io::Write;

use proptest::prelude::*;

use super::*;

fn declare(name: &str, default: Option<&str>, secret: bool) -> (String, VariableDeclaration) {
    let default = default.map(str::to_owned);
    (
        name.to_owned(),
        VariableDeclaration {
            description: None,
            default,
            secret,
        },
    )
}

fn no_environment(_: &str) -> Option<String> {
    None
}

fn resolve(
    declarations: &[(String, VariableDeclaration)],
    command_line: &[(&str, &str)],
    providers: &[VariablesProvider],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Resolver, VariableError> {
    let declarations = declarations.iter().cloned().collect();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let command_line = command_line.iter().map(owned).collect();
    let sources = Sources {
        command_line: &command_line,
        providers,
        environment,
        dotenv: None,
    };
    Resolver::new(&declarations, &sources)
}

fn fixed(name: &str, value: &str) -> VariablesProvider {
    VariablesProvider::Static {
        values: [(name.to_owned(), value.to_owned())].into(),
    }
}

fn file(suffix: &str, text: &str) -> tempfile::TempPath {
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.into_temp_path()
}

#[test]
fn the_first_source_that_has_a_value_wins() {
    let declared = ["a", "b", "c", "d", "e"].map(|name| declare(name, Some("default"), false));
    let providers = [
        VariablesProvider::Env {
            prefix: Some("APP".to_owned()),
            dotenv_path: None,
        },
        fixed("a", "static"),
        fixed("b", "static"),
        fixed("c", "static"),
    ];
    let environment = |name: &str| match name {
        "APP_A" | "APP_B" => Some("prefixed".to_owned()),
        "SPIN_VARIABLE_C" | "SPIN_VARIABLE_D" => Some("environment".to_owned()),
        _ => None,
    };
    let resolver = resolve(&declared, &[("a", "given")], &providers, &environment).unwrap();
    let values = ["a", "b", "c", "d", "e"].map(|name| resolver.value(name).unwrap());
    assert_eq!(
        values,
        ["given", "prefixed", "static", "environment", "default"]
    );
}

#[test]
fn a_file_of_environment_variables_comes_after_the_environment() {
    let dotenv = file(
        ".env",
        "# comment\nSPIN_VARIABLE_A=\"from file\"\nSPIN_VARIABLE_B=file\n",
    );
    let declarations = [declare("a", None, false), declare("b", None, false)].into();
    let environment = |name: &str| (name == "SPIN_VARIABLE_B").then(|| "set".to_owned());
    let mut sources = Sources {
        command_line: &BTreeMap::new(),
        providers: &[],
        environment: &environment,
        dotenv: Some(&dotenv),
    };
    let resolver = Resolver::new(&declarations, &sources).unwrap();
    assert_eq!(resolver.value("a"), Some("from file"));
    assert_eq!(resolver.value("b"), Some("set"));
    sources.dotenv = Some(Path::new("/nowhere/.env"));
    assert!(matches!(
        Resolver::new(&declarations, &sources),
        Err(VariableError::Missing(_))
    ));
}

#[test]
fn all_missing_variables_are_named_with_the_way_to_set_them() {
    let mut declared = vec![declare("api_key", None, true), declare("zone", None, false)];
    declared[1].1.description = Some("where it runs".to_owned());
    let error = resolve(&declared, &[], &[], &no_environment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 required variables have no value:\
         \n  `api_key`: give `--variable api_key=…`, or set SPIN_VARIABLE_API_KEY\
         \n  `zone` (where it runs): give `--variable zone=…`, or set SPIN_VARIABLE_ZONE"
    );
}

#[test]
fn errors_hold_no_values() {
    let declared = [declare("a", None, true)];
    let dotenv = file(".env", "SPIN_VARIABLE_A=\"hunter2\n");
    let provider = VariablesProvider::Env {
        prefix: None,
        dotenv_path: Some(dotenv.to_path_buf()),
    };
    let error = resolve(&declared, &[], &[provider], &no_environment).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn templates_expand_and_unknown_variables_are_named() {
    let declared = [declare("host", Some("example.com"), false)];
    let resolver = resolve(&declared, &[], &[], &no_environment).unwrap();
    assert_eq!(
        resolver.expand("https://{{ host }}/").unwrap(),
        "https://example.com/"
    );
    assert_eq!(
        resolver.expand("{{ hst }}").unwrap_err().to_string(),
        "variable `hst` is not declared; did you mean `host`?"
    );
    assert!(matches!(
        resolver.expand("{{ host"),
        Err(VariableError::Template(_))
    ));
}

#[test]
fn secrets_are_neither_shown_nor_left_in_text() {
    let declared = [
        declare("long", Some("hunter2000"), true),
        declare("short", Some("hunter2"), true),
        declare("empty", Some(""), true),
        declare("open", Some("plain"), false),
    ];
    let resolver = resolve(&declared, &[], &[], &no_environment).unwrap();
    let shown = format!("{resolver:?} {declared:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("plain"), "{shown}");
    assert_eq!(
        resolver.redact("a hunter2000 and hunter2 are plain"),
        "a [secret] and [secret] are plain"
    );
}

proptest! {
    #[test]
    fn no_secret_is_left_after_redaction(secret in "[a-z]{3,9}", text in "[a-z ]{0,40}") {
        prop_assume!(!REDACTED.contains(&secret));
        let declared = [declare("s", Some(&secret), true)];
        let resolver = resolve(&declared, &[], &[], &no_environment).unwrap();
        let redacted = resolver.redact(&format!("{text}{secret}{text}"));
        prop_assert!(!redacted.contains(&secret), "{}", redacted);
    }
}
