//! The `async` functions of `spin:sqlite@3.1.0`: a guest may have many under way, and rows come as
//! a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rusqlite::types::Value;
use tokio::sync::mpsc;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, Destination, FutureReader, Resource, StreamProducer, StreamReader, StreamResult,
    VecBuffer,
};

use super::bindings::spin::sqlite::sqlite::{
    Error as GuestError, HostConnectionWithStore, RowResult, Value as GuestValue,
};
use super::{Connection, Error, OpenConnection, Sqlite};

type Answer<T> = wasmtime::Result<Result<T, GuestError>>;
type Rows = (
    Vec<String>,
    StreamReader<RowResult>,
    FutureReader<Result<(), GuestError>>,
);

fn connection<T: 'static>(
    accessor: &Accessor<T, Sqlite>,
    handle: &Resource<OpenConnection>,
) -> wasmtime::Result<Arc<dyn Connection>> {
    accessor.with(|mut access| access.get().connection(handle))
}

impl<T: Send + 'static> HostConnectionWithStore<T> for Sqlite {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> Answer<Resource<OpenConnection>> {
        let granted = accessor.with(|mut access| {
            let view = access.get();
            Ok((view.granted(&database)?, Arc::clone(&view.context.deadline)))
        });
        let (backend, deadline) = match granted {
            Ok(granted) => granted,
            Err(error) => return Ok(Err(Error::into(error))),
        };
        match backend.connect(deadline).await {
            Ok(connection) => {
                let handle = accessor.with(|mut access| access.get().push(connection))?;
                Ok(handle.map_err(Into::into))
            }
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        handle: Resource<OpenConnection>,
        statement: String,
        parameters: Vec<GuestValue>,
    ) -> Answer<Rows> {
        let connection = connection(accessor, &handle)?;
        let access = accessor.with(|mut access| access.get().context.access);
        let parameters = parameters.into_iter().map(Into::into).collect();
        let stream = match connection.stream(statement, parameters, access).await {
            Ok(stream) => stream,
            Err(error) => return Ok(Err(error.into())),
        };
        let end = stream.end;
        let end = async {
            // No answer means that the host ends, and the guest with it.
            Ok::<_, wasmtime::Error>(end.await.unwrap_or(Ok(())).map_err(Into::into))
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, RowProducer { rows: stream.rows })?;
            let end = FutureReader::new(&mut access, end)?;
            Ok(Ok((stream.columns, rows, end)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        handle: Resource<OpenConnection>,
    ) -> wasmtime::Result<i64> {
        Ok(connection(accessor, &handle)?.last_insert_rowid())
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        handle: Resource<OpenConnection>,
    ) -> wasmtime::Result<u64> {
        Ok(connection(accessor, &handle)?.changes())
    }
}

/// The rows of a statement as a stream of the component model.
struct RowProducer {
    rows: mpsc::Receiver<Vec<Value>>,
}

impl<D: 'static> StreamProducer<D> for RowProducer {
    type Item = RowResult;
    type Buffer = VecBuffer<RowResult>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, RowResult, VecBuffer<RowResult>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // A read of no items only asks whether items may come.
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let row = match self.rows.poll_recv(context) {
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            row => ready!(row),
        };
        let Some(row) = row else {
            return Poll::Ready(Ok(StreamResult::Dropped));
        };
        let mut rows = vec![RowResult::from(row)];
        while let Ok(row) = self.rows.try_recv() {
            rows.push(row.into());
        }
        destination.set_buffer(rows.into());
        Poll::Ready(Ok(StreamResult::Completed))
    }
}
