//! Hostile: calls itself until the stack is full.

use kumiki_guests::incoming::Request;

kumiki_guests::guest!(handle);

fn handle(request: Request) -> String {
    descend(request.body.len() as u64).to_string()
}

#[inline(never)]
#[expect(
    unconditional_recursion,
    reason = "to fill the stack is what this guest is for"
)]
fn descend(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 16]);
    std::hint::black_box(descend(here[0] + 1)) + here[1]
}
