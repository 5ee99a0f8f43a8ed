//! Hostile: exports `test:chain/work`, and its start code traps, so that no instance of it is ever
//! made.

mod bindings {
    wit_bindgen::generate!({
        path: "wit/chain",
        world: "provider",
    });
}

/// Called while the instance is made; constructors would wait for the first call of an export.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
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
