//! Exports an interface that calls itself `test:chain/work@1.0.0` and has other functions: what is
//! linked to it must be refused at start, so none of them is ever called.

use bindings::exports::test::chain::work::{Error, Failure, Guest};

mod bindings {
    wit_bindgen::generate!({
        path: "wit/chain-differs",
        world: "provider",
    });
}

struct Linked;

bindings::export!(Linked with_types_in bindings);

impl Guest for Linked {
    fn fail(_how: Failure) -> Result<String, Error> {
        never()
    }
    fn compute(_ms: u32) -> Result<String, Error> {
        never()
    }
    fn sized(_bytes: u64) -> Result<Vec<u8>, Error> {
        never()
    }
    fn take(_data: Vec<u8>) -> Result<u32, Error> {
        never()
    }
    fn write(_store: String, _key: String, _value: String) -> Result<(), Error> {
        never()
    }
    fn read(_store: String, _key: String) -> Result<Option<String>, Error> {
        never()
    }
    fn count(_step: u32) -> Result<u32, Error> {
        never()
    }
    fn remember(_text: String) -> Result<Option<String>, Error> {
        never()
    }
    fn hold(_gate: String) -> Result<String, Error> {
        never()
    }
    fn ticket() -> String {
        "never".into()
    }
    fn chain(_steps: u32) -> Result<String, Error> {
        never()
    }
    fn bare() -> u32 {
        0
    }
    fn bare_fail(_how: Failure) -> u32 {
        0
    }
    fn bare_sized(_bytes: u32) -> Vec<u8> {
        Vec::new()
    }
}

fn never<T>() -> Result<T, Error> {
    Err(Error::Own("never called".into()))
}
