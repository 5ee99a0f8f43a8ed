//! What stores are inside an atomic handler: the service's own is the unit of the invocation, and
//! every other one can be read only.

use std::sync::Arc;

use futures::future::{FutureExt, ready};

use super::{Answer, Backend, CasVersion, Error, KeyPage};
use crate::capabilities::invocation::WRITE_REFUSED;
use crate::storage::key_value::unit::Unit;
use crate::storage::key_value::{KeyValueError, Version};

/// The service's own store within its unit. Everything is done on the calling thread.
pub(super) struct InUnit(pub(super) Arc<Unit>);

fn done<'a, T: Send + 'a>(result: Result<T, KeyValueError>) -> Answer<'a, T> {
    ready(result.map_err(Error::from)).boxed()
}

impl Backend for InUnit {
    fn open(&self) -> Answer<'_, ()> {
        async { Ok(self.0.open().await?) }.boxed()
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        done(self.0.get(key))
    }

    fn get_many<'a>(&'a self, keys: &'a [String]) -> Answer<'a, Vec<Option<Vec<u8>>>> {
        done(self.0.get_many(keys))
    }

    fn exists<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        done(self.0.exists(key))
    }

    fn keys_page<'a>(&'a self, cursor: Option<&'a str>) -> Answer<'a, KeyPage> {
        done(self.0.keys_page(cursor))
    }

    fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Answer<'_, ()> {
        done(self.0.set_many(entries))
    }

    fn delete_many(&self, keys: Vec<String>) -> Answer<'_, ()> {
        done(self.0.delete_many(keys))
    }

    fn increment(&self, key: String, delta: i64) -> Answer<'_, i64> {
        done(self.0.increment(key, delta))
    }

    fn version<'a>(&'a self, key: &'a str) -> Answer<'a, CasVersion> {
        done(self.0.version(key).map(CasVersion::Counted))
    }

    fn current<'a>(&'a self, key: &'a str) -> Answer<'a, (Option<Vec<u8>>, CasVersion)> {
        done(self.0.get_versioned(key).map(|entry| match entry {
            Some((value, version)) => (Some(value), CasVersion::Counted(version)),
            None => (None, CasVersion::Counted(Version::ABSENT)),
        }))
    }

    fn swap(&self, key: String, expected: CasVersion, value: Vec<u8>) -> Answer<'_, bool> {
        match expected {
            CasVersion::Counted(version) => done(self.0.swap(key, version, value)),
            CasVersion::Digest(_) => done(Ok(false)),
        }
    }
}

/// Any other store: what is read of it is not part of the transaction.
pub(super) struct ReadOnly(pub(super) Arc<dyn Backend>);

fn refused<'a, T: Send + 'a>() -> Answer<'a, T> {
    ready(Err(Error::Other(WRITE_REFUSED.to_owned()))).boxed()
}

impl Backend for ReadOnly {
    fn open(&self) -> Answer<'_, ()> {
        self.0.open()
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        self.0.get(key)
    }

    fn get_many<'a>(&'a self, keys: &'a [String]) -> Answer<'a, Vec<Option<Vec<u8>>>> {
        self.0.get_many(keys)
    }

    fn exists<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        self.0.exists(key)
    }

    fn keys_page<'a>(&'a self, cursor: Option<&'a str>) -> Answer<'a, KeyPage> {
        self.0.keys_page(cursor)
    }

    fn set_many(&self, _: Vec<(String, Vec<u8>)>) -> Answer<'_, ()> {
        refused()
    }

    fn delete_many(&self, _: Vec<String>) -> Answer<'_, ()> {
        refused()
    }

    fn increment(&self, _: String, _: i64) -> Answer<'_, i64> {
        refused()
    }

    fn version<'a>(&'a self, key: &'a str) -> Answer<'a, CasVersion> {
        self.0.version(key)
    }

    fn current<'a>(&'a self, key: &'a str) -> Answer<'a, (Option<Vec<u8>>, CasVersion)> {
        self.0.current(key)
    }

    fn swap(&self, _: String, _: CasVersion, _: Vec<u8>) -> Answer<'_, bool> {
        refused()
    }
}
