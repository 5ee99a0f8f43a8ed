//! Random values of random types go through a link and come back equal. A type is drawn and written
//! as WIT; of it come two components, one that gives back what it is given, and one that passes on
//! what it is given to the first. Both are services of the host, without grants.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use proptest::collection::vec;
use proptest::num;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::strategy::Union;
use proptest::test_runner::{Config, TestRunner};
use wasmtime::component::Val;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::artifact_cache::ArtifactCache;
use super::code::CodeLoader;
use super::engine::Engines;
use super::host_places::HostPlaces;
use super::instances::{Grants, Instances};
use super::linker::Linkers;
use super::links::Link;
use super::live::Live;
use super::registry::Registry;
use super::revision::Revision;
use super::service::Service;
use crate::capabilities::http_out::{Client, ClientSettings};
use crate::capabilities::invocation::Invocation;
use crate::capabilities::{files, http_out, logs, redis, sockets, variables};
use crate::manifest::model::ServiceSettings;
use crate::network::allowed_hosts::AllowedHosts;
use crate::network::guard::Guard;
use crate::network::tls::TlsClient;
use crate::telemetry::metrics::ServiceMetrics;
use crate::telemetry::trace_context::TraceContext;

const INTERFACE: &str = "test:echo/echo@1.0.0";

/// A type of the component model. Resources, streams and futures do not cross a link.
#[derive(Clone, Debug)]
enum Type {
    /// A type without parts, by its name in WIT.
    Plain(&'static str),
    List(Box<Type>),
    Option(Box<Type>),
    Tuple(Vec<Type>),
    Result(Option<Box<Type>>, Option<Box<Type>>),
    Record(Vec<Type>),
    Variant(Vec<Option<Type>>),
    /// With so many cases.
    Enum(usize),
    /// With so many members.
    Flags(usize),
}

const PLAIN: [&str; 13] = [
    "bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string",
];
const DEPTH_MAX: u32 = 4;
/// The component model's own limit.
const FLAGS_MAX: usize = 32;

fn types() -> impl Strategy<Value = Type> {
    let plain = proptest::sample::select(&PLAIN[..]).prop_map(Type::Plain);
    // More than 256 cases take two bytes.
    let choice = proptest::sample::select(vec![1, 2, 256, 257]).prop_map(Type::Enum);
    let flags = proptest::sample::select(vec![1, 8, 9, 17, FLAGS_MAX]).prop_map(Type::Flags);
    let leaf = Union::new_weighted(vec![
        (6, plain.boxed()),
        (1, choice.boxed()),
        (1, flags.boxed()),
    ]);
    leaf.prop_recursive(DEPTH_MAX, 24, 4, |inner| {
        let perhaps = proptest::option::of(inner.clone());
        let side = proptest::option::of(inner.clone().prop_map(Box::new));
        Union::new([
            inner
                .clone()
                .prop_map(Box::new)
                .prop_map(Type::List)
                .boxed(),
            inner
                .clone()
                .prop_map(Box::new)
                .prop_map(Type::Option)
                .boxed(),
            vec(inner.clone(), 1..4).prop_map(Type::Tuple).boxed(),
            (side.clone(), side)
                .prop_map(|(ok, error)| Type::Result(ok, error))
                .boxed(),
            vec(inner, 1..5).prop_map(Type::Record).boxed(),
            vec(perhaps, 1..5).prop_map(Type::Variant).boxed(),
        ])
    })
}

impl Type {
    /// The type in WIT. Those that WIT wants named are added to `declared`.
    fn wit(&self, declared: &mut Vec<String>) -> String {
        match self {
            Self::Plain(name) => (*name).to_owned(),
            Self::List(element) => format!("list<{}>", element.wit(declared)),
            Self::Option(some) => format!("option<{}>", some.wit(declared)),
            Self::Tuple(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| part.wit(declared)).collect();
                format!("tuple<{}>", parts.join(", "))
            }
            Self::Result(ok, error) => {
                let mut side = |side: &Option<Box<Self>>| {
                    side.as_ref().map_or("_".into(), |side| side.wit(declared))
                };
                match (side(ok).as_str(), side(error).as_str()) {
                    ("_", "_") => "result".into(),
                    (ok, "_") => format!("result<{ok}>"),
                    (ok, error) => format!("result<{ok}, {error}>"),
                }
            }
            Self::Record(fields) => {
                let field = |(number, field): (usize, &Self)| {
                    format!("{}: {}", member(number), field.wit(declared))
                };
                let fields = fields.iter().enumerate().map(field).collect();
                declare("record", fields, declared)
            }
            Self::Variant(cases) => {
                let case = |(number, case): (usize, &Option<Self>)| match case {
                    Some(case) => format!("{}({})", member(number), case.wit(declared)),
                    None => member(number),
                };
                let cases = cases.iter().enumerate().map(case).collect();
                declare("variant", cases, declared)
            }
            Self::Enum(cases) => declare("enum", (0..*cases).map(member).collect(), declared),
            Self::Flags(members) => declare("flags", (0..*members).map(member).collect(), declared),
        }
    }

