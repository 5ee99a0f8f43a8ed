//! A key-value store with compare-and-swap and counters, and JSON values in it. The real one is in
//! `component`; [`memory`] is one in memory.

pub mod memory;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// How often a value that others write too is read and written again before it is given up.
const SWAPS_MAX: usize = 64;

/// Why the store did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The service may not use its store, or there is none: the manifest has to be mended.
    Refused(String),
    /// It failed this time; the text is the store's own.
    Failed(String),
    /// Other writers of this key were faster, many times in a row.
    Contended(String),
    /// What stands under this key is not what this service writes there.
    Damaged(String),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        let busy = "The store is busy. Try again in a moment.";
        match error {
            StoreError::Refused(text) => Problem::internal(&format!("the store: {text}")),
            StoreError::Failed(text) => Problem::unavailable(busy).with_log(text),
            StoreError::Contended(key) => Problem::unavailable(busy).with_log(format!(
                "other writers of `{key}` were faster, {SWAPS_MAX} times"
            )),
            StoreError::Damaged(key) => {
                Problem::internal(&format!("what stands under `{key}` cannot be read"))
            }
        }
    }
}

/// Keys, and the cursor of the next part; none after the last.
pub type Keys = (Vec<String>, Option<String>);

/// What makes a new value of the current one, or nothing.
pub type Decide<'d> = dyn FnMut(Option<&[u8]>) -> Option<Vec<u8>> + 'd;

/// The store of one service.
pub trait KeyValue {
    /// The value of a key.
    ///
    /// # Errors
    /// As all of this trait: when the store fails.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// The values of several keys, in the order of the keys.
    ///
    /// # Errors
    /// As above.
    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Writes a value, whatever stood there.
    ///
    /// # Errors
    /// As above.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Removes a key; nothing happens when it is absent.
    ///
    /// # Errors
    /// As above.
    fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// A part of all keys, in any order. There is no search by prefix: what has to be found again
    /// is listed in a value of its own.
    ///
    /// # Errors
    /// As above.
    fn keys(&self, cursor: Option<&str>) -> Result<Keys, StoreError>;

    /// Reads a value and writes what `change` makes of it, unless it makes nothing. False: someone
    /// wrote to the key in between, and nothing was written.
    ///
    /// # Errors
    /// As above.
    fn swap(&self, key: &str, change: &mut Decide<'_>) -> Result<bool, StoreError>;

    /// Adds to a counter, which is 0 at first, and returns its new value.
    ///
    /// # Errors
    /// As above.
    fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError>;
}

/// What an update does to a value.
pub enum Change<T, R> {
    /// Writes it, and returns.
    Write(T, R),
    /// Leaves what stands there, and returns.
    Keep(R),
}

impl dyn KeyValue + '_ {
    /// The JSON value of a key.
    ///
    /// # Errors
    /// When the store fails or something else stands there.
    pub fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        self.get(key)?.map(|bytes| parse(key, &bytes)).transpose()
    }

    /// The JSON values of several keys, in their order.
    ///
    /// # Errors
    /// As for one.
    pub fn get_many_json<T: DeserializeOwned>(
        &self,
        keys: &[String],
    ) -> Result<Vec<Option<T>>, StoreError> {
        let values = keys.iter().zip(self.get_many(keys)?);
        values
            .map(|(key, value)| value.map(|bytes| parse(key, &bytes)).transpose())
            .collect()
    }

    /// Writes a JSON value.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_json<T: Serialize>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        self.set(key, &bytes(key, value)?)
    }

    /// Reads a JSON value, lets `change` decide, and writes; again when another writer came in
    /// between, so `change` may run several times and must do nothing but decide.
    ///
    /// # Errors
    /// Those of `change`, and of the store.
    pub fn update<T, R, E>(
        &self,
        key: &str,
        mut change: impl FnMut(Option<T>) -> Result<Change<T, R>, E>,
    ) -> Result<R, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<StoreError>,
    {
        for _ in 0..SWAPS_MAX {
            let mut decided: Option<Result<R, E>> = None;
            let is_done = self.swap(key, &mut |current| {
                let mut write = None;
                let result = current
                    .map(|bytes| parse(key, bytes))
                    .transpose()
                    .map_err(E::from)
                    .and_then(&mut change)
                    .and_then(|change| match change {
                        Change::Keep(result) => Ok(result),
                        Change::Write(value, result) => {
                            write = Some(bytes(key, &value)?);
                            Ok(result)
                        }
                    });
                decided = Some(result);
                write
            })?;
            match decided {
                Some(result) if is_done || result.is_err() => return result,
                _ => {}
            }
        }
        Err(StoreError::Contended(key.to_owned()).into())
    }
}

fn parse<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Damaged(format!("{key}: {error}")))
}

fn bytes<T: Serialize>(key: &str, value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Damaged(format!("{key}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::memory::Memory;
    use super::{Change, KeyValue, StoreError};

    #[test]
    fn an_update_that_another_writer_meets_runs_again() {
        let memory = Memory::default();
        let store: &dyn KeyValue = &memory;
        store.set_json("count", &1).unwrap();
        let mut runs = 0;
        let result: Result<u32, StoreError> = store.update("count", |current: Option<u32>| {
            runs += 1;
            if runs == 1 {
                memory.set("count", b"10").unwrap();
            }
            let next = current.unwrap_or(0) + 1;
            Ok(Change::Write(next, next))
        });
        assert_eq!(result, Ok(11));
        assert_eq!(store.get_json("count"), Ok(Some(11)));
    }

    #[test]
    fn an_error_of_the_decision_writes_nothing() {
        let memory = Memory::default();
        let store: &dyn KeyValue = &memory;
        let result: Result<(), StoreError> = store.update("key", |_: Option<u32>| {
            Err(StoreError::Failed("no".to_owned()))
        });
        assert_eq!(result, Err(StoreError::Failed("no".to_owned())));
        assert_eq!(store.get("key"), Ok(None));
    }
}
