//! A store in memory, for tests.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::{Decide, KeyValue, Keys, StoreError};

/// A store in memory, which can be made to fail.
#[derive(Default)]
pub struct Memory {
    /// Each value with the number of the write that wrote it.
    values: RefCell<BTreeMap<String, (u64, Vec<u8>)>>,
    writes: Cell<u64>,
    /// What every call answers, while there is one.
    pub failure: RefCell<Option<StoreError>>,
}

impl Memory {
    fn check(&self) -> Result<(), StoreError> {
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    fn write(&self, key: &str, value: &[u8]) {
        self.writes.set(self.writes.get() + 1);
        let value = (self.writes.get(), value.to_owned());
        self.values.borrow_mut().insert(key.to_owned(), value);
    }

    fn read(&self, key: &str) -> Option<(u64, Vec<u8>)> {
        self.values.borrow().get(key).cloned()
    }

    /// All keys, in their order.
    pub fn all_keys(&self) -> Vec<String> {
        self.values.borrow().keys().cloned().collect()
    }
}

impl KeyValue for Memory {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.check()?;
        Ok(self.read(key).map(|(_, value)| value))
    }

    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.check()?;
        self.write(key, value);
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.check()?;
        self.values.borrow_mut().remove(key);
        Ok(())
    }

    fn keys(&self, _cursor: Option<&str>) -> Result<Keys, StoreError> {
        self.check()?;
        Ok((self.all_keys(), None))
    }

    fn swap(&self, key: &str, change: &mut Decide<'_>) -> Result<bool, StoreError> {
        self.check()?;
        let before = self.read(key);
        let value = change(before.as_ref().map(|(_, value)| value.as_slice()));
        let Some(value) = value else {
            return Ok(true);
        };
        let version = |entry: Option<(u64, Vec<u8>)>| entry.map(|(version, _)| version);
        if version(self.read(key)) != version(before) {
            return Ok(false);
        }
        self.write(key, &value);
        Ok(true)
    }

    fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.check()?;
        let number = self.read(key).and_then(|(_, value)| {
            let text = String::from_utf8(value).ok()?;
            text.parse::<i64>().ok()
        });
        let number = number.unwrap_or(0).wrapping_add(delta);
        self.write(key, number.to_string().as_bytes());
        Ok(number)
    }
}