    /// Values of the type.
    fn values(&self) -> BoxedStrategy<Val> {
        match self {
            Self::Plain(name) => plain_values(name),
            Self::List(element) => vec(element.values(), 0..4).prop_map(Val::List).boxed(),
            Self::Option(some) => proptest::option::of(some.values())
                .prop_map(|some| Val::Option(some.map(Box::new)))
                .boxed(),
            Self::Tuple(parts) => {
                let parts: Vec<_> = parts.iter().map(Self::values).collect();
                parts.prop_map(Val::Tuple).boxed()
            }
            Self::Result(ok, error) => {
                let ok = payload(ok.as_deref()).prop_map(|ok| Val::Result(Ok(ok)));
                let error = payload(error.as_deref()).prop_map(|error| Val::Result(Err(error)));
                Union::new([ok.boxed(), error.boxed()]).boxed()
            }
            Self::Record(fields) => {
                let fields: Vec<_> = fields.iter().map(Self::values).collect();
                let named = |values: Vec<Val>| {
                    let values = values.into_iter().enumerate();
                    values
                        .map(|(number, value)| (member(number), value))
                        .collect()
                };
                fields.prop_map(named).prop_map(Val::Record).boxed()
            }
            Self::Variant(cases) => {
                let case = |(number, case): (usize, &Option<Self>)| {
                    payload(case.as_ref())
                        .prop_map(move |payload| Val::Variant(member(number), payload))
                        .boxed()
                };
                Union::new(cases.iter().enumerate().map(case)).boxed()
            }
            Self::Enum(cases) => (0..*cases).prop_map(|case| Val::Enum(member(case))).boxed(),
            Self::Flags(members) => vec(any::<bool>(), *members)
                .prop_map(|members| {
                    let set = members.into_iter().enumerate().filter(|(_, set)| *set);
                    Val::Flags(set.map(|(number, _)| member(number)).collect())
                })
                .boxed(),
        }
    }
}

/// The name of a field, case or member.
fn member(number: usize) -> String {
    format!("m{number}")
}

/// Declares a type under a name of its own, and returns the name.
fn declare(kind: &str, members: Vec<String>, declared: &mut Vec<String>) -> String {
    let name = format!("t{}", declared.len());
    declared.push(format!("{kind} {name} {{ {} }}", members.join(", ")));
    name
}

fn payload(of: Option<&Type>) -> BoxedStrategy<Option<Box<Val>>> {
    match of {
        Some(of) => of.values().prop_map(|value| Some(Box::new(value))).boxed(),
        None => Just(None).boxed(),
    }
}

