//! Any text is a runtime config or has findings that lie within it.
#![no_main]

use std::path::Path;

use kumiki::manifest::runtime_config::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(mistakes) = parse(text, Path::new("/fuzz/runtime-config.toml")) {
        let lines = text.matches('\n').count() + 1;
        assert!(mistakes.mistakes() > 0);
        assert!(
            mistakes
                .iter()
                .all(|finding| finding.position.is_some_and(|p| p.line <= lines))
        );
        assert!(!mistakes.to_string().is_empty());
    }
});
