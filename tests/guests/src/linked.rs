//! What the guests of `test:chain` do when they are called, in plain types: their generated ones
//! differ from guest to guest. The macros map the one to the other. The stores that tests look into
//! are the test's to grant; what a missing grant answers becomes an error of the service's own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::bindings::plain::wasi::keyvalue::atomics::increment;
use crate::bindings::plain::wasi::keyvalue::store::{self, Bucket};
use wasip2::cli::environment::get_environment;
use wasip2::clocks::monotonic_clock::{now, subscribe_duration};

/// The error of `test:chain`.
#[derive(Debug)]
pub enum Error {
    Own(String),
    Unavailable(String),
}

/// The ways to fail of `test:chain`.
#[derive(Clone, Copy, Debug)]
pub enum Failure {
    Trap,
    Loop,
    Wait,
    Memory,
    Own,
    Effect,
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Own(format!("{error:?}"))
    }
}

/// Where services and tests wait for each other.
const GATE: &str = "gate";
const MILLISECOND: u64 = 1_000_000;
/// In nanoseconds.
const THIRTY_YEARS: u64 = 1_000_000_000_000_000_000;

static CALLS: AtomicU32 = AtomicU32::new(0);
static TOLD: Mutex<Option<String>> = Mutex::new(None);

pub fn whoami() -> Result<String, Error> {
    let name = get_environment()
        .into_iter()
        .find(|(name, _)| name == "NAME");
    Ok(name.map_or_else(|| "nobody".into(), |(_, value)| value))
}

pub fn fail(how: Failure) -> Result<String, Error> {
    match how {
        Failure::Trap => panic!("internal detail of the guest"),
        Failure::Loop => {
            let mut number = 0u64;
            loop {
                number = std::hint::black_box(number.wrapping_add(1));
            }
        }
        Failure::Wait => {
            subscribe_duration(THIRTY_YEARS).block();
            unreachable!()
        }
        Failure::Memory => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(std::hint::black_box(vec![7; 1 << 20]));
            }
        }
        Failure::Own => Err(Error::Own("it says no".into())),
        Failure::Effect => {
            increment(&store::open(GATE)?, "effects", 1)?;
            panic!("internal detail of the guest")
        }
    }
}

pub fn compute(ms: u32) -> Result<String, Error> {
    let end = now() + u64::from(ms) * MILLISECOND;
    while now() < end {
        std::hint::black_box((0..10_000u64).fold(0, |sum, number| sum ^ number));
    }
    Ok("computed".into())
}

pub fn sized(bytes: u32) -> Result<Vec<u8>, Error> {
    Ok(vec![7; bytes as usize])
}

pub fn take(bytes: &[u8]) -> Result<u32, Error> {
    Ok(bytes.len() as u32)
}

pub fn write(store: &str, key: &str, value: &str) -> Result<(), Error> {
    Ok(store::open(store)?.set(key, value.as_bytes())?)
}

pub fn read(store: &str, key: &str) -> Result<Option<String>, Error> {
    let value = store::open(store)?.get(key)?;
    Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
}

pub fn count() -> Result<u32, Error> {
    Ok(CALLS.fetch_add(1, Ordering::Relaxed) + 1)
}

pub fn remember(text: &str) -> Result<Option<String>, Error> {
    Ok(TOLD.lock().unwrap().replace(text.to_owned()))
}

pub fn hold(gate: &str) -> Result<String, Error> {
    let store: Bucket = store::open(GATE)?;
    increment(&store, &format!("held-{gate}"), 1)?;
    while !store.exists(&format!("open-{gate}"))? {
        subscribe_duration(20 * MILLISECOND).block();
    }
    Ok("held".into())
}

pub fn ticket() -> Result<String, Error> {
    Ok(increment(&store::open(GATE)?, "tickets", 1)?.to_string())
}

/// The end of every chain.
pub fn chain(_steps: u32) -> Result<String, Error> {
    whoami()
}

pub fn bare() -> u32 {
    7
}

pub fn bare_fail(how: Failure) -> u32 {
    match fail(how) {
        Ok(_) => 0,
        Err(error) => panic!("{error:?}"),
    }
}

pub fn bare_sized(bytes: u32) -> Vec<u8> {
    vec![7; bytes as usize]
}

/// What a test is shown of a result.
pub trait Shown {
    fn shown(self) -> String;
}

impl Shown for () {
    fn shown(self) -> String {
        "done".into()
    }
}

impl Shown for String {
    fn shown(self) -> String {
        self
    }
}

impl Shown for u32 {
    fn shown(self) -> String {
        self.to_string()
    }
}

impl Shown for Vec<u8> {
    fn shown(self) -> String {
        format!("{} bytes", self.len())
    }
}

impl Shown for Option<String> {
    fn shown(self) -> String {
        self.unwrap_or_else(|| "(none)".into())
    }
}

