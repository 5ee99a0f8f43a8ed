//! `fermyon:spin/redis@2.0.0`: the commands as plain functions.

use redis::{Cmd, Value, cmd};
use wasmtime::component::{Linker, Resource};

use super::connection::Connection;
use super::reply::{self, Item};
use super::{HasRedis, RedisError, RedisView};

mod bindings {
    wasmtime::component::bindgen!({
        path: ["../wit/deps/fermyon-spin"],
        inline: "package kumiki:redis2; world host { import fermyon:spin/redis@2.0.0; }",
        imports: { default: async | trappable },
        with: { "fermyon:spin/redis.connection": crate::capabilities::redis::Connection },
    });
}

pub(super) use bindings::fermyon::spin::redis as interface;

/// What a function of the interface returns: an error of the interface is a value, not a trap.
type Answer<V> = wasmtime::Result<Result<V, interface::Error>>;

pub(super) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> RedisView<'_>,
) -> wasmtime::Result<()> {
    interface::add_to_linker::<_, HasRedis>(linker, get)
}

impl RedisView<'_> {
    /// Sends a command and reads its answer with `read`.
    async fn run<V>(
        &mut self,
        connection: Resource<Connection>,
        command: Cmd,
        read: fn(Value) -> Result<V, RedisError>,
    ) -> Answer<V> {
        let commands = self.table.get(&connection)?.commands();
        let answer = commands.run(command).await;
        Ok(answer.and_then(read).map_err(Into::into))
    }
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

impl interface::HostConnection for RedisView<'_> {
    async fn open(&mut self, address: String) -> Answer<Resource<Connection>> {
        match self.context.opener.clone().open(&address).await {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn publish(
        &mut self,
        connection: Resource<Connection>,
        channel: String,
        payload: Vec<u8>,
    ) -> Answer<()> {
        let mut command = cmd("PUBLISH");
        command.arg(channel).arg(payload);
        self.run(connection, command, reply::nothing).await
    }

    async fn get(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> Answer<Option<Vec<u8>>> {
        let mut command = cmd("GET");
        command.arg(key);
        self.run(connection, command, reply::payload).await
    }

    async fn set(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        let mut command = cmd("SET");
        command.arg(key).arg(value);
        self.run(connection, command, reply::nothing).await
    }

    async fn incr(&mut self, connection: Resource<Connection>, key: String) -> Answer<i64> {
        let mut command = cmd("INCR");
        command.arg(key);
        self.run(connection, command, reply::integer).await
    }

    async fn del(&mut self, connection: Resource<Connection>, keys: Vec<String>) -> Answer<u32> {
        let mut command = cmd("DEL");
        command.arg(keys);
        self.run(connection, command, reply::count).await
    }

    async fn sadd(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let mut command = cmd("SADD");
        command.arg(key).arg(values);
        self.run(connection, command, reply::count).await
    }

    async fn smembers(
        &mut self,
        connection: Resource<Connection>,
        key: String,
    ) -> Answer<Vec<String>> {
        let mut command = cmd("SMEMBERS");
        command.arg(key);
        self.run(connection, command, reply::texts).await
    }

    async fn srem(
        &mut self,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let mut command = cmd("SREM");
        command.arg(key).arg(values);
        self.run(connection, command, reply::count).await
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        command: String,
        parameters: Vec<interface::RedisParameter>,
    ) -> Answer<Vec<interface::RedisResult>> {
        let command = with_parameters(cmd(&command), parameters);
        let answer = self.run(connection, command, reply::items).await?;
        Ok(answer.map(|items| items.into_iter().map(Into::into).collect()))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}
