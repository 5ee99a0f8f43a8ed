//! What a deploy would break, in both directions and over several live revisions.

use std::collections::BTreeMap;

use super::super::deploy::{Break, NewRevision, ServiceContracts, breaks};
use super::{Contract, GET, LIST, PRODUCTS, component, exporting, importing};

/// `get` with a type of the parameter.
fn get(id: &str) -> String {
    format!("(export \"get\" (func (param \"id\" {id}) (result string)))")
}

fn links(links: &[(&str, &str)]) -> BTreeMap<String, String> {
    let links = links.iter();
    let owned = links.map(|(import, id)| ((*import).to_owned(), (*id).to_owned()));
    owned.collect()
}

/// Services by id: links, and the contracts of what is live.
type Running<'a> = &'a [(&'a str, &'a [(&'a str, &'a str)], &'a [&'a Contract])];

/// What breaks when `service` gets a revision of this contract, with its links as they are.
fn deployed(running: Running<'_>, service: &str, contract: &Contract) -> Vec<Break> {
    let all_links: BTreeMap<&str, _> = running.iter().map(|(id, of, _)| (*id, links(of))).collect();
    let services = running
        .iter()
        .map(|(id, _, contracts)| {
            let service = ServiceContracts {
                links: &all_links[id],
                contracts: contracts.to_vec(),
            };
            ((*id).to_owned(), service)
        })
        .collect();
    let new = NewRevision {
        service,
        contract,
        links: &all_links[service],
    };
    breaks(&services, &new, &|_, import| import.starts_with("wasi:"))
}

fn broken(consumer: &str, function: &str, was: &str, is: &str, why: &str) -> Break {
    Break {
        consumer: consumer.to_owned(),
        function: function.to_owned(),
        was: was.to_owned(),
        is: is.to_owned(),
        why: why.to_owned(),
    }
}

const LINK: &[(&str, &str)] = &[(PRODUCTS, "catalog")];

/// What a consumer of `import` hears when the catalog is deployed with `export`.
fn exported(import: &str, export: &str) -> Vec<Break> {
    let cart = importing(&[(PRODUCTS, import)]);
    let before = exporting(&[(PRODUCTS, import)]);
    let running: Running<'_> = &[("cart", LINK, &[&cart]), ("catalog", &[], &[&before])];
    deployed(running, "catalog", &exporting(&[(PRODUCTS, export)]))
}

/// What a cart that imports `import` hears of a catalog with `export` when it is deployed.
fn imported(import: &str, export: &str) -> Vec<Break> {
    let (before, catalog) = (importing(&[]), exporting(&[(PRODUCTS, export)]));
    let running: Running<'_> = &[("cart", LINK, &[&before]), ("catalog", &[], &[&catalog])];
    deployed(running, "cart", &importing(&[(PRODUCTS, import)]))
}

#[test]
fn the_same_and_more_break_nothing() {
    assert_eq!(exported(GET, GET), []);
    assert_eq!(exported(GET, &format!("{LIST}{GET}")), []);
    assert_eq!(imported(GET, &format!("{LIST}{GET}")), []);
    let (cart, newer) = (
        importing(&[(PRODUCTS, GET)]),
        exporting(&[("store:catalog/products@1.1.0", GET)]),
    );
    let running: Running<'_> = &[("cart", LINK, &[&cart]), ("catalog", &[], &[])];
    assert_eq!(deployed(running, "catalog", &newer), []);
}

#[test]
fn every_function_that_changed_or_went_is_told_to_its_consumer() {
    let import = format!("{}{LIST}", get("u64"));
    let expected = [
        broken(
            "cart",
            "store:catalog/products@1.0.0#get",
            "func(id: u64) -> string",
            "func(id: string) -> string",
            "parameter `id`: u64 became string",
        ),
        broken(
            "cart",
            "store:catalog/products@1.0.0#list",
            "func() -> list<string>",
            "-",
            "the function is gone",
        ),
    ];
    assert_eq!(exported(&import, &get("string")), expected);
    let [first, second] = imported(&import, &get("string")).try_into().unwrap();
    assert_eq!(first.why, "parameter `id`: u64, and catalog has string");
    assert_eq!((&first.was, &first.is), (&expected[0].was, &expected[0].is));
    assert_eq!(second.why, "catalog does not export it");
    assert_eq!(second.is, "-");
}

