//! Compositions of small components, judged by what they do when they run.

use std::collections::BTreeMap;

use wasmtime::component::{Component, Instance, Linker};
use wasmtime::{Engine, Store};

use super::denial;
use super::dependencies::{self, Dependency, DependencyError};
use super::links::{self, LinkError, Linked};
use crate::manifest::model::InheritConfiguration;

/// A component that exports a `number` that is always the same, at some version.
fn constant(version: &str, number: u32) -> Vec<u8> {
    wasm(&format!(
        r#"(component
            (core module $m (func (export "number") (result i32) (i32.const {number})))
            (core instance $i (instantiate $m))
            (func $number (result u32) (canon lift (core func $i "number")))
            (instance $out (export "number" (func $number)))
            (export "t:c/source@{version}" (instance $out)))"#
    ))
}

/// A component that exports the sum of the `number`s that it imports, under a name.
fn sum(imports: &[&str], export: &str) -> Vec<u8> {
    let mut parts = String::new();
    let (mut core_imports, mut arguments, mut calls) =
        (String::new(), String::new(), String::from("(i32.const 0)"));
    for (index, import) in imports.iter().enumerate() {
        parts.push_str(&format!(
            r#"(import "{import}" (instance $in{index} (export "number" (func (result u32)))))
               (core func $lowered{index} (canon lower (func $in{index} "number")))"#
        ));
        core_imports.push_str(&format!(
            r#"(import "in" "{index}" (func $in{index} (result i32)))"#
        ));
        arguments.push_str(&format!(r#"(export "{index}" (func $lowered{index}))"#));
        calls = format!("(i32.add {calls} (call $in{index}))");
    }
    wasm(&format!(
        r#"(component {parts}
            (core module $m {core_imports} (func (export "number") (result i32) {calls}))
            (core instance $i (instantiate $m (with "in" (instance {arguments}))))
            (func $number (result u32) (canon lift (core func $i "number")))
            (instance $out (export "number" (func $number)))
            (export "{export}" (instance $out)))"#
    ))
}

/// A component whose `number` is one more at each call.
fn counter() -> Vec<u8> {
    wasm(
        r#"(component
            (core module $m
                (global $n (mut i32) (i32.const 0))
                (func (export "number") (result i32)
                    (global.set $n (i32.add (global.get $n) (i32.const 1)))
                    (global.get $n)))
            (core instance $i (instantiate $m))
            (func $number (result u32) (canon lift (core func $i "number")))
            (instance $out (export "number" (func $number)))
            (export "t:c/source@1.0.0" (instance $out)))"#,
    )
}

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn linked(component: Vec<u8>, links: &[(&str, &str)]) -> Linked {
    let links = links
        .iter()
        .map(|(import, provider)| ((*import).to_owned(), (*provider).to_owned()));
    Linked {
        component,
        links: links.collect(),
        dependencies: Vec::new(),
    }
}

fn parts<const N: usize>(parts: [(&str, Linked); N]) -> BTreeMap<String, Linked> {
    parts.map(|(id, linked)| (id.to_owned(), linked)).into()
}

/// The instance of a component that imports nothing.
fn instantiate(component: &[u8]) -> (Store<()>, Instance) {
    let engine = Engine::default();
    let component = Component::new(&engine, component).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &component);
    (store, instance.unwrap())
}

/// Calls `number` of an exported instance.
fn number(component: &[u8], export: &str) -> u32 {
    let (mut store, instance) = instantiate(component);
    let export = instance.get_export_index(&mut store, None, export).unwrap();
    let number = instance.get_export_index(&mut store, Some(&export), "number");
    let number = instance.get_typed_func::<(), (u32,)>(&mut store, number.unwrap());
    number.unwrap().call(&mut store, ()).unwrap().0
}

