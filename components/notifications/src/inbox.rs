//! The messages that a user keeps: the newest [`MESSAGES_MAX`], each once, in one value.

use kit::store::{Change, KeyValue, StoreError};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// Older messages give way to newer ones.
pub const MESSAGES_MAX: usize = 200;

/// A message in an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    #[serde(flatten)]
    pub message: Message,
    pub read: bool,
}

/// A part of an inbox, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page {
    pub messages: Vec<Entry>,
    /// In the whole inbox.
    pub unread: usize,
    pub next: Option<String>,
}

/// Puts a message at its time's place, unless it is there. One that is older than all of a full
/// inbox has been there before.
///
/// # Errors
/// When the store fails.
pub fn add(store: &dyn KeyValue, user: &str, message: &Message) -> Result<(), StoreError> {
    store.update(&key(user), |entries: Option<Vec<Entry>>| {
        let mut entries = entries.unwrap_or_default();
        if entries.iter().any(|entry| entry.message.id == message.id) {
            return Ok(Change::Keep(()));
        }
        let place = entries.partition_point(|entry| entry.message.at <= message.at);
        let entry = Entry {
            message: message.clone(),
            read: false,
        };
        entries.insert(place, entry);
        entries.drain(..entries.len().saturating_sub(MESSAGES_MAX));
        Ok(Change::Write(entries, ()))
    })
}

/// The messages after one, or the newest; after one that has given way there is nothing.
///
/// # Errors
/// When the store fails.
pub fn page(
    store: &dyn KeyValue,
    user: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Page, StoreError> {
    let entries: Vec<Entry> = store.get_json(&key(user))?.unwrap_or_default();
    let unread = entries.iter().filter(|entry| !entry.read).count();
    let mut rest = entries.into_iter().rev();
    if let Some(after) = after {
        rest.find(|entry| entry.message.id == after);
    }
    let messages: Vec<Entry> = rest.by_ref().take(limit).collect();
    let last = messages.last().map(|entry| entry.message.id.clone());
    Ok(Page {
        next: rest.next().and(last),
        messages,
        unread,
    })
}

/// Marks a message as read; false when there is no such message.
///
/// # Errors
/// When the store fails.
pub fn mark_read(store: &dyn KeyValue, user: &str, message: &str) -> Result<bool, StoreError> {
    store.update(&key(user), |entries: Option<Vec<Entry>>| {
        let mut entries = entries.unwrap_or_default();
        let found = entries.iter_mut().find(|entry| entry.message.id == message);
        Ok(match found {
            None => Change::Keep(false),
            Some(entry) if entry.read => Change::Keep(true),
            Some(entry) => {
                entry.read = true;
                Change::Write(entries, true)
            }
        })
    })
}

fn key(user: &str) -> String {
    format!("inbox/{user}")
}

#[cfg(test)]
mod tests {
    use kit::store::KeyValue;
    use kit::store::memory::Memory;
    use kit::time::rfc_3339;

    use super::{MESSAGES_MAX, add, mark_read, page};
    use crate::message::{Kind, Message};

    fn message(number: u64) -> Message {
        Message {
            id: format!("m-{number}"),
            kind: Kind::Order,
            title: "News".to_owned(),
            text: "x".repeat(600),
            link: None,
            at: rfc_3339(number * 1000),
        }
    }

    #[test]
    fn an_inbox_keeps_the_newest_and_each_once() {
        let store = Memory::default();
        let count = MESSAGES_MAX as u64 + 10;
        for number in (0..count).chain(0..count) {
            add(&store, "u", &message(number)).unwrap();
        }
        let all = page(&store, "u", None, usize::MAX).unwrap();
        let ids = all.messages.iter().map(|entry| entry.message.id.clone());
        let newest = (10..count).rev().map(|number| format!("m-{number}"));
        assert!(ids.eq(newest));
        assert_eq!((all.unread, all.next), (MESSAGES_MAX, None));
        let bytes = store.get("inbox/u").unwrap().unwrap().len();
        assert!(bytes < 1024 * 1024, "{bytes}");
    }

    #[test]
    fn pages_follow_each_other() {
        let store = Memory::default();
        for number in 0..5 {
            add(&store, "u", &message(number)).unwrap();
        }
        let mut after: Option<String> = None;
        let mut seen = Vec::new();
        loop {
            let page = page(&store, "u", after.as_deref(), 2).unwrap();
            seen.extend(page.messages.into_iter().map(|entry| entry.message.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["m-4", "m-3", "m-2", "m-1", "m-0"]);
        let gone = page(&store, "u", Some("m-9"), 2).unwrap();
        assert_eq!((gone.messages.len(), gone.next), (0, None));
    }

    #[test]
    fn a_message_is_read_once_and_for_all() {
        let store = Memory::default();
        add(&store, "u", &message(1)).unwrap();
        assert_eq!(mark_read(&store, "u", "m-1"), Ok(true));
        add(&store, "u", &message(1)).unwrap();
        assert_eq!(mark_read(&store, "u", "m-1"), Ok(true));
        assert_eq!(mark_read(&store, "u", "m-2"), Ok(false));
        assert_eq!(mark_read(&store, "v", "m-1"), Ok(false));
        assert_eq!(page(&store, "u", None, 1).unwrap().unread, 0);
    }
}