/// Exports an interface of `test:chain` for the type `$guest`, whose chains go on with `$chain`;
/// what is in the braces are functions beyond those of 1.0.0.
#[macro_export]
macro_rules! work {
    ($guest:ty, $($interface:ident)::+, $chain:path, { $($more:tt)* }) => {
        const _: () = {
            use $($interface)::+::{Error, Failure, Guest};
            use $crate::linked;

            fn mapped<T>(result: Result<T, linked::Error>) -> Result<T, Error> {
                result.map_err(|error| match error {
                    linked::Error::Own(text) => Error::Own(text),
                    linked::Error::Unavailable(text) => Error::Unavailable(text),
                })
            }

            fn failure(how: Failure) -> linked::Failure {
                match how {
                    Failure::Trap => linked::Failure::Trap,
                    Failure::Loop => linked::Failure::Loop,
                    Failure::Wait => linked::Failure::Wait,
                    Failure::Memory => linked::Failure::Memory,
                    Failure::Own => linked::Failure::Own,
                    Failure::Effect => linked::Failure::Effect,
                }
            }

            impl Guest for $guest {
                fn whoami() -> Result<String, Error> { mapped(linked::whoami()) }
                fn fail(how: Failure) -> Result<String, Error> {
                    mapped(linked::fail(failure(how)))
                }
                fn compute(ms: u32) -> Result<String, Error> { mapped(linked::compute(ms)) }
                fn sized(bytes: u32) -> Result<Vec<u8>, Error> { mapped(linked::sized(bytes)) }
                fn take(bytes: Vec<u8>) -> Result<u32, Error> { mapped(linked::take(&bytes)) }
                fn write(store: String, key: String, value: String) -> Result<(), Error> {
                    mapped(linked::write(&store, &key, &value))
                }
                fn read(store: String, key: String) -> Result<Option<String>, Error> {
                    mapped(linked::read(&store, &key))
                }
                fn count() -> Result<u32, Error> { mapped(linked::count()) }
                fn remember(text: String) -> Result<Option<String>, Error> {
                    mapped(linked::remember(&text))
                }
                fn hold(gate: String) -> Result<String, Error> { mapped(linked::hold(&gate)) }
                fn ticket() -> Result<String, Error> { mapped(linked::ticket()) }
                fn chain(steps: u32) -> Result<String, Error> { mapped($chain(steps)) }
                fn bare() -> u32 { linked::bare() }
                fn bare_fail(how: Failure) -> u32 { linked::bare_fail(failure(how)) }
                fn bare_sized(bytes: u32) -> Vec<u8> { linked::bare_sized(bytes) }
                $($more)*
            }
        };
    };
}

/// Calls what the query names in its value `$key` through the functions of a module, and gives the
/// outcome as `ok …`, `error own …` or `unavailable …`.
#[macro_export]
macro_rules! ask {
    ($($module:ident)::+, $key:literal, $query:expr) => {{
        use $($module)::+::{self as work, Error, Failure};
        use $crate::linked::Shown;

        fn told<T: Shown>(result: Result<T, Error>) -> String {
            match result {
                Ok(value) => format!("ok {}", value.shown()),
                Err(Error::Own(text)) => format!("error own {text}"),
                Err(Error::Unavailable(text)) => format!("unavailable {text}"),
            }
        }

        let query: &$crate::query::Query = $query;
        let number = |name| query.number(name, 0) as u32;
        let how = match query.text("how") {
            "loop" => Failure::Loop,
            "wait" => Failure::Wait,
            "memory" => Failure::Memory,
            "own" => Failure::Own,
            "effect" => Failure::Effect,
            _ => Failure::Trap,
        };
        let (store, key) = (query.text("store"), query.text("key"));
        match query.text($key) {
            "whoami" => told(work::whoami()),
            "fail" => told(work::fail(how)),
            "compute" => told(work::compute(number("ms"))),
            "sized" => told(work::sized(number("bytes"))),
            "take" => told(work::take(&vec![7; number("bytes") as usize])),
            "write" => told(work::write(store, key, query.text("value"))),
            "read" => told(work::read(store, key)),
            "count" => told(work::count()),
            "remember" => told(work::remember(query.text("text"))),
            "hold" => told(work::hold(query.text("gate"))),
            "ticket" => told(work::ticket()),
            "chain" => told(work::chain(number("steps"))),
            "bare" => told(Ok(work::bare())),
            "bare-fail" => told(Ok(work::bare_fail(how))),
            "bare-sized" => told(Ok(work::bare_sized(number("bytes")))),
            other => format!("there is no call `{other}`"),
        }
    }};
}

/// The answer to a request: after `?first=GATE` is passed, the call `?call=` through the functions
/// of a module, or `?do=` by the guest itself; with `?times=`, so often, one line for each.
#[macro_export]
macro_rules! asked {
    ($($module:ident)::+, $query:expr) => {{
        let query: &$crate::query::Query = $query;
        if let Some(gate) = query.get("first") {
            $crate::linked::hold(gate).unwrap();
        }
        let lines = (0..query.number("times", 1)).map(|_| match query.get("do") {
            Some(_) => $crate::ask!(kumiki_guests::linked, "do", query),
            None => $crate::ask!($($module)::+, "call", query),
        });
        lines.collect::<Vec<String>>().join("\n")
    }};
}