#[test]
fn each_part_of_a_function_is_told() {
    for (types, why) in [
        (
            "(param \"key\" u32) (result string)",
            "parameters: (id) became (key)",
        ),
        (
            "(param \"id\" u32) (param \"at\" u32) (result string)",
            "parameters: (id) became (id, at)",
        ),
        ("(result string)", "parameters: (id) became ()"),
        ("(param \"id\" u32)", "result: string became none"),
        (
            "(param \"id\" u8) (result u8)",
            "parameter `id`: u32 became u8; result: string became u8",
        ),
        (
            "async (param \"id\" u32) (result string)",
            "the function: func became async func",
        ),
    ] {
        let found = exported(GET, &format!("(export \"get\" (func {types}))"));
        let found: Vec<_> = found.iter().map(|it| it.why.as_str()).collect();
        assert_eq!(found, [why]);
    }
}

#[test]
fn of_long_types_only_what_differs_is_shown() {
    let long = |id: &str, last: &str| {
        let fields: String = (0..30)
            .map(|number| format!("(field \"field-{number}\" string)"))
            .collect();
        format!(
            "(type $r (record {fields} (field \"last\" {last})))
            (export \"product\" (type $e (eq $r)))
            (export \"get\" (func (param \"id\" {id}) (result $e)))"
        )
    };
    let [other_id] = exported(&long("u64", "u8"), &long("string", "u8"))
        .try_into()
        .unwrap();
    assert_eq!(other_id.was, "func(id: u64) -> …");
    assert_eq!(other_id.is, "func(id: string) -> …");
    assert_eq!(other_id.why, "parameter `id`: u64 became string");
    let [other_field] = exported(&long("u64", "u8"), &long("u64", "string"))
        .try_into()
        .unwrap();
    assert_eq!(other_field.was, "func(id: u64) -> …string, last: u8 }");
    assert_eq!(other_field.is, "func(id: u64) -> …string, last: string }");
    let why = "result: …string, last: u8 } became …string, last: string }";
    assert_eq!(other_field.why, why);
    let [gone] = exported(&long("u64", "u8"), "").try_into().unwrap();
    assert_eq!(gone.was, "func(id: u64) -> …");
}

#[test]
fn an_interface_that_went_or_has_another_version_is_told_as_a_whole() {
    let cart = importing(&[(PRODUCTS, &format!("{GET}{LIST}"))]);
    let before = exporting(&[(PRODUCTS, GET)]);
    let running: Running<'_> = &[("cart", LINK, &[&cart]), ("catalog", &[], &[&before])];
    let gone = broken("cart", PRODUCTS, "1.0.0", "-", "the interface is gone");
    assert_eq!(deployed(running, "catalog", &exporting(&[])), [gone]);
    let newer = exporting(&[("store:catalog/products@2.0.0", GET)]);
    let other = broken("cart", PRODUCTS, "1.0.0", "2.0.0", "exported as 2.0.0");
    assert_eq!(deployed(running, "catalog", &newer), [other]);
}

#[test]
fn every_live_revision_of_every_consumer_counts() {
    let (narrow, wide) = (
        importing(&[(PRODUCTS, GET)]),
        importing(&[(PRODUCTS, &format!("{GET}{LIST}"))]),
    );
    let before = exporting(&[(PRODUCTS, &format!("{GET}{LIST}"))]);
    let running: Running<'_> = &[
        ("cart", LINK, &[&narrow, &wide, &wide]),
        ("catalog", &[], &[&before]),
        ("other", &[(PRODUCTS, "archive")], &[&wide]),
        ("search", LINK, &[&narrow]),
        ("wishlist", LINK, &[&wide]),
    ];
    let found = deployed(running, "catalog", &exporting(&[(PRODUCTS, GET)]));
    let found: Vec<_> = found
        .iter()
        .map(|it| (it.consumer.as_str(), it.function.as_str()))
        .collect();
    let list = "store:catalog/products@1.0.0#list";
    assert_eq!(found, [("cart", list), ("wishlist", list)]);
}

#[test]
fn the_imports_meet_every_live_revision_of_the_provider() {
    let revisions = [get("u32"), get("u64"), get("u64"), get("string")];
    let revisions = revisions.map(|content| exporting(&[(PRODUCTS, &content)]));
    let all: Vec<&Contract> = revisions.iter().collect();
    let running: Running<'_> = &[("cart", LINK, &[]), ("catalog", &[], &all)];
    let found = deployed(running, "cart", &importing(&[(PRODUCTS, &get("u32"))]));
    let found: Vec<_> = found.iter().map(|it| it.is.as_str()).collect();
    let expected = ["func(id: string) -> string", "func(id: u64) -> string"];
    assert_eq!(found, expected);
}

#[test]
fn an_import_that_nothing_satisfies_is_told_with_the_line_to_add() {
    let cart = importing(&[
        (PRODUCTS, GET),
        ("a:b/c@0.1.0", GET),
        ("wasi:io/poll@0.2.0", GET),
    ]);
    let catalog = exporting(&[(PRODUCTS, GET)]);
    let running: Running<'_> = &[("cart", &[], &[]), ("catalog", &[], &[&catalog])];
    let nobody = "it imports what no link satisfies, and no service exports it";
    let line = "it imports what no link satisfies; add to [component.cart.tool.kumiki]: \
                links = { \"store:catalog/products@1.0.0\" = \"catalog\" }";
    let expected = [
        broken("cart", "a:b/c@0.1.0", "0.1.0", "-", nobody),
        broken("cart", PRODUCTS, "1.0.0", "-", line),
    ];
    assert_eq!(deployed(running, "cart", &cart), expected);
    let bare = Contract::of(&component("(component (import \"now\" (func)))"));
    let why = "it is imported outside of any interface, and only interfaces can be linked";
    let expected = [broken("cart", "now", "func()", "-", why)];
    assert_eq!(deployed(running, "cart", &bare), expected);
}

#[test]
fn a_link_to_nobody_is_told_and_one_that_is_not_needed_any_more_is_not() {
    let cart = importing(&[(PRODUCTS, GET)]);
    let whys = |running: Running<'_>, contract: &Contract| {
        let found = deployed(running, "cart", contract);
        found.into_iter().map(|it| it.why).collect::<Vec<_>>()
    };
    let running: Running<'_> = &[("cart", LINK, &[&cart]), ("catalogs", &[], &[])];
    let expected = ["there is no service `catalog`; did you mean `catalogs`?"];
    assert_eq!(whys(running, &cart), expected);
    assert_eq!(whys(running, &importing(&[])), <[&str; 0]>::default());
    let running: Running<'_> = &[("cart", LINK, &[&cart]), ("catalog", &[], &[])];
    let expected = ["`catalog`, to which it is linked, has no live revision"];
    assert_eq!(whys(running, &cart), expected);
}

#[test]
fn what_cannot_cross_a_link_is_told() {
    let resource = "(export \"cursor\" (type $c (sub resource)))";
    let [held] = imported(resource, resource).try_into().unwrap();
    assert_eq!(held.function, "store:catalog/products@1.0.0#cursor");
    assert_eq!(
        (held.was.as_str(), held.is.as_str()),
        ("resource", "resource")
    );
    assert_eq!(held.why, "a resource cannot cross a link");
    let stream = "(type $t (stream u8)) (export \"watch\" (func (result $t)))";
    let [watch] = imported(stream, "").try_into().unwrap();
    let texts = (watch.was.as_str(), watch.is.as_str());
    assert_eq!(texts, ("func() -> stream<u8>", "-"));
    assert_eq!(watch.why, "it has a stream, which cannot cross a link");
}

#[test]
fn what_a_service_imports_of_itself_is_held_against_the_new_revision() {
    let of = |content: &str| Contract {
        imports: importing(&[(PRODUCTS, content)]).imports,
        exports: exporting(&[(PRODUCTS, content)]).exports,
    };
    let (before, after) = (of(GET), of(LIST));
    let running: Running<'_> = &[("catalog", LINK, &[&before])];
    assert_eq!(deployed(running, "catalog", &after), []);
}
