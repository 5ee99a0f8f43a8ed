//! Hostile: exports `test:chain/work`, and its start code traps, so that no instance of it is ever
//! made.

mod bindings {
    wit_bindgen::generate!({
        path: "wit/chain",
        world: "provider",
    });
}

#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;

extern "C" fn start() {
    panic!("internal detail of the guest");
}

struct Linked;

kumiki_guests::work!(
    Linked,
    bindings::exports::test::chain::work,
    kumiki_guests::linked::chain,
    {}
);
bindings::export!(Linked with_types_in bindings);
