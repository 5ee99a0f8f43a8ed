//! The generated bindings of the key-value interfaces. Functions that WIT does not call `async`
//! are asynchronous on the host's side only: the guest waits, its thread does not.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: [
        "../wit/deps/wasi-keyvalue",
        "../wit/deps/fermyon-spin",
        "../wit/deps/spin-key-value",
    ],
    inline: "
        package kumiki:key-value-host;
        world guest {
            import wasi:keyvalue/store@0.2.0-draft2;
            import wasi:keyvalue/atomics@0.2.0-draft2;
            import wasi:keyvalue/batch@0.2.0-draft2;
            import fermyon:spin/key-value@2.0.0;
            import spin:key-value/key-value@3.0.0;
        }
    ",
    world: "kumiki:key-value-host/guest",
    imports: { default: async | trappable },
    with: {
        "wasi:keyvalue/store.bucket": super::OpenStore,
        "wasi:keyvalue/atomics.cas": super::CompareAndSwap,
        "fermyon:spin/key-value.store": super::OpenStore,
        "spin:key-value/key-value.store": super::OpenStore,
    },
});