fn plain_values(name: &str) -> BoxedStrategy<Val> {
    match name {
        "bool" => any::<bool>().prop_map(Val::Bool).boxed(),
        "s8" => any::<i8>().prop_map(Val::S8).boxed(),
        "u8" => any::<u8>().prop_map(Val::U8).boxed(),
        "s16" => any::<i16>().prop_map(Val::S16).boxed(),
        "u16" => any::<u16>().prop_map(Val::U16).boxed(),
        "s32" => any::<i32>().prop_map(Val::S32).boxed(),
        "u32" => any::<u32>().prop_map(Val::U32).boxed(),
        "s64" => any::<i64>().prop_map(Val::S64).boxed(),
        "u64" => any::<u64>().prop_map(Val::U64).boxed(),
        // Infinities, subnormal numbers, and NaN, of which all are one to a component.
        "f32" => num::f32::ANY.prop_map(Val::Float32).boxed(),
        "f64" => num::f64::ANY.prop_map(Val::Float64).boxed(),
        "char" => any::<char>().prop_map(Val::Char).boxed(),
        "string" => vec(any::<char>(), 0..8)
            .prop_map(|text| Val::String(text.into_iter().collect()))
            .boxed(),
        other => panic!("`{other}` is no plain type"),
    }
}

/// The contract of both components, which echo lists of the type: whatever the type is, a list is
/// handed over as an address and a length, so that the code of the components is always the same.
fn contract(echoed: &Type) -> String {
    let mut declared = Vec::new();
    let echoed = echoed.wit(&mut declared);
    let declared = declared.join("\n");
    format!(
        "package test:echo@1.0.0;
        interface echo {{
            {declared}
            type echoed = {echoed};
            echo: func(value: list<echoed>) -> list<echoed>;
        }}
        world provider {{
            export echo;
        }}
        world caller {{
            import echo;
            export runs: interface {{
                use echo.{{echoed}};
                run: func(value: list<echoed>) -> list<echoed>;
            }}
        }}"
    )
}

