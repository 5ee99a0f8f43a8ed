//! A topic is a pattern of itself, and `#` means every topic.
#![no_main]

use kumiki::manifest::topics::{check_pattern, check_topic, matches};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (pattern, topic) = input;
    if check_topic(topic).is_ok() {
        assert!(check_pattern(topic).is_ok());
        assert!(matches(topic, topic) && matches("#", topic));
        if check_pattern(pattern).is_ok() && !pattern.contains(['*', '#']) {
            assert_eq!(matches(pattern, topic), pattern == topic);
        }
    }
});
