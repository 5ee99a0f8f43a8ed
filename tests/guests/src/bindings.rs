//! Bindings of the interfaces that Spin and `wasi:keyvalue` define. An import that a guest does not
//! call is left out of its component, so one set serves all guests.

/// Interfaces of plain functions, for handlers of `wasi:http` 0.2.
pub mod plain {
    wit_bindgen::generate!({
        inline: r#"
            package kumiki:guests-plain;
            world plain {
                import fermyon:spin/key-value@2.0.0;
                import fermyon:spin/sqlite@2.0.0;
                import fermyon:spin/variables@2.0.0;
                import fermyon:spin/redis@2.0.0;
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
                import wasi:keyvalue/batch@0.2.0-draft2;
                import wasi:config/store@0.2.0-draft-2024-09-27;
                import spin:sqlite/sqlite@3.1.0;
            }
        "#,
        path: [
            "../../wit/deps/fermyon-spin",
            "../../wit/deps/wasi-keyvalue",
            "../../wit/deps/wasi-config",
            "../../wit/deps/spin-sqlite",
        ],
        world: "kumiki:guests-plain/plain",
        generate_all,
    });
}

/// The second version of `wasi:config`, with the same functions as the first.
pub mod config_rc1 {
    wit_bindgen::generate!({
        inline: r#"
            package kumiki:guests-config-rc1;
            world config-rc1 {
                import wasi:config/store@0.2.0-rc.1;
            }
        "#,
        path: "../../wit/deps/wasi-config-rc1",
        world: "kumiki:guests-config-rc1/config-rc1",
        generate_all,
    });
}

/// An interface of Spin that kumiki does not offer, reduced to what a test needs.
pub mod absent {
    wit_bindgen::generate!({
        inline: r#"
            package kumiki:guests-absent;
            world absent {
                import spin:postgres/postgres@4.0.0;
            }
            package spin:postgres@4.0.0 {
                interface postgres {
                    variant error { connection-failed(string), other(string) }
                    resource connection {
                        open: static func(address: string) -> result<connection, error>;
                    }
                    version: func() -> string;
                }
            }
        "#,
        // Without a path the folder `wit` would be read as one package.
        path: [],
        world: "kumiki:guests-absent/absent",
        generate_all,
    });
}

/// An interface that nobody has.
pub mod unknown {
    wit_bindgen::generate!({
        inline: r#"
            package kumiki:guests-unknown;
            world unknown {
                import nobody:has/this@1.0.0;
            }
            package nobody:has@1.0.0 {
                interface this {
                    call: func();
                }
            }
        "#,
        // Without a path the folder `wit` would be read as one package.
        path: [],
        world: "kumiki:guests-unknown/unknown",
        generate_all,
    });
}

/// Interfaces of `async func`s. They use the runtime of `wasip3`, which drives the task of the
/// handler.
pub mod concurrent {
    wasip3::wit_bindgen::generate!({
        inline: r#"
            package kumiki:guests-concurrent;
            world concurrent {
                import spin:key-value/key-value@3.0.0;
                import spin:sqlite/sqlite@3.1.0;
                import spin:variables/variables@3.0.0;
                import spin:redis/redis@3.0.0;
            }
        "#,
        path: [
            "../../wit/deps/spin-key-value",
            "../../wit/deps/spin-sqlite",
            "../../wit/deps/spin-variables",
            "../../wit/deps/spin-redis",
        ],
        world: "kumiki:guests-concurrent/concurrent",
        runtime_path: "wasip3::wit_bindgen::rt",
        generate_all,
    });
}
