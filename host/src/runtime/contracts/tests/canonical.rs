//! The canonical text of types: what it is for each kind, and that equal types, and only those,
//! have equal texts, for random types in components that name them differently.

use std::fmt::Write;

use proptest::prelude::*;
use wasmtime::component::types::{ComponentItem, Type};

use super::{Function, Interface, component};
use crate::runtime::artifact_cache::summaries::read_interface;

/// A type as a user would think of it.
#[derive(Clone, Debug, PartialEq)]
enum Model {
    Primitive(&'static str),
    List(Box<Self>),
    FixedLengthList(Box<Self>, u32),
    Map(&'static str, Box<Self>),
    Option(Box<Self>),
    Result(Option<Box<Self>>, Option<Box<Self>>),
    Tuple(Vec<Self>),
    Record(Vec<(String, Self)>),
    Variant(Vec<(String, Option<Self>)>),
    Enum(Vec<String>),
    Flags(Vec<String>),
}

const PRIMITIVES: [&str; 13] = [
    "bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string",
];

/// The text that a type must have.
fn expected(model: &Model) -> String {
    let listed = |parts: Vec<String>| parts.join(", ");
    match model {
        Model::Primitive(name) => (*name).to_owned(),
        Model::List(item) => format!("list<{}>", expected(item)),
        Model::FixedLengthList(item, length) => format!("list<{}, {length}>", expected(item)),
        Model::Map(key, value) => format!("map<{key}, {}>", expected(value)),
        Model::Option(item) => format!("option<{}>", expected(item)),
        Model::Result(None, None) => "result".to_owned(),
        Model::Result(Some(ok), None) => format!("result<{}>", expected(ok)),
        Model::Result(None, Some(error)) => format!("result<_, {}>", expected(error)),
        Model::Result(Some(ok), Some(error)) => {
            format!("result<{}, {}>", expected(ok), expected(error))
        }
        Model::Tuple(items) => format!("tuple<{}>", listed(items.iter().map(expected).collect())),
        Model::Record(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, ty)| format!("{name}: {}", expected(ty)));
            format!("record {{ {} }}", listed(fields.collect()))
        }
        Model::Variant(cases) => {
            let cases = cases.iter().map(|(name, ty)| match ty {
                Some(ty) => format!("{name}({})", expected(ty)),
                None => name.clone(),
            });
            format!("variant {{ {} }}", listed(cases.collect()))
        }
        Model::Enum(names) => format!("enum {{ {} }}", names.join(", ")),
        Model::Flags(names) => format!("flags {{ {} }}", names.join(", ")),
    }
}

/// Declares types in the text format, each by a number and named types under names of their own.
struct Declarations {
    text: String,
    count: usize,
    names: &'static str,
}

impl Declarations {
    fn declare(&mut self, model: &Model) -> String {
        let (definition, is_named) = self.definition(model);
        let index = self.count;
        self.count += 1;
        let names = self.names;
        write!(self.text, "(type $t{index} {definition}) ").unwrap();
        if !is_named {
            return format!("$t{index}");
        }
        let text = format!("(export \"{names}{index}\" (type $e{index} (eq $t{index}))) ");
        self.text.push_str(&text);
        format!("$e{index}")
    }

    fn definition(&mut self, model: &Model) -> (String, bool) {
        let quoted = |names: &[String]| {
            let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
            names.join(" ")
        };
        let text = match model {
            Model::Primitive(name) => (*name).to_owned(),
            Model::List(item) => format!("(list {})", self.declare(item)),
            Model::FixedLengthList(item, length) => {
                format!("(list {} {length})", self.declare(item))
            }
            Model::Map(key, value) => format!("(map {key} {})", self.declare(value)),
            Model::Option(item) => format!("(option {})", self.declare(item)),
            Model::Result(ok, error) => {
                let ok = ok.as_ref().map(|ok| self.declare(ok)).unwrap_or_default();
                let error = error.as_ref().map(|error| self.declare(error));
                let error = error.map(|error| format!("(error {error})"));
                format!("(result {ok} {})", error.unwrap_or_default())
            }
            Model::Tuple(items) => {
                let items: Vec<_> = items.iter().map(|item| self.declare(item)).collect();
                format!("(tuple {})", items.join(" "))
            }
            Model::Record(fields) => {
                let fields = fields.iter();
                let fields = fields
                    .map(|(name, ty)| format!("(field \"{name}\" {})", self.declare(ty)))
                    .collect::<String>();
                return (format!("(record {fields})"), true);
            }
            Model::Variant(cases) => {
                let cases = cases.iter().map(|(name, ty)| {
                    let ty = ty.as_ref().map(|ty| self.declare(ty));
                    format!("(case \"{name}\" {})", ty.unwrap_or_default())
                });
                return (format!("(variant {})", cases.collect::<String>()), true);
            }
            Model::Enum(names) => return (format!("(enum {})", quoted(names)), true),
            Model::Flags(names) => return (format!("(flags {})", quoted(names)), true),
        };
        (text, false)
    }
}

