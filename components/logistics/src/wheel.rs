//! The shipments that are under way, by the second in which each is to move: a hashed timing wheel
//! (Varghese and Lauck, 1987) of [`SLOTS`] seconds in the store. What is due in a later round stays
//! in its slot until then, and so does what could not be done in time.
//!
//! A slot has several parts, so that handlers at once seldom meet; one is for the schedule alone,
//! which therefore meets nobody. An entry is a hint: the shipment itself says when it is due.

use kit::store::{Change, KeyValue, StoreError};
use serde::{Deserialize, Serialize};

const SLOTS: u64 = 64;
const PARTS: u64 = 16;
/// The part of the schedule.
const SCHEDULE: u64 = PARTS;
/// How many slots a run looks at: the seconds since a run that may have taken so long.
const SECONDS: u64 = 4;

/// Who adds an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    Handler,
    Schedule,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    pub due_ms: u64,
    pub shipment: String,
}

/// The wheel in a store.
pub struct Wheel<'s> {
    store: &'s dyn KeyValue,
}

/// Entries that are due, each with the key where it stands.
pub type Due = Vec<(String, Entry)>;

impl<'s> Wheel<'s> {
    pub fn new(store: &'s dyn KeyValue) -> Wheel<'s> {
        Wheel { store }
    }

    /// Adds entries, by one write for each part of a slot.
    ///
    /// # Errors
    /// When the store fails.
    pub fn add(&self, hand: Hand, entries: &[Entry]) -> Result<(), StoreError> {
        let mut placed: Vec<(String, &Entry)> = entries
            .iter()
            .map(|entry| (place(hand, entry), entry))
            .collect();
        placed.sort();
        for group in placed.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((key, _)) = group.first() else {
                continue;
            };
            self.store.update(key, |current: Option<Vec<Entry>>| {
                let mut list = current.unwrap_or_default();
                list.extend(group.iter().map(|(_, entry)| (*entry).clone()));
                Ok::<_, StoreError>(Change::Write(list, ()))
            })?;
        }
        Ok(())
    }

    /// What is due now, at most so many. One read, also when there is nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub fn due(&self, now_ms: u64, most: usize) -> Result<Due, StoreError> {
        let now_s = now_ms / 1000;
        let seconds = now_s.saturating_sub(SECONDS - 1)..=now_s;
        let keys: Vec<String> = seconds.flat_map(keys).collect();
        let lists: Vec<Option<Vec<Entry>>> = self.store.get_many_json(&keys)?;
        let entries = keys.into_iter().zip(lists).flat_map(|(key, list)| {
            let list = list.unwrap_or_default().into_iter();
            list.map(move |entry| (key.clone(), entry))
        });
        let due = entries.filter(|(_, entry)| entry.due_ms <= now_ms);
        Ok(due.take(most).collect())
    }

    /// Removes what was due and is done.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove(&self, due: &Due) -> Result<(), StoreError> {
        for group in due.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((key, _)) = group.first() else {
                continue;
            };
            self.store.update(key, |current: Option<Vec<Entry>>| {
                let mut list = current.unwrap_or_default();
                list.retain(|entry| !group.iter().any(|(_, done)| done == entry));
                Ok::<_, StoreError>(Change::Write(list, ()))
            })?;
        }
        Ok(())
    }

    /// The shipments in the wheel, in the order of their ids.
    ///
    /// # Errors
    /// When the store fails.
    pub fn shipments(&self) -> Result<Vec<String>, StoreError> {
        let keys: Vec<String> = (0..SLOTS).flat_map(keys).collect();
        let lists: Vec<Option<Vec<Entry>>> = self.store.get_many_json(&keys)?;
        let entries = lists.into_iter().flatten().flatten();
        let mut shipments: Vec<String> = entries.map(|entry| entry.shipment).collect();
        shipments.sort_unstable();
        shipments.dedup();
        Ok(shipments)
    }
}

fn key(second: u64, part: u64) -> String {
    format!("moving/{}/{part}", second % SLOTS)
}

/// All parts of a second's slot.
fn keys(second: u64) -> impl Iterator<Item = String> {
    (0..=SCHEDULE).map(move |part| key(second, part))
}

/// The first second in which it is due.
fn place(hand: Hand, entry: &Entry) -> String {
    let part = match hand {
        Hand::Schedule => SCHEDULE,
        Hand::Handler => {
            let bytes = entry.shipment.bytes();
            let hash = bytes.fold(0_u64, |hash, byte| {
                hash.wrapping_mul(31).wrapping_add(u64::from(byte))
            });
            hash % PARTS
        }
    };
    key(entry.due_ms.div_ceil(1000), part)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kit::store::memory::Memory;
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

    use super::{Entry, Hand, SLOTS, Wheel};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is added, however long the schedule stands still: each entry comes up once, not
        /// before its time, and at the latest one round after it.
        #[test]
        fn every_entry_comes_up_once(
            entries in vec((0u64..400_000, any::<bool>()), 0..60),
            pauses in vec((0u64..200, 1u64..90), 0..4),
            most in 1usize..40,
        ) {
            let memory = Memory::default();
            let wheel = Wheel::new(&memory);
            let mut waiting = BTreeSet::new();
            for (number, (due_ms, is_schedule)) in entries.into_iter().enumerate() {
                let entry = Entry { due_ms, shipment: format!("s-{number}") };
                let hand = if is_schedule { Hand::Schedule } else { Hand::Handler };
                wheel.add(hand, std::slice::from_ref(&entry)).unwrap();
                waiting.insert(entry);
            }
            prop_assert_eq!(wheel.shipments().unwrap().len(), waiting.len());
            let is_paused = |second: u64| {
                let mut pauses = pauses.iter();
                pauses.any(|(from, length)| (*from..from + length).contains(&second))
            };
            for second in (0..400 + 61 * SLOTS).filter(|second| !is_paused(*second)) {
                let due = wheel.due(second * 1000, most).unwrap();
                prop_assert!(due.len() <= most);
                for (_, entry) in &due {
                    prop_assert!(entry.due_ms <= second * 1000);
                    prop_assert!(waiting.remove(entry), "{entry:?} came up twice");
                }
                wheel.remove(&due).unwrap();
                if waiting.is_empty() {
                    break;
                }
            }
            prop_assert!(waiting.is_empty(), "{waiting:?}");
            prop_assert!(wheel.shipments().unwrap().is_empty());
        }
    }
}
