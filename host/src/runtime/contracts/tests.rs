//! Contracts of real components, compared: versions, every kind of difference, and how they read.

mod app;
mod canonical;
mod deploy;

use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use super::links::check_link;
use super::mismatch::describe;
use super::{Contract, Function, Interface, Item, Obstacle, OtherKind, unavailable_case};

/// An engine that knows every kind of type.
fn engine() -> Engine {
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .wasm_component_model_error_context(true)
        .wasm_component_model_map(true)
        .wasm_component_model_fixed_length_lists(true);
    Engine::new(&config).unwrap()
}

fn component(text: &str) -> Component {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Component::new(&engine(), bytes).unwrap()
}

/// A contract that imports these interfaces, each a name and what stands in it.
fn importing(interfaces: &[(&str, &str)]) -> Contract {
    let imports = interfaces
        .iter()
        .map(|(name, content)| format!("(import \"{name}\" (instance {content}))"));
    Contract::of(&component(&format!(
        "(component {})",
        imports.collect::<String>()
    )))
}

/// A contract that exports these interfaces. wasmtime knows no export without code behind it, so
/// the interfaces are read as imports: an export of the same type is read the same way.
fn exporting(interfaces: &[(&str, &str)]) -> Contract {
    Contract {
        imports: Box::default(),
        exports: importing(interfaces).imports,
    }
}

const PRODUCTS: &str = "store:catalog/products@1.0.0";

const GET: &str = "(export \"get\" (func (param \"id\" u32) (result string)))";
const LIST: &str = "(export \"list\" (func (result (list string))))";

/// What is told of a link between an import and an export with these contents; empty: it holds.
fn told(import: &str, export: &str) -> String {
    let (cart, catalog) = (
        importing(&[(PRODUCTS, import)]),
        exporting(&[(PRODUCTS, export)]),
    );
    match check_link(&cart, PRODUCTS, &catalog) {
        Ok(_) => String::new(),
        Err(mismatches) => describe("cart", PRODUCTS, "catalog", &mismatches),
    }
}

const HEADING: &str = "component `cart`: link `store:catalog/products@1.0.0` to `catalog`: ";

#[test]
fn a_contract_lists_what_stands_at_the_root() {
    let contract = Contract::of(&component(
        r#"(component
            (import "a:b/types@1.0.0" (instance
                (type $r (record (field "a" u8))) (export "r" (type (eq $r)))))
            (import "bare" (func (param "a" u8)))
            (import "handle" (type (sub resource)))
            (import "code" (core module))
            (import "a:b/c" (instance (export "f" (func)) (export "m" (core module)))))"#,
    ));
    let [types, bare, handle, code, mixed] = &*contract.imports else {
        panic!("{contract:?}");
    };
    assert!(types.is_types_only());
    let Item::Function(function) = bare else {
        panic!("{bare:?}");
    };
    assert_eq!(function.to_string(), "func(a: u8)");
    for (item, kind) in [(handle, OtherKind::Resource), (code, OtherKind::Module)] {
        assert!(matches!(item, Item::Other(other) if other.kind == kind));
        assert!(!item.is_types_only());
    }
    let mixed = mixed.interface().unwrap();
    assert_eq!(mixed.function("f").unwrap().to_string(), "func()");
    assert_eq!(mixed.others[0].kind, OtherKind::Module);
    assert!(contract.exports.is_empty());
}

#[test]
fn equal_functions_link_and_the_provider_may_export_more() {
    assert_eq!(told(GET, GET), "");
    assert_eq!(told(GET, &format!("{LIST}{GET}")), "");
    assert_eq!(told("", GET), "");
}

