//! `fermyon:spin/key-value@2.0.0`.

use wasmtime::component::Resource;

use super::bindings::fermyon::spin::key_value;
use super::{Error, KeyValueView, OpenStore, all_keys};

type Answer<T> = wasmtime::Result<Result<T, key_value::Error>>;

impl From<Error> for key_value::Error {
    fn from(error: Error) -> key_value::Error {
        match error {
            Error::NoSuchStore => key_value::Error::NoSuchStore,
            Error::AccessDenied => key_value::Error::AccessDenied,
            Error::TableFull => key_value::Error::StoreTableFull,
            Error::Other(text) => key_value::Error::Other(text),
        }
    }
}

impl key_value::Host for KeyValueView<'_> {}

impl key_value::HostStore for KeyValueView<'_> {
    async fn open(&mut self, label: String) -> Answer<Resource<OpenStore>> {
        Ok(self.open_label(&label).await?.map_err(Into::into))
    }

    async fn get(&mut self, store: Resource<OpenStore>, key: String) -> Answer<Option<Vec<u8>>> {
        Ok(self.backend(&store)?.get(&key).await.map_err(Into::into))
    }

    async fn set(&mut self, store: Resource<OpenStore>, key: String, value: Vec<u8>) -> Answer<()> {
        Ok(self
            .backend(&store)?
            .set_many(vec![(key, value)])
            .await
            .map_err(Into::into))
    }

    async fn delete(&mut self, store: Resource<OpenStore>, key: String) -> Answer<()> {
        Ok(self
            .backend(&store)?
            .delete_many(vec![key])
            .await
            .map_err(Into::into))
    }

    async fn exists(&mut self, store: Resource<OpenStore>, key: String) -> Answer<bool> {
        Ok(self.backend(&store)?.exists(&key).await.map_err(Into::into))
    }

    async fn get_keys(&mut self, store: Resource<OpenStore>) -> Answer<Vec<String>> {
        Ok(all_keys(&*self.backend(&store)?).await.map_err(Into::into))
    }

    async fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}
