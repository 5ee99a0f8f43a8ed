//! The host functions as a guest calls them, on real stores, and what links where.

use std::pin::Pin;
use std::sync::Mutex;
use std::task::{self, Poll};

use wasmtime::component::{Component, Source, StreamConsumer, StreamResult};
use wasmtime::{Engine, Store, StoreContextMut};

use super::bindings::fermyon::spin::key_value as v2;
use super::bindings::spin::key_value::key_value as v3;
use super::bindings::wasi::keyvalue::{atomics, batch, store};
use super::{
    Arc, Config, Context, Error, KeyValue, KeyValueView, Linker, OpenStore, Resource,
    ResourceTable, add_concurrent_to_linker, add_to_linker, sqlite,
};
use crate::storage::key_value::{KeyValueStore, Limits};

struct Guest {
    context: Context,
    table: ResourceTable,
}

impl Guest {
    fn view(&mut self) -> KeyValueView<'_> {
        KeyValueView {
            context: &mut self.context,
            table: &mut self.table,
        }
    }
}

fn guest(directory: &tempfile::TempDir) -> Guest {
    let store = KeyValueStore::new(
        &directory.path().join("x.db"),
        Limits {
            free_bytes_min: 0,
            ..Limits::default()
        },
    );
    let mut config = Config::default();
    config.grant(
        "default",
        Some(Arc::new(sqlite::Sqlite::new(Arc::new(store)))),
    );
    config.grant("nowhere", None);
    Guest {
        context: Context::new(Arc::new(config)),
        table: ResourceTable::new(),
    }
}

/// Every use of a handle by a guest lends it.
fn lend<T: 'static>(handle: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(handle.rep())
}

#[tokio::test]
async fn labels_answer_as_spin_does() {
    let directory = tempfile::tempdir().unwrap();
    let mut guest = guest(&directory);
    let mut view = guest.view();
    let refused = store::Host::open(&mut view, "other".to_owned())
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(refused, store::Error::AccessDenied));
    let unknown = store::Host::open(&mut view, "nowhere".to_owned())
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(unknown, store::Error::NoSuchStore));
    let refused = v2::HostStore::open(&mut view, "other".to_owned())
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(refused, v2::Error::AccessDenied));
    let unknown = v2::HostStore::open(&mut view, "nowhere".to_owned())
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(unknown, v2::Error::NoSuchStore));
    assert!(guest.table.is_empty());
}

#[tokio::test]
async fn a_hoarder_of_handles_gets_the_interfaces_own_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut guest = guest(&directory);
    guest.table.set_max_capacity(2);
    let mut view = guest.view();
    let open = |label: &str| label.to_owned();
    let first = v2::HostStore::open(&mut view, open("default"))
        .await
        .unwrap()
        .unwrap();
    let bucket = store::Host::open(&mut view, open("default"))
        .await
        .unwrap()
        .unwrap();
    let full = v2::HostStore::open(&mut view, open("default"))
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(full, v2::Error::StoreTableFull));
    let full = store::Host::open(&mut view, open("default"))
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(full, store::Error::Other(text) if text == Error::TableFull.to_string()));
    let full = atomics::HostCas::new(&mut view, lend(&bucket), "k".to_owned())
        .await
        .unwrap();
    assert!(matches!(full, Err(store::Error::Other(_))));
    v2::HostStore::drop(&mut view, first).await.unwrap();
    v2::HostStore::open(&mut view, open("default"))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn the_interfaces_share_one_store() {
    let directory = tempfile::tempdir().unwrap();
    let mut guest = guest(&directory);
    let mut view = guest.view();
    let label = "default".to_owned();
    let bucket = store::Host::open(&mut view, label.clone())
        .await
        .unwrap()
        .unwrap();
    let spin = v2::HostStore::open(&mut view, label)
        .await
        .unwrap()
        .unwrap();
    let key = || "a".to_owned();
    v2::HostStore::set(&mut view, lend(&spin), key(), b"1".to_vec())
        .await
        .unwrap()
        .unwrap();
    let value = store::HostBucket::get(&mut view, lend(&bucket), key())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(value, Some(b"1".to_vec()));
    let entries = vec![
        ("b".to_owned(), b"2".to_vec()),
        ("c".to_owned(), b"3".to_vec()),
    ];
    batch::Host::set_many(&mut view, lend(&bucket), entries)
        .await
        .unwrap()
        .unwrap();
    let keys = v2::HostStore::get_keys(&mut view, lend(&spin))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(keys, ["a", "b", "c"]);
    let wanted = vec!["c".to_owned(), "absent".to_owned()];
    let values = batch::Host::get_many(&mut view, lend(&bucket), wanted)
        .await
        .unwrap()
        .unwrap();
    let expected = [
        ("c".to_owned(), Some(b"3".to_vec())),
        ("absent".to_owned(), None),
    ];
    assert_eq!(values, expected);
    batch::Host::delete_many(&mut view, lend(&bucket), keys)
        .await
        .unwrap()
        .unwrap();
    assert!(
        !v2::HostStore::exists(&mut view, lend(&spin), key())
            .await
            .unwrap()
            .unwrap()
    );
    let page = store::HostBucket::list_keys(&mut view, lend(&bucket), None)
        .await
        .unwrap()
        .unwrap();
    assert!(page.keys.is_empty() && page.cursor.is_none());
    let sum = atomics::Host::increment(&mut view, bucket, "n".to_owned(), 4)
        .await
        .unwrap();
    assert!(matches!(sum, Ok(4)));
}

