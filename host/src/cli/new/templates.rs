//! The templates of `kumiki new`, as they are in `host/templates`.

/// One template: its files, with placeholders for the app's name.
#[derive(Debug)]
pub struct Template {
    pub name: &'static str,
    pub description: &'static str,
    /// What to run once the app answers.
    pub try_out: &'static str,
    /// Path in the app, and text.
    pub files: &'static [(&'static str, &'static str)],
}

/// All templates, the simplest first.
pub const TEMPLATES: [&Template; 2] = [&HTTP_RUST, &HTTP_RUST_KV];

const HTTP_RUST: Template = Template {
    name: "http-rust",
    description: "answers HTTP, on spin-sdk 7 and wasi:http 0.3",
    try_out: "curl -i 127.0.0.1:3000/hello",
    files: &[
        (
            "spin.toml",
            include_str!("../../../templates/http-rust/spin.toml.template"),
        ),
        (
            "Cargo.toml",
            include_str!("../../../templates/http-rust/Cargo.toml.template"),
        ),
        (
            "src/lib.rs",
            include_str!("../../../templates/http-rust/src/lib.rs.template"),
        ),
        (
            ".gitignore",
            include_str!("../../../templates/http-rust/gitignore.template"),
        ),
    ],
};

const HTTP_RUST_KV: Template = Template {
    name: "http-rust-kv",
    description: "keeps notes in a key-value store, on wit-bindgen and wasi:http 0.2",
    try_out: "curl -i -X PUT -d 'Hello' 127.0.0.1:3000/notes/first",
    files: &[
        (
            "spin.toml",
            include_str!("../../../templates/http-rust-kv/spin.toml.template"),
        ),
        (
            "Cargo.toml",
            include_str!("../../../templates/http-rust-kv/Cargo.toml.template"),
        ),
        (
            "src/lib.rs",
            include_str!("../../../templates/http-rust-kv/src/lib.rs.template"),
        ),
        (
            "src/notes.rs",
            include_str!("../../../templates/http-rust-kv/src/notes.rs.template"),
        ),
        (
            "wit/world.wit",
            include_str!("../../../templates/http-rust-kv/wit/world.wit.template"),
        ),
        // The host's own copies of the contract, so that the two can never differ.
        (
            "wit/deps/keyvalue/world.wit",
            include_str!("../../../../wit/deps/wasi-keyvalue/world.wit"),
        ),
        (
            "wit/deps/keyvalue/store.wit",
            include_str!("../../../../wit/deps/wasi-keyvalue/store.wit"),
        ),
        (
            "wit/deps/keyvalue/atomic.wit",
            include_str!("../../../../wit/deps/wasi-keyvalue/atomic.wit"),
        ),
        (
            "wit/deps/keyvalue/batch.wit",
            include_str!("../../../../wit/deps/wasi-keyvalue/batch.wit"),
        ),
        (
            "wit/deps/keyvalue/watch.wit",
            include_str!("../../../../wit/deps/wasi-keyvalue/watch.wit"),
        ),
        (
            ".gitignore",
            include_str!("../../../templates/http-rust-kv/gitignore.template"),
        ),
    ],
};
