//! The generated bindings of the SQL interfaces. Functions that WIT does not call `async` are
//! asynchronous on the host's side only: the guest waits, its thread does not.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: ["../wit/deps/fermyon-spin", "../wit/deps/spin-sqlite"],
    inline: "
        package kumiki:sqlite-host;
        world guest {
            import fermyon:spin/sqlite@2.0.0;
            import spin:sqlite/sqlite@3.1.0;
        }
    ",
    world: "kumiki:sqlite-host/guest",
    imports: { default: async | trappable },
    with: {
        "fermyon:spin/sqlite.connection": super::OpenConnection,
        "spin:sqlite/sqlite.connection": super::OpenConnection,
    },
});
