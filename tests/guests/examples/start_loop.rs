//! Hostile: its start code, which runs while the instance is made, never ends.

use kumiki_guests::incoming::Request;

kumiki_guests::guest!(handle);

#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;

extern "C" fn start() {
    let mut number = 0u64;
    loop {
        number = std::hint::black_box(number.wrapping_add(1));
    }
}

fn handle(_request: Request) -> String {
    "started after all".into()
}
