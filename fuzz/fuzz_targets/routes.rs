//! Any pattern is a route or refused; a route without wildcards matches its own text.
#![no_main]

use kumiki::gateway::routes::Router;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (pattern, path) = input;
    if let Ok(router) = Router::new([(pattern, 0)]) {
        let _ = router.route(path);
        if pattern.starts_with('/') && !pattern.contains([':', '.', '*']) {
            assert!(router.route(pattern).is_some());
        }
    }
});
