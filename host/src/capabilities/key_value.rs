//! Key-value stores for guests: `wasi:keyvalue@0.2.0-draft2` (store, atomics, batch),
//! `fermyon:spin/key-value@2.0.0` and, where the engine has concurrency support,
//! `spin:key-value@3.0.0`. Which labels exist and where they lead is left to the loader, what a
//! store does to its backends.

mod atomic;
mod bindings;
pub mod redis;
mod spin;
mod spin_concurrent;
pub mod sqlite;
mod wasi;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable, ResourceTableError};

use self::atomic::{InUnit, ReadOnly};
use super::invocation::Invocation;
pub use crate::storage::key_value::KeyPage;
use crate::storage::key_value::unit::Unit;
use crate::storage::key_value::{RESULT_BYTES_MAX, Version};

/// The stores that a service may open, by label.
#[derive(Clone, Default)]
pub struct Config {
    granted: HashMap<Arc<str>, Option<Arc<dyn Backend>>>,
}

impl Config {
    /// Lets the service open `label`. Without a backend the label is granted by the manifest but
    /// defined nowhere: opening it answers `no-such-store`.
    pub fn grant(&mut self, label: impl Into<Arc<str>>, backend: Option<Arc<dyn Backend>>) {
        self.granted.insert(label.into(), backend);
    }
}

/// Stores and compare-and-swap handles that one instance may hold: fewer than its table takes, so
/// that a guest which hoards them can still answer with the error.
const HANDLES_MAX: usize = 4096;

/// The key-value state of one instance.
pub struct Context {
    config: Arc<Config>,
    /// Held once by each handle, so that its count is theirs and one.
    handles: Arc<()>,
    /// Set while an atomic handler runs here.
    atomic: Option<Atomic>,
}

/// What the stores of an atomic handler depend on.
struct Atomic {
    /// Also the label of its own store.
    service: Arc<str>,
    unit: Arc<Unit>,
}

impl Context {
    /// For an instance of the service with this config.
    pub fn new(config: Arc<Config>) -> Context {
        Context {
            config,
            handles: Arc::default(),
            atomic: None,
        }
    }

    /// Hands the instance to an invocation. Its handles may be of an earlier one, so each use of
    /// one asks anew where it leads.
    pub fn begin(&mut self, invocation: &Invocation) {
        self.atomic = invocation.unit.as_ref().map(|unit| Atomic {
            service: invocation.service.clone(),
            unit: unit.clone(),
        });
    }

    /// Takes from the instance what belongs to the invocation that has ended.
    pub fn end(&mut self) {
        self.atomic = None;
    }
}

/// What the host functions see of an instance's store.
pub struct KeyValueView<'a> {
    /// The instance's key-value state.
    pub context: &'a mut Context,
    /// The instance's handles; its capacity bounds how many stores are open.
    pub table: &'a mut ResourceTable,
}

/// Names [`KeyValueView`] as the data of the bindings.
pub struct KeyValue;

impl HasData for KeyValue {
    type Data<'a> = KeyValueView<'a>;
}

/// Offers the interfaces whose functions are not `async`, on any engine.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> KeyValueView<'_>,
) -> wasmtime::Result<()> {
    bindings::wasi::keyvalue::store::add_to_linker::<T, KeyValue>(linker, view)?;
    bindings::wasi::keyvalue::atomics::add_to_linker::<T, KeyValue>(linker, view)?;
    bindings::wasi::keyvalue::batch::add_to_linker::<T, KeyValue>(linker, view)?;
    bindings::fermyon::spin::key_value::add_to_linker::<T, KeyValue>(linker, view)
}

/// Offers `spin:key-value@3.0.0`, whose functions are `async`: an error on an engine without
/// concurrency support.
pub fn add_concurrent_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> KeyValueView<'_>,
) -> wasmtime::Result<()> {
    bindings::spin::key_value::key_value::add_to_linker::<T, KeyValue>(linker, view)
}

/// Why an operation has no result. Every interface has these cases, under one name or another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The instance has as many handles as it may.
    #[error("too many handles are open")]
    TableFull,
    /// The label is granted and defined nowhere.
    #[error("no such store")]
    NoSuchStore,
    /// The label is not granted.
    #[error("access denied")]
    AccessDenied,
    /// Anything else, in words for the guest's author.
    #[error("{0}")]
    Other(String),
}

/// What a compare-and-swap compares; which kind is the backend's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CasVersion {
    /// The version in a store that counts its writes.
    Counted(Version),
    /// The digest of the value, for a store that does not; `None` when the key is not there.
    Digest(Option<String>),
}

