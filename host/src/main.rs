//! The binary `kumiki`.

fn main() {}
