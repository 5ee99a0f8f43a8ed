//! Which events of a subscription may be handled now: of each key one, in the order of the log.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::storage::bus::{Death, StoredEvent};

/// Events that are held in memory while they wait; of the others only the position is.
const LOADED_MAX: usize = 256;
const LOADED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An event on its way through a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Its place in the log; of a dead letter that is tried again, its id with a minus.
    pub(super) position: i64,
    /// The subscription's event before it.
    pub(super) after: i64,
    /// `None` for one that the log does not have any more, and for a dead letter.
    pub(super) topic_id: Option<i64>,
    pub(super) key: Option<Arc<str>>,
    /// `None` while only its position is remembered.
    pub(super) event: Option<StoredEvent>,
    /// Handler runs so far, also of earlier runs of the host.
    pub(super) attempts: u32,
    /// That it is to be put aside, which could not be stored yet.
    pub(super) death: Option<Death>,
}

impl Item {
    /// Whether it is a dead letter that is tried again.
    pub(super) fn dead_letter(&self) -> Option<i64> {
        (self.position < 0).then_some(-self.position)
    }

    fn bytes(&self) -> usize {
        let bytes = |event: &StoredEvent| event.attributes.len() + event.data.len();
        self.event.as_ref().map_or(0, bytes)
    }
}

/// The events that were read and are not settled, apart from those that run or pause.
#[derive(Default)]
pub(super) struct Lines {
    ready: VecDeque<Item>,
    /// Behind the event of a key that is ready, runs or pauses: its successors.
    behind: HashMap<Arc<str>, VecDeque<Item>>,
    behind_count: usize,
    loaded: usize,
    loaded_bytes: usize,
}

impl Lines {
    /// Takes an event that was read from the log.
    pub(super) fn push(&mut self, mut item: Item) {
        let Some(key) = item.key.clone() else {
            return self.make_ready(item);
        };
        match self.behind.get_mut(&key) {
            None => {
                self.behind.insert(key, VecDeque::new());
                self.make_ready(item);
            }
            Some(line) => {
                if self.loaded >= LOADED_MAX || self.loaded_bytes >= LOADED_BYTES_MAX {
                    item.event = None;
                } else if item.event.is_some() {
                    self.loaded += 1;
                    self.loaded_bytes += item.bytes();
                }
                self.behind_count += 1;
                line.push_back(item);
            }
        }
    }

    fn make_ready(&mut self, item: Item) {
        self.ready.push_back(item);
    }

    /// The next event that may be handled. Its key is taken until [`Lines::release`].
    pub(super) fn next(&mut self) -> Option<Item> {
        self.ready.pop_front()
    }

    /// An event whose pause is over goes before the others.
    pub(super) fn resume(&mut self, item: Item) {
        self.ready.push_front(item);
    }

    /// The event of this key is settled: the next one may follow.
    pub(super) fn release(&mut self, key: Option<&Arc<str>>) {
        let Some(key) = key else {
            return;
        };
        let Some(next) = self.behind.get_mut(key).and_then(VecDeque::pop_front) else {
            self.behind.remove(key);
            return;
        };
        self.behind_count -= 1;
        if next.event.is_some() {
            self.loaded -= 1;
            self.loaded_bytes = self.loaded_bytes.saturating_sub(next.bytes());
        }
        self.make_ready(next);
    }

    /// Events that may be handled at once.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Events that wait for others of their key.
    pub(super) fn behind(&self) -> usize {
        self.behind_count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(position: i64, key: Option<u8>) -> Item {
        Item {
            position,
            after: position - 1,
            topic_id: Some(1),
            key: key.map(|key| key.to_string().into()),
            event: Some(StoredEvent {
                position,
                topic_id: 1,
                topic: "a".into(),
                stored_ms: 0,
                key: key.map(|key| key.to_string()),
                attributes: String::new(),
                data: vec![0; 20_000],
            }),
            attempts: 0,
            death: None,
        }
    }

    proptest! {
        /// Whatever order events are settled in: of each key one is out at a time, in order, and
        /// all come out.
        #[test]
        fn one_of_each_key_in_order(
            keys in prop::collection::vec(prop::option::of(0u8..4), 1..600),
            choices in prop::collection::vec(any::<prop::sample::Index>(), 700),
        ) {
            let mut lines = Lines::default();
            for (index, key) in keys.iter().enumerate() {
                lines.push(item(index as i64, *key));
            }
            let mut out: Vec<Item> = Vec::new();
            let mut last: HashMap<Arc<str>, i64> = HashMap::new();
            let mut seen = 0;
            let mut choices = choices.into_iter();
            loop {
                while let Some(item) = lines.next() {
                    if let Some(key) = &item.key {
                        prop_assert!(out.iter().all(|other| other.key.as_ref() != Some(key)));
                        let before = last.insert(key.clone(), item.position);
                        prop_assert!(before.is_none_or(|before| before < item.position));
                    }
                    seen += 1;
                    out.push(item);
                }
                if out.is_empty() {
                    break;
                }
                let choice = choices.next().map_or(0, |choice| choice.index(out.len()));
                let settled = out.swap_remove(choice);
                lines.release(settled.key.as_ref());
            }
            prop_assert_eq!(seen, keys.len());
            prop_assert_eq!((lines.behind(), lines.loaded, lines.loaded_bytes), (0, 0, 0));
            prop_assert!(lines.behind.is_empty());
        }
    }
}
