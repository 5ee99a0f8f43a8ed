//! The SKUs that there are, for lists of all items. Spread over several values, which are written
//! for a new SKU alone, so that no checkout waits for them.

use kit::store::{Change, StoreError};

use super::Stock;

const SEGMENTS: u8 = 16;

impl Stock<'_> {
    /// Notes a SKU. It is done before its item is made, so that no item is missing in a list.
    pub(super) fn add_to_index(&self, sku: &str) -> Result<(), StoreError> {
        let key = key(segment(sku));
        self.store().update(&key, |skus: Option<Vec<String>>| {
            let mut skus = skus.unwrap_or_default();
            match skus.binary_search_by(|known| known.as_str().cmp(sku)) {
                Ok(_) => Ok(Change::Keep(())),
                Err(position) => {
                    skus.insert(position, sku.to_owned());
                    Ok(Change::Write(skus, ()))
                }
            }
        })
    }

    /// All SKUs, in their order.
    pub(super) fn all_skus(&self) -> Result<Vec<String>, StoreError> {
        let keys: Vec<String> = (0..SEGMENTS).map(key).collect();
        let segments: Vec<Option<Vec<String>>> = self.store().get_many_json(&keys)?;
        let mut skus: Vec<String> = segments.into_iter().flatten().flatten().collect();
        skus.sort_unstable();
        Ok(skus)
    }
}

/// By FNV-1a, which spreads SKUs that differ in their last letter.
fn segment(sku: &str) -> u8 {
    let hash = sku.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let [first, second, third, fourth] = hash.to_le_bytes();
    (first ^ second ^ third ^ fourth) % SEGMENTS
}

fn key(segment: u8) -> String {
    format!("skus/{segment}")
}
