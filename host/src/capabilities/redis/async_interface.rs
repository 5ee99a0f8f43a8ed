//! `spin:redis@3.0.0`: the commands as async functions, several of which may run at once.

use redis::{Cmd, Value, cmd};
use wasmtime::component::{Access, Accessor, Linker, Resource};

use super::connection::Connection;
use super::reply::{self, Item};
use super::{HasRedis, RedisError, RedisView};

mod bindings {
    wasmtime::component::bindgen!({
        path: ["../wit/deps/spin-redis"],
        inline: "package kumiki:redis3; world host { import spin:redis/redis@3.0.0; }",
        imports: { default: store | trappable },
        with: { "spin:redis/redis.connection": crate::capabilities::redis::Connection },
    });
}

pub(super) use bindings::spin::redis::redis as interface;

/// What a function of the interface returns: an error of the interface is a value, not a trap.
type Answer<V> = wasmtime::Result<Result<V, interface::Error>>;

pub(super) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> RedisView<'_>,
) -> wasmtime::Result<()> {
    interface::add_to_linker::<_, HasRedis>(linker, get)
}

/// Sends a command and reads its answer with `read`. The store is free meanwhile.
async fn run<T: Send + 'static, V>(
    accessor: &Accessor<T, HasRedis>,
    connection: Resource<Connection>,
    command: Cmd,
    read: fn(Value) -> Result<V, RedisError>,
) -> Answer<V> {
    let commands = accessor.with(|mut access| -> wasmtime::Result<_> {
        Ok(access.get().table.get(&connection)?.commands())
    })?;
    let answer = commands.run(command).await;
    Ok(answer.and_then(read).map_err(Into::into))
}

impl From<RedisError> for interface::Error {
    fn from(error: RedisError) -> Self {
        match error {
            RedisError::InvalidAddress => Self::InvalidAddress,
            RedisError::TooManyConnections => Self::TooManyConnections,
            RedisError::WrongType => Self::TypeError,
            RedisError::Other(text) => Self::Other(text),
        }
    }
}

impl From<Item> for interface::RedisResult {
    fn from(item: Item) -> Self {
        match item {
            Item::Nil => Self::Nil,
            Item::Status(text) => Self::Status(text),
            Item::Integer(number) => Self::Int64(number),
            Item::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

fn with_parameters(mut command: Cmd, parameters: Vec<interface::RedisParameter>) -> Cmd {
    for parameter in parameters {
        match parameter {
            interface::RedisParameter::Int64(number) => command.arg(number),
            interface::RedisParameter::Binary(bytes) => command.arg(bytes),
        };
    }
    command
}

impl interface::Host for RedisView<'_> {}

impl interface::HostConnection for RedisView<'_> {}

impl<T: Send + 'static> interface::HostConnectionWithStore<T> for HasRedis {
    async fn open(accessor: &Accessor<T, Self>, address: String) -> Answer<Resource<Connection>> {
        let opener = accessor.with(|mut access| access.get().context.opener.clone());
        match opener.open(&address).await {
            Ok(connection) => Ok(Ok(
                accessor.with(|mut access| access.get().table.push(connection))?
            )),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn publish(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        channel: String,
        payload: Vec<u8>,
    ) -> Answer<()> {
        let mut command = cmd("PUBLISH");
        command.arg(channel).arg(payload);
        run(accessor, connection, command, reply::nothing).await
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        key: String,
    ) -> Answer<Option<Vec<u8>>> {
        let mut command = cmd("GET");
        command.arg(key);
        run(accessor, connection, command, reply::payload).await
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        let mut command = cmd("SET");
        command.arg(key).arg(value);
        run(accessor, connection, command, reply::nothing).await
    }

    async fn incr(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        key: String,
    ) -> Answer<i64> {
        let mut command = cmd("INCR");
        command.arg(key);
        run(accessor, connection, command, reply::integer).await
    }

    async fn del(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        keys: Vec<String>,
    ) -> Answer<u32> {
        let mut command = cmd("DEL");
        command.arg(keys);
        run(accessor, connection, command, reply::count).await
    }

    async fn sadd(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let mut command = cmd("SADD");
        command.arg(key).arg(values);
        run(accessor, connection, command, reply::count).await
    }

    async fn smembers(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        key: String,
    ) -> Answer<Vec<String>> {
        let mut command = cmd("SMEMBERS");
        command.arg(key);
        run(accessor, connection, command, reply::texts).await
    }

    async fn srem(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let mut command = cmd("SREM");
        command.arg(key).arg(values);
        run(accessor, connection, command, reply::count).await
    }

    async fn execute(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        command: String,
        parameters: Vec<interface::RedisParameter>,
    ) -> Answer<Vec<interface::RedisResult>> {
        let command = with_parameters(cmd(&command), parameters);
        let answer = run(accessor, connection, command, reply::items).await?;
        Ok(answer.map(|items| items.into_iter().map(Into::into).collect()))
    }

    fn drop(
        mut access: Access<'_, T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<()> {
        access.get().table.delete(connection)?;
        Ok(())
    }
}
