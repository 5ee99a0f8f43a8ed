//! Any bytes are a component, become one, or are refused.
#![no_main]

use kumiki::runtime::componentize::{componentize, engine_kind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(component) = componentize(bytes) {
        let _ = engine_kind(&component);
    }
});
