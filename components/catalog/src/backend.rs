//! What the catalog needs of a store: a key-value store with compare-and-swap and a counter. The
//! real one is in `component`; tests use [`memory`].

/// Why the store did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendError {
    /// The service may not use its store, or there is none: the operator must mend the manifest.
    Refused(String),
    /// It failed this time; the text is the store's own.
    Failed(String),
}

/// A value that was read in order to be replaced.
pub trait Swap {
    /// Writes the new value if nothing was written to the key since the read. False: something was.
    fn swap(self: Box<Self>, value: &[u8]) -> Result<bool, BackendError>;
}

/// Keys and a cursor for the next call; no cursor after the last part.
pub type Keys = (Vec<String>, Option<String>);

/// A value, and the way to replace it.
pub type Read<'a> = (Option<Vec<u8>>, Box<dyn Swap + 'a>);

/// The store of one service.
pub trait Backend {
    /// The value of a key.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BackendError>;
    /// The values of several keys that exist, each with its key, in any order.
    fn get_many(&self, keys: Vec<String>) -> Result<Vec<(String, Vec<u8>)>, BackendError>;
    /// Writes a value, whatever stood there.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), BackendError>;
    /// Removes a key; nothing happens when it is absent.
    fn delete(&self, key: &str) -> Result<(), BackendError>;
    /// A part of all keys, in any order.
    fn keys(&self, cursor: Option<String>) -> Result<Keys, BackendError>;
    /// Reads a value that is to be replaced.
    fn read_to_swap(&self, key: &str) -> Result<Read<'_>, BackendError>;
    /// Adds to a counter, which is 0 at first, and returns its new value.
    fn increment(&self, key: &str, delta: i64) -> Result<i64, BackendError>;
}

/// A store in memory for tests, which can be made to fail, or to let another writer in between.
#[cfg(test)]
pub(crate) mod memory {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use super::{Backend, BackendError, Keys, Read, Swap};

    type Interruption = Box<dyn FnOnce(&Memory)>;

    #[derive(Default)]
    pub(crate) struct Memory {
        values: RefCell<BTreeMap<String, (u64, Vec<u8>)>>,
        writes: Cell<u64>,
        pub(crate) failure: RefCell<Option<BackendError>>,
        /// Runs once, just before a swap of this key is decided.
        pub(crate) before_swap: RefCell<Option<(String, Interruption)>>,
    }

    struct MemorySwap<'a> {
        memory: &'a Memory,
        key: String,
        version: Option<u64>,
    }

    impl Memory {
        fn check(&self) -> Result<(), BackendError> {
            self.failure.borrow().clone().map_or(Ok(()), Err)
        }

        fn version(&self, key: &str) -> Option<u64> {
            self.values.borrow().get(key).map(|(version, _)| *version)
        }

        fn interrupt(&self, key: &str) {
            let due = self
                .before_swap
                .borrow()
                .as_ref()
                .is_some_and(|(wanted, _)| wanted == key);
            let interruption = if due {
                self.before_swap.borrow_mut().take()
            } else {
                None
            };
            if let Some((_, run)) = interruption {
                run(self);
            }
        }
    }

    impl Swap for MemorySwap<'_> {
        fn swap(self: Box<Self>, value: &[u8]) -> Result<bool, BackendError> {
            self.memory.interrupt(&self.key);
            if self.memory.version(&self.key) != self.version {
                return Ok(false);
            }
            self.memory.set(&self.key, value).map(|()| true)
        }
    }

    impl Backend for Memory {
        fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BackendError> {
            self.check()?;
            Ok(self
                .values
                .borrow()
                .get(key)
                .map(|(_, value)| value.clone()))
        }

        fn get_many(&self, keys: Vec<String>) -> Result<Vec<(String, Vec<u8>)>, BackendError> {
            let mut found = Vec::new();
            for key in keys.into_iter().rev() {
                if let Some(value) = self.get(&key)? {
                    found.push((key, value));
                }
            }
            Ok(found)
        }

        fn set(&self, key: &str, value: &[u8]) -> Result<(), BackendError> {
            self.check()?;
            self.writes.set(self.writes.get() + 1);
            let entry = (self.writes.get(), value.to_vec());
            self.values.borrow_mut().insert(key.to_owned(), entry);
            Ok(())
        }

        fn delete(&self, key: &str) -> Result<(), BackendError> {
            self.check()?;
            self.values.borrow_mut().remove(key);
            Ok(())
        }

        /// Three keys at a time, in the order of their texts, which is not that of the ids.
        fn keys(&self, cursor: Option<String>) -> Result<Keys, BackendError> {
            self.check()?;
            let values = self.values.borrow();
            let after = cursor.unwrap_or_default();
            let mut keys: Vec<_> = values.keys().filter(|key| **key > after).cloned().collect();
            let has_more = keys.len() > 3;
            keys.truncate(3);
            let cursor = if has_more { keys.last().cloned() } else { None };
            Ok((keys, cursor))
        }

        fn read_to_swap(&self, key: &str) -> Result<Read<'_>, BackendError> {
            let value = self.get(key)?;
            let version = self.version(key);
            Ok((
                value,
                Box::new(MemorySwap {
                    memory: self,
                    key: key.to_owned(),
                    version,
                }),
            ))
        }

        fn increment(&self, key: &str, delta: i64) -> Result<i64, BackendError> {
            let text = self.get(key)?.unwrap_or_default();
            let value = String::from_utf8(text).unwrap().parse().unwrap_or(0) + delta;
            self.set(key, value.to_string().as_bytes())?;
            Ok(value)
        }
    }
}
