//! Core modules with embedded WIT, which the host makes components of.

use kumiki_tests::app::{App, Service};

#[test]
fn a_core_module_answers_and_uses_its_store() {
    let service = Service::new("core", "core_key_value")
        .route("/")
        .key_value_stores(&["default"]);
    let host = App::new([service]).start();
    for _ in 0..3 {
        let answer = host.get("/");
        assert_eq!((answer.status, answer.text().as_str()), (200, ""));
        assert_eq!(answer.header("content-length"), Some("0"));
    }
}

#[test]
fn a_core_module_sees_spins_headers_and_prints_by_preview1() {
    let host = App::new([Service::new("core", "core_request_shape").route("/base/...")]).start();
    let text = host.get("/base/x").expect(200);
    assert!(text.contains("spin-path-info: /x"), "{text}");
    host.wait_for_output("a line by preview1");
}

#[test]
fn a_core_module_without_wit_is_refused_with_the_reason() {
    // The smallest core module: the magic number and the version.
    let app = App::new([Service::new("core", "core_key_value").route("/")]);
    let source = kumiki_tests::guests::path("core_key_value")
        .display()
        .to_string();
    let manifest = app.manifest().replace(&source, "empty.wasm");
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("spin.toml"), manifest).unwrap();
    std::fs::write(folder.path().join("empty.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let refusal = kumiki_tests::host::run(folder.path(), &["up", "--listen", "127.0.0.1:0"]);
    assert!(!refusal.status.success());
    assert!(refusal.stderr.contains("core"), "{refusal}");
}