#[test]
fn names_of_types_do_not_matter() {
    let named = |name: &str| {
        format!(
            "(type $r (record (field \"name\" string))) (export \"{name}\" (type $e (eq $r)))
            (export \"get\" (func (result $e)))"
        )
    };
    assert_eq!(told(&named("product"), &named("item")), "");
}

#[test]
fn every_function_that_differs_is_told_at_once() {
    let other = "(export \"get\" (func (param \"id\" u64) (result string)))";
    let expected = format!(
        "{HEADING}2 functions differ:\n  \
         get: cart has func(id: u32) -> string, catalog has func(id: u64) -> string\n  \
         list: catalog does not export it"
    );
    assert_eq!(told(&format!("{GET}{LIST}"), other), expected);
}

#[test]
fn each_part_of_a_function_counts() {
    for (other, text) in [
        (
            "(param \"key\" u32) (result string)",
            "func(key: u32) -> string",
        ),
        ("(param \"id\" u32)", "func(id: u32)"),
        ("(result string)", "func() -> string"),
        (
            "(param \"id\" u32) (param \"at\" u32) (result string)",
            "func(id: u32, at: u32) -> string",
        ),
        (
            "async (param \"id\" u32) (result string)",
            "async func(id: u32) -> string",
        ),
    ] {
        let other = format!("(export \"get\" (func {other}))");
        let expected = format!(
            "{HEADING}1 function differs:\n  \
             get: cart has func(id: u32) -> string, catalog has {text}"
        );
        assert_eq!(told(GET, &other), expected);
    }
}

#[test]
fn of_long_types_the_first_difference_is_shown() {
    let long = |last: &str, result: &str| {
        let fields: String = (0..30)
            .map(|number| format!("(field \"field-{number}\" string)"))
            .collect();
        format!(
            "(type $r (record {fields} (field \"last\" {last})))
            (export \"product\" (type $e (eq $r)))
            (export \"put\" (func (param \"id\" u32) (param \"product\" $e) {result}))"
        )
    };
    let expected = format!(
        "{HEADING}1 function differs:\n  \
         put: parameter `product`: cart has …string, field-29: string, last: u32 }}, catalog has \
         …string, field-29: string, last: list<u8> }}; \
         result: cart has none, catalog has bool"
    );
    let text = told(&long("u32", ""), &long("(list u8)", "(result bool)"));
    assert_eq!(text, expected);
}

#[test]
fn what_cannot_cross_is_refused_by_name() {
    for (types, function, what) in [
        ("", "(func async)", "`async func`"),
        ("(type $t (stream u8))", "(func (result $t))", "a stream"),
        (
            "(type $t (future u8))",
            "(func (param \"a\" $t))",
            "a future",
        ),
        (
            "(type $t error-context)",
            "(func (result $t))",
            "an error-context",
        ),
        (
            "(type $s (stream)) (type $t (list $s)) (type $f (future))",
            "(func async (param \"a\" $f) (result (option $t)))",
            "`async func` and a future and a stream",
        ),
    ] {
        let content = format!("{types} (export \"watch\" {function}) {GET}");
        let expected = format!(
            "{HEADING}1 function cannot be linked:\n  watch: it has {what}, which cannot cross a \
             link"
        );
        assert_eq!(told(&content, &content), expected);
    }
}

#[test]
fn resources_and_what_is_no_function_are_refused_by_name() {
    let resource = "(export \"cursor\" (type $c (sub resource)))
        (export \"[method]cursor.next\" (func (param \"self\" (borrow $c)) (result u32)))";
    let expected = "it holds the resource `cursor`, and a resource cannot cross a link";
    assert_eq!(told(resource, resource), format!("{HEADING}{expected}"));
    let both = format!("{resource} {GET}");
    let text =
        format!("{HEADING}{expected}; 1 function differs:\n  get: catalog does not export it");
    assert_eq!(told(&both, resource), text);
    // What the caller does not import does not keep it from the rest.
    assert_eq!(told(GET, &both), "");
    let module = format!("{GET} (export \"code\" (core module))");
    let expected = "it holds the core module `code`, which cannot cross a link";
    assert_eq!(told(&module, &module), format!("{HEADING}{expected}"));
}

#[test]
fn a_function_whose_types_are_endless_cannot_be_linked() {
    // A few bytes in the component, tens of thousands of types when they are expanded.
    let types: String = (1..=14)
        .map(|level| format!("(type $t{level} (tuple $t{0} $t{0}))", level - 1))
        .collect();
    let content =
        format!("(type $t0 (list u8)) {types} (export \"put\" (func (param \"all\" $t14))) {GET}");
    let contract = importing(&[(PRODUCTS, &content)]);
    let interface = contract.imports[0].interface().unwrap();
    let function = interface.function("put").unwrap();
    assert_eq!(function.obstacles, [Obstacle::TooLong]);
    assert!(function.parameters.is_empty());
    assert!(interface.function("get").unwrap().obstacles.is_empty());
    assert_eq!(
        told(&content, &content),
        format!(
            "{HEADING}1 function cannot be linked:\n  put: it has types of more than 64 KiB of \
             text, which cannot cross a link"
        )
    );
}

#[test]
fn the_text_of_all_functions_together_is_bounded() {
    let fields: String = (0..50)
        .map(|number| format!("(field \"f{number}-{}\" u8)", "x".repeat(1000)))
        .collect();
    let functions: String = (0..400)
        .map(|number| format!("(export \"f{number}\" (func (param \"all\" $e)))"))
        .collect();
    let content =
        format!("(type $r (record {fields})) (export \"r\" (type $e (eq $r))) {functions}");
    let contract = importing(&[(PRODUCTS, &content)]);
    let functions = &contract.imports[0].interface().unwrap().functions;
    let bytes: usize = functions.iter().map(|it| it.to_string().len()).sum();
    assert!(bytes < 5 << 20, "{bytes}");
    let kept = functions
        .iter()
        .filter(|it| it.obstacles.is_empty())
        .count();
    assert!(kept > 50 && kept < 100, "{kept}");
}

#[test]
fn the_exact_version_is_preferred_and_else_the_lowest_that_meets() {
    let name = |version: &str| format!("store:catalog/products@{version}");
    let linked = |import: &str, exports: &[&str]| {
        let import = name(import);
        let exports: Vec<_> = exports.iter().map(|version| name(version)).collect();
        let exports: Vec<_> = exports.iter().map(|name| (name.as_str(), GET)).collect();
        let linked = check_link(&importing(&[(&import, GET)]), &import, &exporting(&exports));
        linked
            .map(|linked| linked.export)
            .map_err(|mismatches| describe("cart", &import, "catalog", &mismatches))
    };
    assert_eq!(linked("1.2.0", &["1.3.0", "1.2.0"]), Ok(name("1.2.0")));
    let exports = ["1.10.0", "1.9.0", "1.1.0", "2.0.0"];
    assert_eq!(linked("1.2.0", &exports), Ok(name("1.9.0")));
    let error = linked("1.2.0", &["1.1.0", "2.0.0"]).unwrap_err();
    for text in [
        "`store:catalog/products@1.1.0`, `",
        "@2.0.0`",
        "major version",
    ] {
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn an_interface_that_is_not_exported_is_told_with_those_that_are() {
    let cart = importing(&[(PRODUCTS, GET)]);
    let describe_to = |provider: &Contract| {
        let mismatches = check_link(&cart, PRODUCTS, provider).unwrap_err();
        describe("cart", PRODUCTS, "catalog", &mismatches)
    };
    let other = exporting(&[("store:catalog/prices@1.0.0", GET)]);
    assert_eq!(
        describe_to(&other),
        format!("{HEADING}catalog does not export it; it exports `store:catalog/prices@1.0.0`")
    );
    let none = exporting(&[]);
    assert_eq!(
        describe_to(&none),
        format!("{HEADING}catalog exports no interface")
    );
    let mismatches = check_link(&none, PRODUCTS, &other).unwrap_err();
    assert_eq!(
        describe("cart", PRODUCTS, "catalog", &mismatches),
        format!("{HEADING}cart does not import it")
    );
}

#[test]
fn the_case_for_a_failed_link_is_found_in_the_error_only() {
    let error = |case: &str| {
        format!("(type $v (variant (case \"not-found\") {case})) (export \"e\" (type $e (eq $v)))")
    };
    let case = error("(case \"unavailable\" string)");
    for (types, result, expected) in [
        (&case, "(result (result u32 (error $e)))", true),
        (&case, "(result (result (error $e)))", true),
        (&case, "(result (result $e))", false),
        (&case, "(result $e)", false),
        (&case, "", false),
        (&case, "(result (result u32 (error string)))", false),
        (&error(""), "(result (result (error $e)))", false),
        (
            &error("(case \"unavailable\")"),
            "(result (result (error $e)))",
            false,
        ),
        (
            &error("(case \"unavailable\" u8)"),
            "(result (result (error $e)))",
            false,
        ),
    ] {
        let text = format!(
            "(component (import \"a:b/c\" (instance {types} (export \"f\" (func {result})))))"
        );
        let component = component(&text);
        let ty = component.component_type();
        let (_, import) = ty.imports(component.engine()).next().unwrap();
        let wasmtime::component::types::ComponentItem::ComponentInstance(instance) = import.ty
        else {
            panic!("no instance");
        };
        let function = instance.get_export(component.engine(), "f").unwrap();
        let wasmtime::component::types::ComponentItem::ComponentFunc(function) = function.ty else {
            panic!("no function");
        };
        assert_eq!(unavailable_case(&function), expected, "{text}");
    }
}
