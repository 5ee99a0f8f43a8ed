//! `spin:key-value@3.0.0`: the functions are `async`, so a guest may have many under way, and the
//! keys come as a stream, page by page as the guest reads.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt};
use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, Destination, FutureReader, Resource, StreamProducer, StreamReader, StreamResult,
    VecBuffer,
};

use super::bindings::spin::key_value::key_value;
use super::{Backend, Error, KeyPage, KeyValue, KeyValueView, OpenStore};

type Answer<T> = wasmtime::Result<Result<T, key_value::Error>>;
type Keys = (
    StreamReader<String>,
    FutureReader<Result<(), key_value::Error>>,
);

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
    async fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

fn backend<T: 'static>(
    accessor: &Accessor<T, KeyValue>,
    store: &Resource<OpenStore>,
) -> wasmtime::Result<Arc<dyn Backend>> {
    accessor.with(|mut access| access.get().backend(store))
}

impl<T: Send + 'static> key_value::HostStoreWithStore<T> for KeyValue {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> Answer<Resource<OpenStore>> {
        let store = match accessor.with(|mut access| access.get().granted(&label)) {
            Ok(store) => store,
            Err(error) => return Ok(Err(error.into())),
        };
        if let Err(error) = store.backend.open().await {
            return Ok(Err(error.into()));
        }
        let handle = accessor
            .with(|mut access| access.get().push(|_handle| OpenStore { store, _handle }))?;
        Ok(handle.map_err(Into::into))
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
        key: String,
    ) -> Answer<Option<Vec<u8>>> {
        Ok(backend(accessor, &store)?
            .get(&key)
            .await
            .map_err(Into::into))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        Ok(backend(accessor, &store)?
            .set_many(vec![(key, value)])
            .await
            .map_err(Into::into))
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
        key: String,
    ) -> Answer<()> {
        Ok(backend(accessor, &store)?
            .delete_many(vec![key])
            .await
            .map_err(Into::into))
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
        key: String,
    ) -> Answer<bool> {
        Ok(backend(accessor, &store)?
            .exists(&key)
            .await
            .map_err(Into::into))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
    ) -> wasmtime::Result<Keys> {
        let (end, ended) = oneshot::channel();
        let stream = KeyStream::new(backend(accessor, &store)?, end);
        // A guest that drops the stream early has read all that it wanted.
        let ended = async { Ok::<_, wasmtime::Error>(ended.await.unwrap_or(Ok(()))) };
        accessor.with(|mut access| {
            Ok((
                StreamReader::new(&mut access, stream)?,
                FutureReader::new(&mut access, ended)?,
            ))
        })
    }
}

/// The keys of a store as a stream. Holds one page at a time.
struct KeyStream {
    backend: Arc<dyn Backend>,
    /// The next page; `None` after the last one.
    page: Option<BoxFuture<'static, Result<KeyPage, Error>>>,
    end: Option<oneshot::Sender<Result<(), key_value::Error>>>,
}

impl KeyStream {
    fn new(
        backend: Arc<dyn Backend>,
        end: oneshot::Sender<Result<(), key_value::Error>>,
    ) -> KeyStream {
        KeyStream {
            page: Some(page(Arc::clone(&backend), None)),
            backend,
            end: Some(end),
        }
    }

    fn finish(
        &mut self,
        result: Result<(), key_value::Error>,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if let Some(end) = self.end.take() {
            let _ = end.send(result);
        }
        Poll::Ready(Ok(StreamResult::Dropped))
    }
}

fn page(
    backend: Arc<dyn Backend>,
    cursor: Option<String>,
) -> BoxFuture<'static, Result<KeyPage, Error>> {
    async move { backend.keys_page(cursor.as_deref()).await }.boxed()
}

impl<D: 'static> StreamProducer<D> for KeyStream {
    type Item = String;
    type Buffer = VecBuffer<String>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, String, VecBuffer<String>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // A read of no items only asks whether items may come.
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        loop {
            let Some(next) = self.page.as_mut() else {
                return self.finish(Ok(()));
            };
            match next.poll_unpin(context) {
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => {
                    self.page = None;
                    return self.finish(Err(error.into()));
                }
                Poll::Ready(Ok(KeyPage { keys, cursor })) => {
                    let has_keys = !keys.is_empty();
                    if has_keys {
                        destination.set_buffer(keys.into());
                    }
                    self.page = cursor.map(|cursor| page(Arc::clone(&self.backend), Some(cursor)));
                    // The end is told by the next call: this one's keys may not all be taken yet.
                    if has_keys {
                        return Poll::Ready(Ok(StreamResult::Completed));
                    }
                }
            }
        }
    }
}
