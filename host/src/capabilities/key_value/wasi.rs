//! `wasi:keyvalue@0.2.0-draft2`: store, atomics and batch.

use wasmtime::component::Resource;

use super::bindings::wasi::keyvalue::{atomics, batch, store};
use super::{CompareAndSwap, Error, KeyValueView, OpenStore};

type Answer<T> = wasmtime::Result<Result<T, store::Error>>;

impl From<Error> for store::Error {
    fn from(error: Error) -> store::Error {
        match error {
            Error::NoSuchStore => store::Error::NoSuchStore,
            Error::AccessDenied => store::Error::AccessDenied,
            // The interface has no case of its own for it.
            Error::TableFull => store::Error::Other(Error::TableFull.to_string()),
            Error::Other(text) => store::Error::Other(text),
        }
    }
}

impl store::Host for KeyValueView<'_> {
    async fn open(&mut self, identifier: String) -> Answer<Resource<OpenStore>> {
        Ok(self.open_label(&identifier).await?.map_err(Into::into))
    }
}

impl store::HostBucket for KeyValueView<'_> {
    async fn get(&mut self, bucket: Resource<OpenStore>, key: String) -> Answer<Option<Vec<u8>>> {
        Ok(self.backend(&bucket)?.get(&key).await.map_err(Into::into))
    }

    async fn set(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        Ok(self
            .backend(&bucket)?
            .set_many(vec![(key, value)])
            .await
            .map_err(Into::into))
    }

    async fn delete(&mut self, bucket: Resource<OpenStore>, key: String) -> Answer<()> {
        Ok(self
            .backend(&bucket)?
            .delete_many(vec![key])
            .await
            .map_err(Into::into))
    }

    async fn exists(&mut self, bucket: Resource<OpenStore>, key: String) -> Answer<bool> {
        Ok(self
            .backend(&bucket)?
            .exists(&key)
            .await
            .map_err(Into::into))
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<OpenStore>,
        cursor: Option<String>,
    ) -> Answer<store::KeyResponse> {
        let page = self.backend(&bucket)?.keys_page(cursor.as_deref()).await;
        Ok(page
            .map(|page| store::KeyResponse {
                keys: page.keys,
                cursor: page.cursor,
            })
            .map_err(Into::into))
    }

    async fn drop(&mut self, bucket: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl batch::Host for KeyValueView<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<OpenStore>,
        keys: Vec<String>,
    ) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        let values = self.backend(&bucket)?.get_many(&keys).await;
        Ok(values
            .map(|values| keys.into_iter().zip(values).collect())
            .map_err(Into::into))
    }

    async fn set_many(
        &mut self,
        bucket: Resource<OpenStore>,
        entries: Vec<(String, Vec<u8>)>,
    ) -> Answer<()> {
        Ok(self
            .backend(&bucket)?
            .set_many(entries)
            .await
            .map_err(Into::into))
    }

    async fn delete_many(&mut self, bucket: Resource<OpenStore>, keys: Vec<String>) -> Answer<()> {
        Ok(self
            .backend(&bucket)?
            .delete_many(keys)
            .await
            .map_err(Into::into))
    }
}

impl atomics::HostCas for KeyValueView<'_> {
    async fn new(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
    ) -> Answer<Resource<CompareAndSwap>> {
        let store = self.table.get(&bucket)?.store.clone();
        match self.resolve(&store).version(&key).await {
            Ok(version) => {
                let handle = self.push(|_handle| CompareAndSwap {
                    store,
                    key,
                    version,
                    _handle,
                })?;
                Ok(handle.map_err(Into::into))
            }
            Err(error) => Ok(Err(error.into())),
        }
    }

    /// The swap compares with what was read last: the guest computes from this value.
    async fn current(&mut self, cas: Resource<CompareAndSwap>) -> Answer<Option<Vec<u8>>> {
        let CompareAndSwap { store, key, .. } = self.table.get(&cas)?;
        let (backend, key) = (self.resolve(store), key.clone());
        match backend.current(&key).await {
            Ok((value, version)) => {
                self.table.get_mut(&cas)?.version = version;
                Ok(Ok(value))
            }
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn drop(&mut self, cas: Resource<CompareAndSwap>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

impl atomics::Host for KeyValueView<'_> {
    async fn increment(
        &mut self,
        bucket: Resource<OpenStore>,
        key: String,
        delta: i64,
    ) -> Answer<i64> {
        Ok(self
            .backend(&bucket)?
            .increment(key, delta)
            .await
            .map_err(Into::into))
    }

    async fn swap(
        &mut self,
        cas: Resource<CompareAndSwap>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let CompareAndSwap {
            store,
            key,
            version,
            ..
        } = self.table.delete(cas)?;
        let backend = self.resolve(&store);
        let answer = match backend.swap(key.clone(), version, value).await {
            Ok(true) => return Ok(Ok(())),
            Ok(false) => backend.version(&key).await,
            Err(error) => Err(error),
        };
        let retry = match answer {
            Ok(version) => self.push(|_handle| CompareAndSwap {
                store,
                key,
                version,
                _handle,
            })?,
            Err(error) => Err(error),
        };
        Ok(Err(match retry {
            Ok(handle) => atomics::CasError::CasFailed(handle),
            Err(error) => atomics::CasError::StoreError(error.into()),
        }))
    }
}
