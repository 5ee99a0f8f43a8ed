//! Does the work of `test:chain/work` for linked callers. It has no handler.

mod bindings {
    wit_bindgen::generate!({
        path: "wit/chain",
        world: "provider",
    });
}

struct Linked;

kumiki_guests::work!(
    Linked,
    bindings::exports::test::chain::work,
    kumiki_guests::linked::chain,
    {}
);
bindings::export!(Linked with_types_in bindings);
