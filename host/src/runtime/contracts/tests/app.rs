//! All links of an app at once, and every error with its mend.

use std::collections::BTreeMap;

use super::super::app::{Party, Resolved, Target, check_links};
use super::{Contract, GET, LIST, PRODUCTS, component, exporting, importing};

/// Services by id, each with its contract and its links.
type App<'a> = &'a [(&'a str, &'a Contract, &'a [(&'a str, &'a str)])];

fn check(app: App<'_>) -> Result<Resolved, Vec<String>> {
    let links: BTreeMap<&str, BTreeMap<String, String>> = app
        .iter()
        .map(|(id, _, links)| {
            let links = links.iter();
            let links = links.map(|(import, id)| ((*import).to_owned(), (*id).to_owned()));
            (*id, links.collect())
        })
        .collect();
    let parties = app
        .iter()
        .map(|(id, contract, _)| {
            let links = &links[id];
            ((*id).to_owned(), Party { contract, links })
        })
        .collect();
    check_links(&parties, &|_, import| import.starts_with("wasi:"))
}

fn error(app: App<'_>) -> String {
    check(app).unwrap_err().join("\n")
}

fn cart() -> Contract {
    importing(&[(PRODUCTS, GET), ("wasi:clocks/wall-clock@0.2.0", LIST)])
}

fn catalog() -> Contract {
    exporting(&[(PRODUCTS, GET)])
}

#[test]
fn a_link_is_resolved_to_the_providers_name_of_the_interface() {
    let newer = "store:catalog/products@1.4.2";
    let provider = exporting(&[(newer, GET)]);
    let resolved = check(&[
        ("cart", &cart(), &[(PRODUCTS, "catalog")]),
        ("catalog", &provider, &[]),
    ]);
    let target = Target {
        provider: "catalog".to_owned(),
        export: newer.to_owned(),
    };
    let links = BTreeMap::from([(PRODUCTS.to_owned(), target)]);
    assert_eq!(resolved, Ok(BTreeMap::from([("cart".to_owned(), links)])));
}

#[test]
fn services_may_be_linked_in_a_circle() {
    let both = |import: &str, export: &str| Contract {
        imports: importing(&[(import, GET)]).imports,
        exports: exporting(&[(export, GET)]).exports,
    };
    let (one, other) = (both("a:a/a", "b:b/b"), both("b:b/b", "a:a/a"));
    let resolved = check(&[
        ("one", &one, &[("a:a/a", "other")]),
        ("other", &other, &[("b:b/b", "one")]),
    ]);
    assert_eq!(resolved.unwrap().len(), 2);
}

#[test]
fn imports_of_types_and_of_the_host_need_no_link() {
    let types = "(type $r (record (field \"a\" u8))) (export \"r\" (type (eq $r)))";
    let contract = importing(&[("a:b/types", types), ("wasi:io/poll@0.2.0", GET)]);
    assert_eq!(check(&[("cart", &contract, &[])]), Ok(Resolved::new()));
}

#[test]
fn an_import_that_nothing_satisfies_is_refused_with_the_line_to_add() {
    let (cart, catalog) = (cart(), catalog());
    assert_eq!(
        error(&[("cart", &cart, &[]), ("catalog", &catalog, &[])]),
        "component `cart` imports `store:catalog/products@1.0.0`, which nothing satisfies; \
         `catalog` exports it: add to [component.cart.tool.kumiki]: \
         links = { \"store:catalog/products@1.0.0\" = \"catalog\" }"
    );
    assert_eq!(
        error(&[
            ("archive", &catalog, &[]),
            ("cart", &cart, &[]),
            ("catalog", &catalog, &[]),
        ]),
        "component `cart` imports `store:catalog/products@1.0.0`, which nothing satisfies; \
         `archive`, `catalog` export it: choose one and add to [component.cart.tool.kumiki]: \
         links = { \"store:catalog/products@1.0.0\" = \"archive\" }"
    );
    assert_eq!(
        error(&[("cart", &cart, &[])]),
        "component `cart` imports `store:catalog/products@1.0.0`, which nothing satisfies; no \
         component of the app exports it"
    );
    let older = exporting(&[("store:catalog/products@0.9.0", GET)]);
    assert_eq!(
        error(&[("cart", &cart, &[]), ("catalog", &older, &[])]),
        "component `cart` imports `store:catalog/products@1.0.0`, which nothing satisfies; \
         `catalog` exports `store:catalog/products@0.9.0`, which does not meet it"
    );
}

#[test]
fn the_line_to_add_has_all_links_of_the_component() {
    let cart = importing(&[(PRODUCTS, GET), ("a:a/a", GET), ("b:b/b", GET)]);
    let more = exporting(&[("a:a/a", GET), ("b:b/b", GET)]);
    let text = error(&[
        ("cart", &cart, &[(PRODUCTS, "catalog")]),
        ("catalog", &catalog(), &[]),
        ("more", &more, &[]),
    ]);
    let line = "links = { \"a:a/a\" = \"more\", \"b:b/b\" = \"more\", \
                \"store:catalog/products@1.0.0\" = \"catalog\" }";
    assert_eq!(text.matches(line).count(), 2, "{text}");
}

#[test]
fn what_no_link_can_satisfy_is_said_to_be_so() {
    let bare = Contract::of(&component(
        "(component (import \"now\" (func)) (import \"code\" (core module)))",
    ));
    let text = error(&[("cart", &bare, &[])]);
    for what in ["the function `now`", "the core module `code`"] {
        let expected = format!("component `cart` imports {what} outside of any interface");
        assert!(text.contains(&expected), "{text}");
    }
}

#[test]
fn a_link_to_nobody_or_to_oneself_is_refused() {
    let (cart, catalog) = (cart(), catalog());
    let app = |provider: &str| {
        error(&[
            ("cart", &cart, &[(PRODUCTS, provider)]),
            ("catalog", &catalog, &[]),
        ])
    };
    let heading = |provider: &str| {
        format!("component `cart`: link `store:catalog/products@1.0.0` to `{provider}`: ")
    };
    assert_eq!(
        app("catalogue"),
        heading("catalogue") + "there is no component `catalogue`; did you mean `catalog`?"
    );
    assert_eq!(
        app("stock"),
        heading("stock") + "there is no component `stock`"
    );
}

#[test]
fn a_link_of_what_is_not_imported_is_refused_with_what_is() {
    let (cart, catalog) = (cart(), catalog());
    let app = |import: &str| {
        let links: &[(&str, &str)] = &[(import, "catalog"), (PRODUCTS, "catalog")];
        error(&[("cart", &cart, links), ("catalog", &catalog, &[])])
    };
    assert_eq!(
        app("store:catalog/product@1.0.0"),
        "component `cart`: link `store:catalog/product@1.0.0` to `catalog`: cart does not import \
         it; did you mean `store:catalog/products@1.0.0`?"
    );
    assert_eq!(
        app("a:b/c"),
        "component `cart`: link `a:b/c` to `catalog`: cart does not import it; it imports \
         `store:catalog/products@1.0.0`"
    );
    assert_eq!(
        app("wasi:clocks/wall-clock@0.2.0"),
        "component `cart`: link `wasi:clocks/wall-clock@0.2.0` to `catalog`: kumiki offers this \
         interface itself; remove the link"
    );
    let text = error(&[("catalog", &catalog, &[("a:b/c", "cart")])]);
    assert!(text.contains("remove the link"), "{text}");
}

#[test]
fn all_errors_of_the_app_are_told_at_once() {
    let (cart, catalog) = (cart(), exporting(&[(PRODUCTS, LIST)]));
    let errors = check(&[
        ("basket", &cart, &[]),
        ("cart", &cart, &[(PRODUCTS, "catalog")]),
        ("catalog", &catalog, &[]),
    ]);
    let errors = errors.unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[1].ends_with("1 function differs:\n  get: catalog does not export it"));
}
