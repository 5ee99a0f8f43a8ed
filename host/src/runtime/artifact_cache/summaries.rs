//! What the cache knows of a component without its code: the engine that it needs, whether it fits
//! the pool, and its contract.
//!
//! A summary names its interfaces by the digest of their text, and each of them is an entry of its
//! own: most interfaces of an app are the same few of WASI, so ten thousand services share them on
//! disk and in memory. Files are left to [`super::entries`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde::{Deserialize, Serialize};
use wasmtime::component::Component;

use super::entries::{Entries, Folder};
use super::{digest_of, is_digest};
use crate::runtime::contracts::{Contract, Function, Interface, Item, Other};
use crate::runtime::engine::EngineKind;

/// What is known of one component; services that run the same one share it.
pub struct Build {
    /// SHA-256 of the artifact's bytes as they lie on disk, in hexadecimal.
    pub digest: Arc<str>,
    pub kind: EngineKind,
    pub contract: Arc<Contract>,
    /// Why it runs in an on-demand engine and not in the pool, if it does.
    pub(super) pool_refusal: Option<Box<str>>,
    /// Its code, if no cache holds it.
    pub(super) kept: Option<Component>,
}

/// A [`Build`] as it lies on disk.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    digest: String,
    is_concurrent: bool,
    pool_refusal: Option<String>,
    imports: Vec<StoredItem>,
    exports: Vec<StoredItem>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum StoredItem {
    /// SHA-256 of the text of its entry, in hexadecimal.
    Interface(String),
    Function(Function),
    Other(Other),
}

/// A summary from the content of its entry.
pub fn read_summary(content: &[u8]) -> Option<Summary> {
    serde_json::from_slice(content).ok()
}

/// An interface from the content of its entry.
pub fn read_interface(content: &[u8]) -> Option<Interface> {
    serde_json::from_slice(content).ok()
}

/// The builds and interfaces that are in use, and how they come from and go to disk.
#[derive(Default)]
pub(super) struct Summaries {
    builds: Shared<Build>,
    interfaces: Shared<Interface>,
}

impl Summaries {
    /// What is known of a component; `key` names its entry.
    pub(super) fn find(
        &self,
        entries: Option<&Entries>,
        digest: &str,
        key: &str,
    ) -> Option<Arc<Build>> {
        if let Some(build) = self.builds.get(key) {
            return Some(build);
        }
        let entries = entries?;
        let summary = read_summary(&entries.read(Folder::Contracts, key)?)?;
        if summary.digest != digest {
            entries.refuse(Folder::Contracts, key, "belongs to another component");
            return None;
        }
        let build = Build {
            digest: digest.into(),
            kind: if summary.is_concurrent {
                EngineKind::Concurrent
            } else {
                EngineKind::Plain
            },
            contract: Arc::new(Contract {
                imports: self.items(entries, summary.imports)?,
                exports: self.items(entries, summary.exports)?,
            }),
            pool_refusal: summary.pool_refusal.map(String::into_boxed_str),
            kept: None,
        };
        Some(self.builds.share(key, Arc::new(build)))
    }

    /// Keeps what was found out of a component, in memory and, with entries, on disk.
    pub(super) fn keep(&self, entries: Option<&Entries>, key: &str, build: Build) -> Arc<Build> {
        let contract = &build.contract;
        let (shared_imports, imports) = self.stored(entries, &contract.imports);
        let (shared_exports, exports) = self.stored(entries, &contract.exports);
        let summary = Summary {
            digest: build.digest.to_string(),
            is_concurrent: build.kind == EngineKind::Concurrent,
            pool_refusal: build.pool_refusal.as_deref().map(str::to_owned),
            imports,
            exports,
        };
        if let Some(entries) = entries {
            let content = serde_json::to_vec(&summary).unwrap_or_default();
            entries.write(Folder::Contracts, key, &content);
        }
        let contract = Arc::new(Contract {
            imports: shared_imports,
            exports: shared_exports,
        });
        self.builds
            .share(key, Arc::new(Build { contract, ..build }))
    }

    /// The items of a summary; none if an interface is missing, so that the summary is made again.
    fn items(&self, entries: &Entries, stored: Vec<StoredItem>) -> Option<Box<[Item]>> {
        let item = |stored| {
            Some(match stored {
                StoredItem::Interface(key) => Item::Interface(self.interface(entries, &key)?),
                StoredItem::Function(function) => Item::Function(Arc::new(function)),
                StoredItem::Other(other) => Item::Other(Arc::new(other)),
            })
        };
        stored.into_iter().map(item).collect()
    }

    fn interface(&self, entries: &Entries, key: &str) -> Option<Arc<Interface>> {
        if let Some(interface) = self.interfaces.get(key) {
            return Some(interface);
        }
        if !is_digest(key) {
            return None;
        }
        let content = entries.read(Folder::Interfaces, key)?;
        let interface = (digest_of(&content) == key).then(|| read_interface(&content));
        let Some(interface) = interface.flatten() else {
            entries.refuse(Folder::Interfaces, key, "is not what its name says");
            return None;
        };
        Some(self.interfaces.share(key, Arc::new(interface)))
    }

    /// The items with their interfaces shared, and as they are stored.
    fn stored(&self, entries: Option<&Entries>, items: &[Item]) -> (Box<[Item]>, Vec<StoredItem>) {
        let stored = |item: &Item| match item {
            Item::Interface(interface) => {
                let content = serde_json::to_vec(interface.as_ref()).unwrap_or_default();
                let key = digest_of(&content);
                if let Some(entries) = entries
                    && !entries.note_use(Folder::Interfaces, &key)
                {
                    entries.write(Folder::Interfaces, &key, &content);
                }
                let shared = self.interfaces.share(&key, interface.clone());
                (Item::Interface(shared), StoredItem::Interface(key))
            }
            Item::Function(function) => (
                item.clone(),
                StoredItem::Function(function.as_ref().clone()),
            ),
            Item::Other(other) => (item.clone(), StoredItem::Other(other.as_ref().clone())),
        };
        let (items, stored): (Vec<_>, Vec<_>) = items.iter().map(stored).unzip();
        (items.into(), stored)
    }
}

/// Values by key, each as long as somebody holds it.
struct Shared<T> {
    known: Mutex<HashMap<String, Weak<T>>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
        }
    }
}

impl<T> Shared<T> {
    fn get(&self, key: &str) -> Option<Arc<T>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key)?.upgrade()
    }

    /// The value that is known under this key; this one, if there is none.
    fn share(&self, key: &str, value: Arc<T>) -> Arc<T> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known.get(key).and_then(Weak::upgrade) {
            return value;
        }
        // What nobody holds any more goes before the table would grow for it.
        if known.len() == known.capacity() {
            known.retain(|_, value| value.strong_count() > 0);
        }
        known.insert(key.to_owned(), Arc::downgrade(&value));
        value
    }
}