/// Memory that is only ever taken: what was handed over stays where it is.
const MEMORY: &str = r#"
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 1024))
    (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32)
        (param $size i32) (result i32)
        (local $start i32)
        (local.set $start
            (i32.and
                (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
                (i32.sub (i32.const 0) (local.get $align))))
        (global.set $free (i32.add (local.get $start) (local.get $size)))
        (block $fits
            (loop $grow
                (br_if $fits
                    (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
                (br_if $grow
                    (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
            unreachable)
        (memory.copy (local.get $start) (local.get $old) (local.get $old_size))
        (local.get $start))
"#;

/// Exports `echo`, which gives back the address and the length that it is given.
fn provider(contract: &str) -> Vec<u8> {
    let echo = format!(
        r#"(func (export "{INTERFACE}#echo") (param $address i32) (param $length i32) (result i32)
            (i32.store (i32.const 8) (local.get $address))
            (i32.store (i32.const 12) (local.get $length))
            (i32.const 8))"#
    );
    component(contract, "provider", &format!("(module {MEMORY} {echo})"))
}

/// Exports `run`, which gives back what the imported `echo` answers to its parameter.
fn caller(contract: &str) -> Vec<u8> {
    let import = format!(r#"(import "{INTERFACE}" "echo" (func $echo (param i32 i32 i32)))"#);
    let run = r#"(func (export "runs#run") (param $address i32) (param $length i32) (result i32)
        (call $echo (local.get $address) (local.get $length) (i32.const 8))
        (i32.const 8))"#;
    component(
        contract,
        "caller",
        &format!("(module {import} {MEMORY} {run})"),
    )
}

/// A component of a world, of the core module that fits it.
fn component(contract: &str, world: &str, module: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("echo.wit", contract).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default().validate(true);
    encoder.module(&module).unwrap().encode().unwrap()
}

/// The host's parts that all cases share.
struct Fabric {
    engines: Arc<Engines>,
    linkers: Arc<Linkers>,
    cache: Arc<ArtifactCache>,
    places: Arc<HostPlaces>,
    folder: tempfile::TempDir,
}

impl Fabric {
    fn new() -> Self {
        let engines = Engines::start(true).unwrap();
        Self {
            linkers: Arc::new(Linkers::new(&engines).unwrap()),
            engines,
            cache: Arc::new(ArtifactCache::none()),
            places: Arc::new(HostPlaces::new(100, 0)),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A service of this component, without any grant.
    fn service(&self, id: &str, wasm: &[u8], links: Vec<Arc<Link>>) -> Arc<Service> {
        let path = self.folder.path().join(id);
        std::fs::write(&path, wasm).unwrap();
        // The cache does not trust the state of a file that has just been written.
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(60))
            .unwrap();
        let loader = CodeLoader {
            engines: self.engines.clone(),
            linkers: self.linkers.clone(),
            cache: self.cache.clone(),
            artifact: self.cache.inspect(&self.engines, &path).unwrap(),
            links,
            allowed_hosts: Arc::default(),
        };
        let settings = ServiceSettings::default();
        let metrics = Arc::<ServiceMetrics>::default();
        let (places, counts) = (self.places.clone(), metrics.clone());
        let instances = Instances::new(loader, no_grants(id), settings, places, counts);
        let service = Service::new(id.into(), metrics, Arc::default());
        service.set_live(Live::sole(Arc::new(Revision::new(1, instances, None))));
        Arc::new(service)
    }

    /// Calls `run` of the caller, whose import is a link to the provider.
    async fn call_through_link(&self, caller: &[u8], provider: &[u8], arg: Val) -> Val {
        let link = Arc::new(Link::new(INTERFACE, "provider", false, 1 << 20));
        let caller = self.service("caller", caller, vec![link]);
        let provider = self.service("provider", provider, Vec::new());
        let registry = Registry::default();
        registry.publish([caller.clone(), provider]);

        let deadline = Instant::now() + Duration::from_secs(60);
        let trace = TraceContext::start();
        let invocation = Invocation::root("request".into(), trace, "caller".into(), deadline);
        let main = caller.main().unwrap();
        let instances = &main.instances;
        let meter = instances.meter(invocation.deadline.clone());
        let mut instance = instances.take(&meter, true, deadline).await.unwrap();
        instance.begin(&invocation, meter);
        let code = instance.code().clone();
        let run = code.function_number(&"runs".into(), &"run".into()).unwrap();
        let mut results = [Val::Bool(false)];
        instance.call(run, &[arg], &mut results).await.unwrap();
        let [result] = results;
        result
    }
}

fn no_grants(id: &str) -> Grants {
    let allowed_hosts = Arc::<AllowedHosts>::default();
    let guard = Arc::<Guard>::default();
    Grants {
        environment: Vec::new(),
        files: files::Config::default(),
        logs: logs::Config::new(id, Arc::default(), None, false, 1).unwrap(),
        variables: variables::Config {
            service: id.to_owned(),
            values: Arc::default(),
        },
        key_value: Arc::default(),
        sqlite: Arc::default(),
        redis: redis::Config {
            allowed_hosts: allowed_hosts.clone(),
            guard: guard.clone(),
            tls: TlsClient::new(&[], &[]).unwrap(),
            limits: redis::Limits::default(),
            app_limit: None,
        },
        http_out: Arc::new(http_out::Config {
            allowed_hosts: allowed_hosts.clone(),
            guard: guard.clone(),
            chain: Arc::default(),
            self_address: Arc::default(),
            client: Client::new(&ClientSettings::default()).unwrap(),
        }),
        sockets: sockets::Config {
            allowed_hosts,
            guard,
        },
    }
}

#[test]
fn random_values_of_random_types_come_back_equal() {
    let cases = types().prop_flat_map(|echoed| {
        let contract = contract(&echoed);
        (
            Just(contract),
            vec(echoed.values(), 0..6).prop_map(Val::List),
        )
    });
    let config = Config {
        cases: 256,
        failure_persistence: None,
        ..Config::default()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fabric = Fabric::new();
    let outcome = TestRunner::new(config).run(&cases, |(contract, value)| {
        let (caller, provider) = (caller(&contract), provider(&contract));
        let call = fabric.call_through_link(&caller, &provider, value.clone());
        let echoed = runtime.block_on(call);
        proptest::prop_assert_eq!(echoed, value, "{}", contract);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