/// The future of an operation.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// One store, whatever keeps it. When a write returns, it is as durable as the store makes it.
pub trait Backend: Send + Sync {
    /// Makes the store ready, or says why it is not.
    fn open(&self) -> Answer<'_, ()>;
    /// The value of a key.
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Vec<u8>>>;
    /// The values of many keys, in their order.
    fn get_many<'a>(&'a self, keys: &'a [String]) -> Answer<'a, Vec<Option<Vec<u8>>>>;
    /// Whether a key is there.
    fn exists<'a>(&'a self, key: &'a str) -> Answer<'a, bool>;
    /// Some keys and the cursor of the next ones; a page may be empty and still have a cursor.
    fn keys_page<'a>(&'a self, cursor: Option<&'a str>) -> Answer<'a, KeyPage>;
    /// Sets many keys.
    fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Answer<'_, ()>;
    /// Deletes those of the keys that are there.
    fn delete_many(&self, keys: Vec<String>) -> Answer<'_, ()>;
    /// Adds to the integer under a key, 0 when there is none, and returns the sum.
    fn increment(&self, key: String, delta: i64) -> Answer<'_, i64>;
    /// The version of a key, to swap against.
    fn version<'a>(&'a self, key: &'a str) -> Answer<'a, CasVersion>;
    /// The value of a key and its version.
    fn current<'a>(&'a self, key: &'a str) -> Answer<'a, (Option<Vec<u8>>, CasVersion)>;
    /// Sets the key if its version is still `expected`; says whether it was.
    fn swap(&self, key: String, expected: CasVersion, value: Vec<u8>) -> Answer<'_, bool>;
}

/// A store that the service may open.
#[derive(Clone)]
struct Store {
    label: Arc<str>,
    backend: Arc<dyn Backend>,
}

/// An open store behind a guest's handle, whichever interface opened it.
pub struct OpenStore {
    store: Store,
    _handle: Arc<()>,
}

/// A compare-and-swap behind a guest's handle. It holds no value, so that handles stay small.
pub struct CompareAndSwap {
    store: Store,
    key: String,
    version: CasVersion,
    _handle: Arc<()>,
}

impl KeyValueView<'_> {
    /// The store of a label that the service may open.
    fn granted(&self, label: &str) -> Result<Store, Error> {
        match self.context.config.granted.get_key_value(label) {
            Some((label, Some(backend))) => Ok(Store {
                label: Arc::clone(label),
                backend: Arc::clone(backend),
            }),
            Some((_, None)) => Err(Error::NoSuchStore),
            None => Err(Error::AccessDenied),
        }
    }

    async fn open_label(
        &mut self,
        label: &str,
    ) -> wasmtime::Result<Result<Resource<OpenStore>, Error>> {
        let store = match self.granted(label) {
            Ok(store) => store,
            Err(error) => return Ok(Err(error)),
        };
        match store.backend.open().await {
            Ok(()) => self.push(|_handle| OpenStore { store, _handle }),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Gives the guest a handle; one too many is the guest's error, anything else the host's.
    fn push<R: Send + 'static>(
        &mut self,
        make: impl FnOnce(Arc<()>) -> R,
    ) -> wasmtime::Result<Result<Resource<R>, Error>> {
        if Arc::strong_count(&self.context.handles) > HANDLES_MAX {
            return Ok(Err(Error::TableFull));
        }
        match self.table.push(make(Arc::clone(&self.context.handles))) {
            Ok(handle) => Ok(Ok(handle)),
            Err(ResourceTableError::Full) => Ok(Err(Error::TableFull)),
            Err(error) => Err(error.into()),
        }
    }

    fn backend(&self, handle: &Resource<OpenStore>) -> wasmtime::Result<Arc<dyn Backend>> {
        Ok(self.resolve(&self.table.get(handle)?.store))
    }

    /// Where an operation on the store leads in the invocation that runs now.
    fn resolve(&self, store: &Store) -> Arc<dyn Backend> {
        let backend = Arc::clone(&store.backend);
        match &self.context.atomic {
            None => backend,
            Some(Atomic { service, unit }) if *service == store.label => {
                Arc::new(InUnit(Arc::clone(unit)))
            }
            Some(_) => Arc::new(ReadOnly(backend)),
        }
    }
}

/// All keys of a store, each once; at most [`RESULT_BYTES_MAX`] bytes with their list.
async fn all_keys(backend: &dyn Backend) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    let mut bytes = 0;
    let mut cursor = None;
    loop {
        let page = backend.keys_page(cursor.as_deref()).await?;
        bytes += page
            .keys
            .iter()
            .map(|key| key.len() + size_of::<String>())
            .sum::<usize>();
        if bytes > RESULT_BYTES_MAX {
            return Err(Error::Other(format!(
                "the keys of this store are more than {RESULT_BYTES_MAX} bytes; list them with a \
                 cursor"
            )));
        }
        all.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            all.sort_unstable();
            all.dedup();
            return Ok(all);
        }
    }
}