fn imports(component: &[u8]) -> Vec<String> {
    let engine = Engine::default();
    let component = Component::new(&engine, component).unwrap();
    let ty = component.component_type();
    ty.imports(&engine)
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn messages(errors: &[LinkError]) -> String {
    errors.iter().map(|error| format!("{error}\n")).collect()
}

#[test]
fn a_link_takes_the_provider_in_at_a_higher_minor_version() {
    let components = parts([
        (
            "a",
            linked(
                sum(&["t:c/source@1.0.0"], "t:c/sum"),
                &[("t:c/source@1.0.0", "b")],
            ),
        ),
        ("b", linked(constant("1.2.0", 7), &[])),
    ]);
    let composed = links::compose("a", &components).unwrap();
    assert_eq!(number(&composed, "t:c/sum"), 7);
    assert_eq!(composed, links::compose("a", &components).unwrap());
}

#[test]
fn a_provider_of_two_is_one_instance() {
    let through = |export: &str| {
        let component = sum(&["t:c/source@1.0.0"], export);
        linked(component, &[("t:c/source@1.0.0", "d")])
    };
    let ends = ["t:c/left@1.0.0", "t:c/right@1.0.0"];
    let components = parts([
        (
            "a",
            linked(sum(&ends, "t:c/sum"), &[(ends[0], "b"), (ends[1], "c")]),
        ),
        ("b", through(ends[0])),
        ("c", through(ends[1])),
        ("d", linked(counter(), &[])),
    ]);
    let composed = links::compose("a", &components).unwrap();
    assert_eq!(number(&composed, "t:c/sum"), 1 + 2);
}

#[test]
fn a_circle_is_named_from_where_it_begins() {
    let component = || sum(&["t:c/source@1.0.0"], "t:c/source@1.0.0");
    let to = |id| linked(component(), &[("t:c/source@1.0.0", id)]);
    let components = parts([("a", to("b")), ("b", to("c")), ("c", to("b"))]);
    let errors = links::compose("a", &components).unwrap_err();
    assert!(messages(&errors).contains("b → c → b"), "{errors:?}");
}

#[test]
fn everything_that_does_not_fit_is_said_at_once() {
    let strings = wasm(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (func (export "number") (result i32) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func $number (result string)
                (canon lift (core func $i "number") (memory $i "memory")))
            (instance $out (export "number" (func $number)))
            (export "t:c/text@1.0.0" (instance $out)))"#,
    );
    let root = sum(
        &["t:c/source@1.0.0", "t:c/text@1.0.0", "t:c/open@1.0.0"],
        "t:c/sum",
    );
    let components = parts([
        (
            "a",
            linked(
                root,
                &[
                    ("t:c/none@1.0.0", "b"),
                    ("t:c/source@1.0.0", "b"),
                    ("t:c/text@1.0.0", "c"),
                ],
            ),
        ),
        ("b", linked(constant("0.9.0", 7), &[])),
        ("c", linked(strings, &[])),
    ]);
    let messages = messages(&links::compose("a", &components).unwrap_err());
    for part in [
        "`a` links `t:c/none@1.0.0`, which it does not import; it imports t:c/source@1.0.0",
        "`t:c/source@1.0.0` to `b`, which does not export it; it exports t:c/source@0.9.0",
        "`t:c/text@1.0.0` of `a` does not fit what `c` exports: ",
        "`a` imports `t:c/open@1.0.0`, which nothing satisfies; add `links = { \"t:c/open@1.0.0\"",
    ] {
        assert!(messages.contains(part), "{part}\n---\n{messages}");
    }
    assert_eq!(messages.lines().count(), 4, "{messages}");
}

#[test]
fn what_engines_offer_is_imported_once_at_the_higher_version() {
    let components = parts([
        (
            "a",
            linked(
                sum(&["t:c/source@1.0.0", "wasi:demo/numbers@0.2.0"], "t:c/sum"),
                &[("t:c/source@1.0.0", "b")],
            ),
        ),
        (
            "b",
            linked(sum(&["wasi:demo/numbers@0.2.3"], "t:c/source@1.0.0"), &[]),
        ),
    ]);
    let composed = links::compose("a", &components).unwrap();
    assert_eq!(imports(&composed), ["wasi:demo/numbers@0.2.3"]);
}

fn dependency(name: &str, component: Vec<u8>) -> Dependency {
    Dependency {
        name: name.to_owned(),
        component,
        export: None,
        inherits: InheritConfiguration::None,
    }
}

#[test]
fn a_dependency_satisfies_a_package_or_one_import_by_another_export() {
    let root = sum(&["t:c/source@1.0.0", "t:c/other@1.0.0"], "x:y/sum");
    let mut other = dependency("t:c/other", constant("2.0.0", 30));
    other.export = Some("t:c/source@2.0.0".to_owned());
    let source = dependency("t:c/source@1.0.0", constant("1.0.0", 4));
    let composed = dependencies::compose(&root, &[other.clone(), source]).unwrap();
    assert_eq!(number(&composed, "x:y/sum"), 34);

    let one = sum(&["t:c/source@1.0.0"], "x:y/sum");
    let package = dependency("t:c", constant("1.0.0", 5));
    let composed = dependencies::compose(&one, &[package]).unwrap();
    assert_eq!(number(&composed, "x:y/sum"), 5);

    let composed = dependencies::compose(&one, &[other]);
    assert!(matches!(composed, Err(DependencyError::Unmatched { .. })));
    let composed = dependencies::compose(&one, &[dependency("t:c", constant("1.1.0", 5))]);
    let message = composed.unwrap_err().to_string();
    assert!(message.contains("it exports t:c/source@1.1.0"), "{message}");
}

