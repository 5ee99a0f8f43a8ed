//! Any list of hosts is understood or refused, and asking never panics.
#![no_main]

use kumiki::network::allowed_hosts::AllowedHosts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str, u16)| {
    let (entry, scheme, host, port) = input;
    if let Ok(allowed) = AllowedHosts::parse(&[entry.to_owned()]) {
        let _ = allowed.check(scheme, host, port);
    }
});
