//! Hostile: its start code, which runs while the instance is made, never ends.

use kumiki_guests::incoming::Request;

kumiki_guests::guest!(handle);

/// Called while the instance is made; constructors would wait for the first call of an export.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    let mut number = 0u64;
    loop {
        number = std::hint::black_box(number.wrapping_add(1));
    }
}

fn handle(_request: Request) -> String {
    "started after all".into()
}