/// The canonical text of a type, its type as wasmtime has it, and the interface that has it.
fn round_trip(model: &Model, names: &'static str) -> (String, Type, Interface) {
    let mut declarations = Declarations {
        text: String::new(),
        count: 0,
        names,
    };
    let ty = declarations.declare(model);
    let text = declarations.text;
    let component = component(&format!(
        "(component (import \"a:b/c\" (instance {text}
            (export \"f\" (func (param \"value\" {ty}) (result {ty}))))))"
    ));
    let engine = component.engine();
    let component_type = component.component_type();
    let (_, import) = component_type.imports(engine).next().unwrap();
    let ComponentItem::ComponentInstance(instance) = import.ty else {
        panic!("no instance");
    };
    let interface = Interface::of("a:b/c", &instance, engine, &mut usize::MAX.clone());
    let ComponentItem::ComponentFunc(function) = instance.get_export(engine, "f").unwrap().ty
    else {
        panic!("no function");
    };
    let ty = function.results().next().unwrap();
    let Function {
        parameters, result, ..
    } = &interface.functions[0];
    assert_eq!(Some(&parameters[0].ty), result.as_ref());
    (parameters[0].ty.clone(), ty, interface)
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let word = prop::sample::select(vec!["a", "b", "not-found", "x1"]);
    // The number keeps the names of one type apart.
    prop::collection::vec(word, 1..5).prop_map(|words| {
        let numbered = words.iter().enumerate();
        numbered.map(|(n, word)| format!("{word}-n{n}")).collect()
    })
}

fn model() -> impl Strategy<Value = Model> {
    let leaf = prop_oneof![
        4 => prop::sample::select(PRIMITIVES.to_vec()).prop_map(Model::Primitive),
        1 => names().prop_map(Model::Enum),
        1 => names().prop_map(Model::Flags),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new).boxed();
        let optional = prop::option::of(boxed.clone());
        let key = prop::sample::select(vec!["u32", "string", "bool", "char"]);
        let members = |inner: BoxedStrategy<Model>| {
            (names(), prop::collection::vec(inner, 4))
                .prop_map(|(names, types)| names.into_iter().zip(types).collect::<Vec<_>>())
        };
        let cases = members(inner.clone().boxed());
        prop_oneof![
            boxed.clone().prop_map(Model::List),
            (boxed.clone(), 1..9u32).prop_map(|(item, n)| Model::FixedLengthList(item, n)),
            (key, boxed.clone()).prop_map(|(key, value)| Model::Map(key, value)),
            boxed.prop_map(Model::Option),
            (optional.clone(), optional).prop_map(|(ok, error)| Model::Result(ok, error)),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Model::Tuple),
            members(inner.boxed()).prop_map(Model::Record),
            (cases, any::<u8>()).prop_map(|(cases, mask)| {
                let has_type = |index: usize| mask >> (index % 8) & 1 == 1;
                let cases = cases.into_iter().enumerate();
                let case = |(index, (name, ty))| (name, has_type(index).then_some(ty));
                Model::Variant(cases.map(case).collect())
            }),
        ]
    })
}

