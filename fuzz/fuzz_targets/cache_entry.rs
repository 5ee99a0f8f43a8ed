//! Any bytes are what a cache knows of a component, or refused; what was read is written and read
//! again the same.
#![no_main]

use kumiki::runtime::artifact_cache::summaries::{read_interface, read_summary};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    if let Some(interface) = read_interface(content) {
        let written = serde_json::to_vec(&interface).unwrap();
        assert_eq!(read_interface(&written), Some(interface));
    }
    if let Some(summary) = read_summary(content) {
        let written = serde_json::to_vec(&summary).unwrap();
        assert_eq!(read_summary(&written), Some(summary));
    }
});
