//! The backend on the host's own engine, `storage::key_value`.

use std::sync::Arc;

use futures::future::{FutureExt, ready};

use super::{Answer, Backend, CasVersion, Error, KeyPage};
use crate::storage::key_value::{KeyValueError, KeyValueStore, Version};

/// A store in the state directory.
pub struct Sqlite {
    store: Arc<KeyValueStore>,
}

impl Sqlite {
    /// On a store of `storage::key_value::Stores`.
    pub fn new(store: Arc<KeyValueStore>) -> Sqlite {
        Sqlite { store }
    }
}

impl From<KeyValueError> for Error {
    fn from(error: KeyValueError) -> Error {
        Error::Other(error.to_string())
    }
}

/// Reads are done on the calling thread, within microseconds: the future is ready.
fn done<'a, T: Send + 'a>(result: Result<T, KeyValueError>) -> Answer<'a, T> {
    ready(result.map_err(Error::from)).boxed()
}

impl Backend for Sqlite {
    fn open(&self) -> Answer<'_, ()> {
        async { Ok(self.store.open().await?) }.boxed()
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        done(self.store.get(key))
    }

    fn get_many<'a>(&'a self, keys: &'a [String]) -> Answer<'a, Vec<Option<Vec<u8>>>> {
        done(self.store.get_many(keys))
    }

    fn exists<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        done(self.store.exists(key))
    }

    fn keys_page<'a>(&'a self, cursor: Option<&'a str>) -> Answer<'a, KeyPage> {
        done(self.store.keys_page(cursor))
    }

    fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Answer<'_, ()> {
        async { Ok(self.store.set_many(entries).await?) }.boxed()
    }

    fn delete_many(&self, keys: Vec<String>) -> Answer<'_, ()> {
        async { Ok(self.store.delete_many(keys).await?) }.boxed()
    }

    fn increment(&self, key: String, delta: i64) -> Answer<'_, i64> {
        async move { Ok(self.store.increment(key, delta).await?) }.boxed()
    }

    fn version<'a>(&'a self, key: &'a str) -> Answer<'a, CasVersion> {
        done(self.store.version(key).map(CasVersion::Counted))
    }

    fn current<'a>(&'a self, key: &'a str) -> Answer<'a, (Option<Vec<u8>>, CasVersion)> {
        done(self.store.get_versioned(key).map(|entry| match entry {
            Some((value, version)) => (Some(value), CasVersion::Counted(version)),
            None => (None, CasVersion::Counted(Version::ABSENT)),
        }))
    }

    fn swap(&self, key: String, expected: CasVersion, value: Vec<u8>) -> Answer<'_, bool> {
        async move {
            match expected {
                CasVersion::Counted(version) => Ok(self.store.swap(key, version, value).await?),
                CasVersion::Digest(_) => Ok(false),
            }
        }
        .boxed()
    }
}
