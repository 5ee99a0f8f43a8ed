//! Any text is a manifest or has findings that lie within it.
#![no_main]

use std::path::Path;

use kumiki::manifest::{LoadOptions, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let path = Path::new("/fuzz/spin.toml");
    for stock in [false, true] {
        let options = LoadOptions {
            profile: None,
            stock,
        };
        if let Err(mistakes) = parse(text, path, &options) {
            let lines = text.matches('\n').count() + 1;
            assert!(mistakes.mistakes() > 0);
            assert!(
                mistakes
                    .iter()
                    .all(|finding| finding.position.is_some_and(|p| p.line <= lines))
            );
            assert!(!mistakes.to_string().is_empty());
        }
    }
});
