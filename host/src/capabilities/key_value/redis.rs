//! The backend on a Redis server that the operator names in the runtime config (`type = "redis"`).
//! Keys are the server's own, as Spin has them, so several labels with one URL share them.

#[cfg(test)]
mod tests;

use futures::future::FutureExt;
use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, FromRedisValue, RedisError, cmd};
use tokio::sync::Mutex;

use super::{Answer, Backend, CasVersion, Error, KeyPage};
use crate::storage::key_value::RESULT_BYTES_MAX;

/// Keys that one `SCAN` looks at, and that one `MGET` reads.
const SCAN_COUNT: u32 = 1000;
const GET_COUNT: usize = 16;

/// The digest by which a swap knows whether the value has changed; the server makes it, so that a
/// handle need not keep the value.
const VERSION: &str =
    "local v = redis.call('GET', KEYS[1]) if v then return redis.sha1hex(v) end return false";
const CURRENT: &str = "local v = redis.call('GET', KEYS[1]) \
    if v then return {v, redis.sha1hex(v)} end return {false, false}";
const SWAP: &str = "local v = redis.call('GET', KEYS[1]) local d = '' \
    if v then d = redis.sha1hex(v) end if d ~= ARGV[1] then return 0 end \
    redis.call('SET', KEYS[1], ARGV[2]) return 1";

/// A Redis server.
pub struct Redis {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Redis {
    /// On the server at `url` (`redis://…`), which is first connected to at the first use. An
    /// error says what is wrong with the URL.
    pub fn new(url: &str) -> Result<Redis, RedisError> {
        Ok(Redis {
            client: Client::open(url)?,
            connection: Mutex::default(),
        })
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = &*kept {
            return Ok(connection.clone());
        }
        let connection = self.client.get_multiplexed_async_connection().await?;
        *kept = Some(connection.clone());
        Ok(connection)
    }

    async fn query<T: FromRedisValue>(&self, command: Cmd) -> Result<T, Error> {
        let mut connection = self.connect().await.map_err(public)?;
        let result = command.query_async(&mut connection).await;
        if let Err(error) = &result
            && error.is_unrecoverable_error()
        {
            // The next command connects anew; this one may have been done, so it is not repeated.
            *self.connection.lock().await = None;
        }
        result.map_err(public)
    }
}

/// What the server says is for the guest's author; how it is reached is not.
fn public(error: RedisError) -> Error {
    if error.code().is_some() {
        return Error::Other(error.to_string());
    }
    tracing::error!(%error, "a redis key-value store failed");
    Error::Other("the store cannot be reached at present".to_owned())
}

fn script(text: &str, key: &str) -> Cmd {
    let mut command = cmd("EVAL");
    command.arg(text).arg(1).arg(key);
    command
}

impl Backend for Redis {
    fn open(&self) -> Answer<'_, ()> {
        async { self.connect().await.map(drop).map_err(public) }.boxed()
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        self.query(Cmd::get(key)).boxed()
    }

    fn get_many<'a>(&'a self, keys: &'a [String]) -> Answer<'a, Vec<Option<Vec<u8>>>> {
        async move {
            let mut all: Vec<Option<Vec<u8>>> = Vec::new();
            let mut bytes = 0;
            for some in keys.chunks(GET_COUNT) {
                let values: Vec<Option<Vec<u8>>> = self.query(Cmd::mget(some)).await?;
                bytes += size_of_val(values.as_slice());
                bytes += values.iter().flatten().map(Vec::len).sum::<usize>();
                if bytes > RESULT_BYTES_MAX {
                    return Err(Error::Other(format!(
                        "the values are more than {RESULT_BYTES_MAX} bytes; read fewer at once"
                    )));
                }
                all.extend(values);
            }
            Ok(all)
        }
        .boxed()
    }

    fn exists<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        self.query(Cmd::exists(key)).boxed()
    }

    fn keys_page<'a>(&'a self, cursor: Option<&'a str>) -> Answer<'a, KeyPage> {
        async move {
            let cursor: u64 = match cursor {
                Some(text) => text
                    .parse()
                    .map_err(|_| Error::Other("the cursor is not one of this store".to_owned()))?,
                None => 0,
            };
            let mut command = cmd("SCAN");
            command.arg(cursor).arg("COUNT").arg(SCAN_COUNT);
            let (next, keys): (u64, Vec<String>) = self.query(command).await?;
            Ok(KeyPage {
                keys,
                cursor: (next != 0).then(|| next.to_string()),
            })
        }
        .boxed()
    }

    fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Answer<'_, ()> {
        async move {
            if entries.is_empty() {
                return Ok(());
            }
            self.query(Cmd::mset(&entries)).await
        }
        .boxed()
    }

    fn delete_many(&self, keys: Vec<String>) -> Answer<'_, ()> {
        async move {
            if keys.is_empty() {
                return Ok(());
            }
            self.query(Cmd::del(keys)).await
        }
        .boxed()
    }

    fn increment(&self, key: String, delta: i64) -> Answer<'_, i64> {
        // Integers are the server's decimal ones, as with Spin, so that its other clients read
        // them.
        async move { self.query(Cmd::incr(key, delta)).await }.boxed()
    }

    fn version<'a>(&'a self, key: &'a str) -> Answer<'a, CasVersion> {
        async move { Ok(CasVersion::Digest(self.query(script(VERSION, key)).await?)) }.boxed()
    }

    fn current<'a>(&'a self, key: &'a str) -> Answer<'a, (Option<Vec<u8>>, CasVersion)> {
        async move {
            let (value, digest) = self.query(script(CURRENT, key)).await?;
            Ok((value, CasVersion::Digest(digest)))
        }
        .boxed()
    }

    fn swap(&self, key: String, expected: CasVersion, value: Vec<u8>) -> Answer<'_, bool> {
        async move {
            let CasVersion::Digest(digest) = expected else {
                return Ok(false);
            };
            let mut command = script(SWAP, &key);
            command.arg(digest.unwrap_or_default()).arg(value);
            self.query(command).await
        }
        .boxed()
    }
}
