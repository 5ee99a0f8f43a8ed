//! Variables by their three interfaces, from every place that gives them, and secrets that stay out
//! of the logs.

use kumiki_tests::app::{App, Service};

const INTERFACES: [(&str, &str); 3] = [
    ("two", "variables_spin_two"),
    ("three", "variables_spin_three"),
    ("config", "config_store"),
];

/// The three guests with these lines in each one's `variables` table.
fn app(table: &str) -> App {
    App::new(INTERFACES.into_iter().map(|(id, guest)| {
        let service = Service::new(id, guest).route(&format!("/{id}"));
        service.line(format!("variables = {{ {table} }}"))
    }))
}

#[test]
fn values_come_from_defaults_and_templates() {
    let host = app("greeting = \"hello {{ who }}!\", plain = \"text\"")
        .variable("who = { default = \"world\" }")
        .start();
    for (id, _) in INTERFACES {
        assert_eq!(
            host.get(&format!("/{id}?name=greeting")).expect(200),
            "hello world!",
            "{id}"
        );
        assert_eq!(
            host.get(&format!("/{id}?name=plain")).expect(200),
            "text",
            "{id}"
        );
    }
    assert_eq!(
        host.get("/config").expect(200),
        "greeting=hello world!\nplain=text"
    );
}

#[test]
fn the_command_line_the_environment_and_the_providers_give_values() {
    let table = "a = \"{{ a }}\", b = \"{{ b }}\", c = \"{{ c }}\", d = \"{{ d }}\"";
    let host = app(table)
        .variable("a = { required = true }")
        .variable("b = { required = true }")
        .variable("c = { required = true }")
        .variable("d = { default = \"of the default\" }")
        .arguments(&["--variable", "a=of the command line"])
        .environment("SPIN_VARIABLE_B", "of the environment")
        .runtime_config("[[variables_provider]]\ntype = \"static\"\n")
        .runtime_config("values = { c = \"of the provider\" }\n")
        .start();
    let expected = [
        ("a", "of the command line"),
        ("b", "of the environment"),
        ("c", "of the provider"),
        ("d", "of the default"),
    ];
    for (id, _) in INTERFACES {
        for (name, value) in expected {
            assert_eq!(
                host.get(&format!("/{id}?name={name}")).expect(200),
                value,
                "{id}"
            );
        }
    }
}

#[test]
fn a_prefix_of_the_environment_can_be_chosen() {
    let host = app("a = \"{{ a }}\"")
        .variable("a = { required = true }")
        .environment("MY_PREFIX_A", "prefixed")
        .runtime_config("[[variables_provider]]\ntype = \"env\"\nprefix = \"MY_PREFIX\"\n")
        .start();
    assert_eq!(host.get("/two?name=a").expect(200), "prefixed");
}

#[test]
fn names_that_are_unknown_or_malformed_are_the_interfaces_errors() {
    let host = app("known = \"1\"")
        .variable("other = { default = \"2\" }")
        .start();
    for id in ["two", "three"] {
        for name in ["unknown", "other"] {
            let text = host.get(&format!("/{id}?name={name}")).expect(422);
            assert!(text.contains("Undefined"), "{id}: {name}: {text}");
        }
        for name in ["", "Not-Valid", "1st", "a__b", "_a"] {
            let text = host.get(&format!("/{id}?name={name}")).expect(422);
            assert!(text.contains("InvalidName"), "{id}: {name}: {text}");
        }
    }
    assert_eq!(host.get("/config?name=unknown").expect(200), "(none)");
}

#[test]
fn a_secret_reaches_the_guest_and_no_log() {
    let secret = "hunter2-do-not-print";
    let host = app("password = \"{{ password }}\"")
        .variable("password = { required = true, secret = true }")
        .environment("SPIN_VARIABLE_PASSWORD", secret)
        .environment("RUST_LOG", "trace")
        .start();
    for (id, _) in INTERFACES {
        assert_eq!(
            host.get(&format!("/{id}?name=password")).expect(200),
            secret
        );
    }
    assert!(!host.logs().contains(secret), "the secret is in the log");
}

#[test]
fn a_required_variable_without_a_value_is_named() {
    let refusal = app("a = \"{{ needed }}\"")
        .variable("needed = { required = true }")
        .refused();
    assert!(refusal.stderr.contains("needed"), "{refusal}");
}

#[test]
fn a_template_of_an_undeclared_variable_is_a_mistake_of_the_manifest() {
    let refusal = app("a = \"{{ undeclared }}\"").refused();
    assert!(refusal.stderr.contains("undeclared"), "{refusal}");
    assert!(refusal.stderr.contains("spin.toml:"), "{refusal}");
}
