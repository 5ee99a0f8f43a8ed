//! The verdict on a stream of HTTP/1 bytes does not depend on how the reads cut it.
#![no_main]

use kumiki::gateway::head_guard::{HeadGuard, Verdict};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], u8)| {
    let (bytes, cut) = input;
    let (whole, parts) = (Verdict::default(), Verdict::default());
    HeadGuard::default().observe(bytes, &whole);
    let mut guard = HeadGuard::default();
    for part in bytes.chunks(usize::from(cut).max(1)) {
        guard.observe(part, &parts);
    }
    for head in 1..16 {
        assert_eq!(whole.refuses(head), parts.refuses(head));
    }
});