#[tokio::test]
async fn a_swap_that_comes_late_gives_a_handle_to_try_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut guest = guest(&directory);
    let mut view = guest.view();
    let bucket = store::Host::open(&mut view, "default".to_owned())
        .await
        .unwrap()
        .unwrap();
    let key = || "k".to_owned();
    let first = atomics::HostCas::new(&mut view, lend(&bucket), key())
        .await
        .unwrap()
        .unwrap();
    let second = atomics::HostCas::new(&mut view, lend(&bucket), key())
        .await
        .unwrap()
        .unwrap();
    let value = atomics::HostCas::current(&mut view, lend(&first))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(value, None);
    atomics::Host::swap(&mut view, second, b"theirs".to_vec())
        .await
        .unwrap()
        .unwrap();
    let late = atomics::Host::swap(&mut view, first, b"mine".to_vec())
        .await
        .unwrap();
    let Err(atomics::CasError::CasFailed(retry)) = late else {
        panic!("{late:?}")
    };
    let value = atomics::HostCas::current(&mut view, lend(&retry))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(value, Some(b"theirs".to_vec()));
    atomics::Host::swap(&mut view, retry, b"mine".to_vec())
        .await
        .unwrap()
        .unwrap();
    let value = store::HostBucket::get(&mut view, lend(&bucket), key())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(value, Some(b"mine".to_vec()));
    store::HostBucket::drop(&mut view, bucket).await.unwrap();
    // The swaps have used up their handles.
    assert!(guest.table.is_empty());
}

fn engine(has_concurrency: bool) -> Engine {
    let mut config = wasmtime::Config::new();
    config
        .concurrency_support(has_concurrency)
        .wasm_component_model_async(has_concurrency);
    Engine::new(&config).unwrap()
}

/// A component that imports `exists` of a resource of an interface.
fn importer(engine: &Engine, interface: &str, resource: &str, is_async: &str) -> Component {
    let text = format!(
        r#"(component (import "{interface}" (instance
            (export "{resource}" (type $r (sub resource)))
            (type $variant (variant {cases} (case "no-such-store") (case "access-denied")
                (case "other" string)))
            (export "error" (type $error (eq $variant)))
            (export "[method]{resource}.exists" (func {is_async}
                (param "self" (borrow $r)) (param "key" string)
                (result (result bool (error $error))))))))"#,
        cases = if interface.starts_with("wasi") {
            ""
        } else {
            r#"(case "store-table-full")"#
        },
    );
    Component::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

#[test]
fn the_async_interface_links_only_where_the_engine_can() {
    for has_concurrency in [true, false] {
        let engine = engine(has_concurrency);
        let mut linker = Linker::<Guest>::new(&engine);
        add_to_linker(&mut linker, Guest::view).unwrap();
        let concurrent = add_concurrent_to_linker(&mut linker, Guest::view);
        assert_eq!(concurrent.is_ok(), has_concurrency);
        let links = |interface, resource, is_async| {
            linker
                .instantiate_pre(&importer(&engine, interface, resource, is_async))
                .unwrap();
        };
        links("wasi:keyvalue/store@0.2.0-draft2", "bucket", "");
        links("fermyon:spin/key-value@2.0.0", "store", "");
        if has_concurrency {
            links("spin:key-value/key-value@3.0.0", "store", "async");
        }
    }
}

/// Collects a stream; the last read is the end of it.
struct Collect(Arc<Mutex<Vec<String>>>);

impl StreamConsumer<Guest> for Collect {
    type Item = String;

    fn poll_consume(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
        store: StoreContextMut<Guest>,
        mut source: Source<'_, String>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let mut items = Vec::with_capacity(100);
        source.read(store, &mut items)?;
        self.0.lock().unwrap().append(&mut items);
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

#[tokio::test]
async fn keys_stream_page_by_page_to_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::new(&engine(true), guest(&directory));
    let keys: Vec<String> = (0..2500).map(|number| format!("{number:04}")).collect();
    let expected = keys.clone();
    let collected = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&collected);
    store
        .run_concurrent(async move |accessor| {
            let accessor = &accessor.with_getter::<KeyValue>(Guest::view);
            let open = <KeyValue as v3::HostStoreWithStore<Guest>>::open;
            let refused = open(accessor, "other".to_owned())
                .await
                .unwrap()
                .unwrap_err();
            assert!(matches!(refused, v3::Error::AccessDenied));
            let handle: Resource<OpenStore> =
                open(accessor, "default".to_owned()).await.unwrap().unwrap();
            let backend = accessor.with(|mut access| access.get().backend(&handle).unwrap());
            let entries = keys.iter().map(|key| (key.clone(), vec![])).collect();
            backend.set_many(entries).await.unwrap();
            let (stream, _ended) =
                <KeyValue as v3::HostStoreWithStore<Guest>>::get_keys(accessor, handle)
                    .await
                    .unwrap();
            accessor.with(|mut access| stream.pipe(&mut access, Collect(into)).unwrap());
            while collected.lock().unwrap().len() < keys.len() {
                tokio::task::yield_now().await;
            }
            assert_eq!(*collected.lock().unwrap(), expected);
        })
        .await
        .unwrap();
}
