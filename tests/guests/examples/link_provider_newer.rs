//! Does the work of `test:chain/work@1.1.0`, which has one function more than 1.0.0.

mod bindings {
    wit_bindgen::generate!({
        path: "wit/chain-newer",
        world: "provider",
    });
}

struct Linked;

kumiki_guests::work!(
    Linked,
    bindings::exports::test::chain::work,
    kumiki_guests::linked::chain,
    {
        fn added() -> Result<String, Error> {
            Ok("added".into())
        }
    }
);
bindings::export!(Linked with_types_in bindings);