/// A component that opens something of the host and answers what came of it, as numbers: whether
/// it failed, the case of the error, the length of its text, and the number of variables of its
/// environment.
const PRYING: &str = r#"
(component
  (import "spin:demo/things@1.0.0" (instance $things
    (export "thing" (type $thing (sub resource)))
    (type $e (variant (case "busy") (case "other" (option string))))
    (export "error" (type $error (eq $e)))
    (export "[static]thing.open" (func (param "name" string)
        (result (result (own $thing) (error $error)))))
    (export "[method]thing.use" (func (param "self" (borrow $thing)) (result u32)))
  ))
  (alias export $things "thing" (type $thing))
  (import "spin:demo/users@1.0.0" (instance $users
    (alias outer 1 $thing (type $t))
    (export "thing" (type $thing (eq $t)))
    (export "count" (func (param "of" (borrow $thing)) (result u32)))
  ))
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))
  ))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $memory (instantiate $memory))
  (core func $open (canon lower (func $things "[static]thing.open")
    (memory $memory "memory") (realloc (func $memory "realloc"))))
  (core func $environ (canon lower (func $environment "get-environment")
    (memory $memory "memory") (realloc (func $memory "realloc"))))
  (core func $count (canon lower (func $users "count")))
  (core module $m
    (import "m" "memory" (memory 1))
    (import "m" "open" (func $open (param i32 i32 i32)))
    (import "m" "environ" (func $environ (param i32)))
    (import "m" "count" (func $count (param i32) (result i32)))
    (func (export "pry") (result i32)
      (call $open (i32.const 0) (i32.const 60000) (i32.const 100))
      (call $environ (i32.const 200))
      (i32.add (i32.add
        (i32.mul (i32.load8_u (i32.const 100)) (i32.const 100000))
        (i32.mul (i32.load8_u (i32.const 104)) (i32.const 10000)))
        (i32.add (i32.mul (i32.load (i32.const 204)) (i32.const 1000))
          (i32.load (i32.const 116))))))
  (core instance $i (instantiate $m (with "m" (instance
    (export "memory" (memory $memory "memory"))
    (export "open" (func $open))
    (export "environ" (func $environ))
    (export "count" (func $count))))))
  (func $pry (result u32) (canon lift (core func $i "pry")))
  (instance $out (export "number" (func $pry)))
  (export "t:c/source@1.0.0" (instance $out)))
"#;

#[test]
fn what_is_not_inherited_is_refused_inside_the_sandbox() {
    let root = sum(&["t:c/source@1.0.0"], "x:y/sum");
    let prying = dependency("t:c/source", wasm(PRYING));
    let composed = dependencies::compose(&root, std::slice::from_ref(&prying)).unwrap();
    assert_eq!(imports(&composed), [""; 0]);
    let text = "spin:demo/things@1.0.0 is not inherited by this dependency";
    let expected = 110_000 + u32::try_from(text.len()).unwrap();
    assert_eq!(number(&composed, "x:y/sum"), expected);
    assert_eq!(number(&composed, "x:y/sum"), expected);

    let mut trusted = prying.clone();
    trusted.inherits = InheritConfiguration::All;
    let composed = dependencies::compose(&root, &[trusted]).unwrap();
    assert_eq!(imports(&composed).len(), 3);

    let mut half = prying;
    half.inherits = InheritConfiguration::Some(vec!["environment".to_owned()]);
    let composed = dependencies::compose(&root, &[half]).unwrap();
    assert_eq!(imports(&composed), ["wasi:cli/environment@0.2.0"]);
}

#[test]
fn arbitrary_bytes_are_refused_as_a_part() {
    let error = dependencies::compose(b"\0asm\x01\0\0\0", &[]).unwrap_err();
    assert!(matches!(error, DependencyError::Graph(_)), "{error}");
}

#[test]
fn async_functions_are_refused_as_well() {
    let later = wasm(
        r#"(component (import "spin:demo/later@1.0.0" (instance
            (type $bytes (stream u8))
            (export "get" (func async (param "key" string)
                (result (result $bytes (error string))))))))"#,
    );
    let denial = denial::of(&later, &InheritConfiguration::None).unwrap();
    let denial = denial.expect("the import is refused");
    let name = "spin:demo/later@1.0.0".to_owned();
    assert_eq!(denial.interfaces, [(name.clone(), name)]);
    assert_eq!(imports(&denial.component), [""; 0]);
    assert!(
        denial::of(&later, &InheritConfiguration::All)
            .unwrap()
            .is_none()
    );
}
