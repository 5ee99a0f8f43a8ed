//! What time brings about: reservations end, and old picks are forgotten.

use kit::store::{Change, StoreError};

use super::picking::Pick;
use super::{ITEMS_AT_ONCE, Stock};
use crate::item::Item;

/// How long it is remembered that an order was picked: no request is repeated so late.
const PICK_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Where the next look for old picks begins.
const CURSOR: &str = "upkeep/cursor";

impl Stock<'_> {
    /// Takes away the reservations that have ended, and tells the others what they do not know yet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn expire(&self) -> Result<(), StoreError> {
        let now_ms = self.host.now_ms();
        for skus in self.all_skus()?.chunks(ITEMS_AT_ONCE) {
            let keys: Vec<String> = skus.iter().map(|sku| super::key(sku)).collect();
            let items: Vec<Option<Item>> = self.store().get_many_json(&keys)?;
            for (sku, item) in skus.iter().zip(items) {
                let Some(item) = item else { continue };
                if item.has_ended_holds(now_ms) {
                    self.change(sku, |item| {
                        Ok::<_, StoreError>(match item {
                            Some(item) => Change::Write(item, ()),
                            None => Change::Keep(()),
                        })
                    })?;
                } else if item.has_news() {
                    self.announce(sku);
                }
            }
        }
        Ok(())
    }

    /// Forgets old picks; looks at a part of the store each time.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget(&self) -> Result<(), StoreError> {
        let cursor: Option<String> = self.store().get_json::<Option<String>>(CURSOR)?.flatten();
        let (mut keys, next) = self.store().keys(cursor.as_deref())?;
        keys.retain(|key| key.starts_with("pick/"));
        let oldest_ms = self.host.now_ms().saturating_sub(PICK_KEPT_MS);
        for keys in keys.chunks(ITEMS_AT_ONCE) {
            let picks: Vec<Option<Pick>> = self.store().get_many_json(keys)?;
            for (key, pick) in keys.iter().zip(picks) {
                if pick.is_some_and(|pick| pick.at_ms < oldest_ms) {
                    self.store().delete(key)?;
                }
            }
        }
        if cursor == next {
            return Ok(());
        }
        self.store().set_json(CURSOR, &next)
    }
}
