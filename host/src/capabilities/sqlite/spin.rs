//! `fermyon:spin/sqlite@2.0.0`, and the functions of `spin:sqlite@3.1.0` that are not `async`.

use rusqlite::types::Value;
use wasmtime::component::{Linker, Resource, ResourceType};

use super::bindings::fermyon::spin::sqlite as v2;
use super::bindings::spin::sqlite::sqlite as v3;
use super::{Error, OpenConnection, QueryResult, SqliteView};

/// Both interfaces have the same types under different names.
macro_rules! convert {
    ($version:ident) => {
        impl From<Error> for $version::Error {
            fn from(error: Error) -> $version::Error {
                match error {
                    Error::NoSuchDatabase => $version::Error::NoSuchDatabase,
                    Error::AccessDenied => $version::Error::AccessDenied,
                    Error::DatabaseFull => $version::Error::DatabaseFull,
                    Error::Io(text) => $version::Error::Io(text),
                }
            }
        }

        impl From<$version::Value> for Value {
            fn from(value: $version::Value) -> Value {
                match value {
                    $version::Value::Integer(number) => Value::Integer(number),
                    $version::Value::Real(number) => Value::Real(number),
                    $version::Value::Text(text) => Value::Text(text),
                    $version::Value::Blob(bytes) => Value::Blob(bytes),
                    $version::Value::Null => Value::Null,
                }
            }
        }

        impl From<Vec<Value>> for $version::RowResult {
            fn from(values: Vec<Value>) -> $version::RowResult {
                let values = values.into_iter().map(|value| match value {
                    Value::Integer(number) => $version::Value::Integer(number),
                    Value::Real(number) => $version::Value::Real(number),
                    Value::Text(text) => $version::Value::Text(text),
                    Value::Blob(bytes) => $version::Value::Blob(bytes),
                    Value::Null => $version::Value::Null,
                });
                $version::RowResult {
                    values: values.collect(),
                }
            }
        }

        impl From<QueryResult> for $version::QueryResult {
            fn from(result: QueryResult) -> $version::QueryResult {
                let rows = result.rows.into_iter().map(Into::into).collect();
                $version::QueryResult {
                    columns: result.columns,
                    rows,
                }
            }
        }

        impl $version::Host for SqliteView<'_> {}
    };
}

convert!(v2);
convert!(v3);

impl v2::HostConnection for SqliteView<'_> {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<OpenConnection>, v2::Error>> {
        Ok(self.open_label(&database).await?.map_err(Into::into))
    }

    async fn execute(
        &mut self,
        connection: Resource<OpenConnection>,
        statement: String,
        parameters: Vec<v2::Value>,
    ) -> wasmtime::Result<Result<v2::QueryResult, v2::Error>> {
        let parameters = parameters.into_iter().map(Into::into).collect();
        let result = self
            .connection(&connection)?
            .execute(statement, parameters, self.context.access)
            .await;
        Ok(result.map(Into::into).map_err(Into::into))
    }

    async fn drop(&mut self, connection: Resource<OpenConnection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl v3::HostConnection for SqliteView<'_> {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<OpenConnection>, v3::Error>> {
        Ok(self.open_label(&database).await?.map_err(Into::into))
    }

    async fn execute(
        &mut self,
        connection: Resource<OpenConnection>,
        statement: String,
        parameters: Vec<v3::Value>,
    ) -> wasmtime::Result<Result<v3::QueryResult, v3::Error>> {
        let parameters = parameters.into_iter().map(Into::into).collect();
        let result = self
            .connection(&connection)?
            .execute(statement, parameters, self.context.access)
            .await;
        Ok(result.map(Into::into).map_err(Into::into))
    }

    async fn last_insert_rowid(
        &mut self,
        connection: Resource<OpenConnection>,
    ) -> wasmtime::Result<i64> {
        Ok(self.connection(&connection)?.last_insert_rowid())
    }

    async fn changes(&mut self, connection: Resource<OpenConnection>) -> wasmtime::Result<u64> {
        Ok(self.connection(&connection)?.changes())
    }

    async fn drop(&mut self, connection: Resource<OpenConnection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

/// Defines `spin:sqlite@3.1.0` without its `async` functions. The generated function defines those
/// too, which an engine without concurrency support refuses.
pub(super) fn add_blocking_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> SqliteView<'_>,
) -> wasmtime::Result<()> {
    use v3::HostConnection;
    type Handle = Resource<OpenConnection>;

    let mut instance = linker.instance("spin:sqlite/sqlite@3.1.0")?;
    let connection = ResourceType::host::<OpenConnection>();
    instance.resource_async("connection", connection, move |mut store, rep| {
        Box::new(async move {
            HostConnection::drop(&mut view(store.data_mut()), Resource::new_own(rep)).await
        })
    })?;
    instance.func_wrap_async(
        "[static]connection.open",
        move |mut store, (database,): (String,)| {
            Box::new(async move {
                Ok((HostConnection::open(&mut view(store.data_mut()), database).await?,))
            })
        },
    )?;
    instance.func_wrap_async(
        "[method]connection.execute",
        move |mut store, (handle, statement, parameters): (Handle, String, Vec<v3::Value>)| {
            Box::new(async move {
                let mut view = view(store.data_mut());
                Ok((HostConnection::execute(&mut view, handle, statement, parameters).await?,))
            })
        },
    )?;
    instance.func_wrap_async(
        "[method]connection.last-insert-rowid",
        move |mut store, (handle,): (Handle,)| {
            Box::new(async move {
                let mut view = view(store.data_mut());
                Ok((HostConnection::last_insert_rowid(&mut view, handle).await?,))
            })
        },
    )?;
    instance.func_wrap_async(
        "[method]connection.changes",
        move |mut store, (handle,): (Handle,)| {
            Box::new(async move {
                Ok((HostConnection::changes(&mut view(store.data_mut()), handle).await?,))
            })
        },
    )
}
