//! Goes through `fermyon:spin/key-value@2.0.0` on an empty store and answers with nothing, or with
//! the step that failed.

use kumiki_guests_core::bindings::fermyon::spin::key_value::{Error, Store};
use kumiki_guests_core::wasi::http::types::IncomingRequest;

kumiki_guests_core::core_guest!(handle);

fn handle(_request: &IncomingRequest) -> Result<String, String> {
    // A core module reaches the clock by preview1, so the adapter is in use.
    let _now = std::time::SystemTime::now();
    steps().map_err(|error| format!("{error:?}"))
}

fn steps() -> Result<String, Error> {
    if let Err(error) = Store::open("forbidden") {
        assert!(matches!(error, Error::AccessDenied));
    }
    let store = Store::open("default")?;
    store.delete("bar")?;
    assert!(!store.exists("bar")?);
    assert!(store.get("bar")?.is_none());
    store.set("bar", b"baz")?;
    store.set("bar", b"wow")?;
    assert_eq!(store.get("bar")?.as_deref(), Some(&b"wow"[..]));
    assert_eq!(store.get_keys()?, ["bar"]);
    store.delete("bar")?;
    assert!(store.get_keys()?.is_empty());
    Ok(String::new())
}
