//! Answers with 32 random bytes in hexadecimal digits.

use kumiki_guests::incoming::Request;
use kumiki_guests::wasip2::random::random::get_random_bytes;

kumiki_guests::guest!(handle);

fn handle(_request: Request) -> String {
    get_random_bytes(32)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