/// A type that differs from the given one in one place, or not at all.
fn changed(model: &Model, seed: u64) -> Model {
    let (choice, rest) = (seed % 7, seed / 7);
    let child = |item: &Model| Box::new(changed(item, rest));
    let index = |length: usize| usize::try_from(rest).unwrap_or_default() % length;
    let mut model = model.clone();
    match &mut model {
        Model::Primitive(name) => *name = PRIMITIVES[index(PRIMITIVES.len())],
        Model::List(item) if choice == 0 => return Model::Option(item.clone()),
        Model::Option(item) if choice == 0 => return Model::Tuple(vec![*item.clone()]),
        Model::FixedLengthList(item, _) if choice == 0 => return Model::List(item.clone()),
        Model::FixedLengthList(_, length) if choice == 1 => *length += 1,
        Model::Map(key, _) if choice == 0 => *key = "u8",
        Model::Result(ok, error) if choice == 0 => std::mem::swap(ok, error),
        Model::Record(fields) if choice == 0 => fields[0].0.push_str("-x"),
        Model::Record(fields) if choice == 1 => fields.reverse(),
        Model::Variant(cases) if choice == 0 => cases[0].0.push_str("-x"),
        Model::Enum(names) if choice == 0 => return Model::Flags(names.clone()),
        Model::Enum(names) | Model::Flags(names) => names.reverse(),
        Model::List(item)
        | Model::Option(item)
        | Model::FixedLengthList(item, _)
        | Model::Map(_, item) => *item = child(item),
        Model::Result(ok, error) => {
            let side = if choice % 2 == 0 { ok } else { error };
            *side = side.as_ref().map(|item| child(item));
        }
        Model::Tuple(items) => {
            let item = index(items.len());
            items[item] = changed(&items[item], rest / 3);
        }
        Model::Record(fields) => {
            let field = index(fields.len());
            fields[field].1 = changed(&fields[field].1, rest / 3);
        }
        Model::Variant(cases) => {
            let case = index(cases.len());
            cases[case].1 = cases[case].1.as_ref().map(|ty| changed(ty, rest / 3));
        }
    }
    model
}

/// The type as wasmtime compares it: names of enums and flags count, their order does not. Ours
/// does: it decides the bytes that a composed component passes.
fn sorted(model: &Model) -> Model {
    let boxed = |item: &Model| Box::new(sorted(item));
    let names = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names
    };
    match model {
        Model::Primitive(_) => model.clone(),
        Model::List(item) => Model::List(boxed(item)),
        Model::FixedLengthList(item, length) => Model::FixedLengthList(boxed(item), *length),
        Model::Map(key, value) => Model::Map(key, boxed(value)),
        Model::Option(item) => Model::Option(boxed(item)),
        Model::Result(ok, error) => {
            Model::Result(ok.as_deref().map(boxed), error.as_deref().map(boxed))
        }
        Model::Tuple(items) => Model::Tuple(items.iter().map(sorted).collect()),
        Model::Record(fields) => {
            let fields = fields.iter();
            Model::Record(
                fields
                    .map(|(name, ty)| (name.clone(), sorted(ty)))
                    .collect(),
            )
        }
        Model::Variant(cases) => {
            let cases = cases.iter();
            let case =
                |(name, ty): &(String, Option<Model>)| (name.clone(), ty.as_ref().map(sorted));
            Model::Variant(cases.map(case).collect())
        }
        Model::Enum(list) => Model::Enum(names(list)),
        Model::Flags(list) => Model::Flags(names(list)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn equal_types_and_only_those_have_equal_texts(
        (one, other) in model().prop_flat_map(|one| {
            let near = any::<u64>().prop_map({
                let one = one.clone();
                move |seed| changed(&one, seed)
            });
            let other = prop_oneof![1 => Just(one.clone()), 4 => near, 1 => model()];
            (Just(one), other)
        }),
    ) {
        let (one_text, one_type, interface) = round_trip(&one, "first");
        let (other_text, other_type, _) = round_trip(&other, "second");
        prop_assert_eq!(&one_text, &expected(&one));
        prop_assert_eq!(&other_text, &expected(&other));
        prop_assert_eq!(one == other, one_text == other_text);
        prop_assert_eq!(one_type == other_type, sorted(&one) == sorted(&other));
        let stored = serde_json::to_vec(&interface).unwrap();
        prop_assert_eq!(read_interface(&stored), Some(interface));
    }
}

#[test]
fn handles_have_a_text_as_well() {
    let component = component(
        r#"(component (import "a:b/c" (instance
            (export "cursor" (type $c (sub resource)))
            (type $s (stream u8)) (type $n (stream)) (type $f (future string))
            (type $e error-context)
            (export "f" (func (param "own" (own $c)) (param "borrow" (borrow $c))
                (param "stream" $s) (param "none" $n) (param "future" $f) (result $e))))))"#,
    );
    let contract = super::Contract::of(&component);
    let function = &contract.imports[0].interface().unwrap().functions[0];
    assert_eq!(
        function.to_string(),
        "func(own: own<cursor>, borrow: borrow<cursor>, stream: stream<u8>, none: stream, future: \
         future<string>) -> error-context"
    );
}
