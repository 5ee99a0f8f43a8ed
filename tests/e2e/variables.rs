//! Variables by their interfaces, from every place that gives them, and secrets that stay out
//! of the logs.

use kumiki_tests::app::{App, Service};

const INTERFACES: [(&str, &str); 4] = [
    ("two", "variables_spin_two"),
    ("three", "variables_spin_three"),
    ("config", "config_store"),
    ("config-rc1", "config_store_rc1"),
];

/// The guests with these lines in each one's `variables` table.
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
    for id in ["config", "config-rc1"] {
        let all = host.get(&format!("/{id}")).expect(200);
        assert_eq!(all, "greeting=hello world!\nplain=text", "{id}");
    }
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
    for id in ["config", "config-rc1"] {
        let text = host.get(&format!("/{id}?name=unknown")).expect(200);
        assert_eq!(text, "(none)", "{id}");
    }
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

#[test]
fn files_give_values_and_the_last_of_a_name_counts() {
    let host = app("a = \"{{ a }}\", b = \"{{ b }}\", c = \"{{ c }}\", d = \"{{ d }}\"")
        .variable("a = { required = true }")
        .variable("b = { required = true }")
        .variable("c = { required = true }")
        .variable("d = { default = \"of the default\" }")
        .file(
            "values.toml",
            "a = \"of toml\"\nb = \"of toml\"\nc = \"of toml\"\n",
        )
        .file("values.json", r#"{ "b": "of json", "c": "of json" }"#)
        .file("value.txt", "of a=text\nof two lines")
        .arguments(&["--variable", "@values.toml", "--variable", "@values.json"])
        .arguments(&["--variable", "c=@value.txt", "--variable", "d=x"])
        .arguments(&["--variable", "d=y=z"])
        .start();
    let expected = [
        ("a", "of toml"),
        ("b", "of json"),
        ("c", "of a=text\nof two lines"),
        ("d", "y=z"),
    ];
    for (name, value) in expected {
        let text = host.get(&format!("/two?name={name}")).expect(200);
        assert_eq!(text, value, "{name}");
    }
}

#[test]
fn a_file_of_variables_that_cannot_be_read_is_named_without_its_values() {
    let mistakes = [
        ("@gone.toml", "gone.toml"),
        ("a=@gone.txt", "gone.txt"),
        ("@broken.toml", "broken.toml"),
        ("@broken.json", "broken.json"),
        ("@value.txt", ".toml"),
    ];
    for (argument, name) in mistakes {
        let refusal = app("a = \"{{ a }}\"")
            .variable("a = { default = \"1\", secret = true }")
            .file("broken.toml", "a = \"hunter2\"\nb = 2\n")
            .file("broken.json", "{ \"a\": \"hunter2\", \"b\": 2 }")
            .arguments(&["--variable", argument])
            .refused();
        assert!(refusal.stderr.contains(name), "{refusal}");
        assert!(!refusal.stderr.contains("hunter2"), "{refusal}");
    }
}

#[test]
fn a_variable_that_the_app_does_not_have_is_no_secret_way_in() {
    let host = app("a = \"{{ a }}\"")
        .variable("a = { default = \"1\" }")
        .arguments(&["--variable", "unheard_of=2"]);
    // Refused or ignored, as Spin does; the guest never sees it.
    if let Ok(host) = kumiki_tests::host::Host::start(host) {
        let text = host.get("/two?name=unheard_of").expect(422);
        assert!(text.contains("Undefined"), "{text}");
    }
}
